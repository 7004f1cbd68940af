// Which events hygiene kept from being learned: their places in the log, so that people can look at them and admit
// them after all.
//
//   chunks ─▶ [ offset, reason, holder ┬ … ]   in the order of offsets; a published copy shares all but those that change
//             [ … ]

package import Primitives

/// A bounded list of offsets, oldest first. When it is full the oldest go (the events stay in the log). Nobody holds
/// more than a quarter of it: of a flood by one user or source the first events are listed, and the others' stay.
package struct Quarantine: Equatable, Sendable, ByteCodable {
  package struct Entry: Equatable, Sendable {
    package var offset: UInt64
    package var reason: HygieneReason
    /// Whose it is, hashed to few numbers.
    fileprivate var holder: UInt16
  }

  private static let holders = 1_024
  private static let chunkSize = 1_024

  /// None of them empty.
  private var chunks: [[Entry]] = []
  /// Entries by holder.
  private var held = [UInt32](repeating: 0, count: holders)
  package private(set) var count = 0
  /// Events that were set aside and never listed, because their user or source held its share.
  package private(set) var unlisted: UInt64 = 0

  package init() {}

  /// - Parameters:
  ///   - owner: hash of the user, or of the source where there is no user.
  ///   - limit: entries that the list holds.
  mutating func add(_ offset: UInt64, _ reason: HygieneReason, of owner: UInt64, limit: Int) {
    let holder = UInt16(truncatingIfNeeded: CounterRandom.mix(owner) % UInt64(Self.holders))
    guard held[Int(holder)] < max(1, limit / 4) else {
      unlisted += 1
      return
    }
    insert(Entry(offset: offset, reason: reason, holder: holder))
    while count > max(1, limit) { removeEntry((0, 0)) }
  }

  private mutating func insert(_ entry: Entry) {
    held[Int(entry.holder)] += 1
    count += 1
    guard let last = chunks.last?.last, last.offset >= entry.offset else {
      if chunks.last.map({ $0.count < Self.chunkSize }) == true {
        chunks[chunks.count - 1].append(entry)
      } else {
        chunks.append([entry])
      }
      return
    }
    // Earlier records are learned after later ones by a run over a part of the log.
    let (chunk, place) = place(of: entry.offset)
    guard chunks[chunk][place].offset != entry.offset else {
      held[Int(entry.holder)] -= 1
      count -= 1
      return
    }
    chunks[chunk].insert(entry, at: place)
    if chunks[chunk].count >= 2 * Self.chunkSize {
      let rest = Array(chunks[chunk][Self.chunkSize...])
      chunks[chunk].removeSubrange(Self.chunkSize...)
      chunks.insert(rest, at: chunk + 1)
    }
  }

  private mutating func removeEntry(_ place: (chunk: Int, place: Int)) {
    let entry = chunks[place.chunk].remove(at: place.place)
    if chunks[place.chunk].isEmpty { chunks.remove(at: place.chunk) }
    held[Int(entry.holder)] -= 1
    count -= 1
  }

  /// Where the first entry at or after `offset` stands; past the last chunk: there is none.
  private func place(of offset: UInt64) -> (chunk: Int, place: Int) {
    let chunk = Self.first(chunks.count) { chunks[$0][chunks[$0].count - 1].offset >= offset }
    guard chunk < chunks.count else { return (chunk, 0) }
    return (chunk, Self.first(chunks[chunk].count) { chunks[chunk][$0].offset >= offset })
  }

  /// The first of so many numbers for which `isReached` holds, as it does for all that follow.
  private static func first(_ count: Int, _ isReached: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isReached(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// - Returns: false when it is not there.
  @discardableResult
  mutating func remove(_ offset: UInt64) -> Bool {
    guard contains(offset) else { return false }
    removeEntry(place(of: offset))
    return true
  }

  package func contains(_ offset: UInt64) -> Bool { reason(of: offset) != nil }

  /// Why an offset is there; nil: it is not.
  package func reason(of offset: UInt64) -> HygieneReason? {
    let (chunk, place) = place(of: offset)
    guard chunk < chunks.count, chunks[chunk][place].offset == offset else { return nil }
    return chunks[chunk][place].reason
  }

  /// At most `limit` entries after `offset`.
  package func list(after offset: UInt64?, limit: Int) -> [Entry] {
    var entries: [Entry] = []
    if offset == .max { return [] }
    var (chunk, place) = offset.map { self.place(of: $0 + 1) } ?? (0, 0)
    while chunk < chunks.count, entries.count < limit {
      entries += chunks[chunk][place...].prefix(limit - entries.count)
      (chunk, place) = (chunk + 1, 0)
    }
    return entries
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(unlisted)
    writer.write(UInt32(count))
    for chunk in chunks {
      for entry in chunk {
        writer.write(entry.offset)
        writer.write(entry.reason.rawValue)
        writer.write(entry.holder)
      }
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    unlisted = try reader.read()
    var last: UInt64?
    for _ in 0..<(try reader.read(UInt32.self)) {
      let offset = try reader.read(UInt64.self)
      let raw = try reader.read(UInt8.self)
      let holder = try reader.read(UInt16.self)
      guard let reason = HygieneReason(rawValue: raw) else {
        throw .outOfBounds(what: "hygiene reason", value: UInt64(raw), at: reader.position)
      }
      guard Int(holder) < Self.holders, last.map({ $0 < offset }) != false else {
        throw .outOfBounds(what: "quarantined offset", value: offset, at: reader.position)
      }
      insert(Entry(offset: offset, reason: reason, holder: holder))
      last = offset
    }
  }
}
