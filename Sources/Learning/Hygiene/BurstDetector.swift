// Too many events by one user or source in too little time, in bounded memory.

internal import CKernels
package import Primitives
internal import Statistics

/// A token bucket: `burst` events at once, refilled with `eventsPerSecond`.
package struct BurstLimit: Sendable, Equatable {
  package var eventsPerSecond: Double
  package var burst: Double

  /// Both above 0; a refill takes at most 292 years.
  package init(eventsPerSecond: Double, burst: Double) {
    precondition(eventsPerSecond > 1e-9 && burst >= 1)
    self.eventsPerSecond = eventsPerSecond
    self.burst = burst
  }
}

/// One token bucket for each key, in event time.
///
/// A bucket is two times (generic cell rate algorithm): the latest event's, and the one at which the bucket would
/// be full again. An event at t, not before the key's latest, is within the limit if
///
///     max(full, t) - t ≤ (burst - 1) / rate,   then   full := max(full, t) + 1 / rate
///
/// and an event beyond the limit takes no token. Late events count as if they came at the key's latest time, so a
/// burst cannot hide behind old timestamps.
///
/// The table is 8-way set-associative. A new key takes the place of the one whose bucket is full soonest: a key
/// whose bucket is full is the same as one never seen, so forgetting costs nothing until more than 8 keys of a set
/// are bursting at once.
///
///     set = hash(key) │ key, latest, full │ … 8 ways │
///
/// - `capacity`: keys, rounded up to a power of two; default 16,384 (24 bytes each).
/// - Complexity: O(1) per event, no allocation.
/// - Source: ITU-T I.371 (GCRA).
package struct BurstDetector: Sendable, Equatable {
  private static let ways = 8

  private struct Slot: Sendable, Equatable {
    var key: UInt64 = 0
    var latest: Int64 = .min
    var full: Int64 = .min
  }

  package let limit: BurstLimit
  package let capacity: Int
  private var slots: ChunkedArray<Slot>
  private let increment: Int64
  private let tolerance: Int64

  package init(_ limit: BurstLimit, capacity: Int = 16_384) {
    precondition(capacity > 0 && capacity <= 1 << 24)
    self.limit = limit
    var size = Self.ways
    while size < capacity { size *= 2 }
    self.capacity = size
    slots = ChunkedArray(repeating: Slot(), count: size)
    increment = max(1, Int64(min(1e9 / limit.eventsPerSecond, 0x1p62)))
    tolerance = Int64(min((limit.burst - 1) * 1e9 / limit.eventsPerSecond, 0x1p62))
  }

  /// Where the key's set begins.
  @inline(__always)
  private func set(of key: UInt64) -> Int {
    // Ways are eight, and sets a power of two.
    Int(truncatingIfNeeded: CounterRandom.mix(key) &<< 3) & (capacity &- 1)
  }

  /// Asks for the memory of a key that comes soon.
  package mutating func expect(_ key: UInt64) {
    slots.withChunk(of: set(of: key)) { chunk, first in
      chunk.withUnsafeMutableBufferPointer { chunk in
        let slots = UnsafeRawPointer(chunk.baseAddress.unsafelyUnwrapped + first)
        for line in 0..<4 { cowbird_prefetch_write(slots + 64 * line) }
      }
    }
  }

  // hot: once per event.
  /// Whether this event of `key` is within the limit; takes a token if so, or `count`: what comes at once needs one, and
  /// is waited for longer.
  package mutating func admits(key: UInt64, count: Int = 1, timeNanos: Int64) -> Bool {
    let (increment, tolerance) = (increment, tolerance)
    return slots.withChunk(of: set(of: key)) { chunk, first in
      chunk.withUnsafeMutableBufferPointer { chunk in
        let slot = Self.slot(of: key, chunk.baseAddress.unsafelyUnwrapped + first)
        if slot.pointee.key != key || slot.pointee.latest == .min { slot.pointee = Slot(key: key) }
        let now = max(timeNanos, slot.pointee.latest)
        slot.pointee.latest = now
        let full = max(slot.pointee.full, now)
        let isWithin = full.subtractingReportingOverflow(now).partialValue <= tolerance
        if isWithin {
          let (taken, isLong) = increment.multipliedReportingOverflow(by: Int64(count))
          let next = full.addingReportingOverflow(taken)
          slot.pointee.full = isLong || next.overflow ? .max : next.partialValue
        }
        return isWithin
      }
    }
  }

  /// This limit, with what another has seen.
  func taking(over other: BurstDetector?) -> BurstDetector {
    guard let other, other.capacity == capacity else { return self }
    var taking = self
    taking.slots = other.slots
    return taking
  }

  /// The key's slot, or the one of its set that is full soonest (an empty one first).
  @inline(__always)
  private static func slot(of key: UInt64, _ set: UnsafeMutablePointer<Slot>) -> UnsafeMutablePointer<Slot> {
    for way in 0..<ways where set[way].key == key && set[way].latest != .min { return set + way }
    var victim = 0
    for way in 1..<ways where set[way].full < set[victim].full { victim = way }
    return set + victim
  }
}

extension BurstDetector: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(limit.eventsPerSecond)
    writer.write(limit.burst)
    writer.write(UInt32(capacity))
    let used = (0..<capacity).filter { slots[$0].latest != .min }
    writer.write(used) { writer, index in
      writer.write(UInt32(index))
      writer.write(slots[index].key)
      writer.write(slots[index].latest)
      writer.write(slots[index].full)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let place = reader.position
    let rate = try reader.read(Double.self)
    let burst = try reader.read(Double.self)
    let capacity = try reader.read(UInt32.self)
    guard rate > 1e-9, rate.isFinite, burst >= 1, burst.isFinite, capacity > 0, capacity <= 1 << 24 else {
      throw .outOfBounds(what: "burst limit", value: UInt64(capacity), at: place)
    }
    self.init(BurstLimit(eventsPerSecond: rate, burst: burst), capacity: Int(capacity))
    let size = self.capacity
    let used = try reader.readArray(limit: size) {
      (reader: inout ByteReader) throws(ByteCodecError) -> (Int, Slot) in
      let index = Int(try reader.read(UInt32.self))
      guard index < size else {
        throw .outOfBounds(what: "slot", value: UInt64(index), at: reader.position - 4)
      }
      let key = try reader.read(UInt64.self)
      let latest = try reader.read(Int64.self)
      return (index, Slot(key: key, latest: latest, full: try reader.read(Int64.self)))
    }
    for (index, slot) in used { slots[index] = slot }
  }
}
