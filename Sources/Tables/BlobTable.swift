// From keys to runs of bytes: attributes of users and items. A `PagedTable` whose rows say where the bytes lie.

package import Primitives

package struct BlobTable: Sendable {
  /// Row: handle (2 words), length.
  private var table: PagedTable
  private var heap = BlobHeap()

  /// The longest run that can be kept.
  package static let maximumBytes = BlobHeap.maximumBytes

  package init() { table = PagedTable(layout: TableLayout(weights: 3, rowsPerPage: 16)) }

  package var count: Int { table.rowCount }

  /// Keeps the bytes under the key, in place of what was there. False, and nothing is changed, if they are
  /// longer than `maximumBytes`.
  @discardableResult
  package mutating func set(_ key: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt32 = 1) -> Bool {
    guard bytes.count <= Self.maximumBytes else { return false }
    table.prepare(now: now)
    if let old = location(key) { heap.free(old.handle) }
    let handle = heap.allocate(bytes)
    table.withWriter { writer in
      guard let id = writer.findOrInsert(key) else { return }
      let row = UnsafeMutableRawPointer(writer.weights(id))
      row.storeBytes(of: UInt32(truncatingIfNeeded: handle), as: UInt32.self)
      row.storeBytes(of: UInt32(handle >> 32), toByteOffset: 4, as: UInt32.self)
      row.storeBytes(of: UInt32(bytes.count), toByteOffset: 8, as: UInt32.self)
    }
    return true
  }

  @discardableResult
  package mutating func set(_ key: UInt64, _ bytes: [UInt8], now: UInt32 = 1) -> Bool {
    bytes.withUnsafeBytes { set(key, $0, now: now) }
  }

  /// The key's bytes, nil if there are none; valid until `body` returns.
  package func withBytes<Result>(
    _ key: UInt64, _ body: (UnsafeRawBufferPointer?) throws -> Result
  ) rethrows -> Result {
    guard let (handle, count) = location(key) else { return try body(nil) }
    return try withExtendedLifetime(heap) {
      try body(UnsafeRawBufferPointer(start: heap.address(handle), count: count))
    }
  }

  package func bytes(of key: UInt64) -> [UInt8]? { withBytes(key) { $0.map { Array($0) } } }

  @discardableResult
  package mutating func remove(_ key: UInt64) -> Bool {
    guard let (handle, _) = location(key) else { return false }
    heap.free(handle)
    return table.remove(key)
  }

  /// All keys with their bytes, in the order of their rows.
  package func forEach(_ body: (_ key: UInt64, _ bytes: UnsafeRawBufferPointer) -> Void) {
    table.forEachRow { _, key, _, row, _ in
      let (handle, count) = Self.location(row)
      body(key, UnsafeRawBufferPointer(start: heap.address(handle), count: count))
    }
  }

  private func location(_ key: UInt64) -> (handle: BlobHeap.Handle, count: Int)? {
    table.withReader { $0.find(key).map(Self.location) }
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
    return digest
  }

  package var memory: MemoryUse { table.memory + heap.memory }
  // MARK: Streams

  package func write<Sink: PageSink>(to sink: inout Sink, name: String) throws {
    try table.write(to: &sink, name: name)
    try heap.write(to: &sink, name: name + ".bytes")
  }

  package func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: BlobTable) throws {
    try table.write(to: &sink, name: name, since: parent.table)
    try heap.write(to: &sink, name: name + ".bytes", since: parent.heap)
  }

  package init<Source: PageSource>(from source: inout Source, name: String) throws {
    table = try PagedTable(from: &source, name: name)
    try heap.apply(from: &source, name: name + ".bytes")
    try check(name)
  }

  /// Reads what was written `since` a table equal to this one. When it throws, the table is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    var next = self
    try next.table.apply(from: &source, name: name)
    try next.heap.apply(from: &source, name: name + ".bytes")
    try next.check(name)
    self = next
  }

  private func check(_ name: String) throws {
    guard table.layout == TableLayout(weights: 3, rowsPerPage: 16) else {
      throw PageStreamError.malformed(section: name, what: "the layout is another one")
    }
    var isSound = true
    table.forEachRow { _, _, _, row, _ in
      let (handle, count) = Self.location(row)
      if !heap.contains(handle, bytes: count) { isSound = false }
    }
    guard isSound else { throw PageStreamError.malformed(section: name, what: "a row points nowhere") }
  }
}

extension BlobTable: Equatable {
  package static func == (left: BlobTable, right: BlobTable) -> Bool { left.digest == right.digest }
}
