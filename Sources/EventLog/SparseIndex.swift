// Where to start looking in a segment: one entry for about 64 KiB, by offset and by time. It is kept in memory
// while the segment grows and written beside it (`<first offset>.index`) when the segment is sealed; what is
// missing or damaged is made again from the segment.

internal import Primitives

struct SparseIndex: Equatable {
  struct Entry: Equatable {
    var offset: UInt64
    var position: UInt64
    /// Latest time among the segment's records before `offset`.
    var latestBefore: Int64
  }

  static let spacingBytes = 64 << 10
  static let suffix = ".index"
  private static let magic: UInt64 = 0x3158_4449_4257_4F43  // "COWBIDX1"
  private static let headBytes = 48

  /// The offset after the last record's, the bytes up to there, and the latest time, once sealed.
  var endOffset: UInt64
  var usedBytes: Int
  var latest = Int64.min
  var sealedNanos: Int64 = 0
  private(set) var entries: [Entry] = []

  init(firstOffset: UInt64) {
    endOffset = firstOffset
    usedBytes = SegmentHeader.bytes
  }

  /// Takes up the next record.
  mutating func add(offset: UInt64, timeNanos: Int64, length: Int) {
    if entries.isEmpty || usedBytes - Int(entries[entries.count - 1].position) >= Self.spacingBytes {
      entries.append(Entry(offset: offset, position: UInt64(usedBytes), latestBefore: latest))
    }
    latest = max(latest, timeNanos)
    usedBytes += length
    endOffset = offset + 1
  }

  /// The index of the records before an offset, which end at a position.
  func cut(endOffset: UInt64, usedBytes: Int) -> SparseIndex {
    var index = self
    index.entries.removeAll { $0.offset >= endOffset }
    index.endOffset = endOffset
    index.usedBytes = usedBytes
    return index
  }

  /// The last entry at or before an offset.
  func entry(before offset: UInt64) -> Entry? { last { $0.offset <= offset } }

  /// The last entry before which every record is earlier than a time.
  func entry(beforeTime time: Int64) -> Entry? { last { $0.latestBefore < time } }

  private func last(where holds: (Entry) -> Bool) -> Entry? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if holds(entries[middle]) { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? entries[low - 1] : nil
  }

  func encoded() -> [UInt8] {
    var head = ByteWriter()
    head.write(Self.magic)
    head.write(endOffset)
    head.write(UInt64(usedBytes))
    head.write(latest)
    head.write(sealedNanos)
    head.write(UInt32(entries.count))
    head.write(checksum(head.bytes[...]))
    for entry in entries {
      head.write(entry.offset)
      head.write(entry.position)
      head.write(entry.latestBefore)
    }
    return withChecksum(head)
  }

  /// The head alone, all that opening a log needs of a sealed segment; nil: damaged.
  static func head(_ bytes: [UInt8], firstOffset: UInt64) -> SparseIndex? {
    guard bytes.count >= headBytes, let body = withoutChecksum(Array(bytes[..<headBytes])) else { return nil }
    var reader = ByteReader(body)
    var index = SparseIndex(firstOffset: firstOffset)
    guard let magic = try? reader.read(UInt64.self), magic == Self.magic,
      let end = try? reader.read(UInt64.self), let used = try? reader.read(UInt64.self),
      let latest = try? reader.read(Int64.self), let sealed = try? reader.read(Int64.self),
      end >= firstOffset, used >= SegmentHeader.bytes, used < 1 << 46
    else { return nil }
    index.endOffset = end
    index.usedBytes = Int(used)
    index.latest = latest
    index.sealedNanos = sealed
    return index
  }

  /// All of it; nil: damaged.
  static func decoded(_ bytes: [UInt8], firstOffset: UInt64) -> SparseIndex? {
    guard var index = head(bytes, firstOffset: firstOffset), let body = withoutChecksum(bytes) else {
      return nil
    }
    var reader = ByteReader(Array(body[headBytes...]))
    while !reader.isAtEnd {
      guard let offset = try? reader.read(UInt64.self), let position = try? reader.read(UInt64.self),
        let latest = try? reader.read(Int64.self), position < UInt64(index.usedBytes)
      else { return nil }
      index.entries.append(Entry(offset: offset, position: position, latestBefore: latest))
    }
    return index
  }

  static let headByteCount = headBytes
}
