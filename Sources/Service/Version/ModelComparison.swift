// Two models side by side: how many of their pages differ, and which features have moved furthest, by name.

internal import Configuration
internal import EventLog
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Tables
internal import Wire

/// Counts the pages of a model, all tables and optimizers' state included, and those that differ from another's. Small
/// dense arrays, which are always written whole, do not count.
struct PageCount: PageSink {
  private(set) var pages = 0
  private(set) var changed = 0
  private var counts = false

  init(_ model: Model, since other: Model) throws { try model.write(to: &self, since: other) }

  mutating func begin(_ section: PageSection) {
    counts = section.base != nil
    if counts { pages += section.pageCount }
  }

  mutating func write(page: Int, _ bytes: UnsafeRawBufferPointer) { if counts { changed += 1 } }
  mutating func end() {}
}

/// Both models are of one configuration, so that they have the same tables.
struct ModelComparison {
  struct Feature {
    var name: String
    /// First weight of the row; 0 where there is no row.
    var a: Float
    var b: Float
    /// Euclidean, over all weights of the row.
    var distance: Float
  }

  /// Events of the log that are looked at for the names of features.
  private static let eventLimit: UInt64 = 200_000

  let a: Model
  let b: Model

  /// The features whose weights are furthest apart, furthest first.
  /// - Parameter range: where the events stand that came between the two: of those, features have their names.
  func furthest(_ count: Int, _ log: EventLog, _ range: Range<UInt64>) throws -> [Feature] {
    let changes = b.ensemble.changes(since: a.ensemble, limit: count)
    let names = try names(of: Set(changes.rows.map(\.key)), log, range)
    var features = changes.rows.map { row in
      Feature(
        name: "\(row.table) \(names[row.key] ?? String(row.key, radix: 16))", a: row.before ?? 0,
        b: row.after ?? 0, distance: row.distance)
    }
    features += b.ensemble.denseChanges(since: a.ensemble).map { change in
      Feature(
        name: change.name, a: change.before, b: change.after, distance: abs(change.after - change.before))
    }
    return Array(features.filter { $0.distance.isFinite }.sorted { $0.distance > $1.distance }.prefix(count))
  }

  // MARK: Names

  /// Rows are kept by hashes. Those of one id are found in the catalogue, those of templates (crosses, attributes,
  /// context, figures) in the examples of the events that moved them.
  private func names(of keys: Set<UInt64>, _ log: EventLog, _ range: Range<UInt64>) throws -> [UInt64: String]
  {
    guard !keys.isEmpty else { return [:] }
    var names: [UInt64: String] = [:]
    for model in [a, b] {
      func noteUser(_: UInt32, _ name: UnsafeRawBufferPointer) {
        let key = FeatureState.userKey(name)
        if keys.contains(key) { names[key] = "user=\(String(decoding: name, as: UTF8.self))" }
      }
      func noteItem(_: UInt32, _ name: UnsafeRawBufferPointer) {
        let key = FeatureState.itemKey(name)
        if keys.contains(key) { names[key] = "item=\(String(decoding: name, as: UTF8.self))" }
      }
      model.features.users.forEach(noteUser)
      model.features.items.forEach(noteItem)
    }
    let begin = max(
      range.lowerBound, range.upperBound - min(range.upperBound, Self.eventLimit), log.firstOffset)
    let workspace = Workspace(b.plan, b.ensemble)
    let reader = log.reader(from: begin)
    while names.count < keys.count, reader.offset < range.upperBound, let batch = try reader.next() {
      for record in batch where record.offset < range.upperBound && record.kind == RecordKind.event {
        note(record, keys, workspace, &names)
      }
    }
    return names
  }

  private func note(
    _ record: LogRecord, _ keys: Set<UInt64>, _ workspace: Workspace, _ names: inout [UInt64: String]
  ) {
    guard !record.isTombstone, let event = try? EventView(record.payload), event.kind == .interaction
    else { return }
    let example = workspace.example
    let time = event.timeNanos != 0 ? event.timeNanos : record.timeNanos
    guard b.features.makeExample(event, timeNanos: time, into: example),
      (0..<example.count).contains(where: {
        keys.contains(example.keys[$0]) && names[example.keys[$0]] == nil
      })
    else { return }
    let described = b.features.describe(
      example, user: event.user.string, item: event.item.string,
      texts: event.attributes.flatMap { attribute -> [String] in
        switch attribute.kind {
        case .text: [attribute.text.string]
        case .texts: attribute.texts.map(\.string)
        case .number, .numbers, .flag, .none: []
        }
      })
    for feature in described.features where keys.contains(feature.key) {
      names[feature.key] = "\(feature.name)=\(feature.value)"
    }
  }
}
