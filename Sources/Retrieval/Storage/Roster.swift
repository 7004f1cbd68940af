// Who is there: 64-bit keys to row numbers, dense and used again, with a bound.
//
//   row        ┌ key u64 ┬ 0 u32 ┬ state u32 ┐   state: 1 live, 0 free (then key: the next free row + 1)
//   touch      the number of the event that touched the row last; what only reads goes without
//   generation one byte for each row, which changes when the row gets another owner
//   index      open addressing, row + 1 in each cell, linear probing; made anew from the rows when read back
//
// A *handle* is a row (24 bits) and its generation (8 bits). What others keep of a row (a list of neighbours, a
// history) are handles, so that nobody has to be told when a row's owner goes.
//
// When the bound is reached, the least recently touched of the next 16 rows goes (a hand walks over all rows).

internal import CKernels
internal import Glibc
internal import Primitives
internal import Tables

struct Roster: Sendable {
  static let rowLimit = 1 << 24
  private static let window = 16

  private var rows = RowStore(rowBytes: 16, rowsPerPage: 256)
  private(set) var generations = RowStore(rowBytes: 1, rowsPerPage: 4096)
  private var touches = RowStore(rowBytes: 4, rowsPerPage: 256)
  private var index = RowStore(rowBytes: 4, rowsPerPage: 1024)
  private var cells = 1024
  let bound: Int
  /// Rows ever used: all rows are below this.
  private(set) var limit = 0
  private(set) var count = 0
  private var firstFree: UInt64 = 0
  private var hand = 0
  /// Rows that have had more than one owner.
  private(set) var released: UInt64 = 0

  init(bound: Int) {
    self.bound = min(max(bound, Self.window), Self.rowLimit)
    index.ensure(cells)
  }

  @inline(__always)
  private static func home(_ key: UInt64, _ cells: Int) -> Int {
    Int(truncatingIfNeeded: CounterRandom.mix(key &+ 0x9E37_79B9_7F4A_7C15)) & (cells &- 1)
  }

  /// Asks for the cell that `find` begins at.
  @inline(__always)
  func prefetch(_ key: UInt64) { cowbird_prefetch(index.reader.row(Self.home(key, cells))) }

  /// The row that stands in that cell, most likely the key's; asks for it.
  @inline(__always)
  func hint(_ key: UInt64) -> Int? {
    let entry = index.reader.row(Self.home(key, cells)).load(as: UInt32.self)
    guard entry != 0 else { return nil }
    cowbird_prefetch(rows.reader.row(Int(entry) &- 1))
    return Int(entry) &- 1
  }

  /// The key's row.
  func find(_ key: UInt64) -> Int? {
    let index = index.reader
    let rows = rows.reader
    var cell = Self.home(key, cells)
    while true {
      let entry = index.row(cell).load(as: UInt32.self)
      if entry == 0 { return nil }
      if rows.row(Int(entry) &- 1).load(as: UInt64.self) == key { return Int(entry) &- 1 }
      cell = (cell &+ 1) & (cells &- 1)
    }
  }

  @inline(__always)
  func key(of row: Int) -> UInt64 { rows.reader.row(row).load(as: UInt64.self) }

  @inline(__always)
  func isLive(_ row: Int) -> Bool {
    row < limit && rows.reader.row(row).load(fromByteOffset: 12, as: UInt32.self) == 1
  }

