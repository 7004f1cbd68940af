// From 64-bit keys to candidate row ids: shared by a table's head and all its snapshots, never versioned.
//
//   hash ──top bits──▶ directory word (address of a segment | log2 of its lines)
//        ──low bits──▶ line of 64 bytes
//        ┌ 12 tags of 1 byte ┬ overflow ┬ 3 free ┬ 12 row ids of 4 bytes ┐
//
// An entry is a hint: the row repeats its key, and the row decides. So a snapshot may meet entries of rows that
// came after it (their id is past its count, or the row holds another key), and the head may meet entries of
// keys that were removed. What must hold is only that the entry of every key that a live snapshot has is there:
// entries never move or go inside a segment. A full segment is replaced by a copy, larger if need be, of the
// entries of the head's keys and of those removed keys that a snapshot may still look for (they are `stale`);
// the old one is kept until no snapshot of that time is left.
//
// Growing is by segment, so no insertion pays for more than a small share of the table. Readers load tags with
// acquire and the writer stores them with release, so that a reader who sees a tag sees the id that goes with
// it.

public import CKernels
internal import Glibc
public import Synchronization

public final class KeyIndex: @unchecked Sendable {
  // Sound because: one writer (the table's head); readers see words by acquire and release.
  @usableFromInline let words: UnsafeMutablePointer<Atomic<UInt64>>
  @usableFromInline let shift: UInt64
  private let segmentCount: Int
  /// Entries in each segment, also of keys that are gone.
  @exclusivity(unchecked) private var counts: [Int]
  /// Removed keys whose entries snapshots may need, and how often each waits to be reclaimed.
  @exclusivity(unchecked) private var stale: [StaleEntry: Int] = [:]

  private struct StaleEntry: Hashable {
    var key: UInt64
    var id: UInt32
  }

  /// Where segments lie: one arena for each size.
  @exclusivity(unchecked) private var arenas: [PageArena?] = Array(repeating: nil, count: 40)
  /// One line of zeroes, for all segments that have no entry yet.
  private let emptySegment: UInt64
  /// Lines of a segment that gets its first entry.
  private let firstLog2Lines: Int

  /// - Parameters:
  ///   - expectedRows: chooses the number of segments, which is fixed: about 4,096 rows in each, at least 256.
  ///   - comingRows: rows that come at once, so that the segments need not grow under them.
  init(expectedRows: Int, comingRows: Int = 0) {
    var log = 8
    while log < 12 && expectedRows >> log > 4096 { log += 1 }
    segmentCount = 1 << log
    var lines = 0
    // Segments are filled at random: few have a tenth more than the mean.
    while comingRows >> log * 11 / 10 > 8 << lines { lines += 1 }
    firstLog2Lines = lines
    shift = UInt64(64 - log)
    words = .allocate(capacity: segmentCount)
    counts = Array(repeating: 0, count: segmentCount)
    let line = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    memset(line, 0, 64)
    emptySegment = UInt64(UInt(bitPattern: line))
    for segment in 0..<segmentCount { (words + segment).initialize(to: Atomic(emptySegment)) }
  }

  deinit {
    for log2Lines in arenas.indices { arenas[log2Lines]?.destroy() }
    UnsafeMutableRawPointer(bitPattern: UInt(emptySegment))!.deallocate()
    words.deinitialize(count: segmentCount)
    words.deallocate()
  }

  @inlinable public var view: IndexView { IndexView(words: words, shift: shift) }

  /// Bytes that the segments take.
  var bytes: Int { arenas.reduce(segmentCount * 16) { $0 + ($1.map { $0.liveUnits * $0.unitBytes } ?? 0) } }

  // MARK: Segments

  private func makeSegment(log2Lines: Int) -> UInt64 {
    if arenas[log2Lines] == nil { arenas[log2Lines] = PageArena(unitBytes: 64 << log2Lines) }
    let address = arenas[log2Lines]!.allocate()
    memset(address, 0, 64 << log2Lines)
    return UInt64(UInt(bitPattern: address)) | UInt64(log2Lines)
  }

  private func freeSegment(_ word: UInt64) {
    let log2Lines = Int(word & 63)
    arenas[log2Lines]!.deallocate(UnsafeMutableRawPointer(bitPattern: UInt(word & ~63))!)
    if arenas[log2Lines]!.liveUnits == 0 {
      arenas[log2Lines]!.destroy()
      arenas[log2Lines] = nil
    }
  }

  // MARK: Writing

