// What is known of pairs of users (or items) that met: a fixed number of slots, one pair each, chosen by hash. An
// incumbent ages when another pair wants its slot, and goes when it is older than its meetings.
//
//   slot, 16 bytes  ┌ tag u32 ┬ sum of products f32 ┬ sum of squares f32 ┬ meetings u16 ┬ age u16 ┐

internal import Primitives
package import Tables

package struct PairSlot: BitwiseCopyable, Sendable {
  /// High half of the pair's hash.
  var tag: UInt32 = 0
  /// Of the two residuals at each meeting.
  var products: Float = 0
  /// Of the earlier one's residual.
  var squares: Float = 0
  var meetings: UInt16 = 0
  var age: UInt16 = 0

  package init() {}

  @inline(__always)
  func holds(_ hash: UInt64) -> Bool { meetings > 0 && tag == UInt32(truncatingIfNeeded: hash >> 32) }

  /// One more meeting; at 65,535 all is halved.
  @inline(__always)
  mutating func add(product: Float, square: Float) {
    if meetings == .max {
      products *= 0.5
      squares *= 0.5
      meetings /= 2
      age /= 2
    }
    products += product
    squares += square
    meetings += 1
    age += 1
  }
}

package struct PairTable: Sendable {
  package private(set) var slots: PagedArray<PairSlot>
  let mask: Int

  /// A page of 16 slots: a meeting after a snapshot copies little.
  private static let pageBytes = 256

  /// `count` is rounded up to a power of two.
  init(count: Int) {
    var size = 1024
    while size < count { size *= 2 }
    mask = size - 1
    slots = PagedArray(repeating: PairSlot(), count: size, pageBytes: Self.pageBytes)
  }

  /// The same for both orders.
  @inline(__always)
  static func hash(_ first: UInt64, _ second: UInt64) -> UInt64 {
    StableHash.combine(min(first, second), max(first, second))
  }

  @inline(__always)
  func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & mask }

  @inline(__always)
  subscript(place: Int) -> PairSlot { slots[place] }

  /// hot: where the pairs' slots are, for reading, until the next write; asked for ahead.
  mutating func look(
    _ hashes: UnsafePointer<UInt64>, _ count: Int,
    into pointers: UnsafeMutablePointer<UnsafePointer<PairSlot>>
  ) {
    let mask = mask
    slots.withWriter { writer in
      for index in 0..<count {
        let place = Int(truncatingIfNeeded: hashes[index]) & mask
        pointers[index] = writer.pointer(place)
        writer.prefetch(place)
      }
    }
  }

  /// hot: the pairs meet, with `residual` on one side and `numbers` on the other.
  mutating func meet(
    _ hashes: UnsafePointer<UInt64>, _ numbers: UnsafePointer<Float>, _ count: Int, residual: Float
  ) {
    let mask = mask
    slots.withWriter { writer in
      for index in 0..<count {
        let hash = hashes[index]
        let slot = writer.mutablePointer(Int(truncatingIfNeeded: hash) & mask)
        if !slot.pointee.holds(hash) {
          if slot.pointee.meetings > 0 {
            slot.pointee.age -= 1
            if slot.pointee.age > 0 { continue }
          }
          slot.pointee = PairSlot()
          slot.pointee.tag = UInt32(truncatingIfNeeded: hash >> 32)
        }
        slot.pointee.add(product: residual * numbers[index], square: numbers[index] * numbers[index])
      }
    }
  }

  mutating func withSlots(_ body: (inout PagedArray<PairSlot>) throws -> Void) rethrows { try body(&slots) }
  static var streamPageBytes: Int { pageBytes }
}
