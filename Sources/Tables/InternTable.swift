// Names (of users, items, categories) to small numbers and back. Two names never share a number: a hash finds
// the candidate, the bytes decide, and a name whose hash is taken by another one tries the next seed.

package import Primitives

package struct InternTable: Sendable {
  /// Row: handle (2 words), length. The row's id is the ordinal.
  private var table: PagedTable
  private var heap = BlobHeap()
  /// Seeds in use: 1, but for names whose hashes collide.
  private var seeds: UInt64 = 1

  /// The longest name.
  package static let maximumBytes = BlobHeap.maximumBytes

  package init() { table = PagedTable(layout: TableLayout(weights: 3, rowsPerPage: 16)) }

  package var count: Int { table.rowCount }
  /// One more than the largest ordinal ever given out.
  package var limit: Int { table.withReader { $0.limit } }

  /// The name's ordinal, a new one if it has none; nil if the name is longer than `maximumBytes`. An ordinal
  /// whose name was removed is given out again.
  package mutating func intern(_ name: UnsafeRawBufferPointer, now: UInt32 = 1) -> UInt32? {
    if let ordinal = find(name) { return ordinal }
    guard name.count <= Self.maximumBytes else { return nil }
    var seed: UInt64 = 0
    while table.contains(StableHash.of(name, seed: seed)) { seed += 1 }
    seeds = max(seeds, seed + 1)
    let handle = heap.allocate(name)
    table.prepare(now: now)
    return table.withWriter { writer in
      guard let id = writer.findOrInsert(StableHash.of(name, seed: seed)) else { return nil }
      let row = UnsafeMutableRawPointer(writer.weights(id))
      row.storeBytes(of: UInt32(truncatingIfNeeded: handle), as: UInt32.self)
      row.storeBytes(of: UInt32(handle >> 32), toByteOffset: 4, as: UInt32.self)
      row.storeBytes(of: UInt32(name.count), toByteOffset: 8, as: UInt32.self)
      return id.rawValue
    }
  }

  /// Asks for the memory that `intern` of this name needs first.
  package func expect(_ name: UnsafeRawBufferPointer) {
    table.withReader { $0.prefetchIndex(StableHash.of(name, seed: 0)) }
  }

  package mutating func intern(_ name: String, now: UInt32 = 1) -> UInt32? {
    var name = name
    return name.withUTF8 { intern(UnsafeRawBufferPointer($0), now: now) }
  }

  /// The name's ordinal, nil if it has none.
  package func find(_ name: UnsafeRawBufferPointer) -> UInt32? {
    for seed in 0..<seeds {
      guard let id = table.find(StableHash.of(name, seed: seed)) else { continue }
      if withBytes(of: id.rawValue, { $0.map { $0.elementsEqual(name) } }) == true { return id.rawValue }
    }
    return nil
  }

  package func find(_ name: String) -> UInt32? {
    var name = name
    return name.withUTF8 { find(UnsafeRawBufferPointer($0)) }
  }

  /// The bytes of the ordinal's name, nil if it has none; valid until `body` returns.
  package func withBytes<Result>(
    of ordinal: UInt32, _ body: (UnsafeRawBufferPointer?) throws -> Result
  ) rethrows -> Result {
    guard let (handle, count) = location(ordinal) else { return try body(nil) }
    return try withExtendedLifetime(heap) {
      try body(UnsafeRawBufferPointer(start: heap.address(handle), count: count))
    }
  }

  package func string(of ordinal: UInt32) -> String? {
    withBytes(of: ordinal) { $0.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Forgets the name; its ordinal will be given to another.
  @discardableResult
  package mutating func remove(_ ordinal: UInt32) -> Bool {
    guard let (handle, _) = location(ordinal) else { return false }
    heap.free(handle)
    return table.remove(table.key(of: RowID(ordinal)))
  }

  /// All ordinals with their names, in order.
  package func forEach(_ body: (_ ordinal: UInt32, _ name: UnsafeRawBufferPointer) -> Void) {
    table.forEachRow { id, _, _, row, _ in
      let (handle, count) = Self.location(row)
      body(id.rawValue, UnsafeRawBufferPointer(start: heap.address(handle), count: count))
    }
  }

  private func location(_ ordinal: UInt32) -> (handle: BlobHeap.Handle, count: Int)? {
    table.withReader { reader in
      guard Int(ordinal) < reader.limit, reader.lastSeen(of: RowID(ordinal)) != 0 else { return nil }
      return Self.location(reader.weights(RowID(ordinal)))
    }
  }

  private static func location(_ row: UnsafePointer<Float>) -> (handle: BlobHeap.Handle, count: Int) {
    let row = UnsafeRawPointer(row)
    let handle =
      UInt64(row.load(as: UInt32.self)) | UInt64(row.load(fromByteOffset: 4, as: UInt32.self)) << 32
    return (handle, Int(row.load(fromByteOffset: 8, as: UInt32.self)))
  }

  package var digest: Digest {
    var digest = table.digest
    digest.append(heap.digest)
    digest.append(Digest(low: seeds))
    return digest
  }

  package var memory: MemoryUse { table.memory + heap.memory }
  // MARK: Streams

  package func write<Sink: PageSink>(to sink: inout Sink, name: String) throws {
    try table.write(to: &sink, name: name)
    try heap.write(to: &sink, name: name + ".bytes")
    try writeSeeds(to: &sink, name)
  }

  package func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: InternTable) throws {
    try table.write(to: &sink, name: name, since: parent.table)
    try heap.write(to: &sink, name: name + ".bytes", since: parent.heap)
    try writeSeeds(to: &sink, name)
  }

  private func writeSeeds<Sink: PageSink>(to sink: inout Sink, _ name: String) throws {
    var writer = ByteWriter()
    writer.write(seeds)
    try sink.begin(PageSection(name: name + ".seeds", metadata: writer.bytes))
    try sink.end()
  }

  package init<Source: PageSource>(from source: inout Source, name: String) throws {
    table = try PagedTable(from: &source, name: name)
    try readRest(from: &source, name)
  }

  /// Reads what was written `since` a table equal to this one. When it throws, the table is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    var next = self
    try next.table.apply(from: &source, name: name)
    try next.readRest(from: &source, name)
    self = next
  }

  private mutating func readRest<Source: PageSource>(from source: inout Source, _ name: String) throws {
    try heap.apply(from: &source, name: name + ".bytes")
    var reader = ByteReader(try source.begin(name + ".seeds").metadata)
    guard try source.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == nil else {
      throw PageStreamError.malformed(section: name, what: "pages where none belong")
    }
    seeds = try reader.read()
    var isSound = (1...1024).contains(seeds) && table.layout == TableLayout(weights: 3, rowsPerPage: 16)
    if isSound {
      table.forEachRow { _, _, _, row, _ in
        let (handle, count) = Self.location(row)
        if !heap.contains(handle, bytes: count) { isSound = false }
      }
    }
    guard isSound else { throw PageStreamError.malformed(section: name, what: "a row points nowhere") }
  }
}

extension InternTable: Equatable {
  package static func == (left: InternTable, right: InternTable) -> Bool { left.digest == right.digest }
}