  /// Adds the entry. `rows` are the head's.
  /// - Returns: the segment that was replaced, if one was: to be reclaimed, with `segmentMark`, when no snapshot
  ///   sees it.
  func insert(_ key: UInt64, _ id: UInt32, _ rows: HeadRows) -> UInt64? {
    let hash = IndexView.hash(key)
    let segment = Int(hash >> shift)
    var word = words[segment].load(ordering: .relaxed)
    var replaced: UInt64?
    if word == emptySegment {
      word = makeSegment(log2Lines: firstLog2Lines)
      words[segment].store(word, ordering: .releasing)
    } else if counts[segment] >= Self.capacity(word) {
      replaced = word
      word = rebuild(segment, rows)
    }
    put(hash, id, word)
    counts[segment] += 1
    return replaced
  }

  /// Asks for the line that `insert` will write.
  func prefetchForWriting(_ key: UInt64) {
    let hash = IndexView.hash(key)
    let segment = view.segment(hash)
    cowbird_prefetch_write(segment.line(hash & segment.mask))
  }

  /// The key's row is gone from the head, but a snapshot may look for it. To be followed by `reclaim`, once.
  func markStale(_ key: UInt64, _ id: UInt32) { stale[StaleEntry(key: key, id: id), default: 0] += 1 }

  /// No snapshot needs what was retired: a removed key's entry, or a segment that was replaced.
  func reclaim(_ payload: UInt64, _ extra: UInt32) {
    if extra == Self.segmentMark {
      freeSegment(payload)
    } else {
      let entry = StaleEntry(key: payload, id: extra)
      let waiting = stale[entry, default: 0]
      stale[entry] = waiting > 1 ? waiting - 1 : nil
    }
  }

  /// `extra` of a retired segment; no row has this id.
  static let segmentMark = UInt32.max

  /// Eight of the twelve places of each line: of lines filled at random, one in sixteen overflows then.
  private static func capacity(_ word: UInt64) -> Int { 8 << Int(word & 63) }

  private func put(_ hash: UInt64, _ id: UInt32, _ word: UInt64) {
    let view = IndexView.Segment(word)
    let tag = UInt64(IndexView.tag(hash))
    var line = hash & view.mask
    while true {
      let address = view.line(line)
      let low = atomicWord(address, 0)
      let high = atomicWord(address, 8)
      let free = cowbird_match12(
        low.pointee.load(ordering: .relaxed), high.pointee.load(ordering: .relaxed), 0)
      if free != 0 {
        let place = free.trailingZeroBitCount
        IndexView.id(address, place).pointee.store(id, ordering: .relaxed)
        let target = place < 8 ? low : high
        let bits = tag << UInt64(8 * (place & 7))
        target.pointee.store(target.pointee.load(ordering: .relaxed) | bits, ordering: .releasing)
        return
      }
      high.pointee.store(high.pointee.load(ordering: .relaxed) | IndexView.overflow, ordering: .releasing)
      line = (line &+ 1) & view.mask
    }
  }

  /// Replaces a full segment and returns the new directory word. Its rows lie anywhere, so each step asks for
  /// memory ahead of time.
  private func rebuild(_ segment: Int, _ rows: HeadRows) -> UInt64 {
    let old = words[segment].load(ordering: .relaxed)
    let ids = Self.ids(IndexView.Segment(old), count: counts[segment])
    var entries: [(hash: UInt64, id: UInt32)] = []
    entries.reserveCapacity(ids.count)
    for (place, id) in ids.enumerated() {
      if place + 16 < ids.count { rows.prefetchSlot(of: ids[place + 16]) }
      if place + 8 < ids.count { rows.prefetchRow(ids[place + 8]) }
      // The row may have got another key since the entry was made; that key's own entry counts then.
      guard let key = rows.key(of: id) else { continue }
      let hash = IndexView.hash(key)
      if Int(hash >> shift) == segment { entries.append((hash, id)) }
    }
    for entry in stale.keys where Int(IndexView.hash(entry.key) >> shift) == segment {
      entries.append((IndexView.hash(entry.key), entry.id))
    }
    // A quarter of the capacity stays free until the next time.
    var log2Lines = Int(old & 63)
    while entries.count > 6 << log2Lines { log2Lines += 1 }
    let new = makeSegment(log2Lines: log2Lines)
    let view = IndexView.Segment(new)
    var count = 0
    for (place, entry) in entries.enumerated() {
      if place + 8 < entries.count { cowbird_prefetch_write(view.line(entries[place + 8].hash & view.mask)) }
      guard !contains(entry.hash, entry.id, new) else { continue }
      put(entry.hash, entry.id, new)
      count += 1
    }
    counts[segment] = count
    words[segment].store(new, ordering: .releasing)
    return new
  }