  @inline(__always)
  func handle(of row: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: row) | UInt32(generations.reader.row(row).load(as: UInt8.self)) << 24
  }

  /// The row of a handle; nil if the row has another owner by now.
  @inline(__always)
  func row(of handle: UInt32) -> Int? {
    let row = Int(handle & 0xFF_FFFF)
    if released == 0 { return row }
    return UInt32(generations.reader.row(row).load(as: UInt8.self)) == handle >> 24 ? row : nil
  }

  /// Reads without reference counts, as long as the roster is held and not written.
  var reader: RosterReader {
    @inline(__always) get {
      RosterReader(
        rows: rows.reader, generations: generations.reader, limit: limit, isReused: released > 0)
    }
  }

  @inline(__always)
  mutating func touch(_ row: Int, at event: UInt64) {
    touches.writer().row(row).storeBytes(of: UInt32(truncatingIfNeeded: event), as: UInt32.self)
  }

  /// For a copy that is only read: the original's touches are written without copying a page.
  mutating func forgetTouches() { touches = Self.untouched }
  private static let untouched = RowStore(rowBytes: 4, rowsPerPage: 256)

  var isFull: Bool { count == bound }

  /// The row that has to go before another key finds room. Only if full.
  mutating func victim() -> Int {
    let (rows, touches) = (rows.reader, touches.reader)
    var best = -1
    var least = UInt32.max
    for step in 0..<Self.window {
      let row = (hand + step) % limit
      guard rows.row(row).load(fromByteOffset: 12, as: UInt32.self) == 1 else { continue }
      let last = touches.row(row).load(as: UInt32.self)
      if best < 0 || last < least { (best, least) = (row, last) }
    }
    hand = (hand + Self.window) % limit
    return best
  }

  /// A row for a key that has none. Not if full.
  mutating func insert(_ key: UInt64, at event: UInt64) -> Int {
    precondition(count < bound)
    if (count + 1) * 2 > cells { grow() }
    var row = limit
    if firstFree != 0 {
      row = Int(firstFree) - 1
      firstFree = rows.reader.row(row).load(as: UInt64.self)
    } else {
      limit += 1
      rows.ensure(limit)
      touches.ensure(limit)
      generations.ensure(limit)
    }
    let target = rows.writer().row(row)
    target.storeBytes(of: key, as: UInt64.self)
    target.storeBytes(of: 1, toByteOffset: 12, as: UInt32.self)
    touch(row, at: event)
    count += 1
    enter(key, row)
    return row
  }

  private mutating func enter(_ key: UInt64, _ row: Int) {
    let index = index.writer()
    var cell = Self.home(key, cells)
    while index.peek(cell).load(as: UInt32.self) != 0 { cell = (cell + 1) & (cells - 1) }
    index.row(cell).storeBytes(of: UInt32(row + 1), as: UInt32.self)
  }

  private mutating func grow() {
    cells *= 2
    rebuildIndex()
  }

  private mutating func rebuildIndex() {
    index = RowStore(rowBytes: 4, rowsPerPage: 1024)
    index.ensure(cells)
    for row in 0..<limit where isLive(row) { enter(key(of: row), row) }
  }

  /// The owner of `row` goes; handles to it are stale from now on.
  mutating func remove(_ row: Int) {
    let key = key(of: row)
    leave(key, row)
    let target = rows.writer().row(row)
    target.storeBytes(of: firstFree, as: UInt64.self)
    target.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
    touch(row, at: 0)
    firstFree = UInt64(row + 1)
    let generation = generations.writer().row(row).assumingMemoryBound(to: UInt8.self)
    generation.pointee &+= 1
    released += 1
    count -= 1
  }

  /// Takes the key's cell out and closes the gap (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
  private mutating func leave(_ key: UInt64, _ row: Int) {
    let index = index.writer()
    let mask = cells - 1
    var hole = Self.home(key, cells)
    while index.peek(hole).load(as: UInt32.self) != UInt32(row + 1) { hole = (hole + 1) & mask }
    var cell = hole
    while true {
      cell = (cell + 1) & mask
      let entry = index.peek(cell).load(as: UInt32.self)
      if entry == 0 { break }
      let home = Self.home(self.key(of: Int(entry) - 1), cells)
      if (cell - home) & mask >= (cell - hole) & mask {
        index.row(hole).storeBytes(of: entry, as: UInt32.self)
        hole = cell
      }
    }
    index.row(hole).storeBytes(of: 0, as: UInt32.self)
  }

  // MARK: Stream

  private var scalars: [UInt64] {
    [UInt64(limit), UInt64(count), firstFree, UInt64(hand), released, UInt64(bound)]
  }

  var digest: Digest {
    var digest = rows.digest
    digest.append(generations.digest)
    digest.append(touches.digest)
    digest.append(scalars.withUnsafeBytes { Digest(of: $0) })
    return digest
  }

  var bytes: Int { rows.bytes + generations.bytes + touches.bytes + index.bytes }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: Roster?) throws {
    try sink.write(name: name, Words(words: scalars))
    try rows.write(to: &sink, name: name + ".rows", since: parent?.rows)
    try generations.write(to: &sink, name: name + ".generations", since: parent?.generations)
    try touches.write(to: &sink, name: name + ".touches", since: parent?.touches)
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let words = try source.read(name: name, Words.self).words
    try rows.apply(from: &source, name: name + ".rows")
    try generations.apply(from: &source, name: name + ".generations")
    try touches.apply(from: &source, name: name + ".touches")
    guard words.count == 6, words[0] <= UInt64(rows.capacity), words[0] <= UInt64(generations.capacity),
      words[0] <= UInt64(touches.capacity),
      words[1] <= words[0], words[2] <= words[0], words[3] <= words[0], words[5] == UInt64(bound)
    else { throw PageStreamError.malformed(section: name, what: "counts that no roster has") }
    (limit, count, firstFree, hand, released) = (
      Int(words[0]), Int(words[1]), words[2], Int(words[3]), words[4]
    )
    guard (0..<limit).count(where: { isLive($0) }) == count else {
      throw PageStreamError.malformed(section: name, what: "live rows are not as announced")
    }
    cells = 1024
    while count * 2 > cells { cells *= 2 }
    rebuildIndex()
  }
}

struct RosterReader {
  let rows: RowReader
  let generations: RowReader
  let limit: Int
  /// Some row has had more than one owner.
  let isReused: Bool

  @inline(__always)
  func handle(of row: Int) -> UInt32 {
    // Until a row has had a second owner all generations are 0.
    guard isReused else { return UInt32(truncatingIfNeeded: row) }
    return UInt32(truncatingIfNeeded: row) | UInt32(generations.row(row).load(as: UInt8.self)) &<< 24
  }

  /// The row of a handle; nil if the row has another owner by now.
  @inline(__always)
  func row(of handle: UInt32) -> Int? {
    let row = Int(handle & 0xFF_FFFF)
    if !isReused { return row }
    return UInt32(generations.row(row).load(as: UInt8.self)) == handle &>> 24 ? row : nil
  }

  @inline(__always)
  func isLive(_ row: Int) -> Bool {
    row < limit && rows.row(row).load(fromByteOffset: 12, as: UInt32.self) == 1
  }

  @inline(__always)
  func key(of row: Int) -> UInt64 { rows.row(row).load(as: UInt64.self) }
}

/// A few numbers as a section.
struct Words: ByteCodable {
  var words: [UInt64]

  init(words: [UInt64]) { self.words = words }

  func encode(to writer: inout ByteWriter) { writer.write(words) { $0.write($1) } }

  init(from reader: inout ByteReader) throws(ByteCodecError) {
    words = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in try reader.read() }
  }
}
