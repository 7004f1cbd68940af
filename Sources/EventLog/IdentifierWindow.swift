// The last N event ids, as 128-bit digests with the offsets of their records, for producers that cannot number.
//
//   ring   oldest ─▶ [ (digest, offset) … ] ─▶ newest, N at most
//   slots  open addressing with linear probing: 1 + place in the ring; 0 is free

internal import Primitives

struct IdentifierWindow {
  private struct Entry {
    var digest: Digest
    var offset: UInt64
  }

  let capacity: Int
  private var ring: [Entry] = []
  private var oldest = 0
  private var slots: [UInt32] = [UInt32](repeating: 0, count: 64)
  /// Differs in each process, so that nobody can choose ids that fall into one chain of slots. It changes no answer.
  private let salt = UInt64.random(in: .min ... .max)

  /// `capacity` 0 switches the window off.
  init(capacity: Int) { self.capacity = min(capacity, 1 << 28) }

  var count: Int { ring.count }

  /// The offset of the record that has this id, if it is among the last.
  func offset(of digest: Digest) -> UInt64? {
    var slot = home(digest)
    while slots[slot] != 0 {
      let entry = ring[Int(slots[slot]) - 1]
      if entry.digest == digest { return entry.offset }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Takes up an id that the window does not hold; the oldest makes room.
  mutating func insert(_ digest: Digest, offset: UInt64) {
    guard capacity > 0 else { return }
    if ring.count < capacity {
      if (ring.count + 1) * 2 > slots.count { grow() }
      ring.append(Entry(digest: digest, offset: offset))
      place(ring.count - 1)
    } else {
      vacate(oldest)
      ring[oldest] = Entry(digest: digest, offset: offset)
      place(oldest)
      oldest = (oldest + 1) % capacity
    }
  }

  private func home(_ digest: Digest) -> Int {
    Int(truncatingIfNeeded: CounterRandom.mix(digest.low ^ salt) & UInt64(slots.count - 1))
  }

  private mutating func place(_ entry: Int) {
    var slot = home(ring[entry].digest)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = UInt32(entry + 1)
  }

  /// Frees the slot of a ring entry and moves back those that it had pushed on.
  private mutating func vacate(_ entry: Int) {
    let mask = slots.count - 1
    var hole = home(ring[entry].digest)
    while slots[hole] != UInt32(entry + 1) { hole = (hole + 1) & mask }
    var next = (hole + 1) & mask
    while slots[next] != 0 {
      let wanted = home(ring[Int(slots[next]) - 1].digest)
      // The entry at `next` may move to the hole if the hole lies on its way from `wanted`.
      if (next &- wanted) & mask >= (next &- hole) & mask {
        slots[hole] = slots[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    slots[hole] = 0
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    for entry in ring.indices { place(entry) }
  }

  /// Oldest first.
  func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(ring.count))
    for step in ring.indices {
      let entry = ring[(oldest + step) % ring.count]
      writer.write(entry.digest)
      writer.write(entry.offset)
    }
  }

  init(capacity: Int, from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(capacity: capacity)
    let count = Int(try reader.read(UInt32.self))
    for _ in 0..<count {
      let digest = try reader.read(Digest.self)
      let offset = try reader.read(UInt64.self)
      insert(digest, offset: offset)
    }
  }
}
