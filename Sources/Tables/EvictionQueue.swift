// Who goes next when a table is full: the least recently seen rows, found a sixteenth of the table at a time,
// so that a table at its bound pays for one visit of sixteen rows for each row that it evicts.
//
// The queue is part of the state. An entry whose row was seen again since, or removed, is passed over.

package import Primitives

package struct EvictionQueue: ByteCodable {
  /// (last seen << 32 | row id), ascending; consumed from `position` on.
  private(set) var entries: [UInt64] = []
  private var position = 0

  init() {}

  mutating func next() -> (lastSeen: UInt32, id: UInt32)? {
    guard position < entries.count else { return nil }
    defer { position += 1 }
    return (UInt32(entries[position] >> 32), UInt32(truncatingIfNeeded: entries[position]))
  }

  /// The `count` smallest of `candidates`, in order.
  mutating func refill(from candidates: consuming [UInt64], count: Int) {
    entries = smallest(count, of: candidates)
    position = 0
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(entries.count - position))
    for entry in entries[position...] { writer.write(entry) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    entries = try reader.readArray(limit: Int(UInt32.max)) { reader throws(ByteCodecError) in
      try reader.read()
    }
  }
}

/// The `count` smallest of distinct values, in order: quickselect, then a sort of what was selected.
func smallest(_ count: Int, of values: consuming [UInt64]) -> [UInt64] {
  var values = values
  guard count < values.count else { return values.sorted() }
  var low = 0
  var high = values.count
  while high - low > 1 {
    let middle = values[low + (high - low) / 2]
    let pivot = max(min(values[low], middle), min(max(values[low], middle), values[high - 1]))
    var split = low
    for place in low..<high where values[place] < pivot {
      values.swapAt(place, split)
      split += 1
    }
    // Everything before `split` is below the pivot, which stands somewhere after it.
    if split >= count {
      high = split
    } else if split == low {
      let place = values[low..<high].firstIndex(of: pivot)!
      values.swapAt(place, low)
      low += 1
      if low > count { break }
    } else {
      low = split
    }
    if low == count { break }
  }
  return values[..<count].sorted()
}

extension TableBox {
  /// Evicts until `room` more rows fit, or nothing is left.
  func makeRoom(for room: Int) {
    guard let maximum = bounds.maximumRows else { return }
    while scalars.pointee.rowCount > 0 && scalars.pointee.rowCount + room > maximum {
      let surplus = scalars.pointee.rowCount + room - maximum
      guard let (seen, id) = queue.next() else {
        refillQueue(atLeast: surplus)
        continue
      }
      guard Int(id) < scalars.pointee.limit, lastSeen(id) == seen else { continue }
      remove(id)
      scalars.pointee.counters.evicted += 1
    }
  }

  func expire(olderThan time: UInt32) -> Int {
    var count = 0
    for id in 0..<UInt32(scalars.pointee.limit) {
      let seen = lastSeen(id)
      guard seen != 0 && seen < time else { continue }
      remove(id)
      count += 1
    }
    scalars.pointee.counters.expired += UInt64(count)
    return count
  }

  private func lastSeen(_ id: UInt32) -> UInt32 {
    row(id).load(fromByteOffset: RowHeader.seen, as: UInt32.self)
  }

  private func refillQueue(atLeast count: Int) {
    var candidates: [UInt64] = []
    candidates.reserveCapacity(scalars.pointee.rowCount)
    for id in 0..<UInt32(scalars.pointee.limit) {
      let seen = lastSeen(id)
      if seen != 0 { candidates.append(UInt64(seen) << 32 | UInt64(id)) }
    }
    queue.refill(from: candidates, count: max(min(count, candidates.count), (candidates.count + 15) / 16))
  }
}
