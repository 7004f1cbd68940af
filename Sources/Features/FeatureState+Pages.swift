// The state's digest, its memory, and its way to disk and back: one named section for each table.

internal import Configuration
package import Primitives
package import Tables

/// What is neither in rows nor in records.
private struct FeatureScalars: ByteCodable {
  var standardisers: [Moments]
  var counters: FeatureCounters

  func encode(to writer: inout ByteWriter) {
    writer.write(standardisers) { writer, moments in
      writer.write(moments.count)
      writer.write(moments.mean)
      writer.write(moments.squares)
    }
    for value in [
      counters.unknownAttributes, counters.mistypedAttributes, counters.oversizedRecords,
      counters.omittedFeatures,
    ] {
      writer.write(value)
    }
  }

  init(from reader: inout ByteReader) throws(ByteCodecError) {
    standardisers = try reader.readArray(limit: 1 << 16) { reader throws(ByteCodecError) in
      Moments(count: try reader.read(), mean: try reader.read(), squares: try reader.read())
    }
    counters = FeatureCounters()
    counters.unknownAttributes = try reader.read()
    counters.mistypedAttributes = try reader.read()
    counters.oversizedRecords = try reader.read()
    counters.omittedFeatures = try reader.read()
  }

  init(_ state: FeatureState) {
    standardisers = state.standardisers
    counters = state.counters
  }
}

extension FeatureState {
  /// Equal states have equal digests. O(pages changed since the last call).
  package var digest: Digest {
    var digest = Digest(low: 0x66656174)
    for table in groups + histories { digest.append(table.digest) }
    for part in [users.digest, items.digest, userRecords.digest, itemRecords.digest] { digest.append(part) }
    var writer = ByteWriter()
    writer.write(FeatureScalars(self))
    digest.append(Digest(of: writer.bytes))
    return digest
  }

  /// Memory of all tables.
  package var memory: MemoryUse {
    var memory = users.memory + items.memory + userRecords.memory + itemRecords.memory
    for table in groups + histories { memory = memory + table.memory }
    return memory
  }

  /// Writes all, or what changed since `parent`.
  package func write<Sink: PageSink>(to sink: inout Sink, since parent: FeatureState? = nil) throws {
    for (place, table) in (groups + histories).enumerated() {
      let name = "features.table.\(place)"
      if let parent {
        try table.write(to: &sink, name: name, since: (parent.groups + parent.histories)[place])
      } else {
        try table.write(to: &sink, name: name)
      }
    }
    if let parent {
      try users.write(to: &sink, name: "features.users", since: parent.users)
      try items.write(to: &sink, name: "features.items", since: parent.items)
      try userRecords.write(to: &sink, name: "features.user_records", since: parent.userRecords)
      try itemRecords.write(to: &sink, name: "features.item_records", since: parent.itemRecords)
    } else {
      try users.write(to: &sink, name: "features.users")
      try items.write(to: &sink, name: "features.items")
      try userRecords.write(to: &sink, name: "features.user_records")
      try itemRecords.write(to: &sink, name: "features.item_records")
    }
    try sink.write(name: "features.scalars", FeatureScalars(self))
  }

  /// Reads what `write` wrote for a configuration of the same learned hash.
  package init<Source: PageSource>(_ plan: FeaturePlan, from source: inout Source) throws {
    self.init(plan)
    for place in groups.indices {
      groups[place] = try Self.table(&source, place, like: groups[place])
    }
    for place in histories.indices {
      histories[place] = try Self.table(&source, groups.count + place, like: histories[place])
    }
    users = try InternTable(from: &source, name: "features.users")
    items = try InternTable(from: &source, name: "features.items")
    userRecords = try BlobTable(from: &source, name: "features.user_records")
    itemRecords = try BlobTable(from: &source, name: "features.item_records")
    try readScalars(from: &source)
  }

  private static func table<Source: PageSource>(
    _ source: inout Source, _ place: Int, like empty: PagedTable
  ) throws -> PagedTable {
    let name = "features.table.\(place)"
    let table = try PagedTable(from: &source, name: name)
    guard table.layout == empty.layout else {
      throw PageStreamError.malformed(section: name, what: "rows of another configuration")
    }
    return table
  }

  private mutating func readScalars<Source: PageSource>(from source: inout Source) throws {
    let scalars = try source.read(name: "features.scalars", FeatureScalars.self)
    guard scalars.standardisers.count == plan.standardisers else {
      throw PageStreamError.malformed(section: "features.scalars", what: "numbers of another configuration")
    }
    (standardisers, counters) = (scalars.standardisers, scalars.counters)
  }
}