  private static func ids(_ view: IndexView.Segment, count: Int) -> [UInt32] {
    var ids: [UInt32] = []
    ids.reserveCapacity(count)
    for line in 0...view.mask {
      let address = view.line(line)
      let low = atomicWord(address, 0).pointee.load(ordering: .relaxed)
      let high = atomicWord(address, 8).pointee.load(ordering: .relaxed)
      var used = ~cowbird_match12(low, high, 0) & 0xFFF
      while used != 0 {
        ids.append(IndexView.id(address, used.trailingZeroBitCount).pointee.load(ordering: .relaxed))
        used &= used - 1
      }
    }
    return ids
  }

  /// True if a search for the hash meets the id, be it by another key's entry.
  private func contains(_ hash: UInt64, _ id: UInt32, _ word: UInt64) -> Bool {
    let view = IndexView.Segment(word)
    let tag = IndexView.tag(hash)
    var line = hash & view.mask
    for _ in 0...view.mask {
      let address = view.line(line)
      let high = atomicWord(address, 8).pointee.load(ordering: .relaxed)
      var matches = cowbird_match12(atomicWord(address, 0).pointee.load(ordering: .relaxed), high, tag)
      while matches != 0 {
        if IndexView.id(address, matches.trailingZeroBitCount).pointee.load(ordering: .relaxed) == id {
          return true
        }
        matches &= matches - 1
      }
      if high & IndexView.overflow == 0 { return false }
      line = (line &+ 1) & view.mask
    }
    return false
  }
}

/// The index as readers see it: two words, no reference counts.
public struct IndexView {
  public let words: UnsafeMutablePointer<Atomic<UInt64>>
  public let shift: UInt64

  @inlinable
  init(words: UnsafeMutablePointer<Atomic<UInt64>>, shift: UInt64) {
    self.words = words
    self.shift = shift
  }

  /// Byte 12 of a line, in its second word.
  @inlinable static var overflow: UInt64 { 1 << 32 }

  @inlinable
  public static func hash(_ key: UInt64) -> UInt64 { cowbird_index_hash(key) }

  @inlinable
  public static func tag(_ hash: UInt64) -> UInt8 { cowbird_index_tag(hash) }

  /// The directory as C sees it.
  @inlinable
  var directory: UnsafePointer<UInt64> { UnsafeRawPointer(words).assumingMemoryBound(to: UInt64.self) }

  @inlinable
  public static func id(_ line: UnsafeMutableRawPointer, _ place: Int) -> UnsafeMutablePointer<
    Atomic<UInt32>
  > {
    (line + 16 + place &* 4).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  public struct Segment {
    public let base: UnsafeMutableRawPointer
    public let mask: UInt64

    @inlinable
    public init(_ word: UInt64) {
      base = UnsafeMutableRawPointer(bitPattern: UInt(word & ~63)).unsafelyUnwrapped
      mask = (1 &<< (word & 63)) &- 1
    }

    @inlinable
    public func line(_ number: UInt64) -> UnsafeMutableRawPointer {
      base + Int(truncatingIfNeeded: number &<< 6)
    }
  }

  @inlinable
  public func segment(_ hash: UInt64) -> Segment {
    Segment(words[Int(truncatingIfNeeded: hash &>> shift)].load(ordering: .acquiring))
  }

  /// The first id with the key's tag for which `matches` holds.
  @inlinable @inline(__always)
  public func find(_ key: UInt64, where matches: (UInt32) -> Bool) -> UInt32? {
    let hash = Self.hash(key)
    let segment = segment(hash)
    let tag = Self.tag(hash)
    let first = hash & segment.mask
    var number = first
    repeat {
      let line = segment.line(number)
      let low = atomicWord(line, 0).pointee.load(ordering: .acquiring)
      let high = atomicWord(line, 8).pointee.load(ordering: .acquiring)
      var places = cowbird_match12(low, high, tag)
      while places != 0 {
        let id = Self.id(line, places.trailingZeroBitCount).pointee.load(ordering: .relaxed)
        if matches(id) { return id }
        places &= places &- 1
      }
      if _fastPath(high & Self.overflow == 0) { return nil }
      number = (number &+ 1) & segment.mask
    } while number != first
    return nil
  }

  /// Asks for the key's line.
  @inlinable @inline(__always)
  public func prefetch(_ key: UInt64) {
    cowbird_prefetch(cowbird_index_line(directory, shift, Self.hash(key)))
  }

  /// The first id with the key's tag in its first line: good for prefetching, where comparing keys would wait
  /// for the very line that is to be fetched. `unknown` if there is none, `absent` if there is none in any line.
  @inlinable @inline(__always)
  public func guess(_ key: UInt64) -> UInt32 { cowbird_index_guess(directory, shift, key) }

  /// No row has these ids.
  @inlinable static var unknown: UInt32 { COWBIRD_INDEX_UNKNOWN }
  @inlinable static var absent: UInt32 { .max - 1 }
}
