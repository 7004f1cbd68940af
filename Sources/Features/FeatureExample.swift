// An example for people: every feature with its name, its value and its weight.

internal import Configuration
internal import Primitives
internal import Tables
internal import Wire

/// What a person sees of one example.
package struct FeatureExample: Sendable, CustomStringConvertible {
  /// One sparse feature.
  package struct Feature: Equatable, Sendable {
    /// Name of the template, such as `user_genre`.
    package var name: String
    /// Its values, such as `259 x Comedy`; the number it is multiplied by, if any, stands in `weight`.
    package var value: String
    package var weight: Float
    package var key: UInt64
    package var slot: UInt16
  }

  /// In the example's order, so that contributions computed by place can be joined.
  package var features: [Feature]
  /// Names and numbers of the dense block, in order.
  package var dense: [(name: String, value: Float)]
  package var label: Float?
  package var weight: Float

  /// One feature a line: `name=value, weight`.
  package var description: String {
    var lines = features.map { "\($0.name)=\($0.value), \($0.weight)" }
    lines += dense.map { "\($0.name)=\($0.value)" }
    if let label { lines.append("label=\(label), weight=\(weight)") }
    return lines.joined(separator: "\n")
  }
}

extension FeatureState {
  /// The example's features in words. The example must be of this state, with nothing changed since.
  /// - Parameters:
  ///   - user, item: ids; empty: none.
  ///   - texts: more texts whose hashes may occur, such as those of the context.
  package func describe(_ example: Example, user: String, item: String, texts: [String] = [])
    -> FeatureExample
  {
    // Both hashes are 0 where there is neither.
    var names = [example.userHash: user]
    names[example.itemHash] = item
    for text in texts { names[StableHash.of(text)] = text }
    for event in plan.configuration.events { names[StableHash.of(event.name)] = event.name }
    for record in [userRecords.bytes(of: example.userKey), itemRecords.bytes(of: example.itemKey)] {
      if let record { collect(record, &names) }
    }
    for buffer in [example.requestContext, example.candidateContext, example.userOverride] {
      for text in buffer.describedTexts { names[StableHash.of(text)] = text }
    }
    for history in histories { collect(history, example, &names) }
    for hour in 0..<24 { names[CategoryHash.of(Int64(hour))] = "\(hour)" }
    for scope in [Scope.user, .context, .item] { collect(plan.operations[scope], example, &names) }
    return FeatureExample(
      features: lines(example, names),
      dense: (0..<plan.denseCount).map { (plan.denseNames[$0], example.dense[$0]) },
      label: example.hasLabel ? example.label : nil, weight: example.weight)
  }

  private func collect(_ record: [UInt8], _ names: inout [UInt64: String]) {
    record.withUnsafeBytes { bytes in
      for attribute in EntityRecord.raw(bytes) {
        guard let view = try? AttributeView(attribute) else { continue }
        for text in TextValues.all(of: view) {
          var text = text
          text.withUTF8 { bytes in
            plan.categories.withNormalized(UnsafeRawBufferPointer(bytes)) { spelled in
              names[StableHash.of(spelled)] = String(decoding: bytes, as: UTF8.self)
              guard view.kind == .text || view.kind == .texts else { return }
              Tokens.forEach(in: spelled, minimum: 1) { token in
                names[StableHash.of(UnsafeRawBufferPointer(token))] = String(decoding: token, as: UTF8.self)
              }
            }
          }
        }
      }
    }
  }

  /// The categories that operations made of numbers and of other categories, said as these.
  private func collect(
    _ operations: Constants<Operation>, _ example: Example, _ names: inout [UInt64: String]
  ) {
    for index in 0..<operations.count {
      let operation = operations[index]
      switch operation.code {
      case .session:
        let session = session(Int(operation.a), example)
        names[CategoryHash.of(session)] = "\(session)"
      case .bucketise:
        for bucket in 0...Int64(operation.c) { names[CategoryHash.of(bucket)] = "\(bucket)" }
      case .step:
        let number = example.numbers[Int(operation.b)]
        guard !number.isNaN else { continue }
        let step = Self.step(number, of: plan.boundaries[Int(operation.a)])
        names[CategoryHash.of(step)] = "\(step)"
      case .set:
        let parts = example.categories(operation.b).map { names[$0] ?? Self.unknown($0) }
        for hash in example.categories(operation.out) {
          names[hash] = "{\(parts.sorted().joined(separator: ", "))}"
        }
      default: break
      }
    }
  }

  /// A category of which nothing but its hash is at hand.
  private static func unknown(_ hash: UInt64) -> String { "#" + String(hash, radix: 16) }

  private func collect(_ history: PagedTable, _ example: Example, _ names: inout [UInt64: String]) {
    guard let row = history.weights(of: example.userKey) else { return }
    row.withUnsafeBufferPointer { row in
      guard let base = row.baseAddress else { return }
      var wanted: Set<UInt64> = []
      HistoryRow.forEach(base, length: (row.count - 2) / 2) { wanted.insert($0) }
      func visit(_ ordinal: UInt32, _ name: UnsafeRawBufferPointer) {
        let key = Self.itemKey(name)
        if wanted.contains(key) { names[key] = String(decoding: name, as: UTF8.self) }
      }
      items.forEach(visit)
    }
  }

  /// Walks the templates as `emit` does and gives each feature of the example the values it was made of.
  private func lines(_ example: Example, _ names: [UInt64: String]) -> [FeatureExample.Feature] {
    var labels: [UInt64: String] = [:]
    func text(_ hash: UInt64) -> String { names[hash] ?? Self.unknown(hash) }
    func label(_ seed: UInt64, _ sources: [[UInt64]]) {
      var open: [(key: UInt64, text: String)] = [(seed, "")]
      for values in sources {
        open = open.flatMap { part in
          values.map { hash in
            (
              StableHash.combine(part.key, hash),
              part.text.isEmpty ? text(hash) : "\(part.text) x \(text(hash))"
            )
          }
        }
      }
      for part in open { labels[part.key] = part.text }
    }
    for index in 0..<plan.templates.count {
      let template = plan.templates[index]
      label(
        template.seed,
        (0..<template.registerCount).map { Array(example.categories(template.registers[$0])) })
    }
    for index in 0..<plan.outright.count where plan.outright[index].isExact {
      let template = plan.outright[index]
      label(
        template.seed,
        template.sources.map { [example.fields.pointee.outright.known[Int($0)]] })
    }
    return (0..<example.count).map { index in
      FeatureExample.Feature(
        name: plan.slots[Int(example.slots[index])].name, value: labels[example.keys[index]] ?? "",
        weight: example.values[index], key: example.keys[index], slot: example.slots[index])
    }
  }
}

/// The texts that an attribute's categories are made of.
enum TextValues {
  static func all(of view: AttributeView) -> [String] {
    switch view.kind {
    case .text: return [view.text.string]
    case .texts: return view.texts.map(\.string)
    case .number: return [AttributeText.of(view.number)]
    case .flag: return [view.flag ? "true" : "false"]
    case .numbers, .none: return []
    }
  }
}
