// Vectors by ordinal, close together for scanning: the item vectors that top-k goes through.
//
//   page  ┌ header 64 ┬ present u64, 56 free ┬ row ┬ row ┬ … ┐
//
// Rows are multiples of 16 floats long (what is past the dimension is zero), so that a scan needs no remainder;
// bit i of `present` says whether row i is there. A row that is not there is zeroes.

internal import Glibc
package import Primitives

package struct VectorMatrix: Sendable {
  private var store: PageStore
  package let dimension: Int
  /// Floats from one row to the next.
  package let rowStride: Int
  package let rowsPerPage: Int
  /// Vectors that are there.
  package private(set) var count = 0
  private static let prefix = 64

  package init(dimension: Int) {
    precondition((1...4096).contains(dimension), "dimension out of range")
    self.dimension = dimension
    rowStride = (dimension + 15) & ~15
    var rows = 64
    while rows > 4 && rows * rowStride * 4 > 2048 { rows /= 2 }
    rowsPerPage = rows
    store = PageStore(bodyBytes: Self.prefix + rows * rowStride * 4)
  }

  /// One more than the largest ordinal that the pages have room for.
  package var capacity: Int { store.pageCount * rowsPerPage }

  package func contains(_ ordinal: UInt32) -> Bool {
    let page = Int(ordinal) / rowsPerPage
    guard page < store.pageCount else { return false }
    defer { withExtendedLifetime(store.revision) {} }
    return store.body(page).load(as: UInt64.self) >> UInt64(Int(ordinal) % rowsPerPage) & 1 == 1
  }

  package func vector(_ ordinal: UInt32) -> [Float]? {
    withVector(ordinal) { $0.map { Array(UnsafeBufferPointer(start: $0, count: dimension)) } }
  }

  /// The ordinal's row, nil if it is not there; valid until `body` returns.
  package func withVector<Result>(_ ordinal: UInt32, _ body: (UnsafePointer<Float>?) throws -> Result)
    rethrows -> Result
  {
    defer { withExtendedLifetime(store.revision) {} }
    guard contains(ordinal) else { return try body(nil) }
    let row =
      store.body(Int(ordinal) / rowsPerPage) + Self.prefix + Int(ordinal) % rowsPerPage * rowStride * 4
    return try body(row.assumingMemoryBound(to: Float.self))
  }

  /// Lets `body` write the ordinal's row (`dimension` floats), which is made of zeroes if it is not there.
  package mutating func update<Result>(
    _ ordinal: UInt32, _ body: (UnsafeMutablePointer<Float>) throws -> Result
  ) rethrows -> Result {
    let core = store.makeWritable()
    while core.pointee.pageCount * rowsPerPage <= Int(ordinal) { _ = core.pointee.appendPage() }
    let page = core.pointee.writablePage(Int(ordinal) / rowsPerPage) + PageHeader.pageBytes
    let bit = UInt64(1) << UInt64(Int(ordinal) % rowsPerPage)
    let present = page.load(as: UInt64.self)
    if present & bit == 0 {
      page.storeBytes(of: present | bit, as: UInt64.self)
      count += 1
    }
    let row = page + Self.prefix + Int(ordinal) % rowsPerPage * rowStride * 4
    return try body(row.assumingMemoryBound(to: Float.self))
  }

  package mutating func set(_ ordinal: UInt32, _ vector: [Float]) {
    precondition(vector.count == dimension, "a vector has \(dimension) floats")
    update(ordinal) { $0.update(from: vector, count: vector.count) }
  }

  package mutating func remove(_ ordinal: UInt32) {
    guard contains(ordinal) else { return }
    let core = store.makeWritable()
    let page = core.pointee.writablePage(Int(ordinal) / rowsPerPage) + PageHeader.pageBytes
    let place = Int(ordinal) % rowsPerPage
    page.storeBytes(of: page.load(as: UInt64.self) & ~(1 << UInt64(place)), as: UInt64.self)
    memset(page + Self.prefix + place * rowStride * 4, 0, rowStride * 4)
    count -= 1
  }

  /// Calls `body` for each page that has vectors: rows `rowStride` floats apart from `rows` on, 64-byte
  /// aligned relative to the page; bit i of `present` for ordinal `first + i`.
  package func forEachPage(
    _ body: (_ first: UInt32, _ present: UInt64, _ rows: UnsafePointer<Float>) throws -> Void
  ) rethrows {
    defer { withExtendedLifetime(store.revision) {} }
    for number in 0..<store.pageCount {
      let page = store.body(number)
      let present = page.load(as: UInt64.self)
      guard present != 0 else { continue }
      try body(
        UInt32(number * rowsPerPage), present, (page + Self.prefix).assumingMemoryBound(to: Float.self))
    }
  }

  package var digest: Digest {
    var digest = Digest(low: UInt64(count), high: UInt64(dimension))
    digest.append(store.digest)
    return digest
  }

  package var memory: MemoryUse { store.memory }

  // MARK: Streams

  private var metadata: [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt32(dimension))
    return writer.bytes
  }

  package func write<Sink: PageSink>(to sink: inout Sink, name: String) throws {
    try store.write(to: &sink, name: name, metadata: metadata)
  }

  package func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: VectorMatrix) throws {
    try store.write(
      to: &sink, name: name, metadata: metadata, pages: store.differingPages(from: parent.store),
      base: parent.store.digest)
  }

  package init<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    var reader = ByteReader(section.metadata)
    let dimension = Int(try reader.read(UInt32.self))
    guard section.base == nil, (1...4096).contains(dimension) else {
      throw PageStreamError.malformed(section: name, what: "not a whole matrix")
    }
    self.init(dimension: dimension)
    try store.apply(section, from: &source)
    count = countPresent()
  }

  /// Reads what was written `since` a matrix equal to this one. When it throws, the matrix is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    var next = self
    try next.store.apply(try source.begin(name), from: &source)
    next.count = next.countPresent()
    self = next
  }

  private func countPresent() -> Int {
    (0..<store.pageCount).reduce(0) { $0 + store.body($1).load(as: UInt64.self).nonzeroBitCount }
  }
}

extension VectorMatrix: Equatable {
  package static func == (left: VectorMatrix, right: VectorMatrix) -> Bool { left.digest == right.digest }
}
