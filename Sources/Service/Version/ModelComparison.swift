// Two models side by side: which pages differ, and which features have moved furthest.

internal import Configuration
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Tables

/// Both models are of one configuration, so that they have the same tables.
struct ModelComparison {
  /// A feature's rows in both.
  struct Feature {
    var name: String
    /// First weight of the row; 0 where there is no row.
    var a: Float
    var b: Float
    /// Euclidean, over all weights of the row.
    var distance: Float
  }

  private struct Pair {
    var name: String
    var a: PagedTable
    var b: PagedTable
  }

  private let pairs: [Pair]
  private let names: KeyNames
  let pages: Int
  let changedPages: Int

  init(_ a: Model, _ b: Model) {
    var tables: [(String, PagedTable)] = []
    a.ensemble.forEachTable { tables.append(($0, $1)) }
    var others: [PagedTable] = []
    b.ensemble.forEachTable { others.append($1) }
    pairs = zip(tables, others).map { Pair(name: $0.0, a: $0.1, b: $1) }
    names = KeyNames(a, b)
    pages = pairs.reduce(0) { $0 + max($1.a.pageCount, $1.b.pageCount) }
    changedPages = pairs.reduce(0) { $0 + $1.b.differingPages(from: $1.a).count }
  }

  /// The features whose rows are furthest apart, furthest first. Reads the rows of the pages that differ.
  func furthest(_ count: Int) -> [Feature] {
    var found: [(key: UInt64, table: Int, feature: Feature)] = []
    for (place, pair) in pairs.enumerated() where !pair.name.hasSuffix(".histories") {
      visit(pair) { key, a, b in
        let distance = Self.distance(a, b)
        guard distance > 0, distance.isFinite else { return }
        let feature = Feature(
          name: "", a: a?.first ?? 0, b: b?.first ?? 0, distance: distance)
        found.append((key, place, feature))
        if found.count >= count * 4 + 1_024 { Self.prune(&found, to: count) }
      }
    }
    Self.prune(&found, to: count)
    return found.map { entry in
      var feature = entry.feature
      feature.name = "\(pairs[entry.table].name) \(names[entry.key])"
      return feature
    }
  }

  /// Ties go to the smaller key, so that the answer is the same each time.
  private static func prune(_ found: inout [(key: UInt64, table: Int, feature: Feature)], to count: Int) {
    found.sort {
      ($1.feature.distance, $0.table, $0.key) < ($0.feature.distance, $1.table, $1.key)
    }
    if found.count > count { found.removeLast(found.count - count) }
  }

  /// Each key of the pages that differ, with its rows.
  private func visit(_ pair: Pair, _ body: (UInt64, [Float]?, [Float]?) -> Void) {
    let differing = Set(pair.b.differingPages(from: pair.a))
    guard !differing.isEmpty else { return }
    let rowsPerPage = pair.a.layout.rowsPerPage
    let width = pair.a.layout.weights
    func isChanged(_ id: RowID) -> Bool { differing.contains(Int(id.rawValue) / rowsPerPage) }
    pair.b.forEachRow { id, key, _, weights, _ in
      guard isChanged(id) else { return }
      body(key, pair.a.weights(of: key), Array(UnsafeBufferPointer(start: weights, count: width)))
    }
    pair.a.forEachRow { id, key, _, weights, _ in
      guard isChanged(id), !pair.b.contains(key) else { return }
      body(key, Array(UnsafeBufferPointer(start: weights, count: width)), nil)
    }
  }

  private static func distance(_ a: [Float]?, _ b: [Float]?) -> Float {
    let width = max(a?.count ?? 0, b?.count ?? 0)
    var sum: Float = 0
    for place in 0..<width {
      let difference = (a?[place] ?? 0) - (b?[place] ?? 0)
      sum += difference * difference
    }
    return sum.squareRoot()
  }
}

/// Names for the keys of features that are one id: the others are hashes of several, and stay hexadecimal.
struct KeyNames {
  private var names: [UInt64: String] = [:]

  init(_ a: Model, _ b: Model) {
    for model in [a, b] {
      model.features.users.forEach { _, name in note("user", FeatureState.userKey(name), name) }
      model.features.items.forEach { _, name in note("item", FeatureState.itemKey(name), name) }
    }
  }

  private mutating func note(_ kind: String, _ key: UInt64, _ name: UnsafeRawBufferPointer) {
    names[key] = "\(kind)=\(String(decoding: name, as: UTF8.self))"
  }

  subscript(key: UInt64) -> String {
    names[key] ?? String(key, radix: 16)
  }
}
