// An example's features as bytes: what an impression is logged and waits with, so that it is learned as it was served.
//
//   shared   ┌ shared u32 ┬ seconds u32 ┬ user key u64 ┬ user u64 ┬ keys ┬ values ┬ slots ┐   once for an answer
//   own      ┌ own u32 ┬ dense u32 ┬ item u64 ┬ keys ┬ values ┬ dense ┬ slots ┐              for each of its items
//   joined   ┌ count u32 ┬ shared u32 ┬ dense u32 ┬ seconds u32 ┬ user key u64 ┬ user u64 ┬ item u64 ┐
//            └ keys u64 × count ┴ values f32 × count ┴ dense f32 × dense ┴ slots u16 × count ┘
//
// `user` and `item` are the keys as features saw them: others after the entity was forgotten.

package import Features
internal import Models
internal import Retrieval

package enum ServedFeatures {
  private static let header = 40
  private static let sharedHeader = 24
  private static let ownHeader = 16

  /// What all candidates of the request have in common.
  package static func encodeShared(_ example: Example) -> [UInt8] {
    let view = example.view
    return bytes(sharedHeader + view.sharedCount * 14) { writer in
      writer.add(UInt32(view.sharedCount), view.seconds)
      writer.add(example.userKey, view.user)
      writer.add(view.keys, view.sharedCount)
      writer.add(view.values, view.sharedCount)
      writer.add(view.slots, view.sharedCount)
    }
  }

  /// What the candidate that was made last has beside that.
  package static func encodeOwn(_ example: Example) -> [UInt8] {
    let view = example.view
    let own = view.count - view.sharedCount
    return bytes(ownHeader + own * 14 + view.denseCount * 4) { writer in
      writer.add(UInt32(own), UInt32(view.denseCount))
      writer.add(view.item)
      writer.add(view.keys + view.sharedCount, own)
      writer.add(view.values + view.sharedCount, own)
      writer.add(view.dense, view.denseCount)
      writer.add(view.slots + view.sharedCount, own)
    }
  }

  private static func number(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt32 {
    bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
  }

  /// How many of the bytes an item's own features are, which they begin with; nil: they do not.
  static func ownLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= ownHeader else { return nil }
    let length = ownHeader + Int(number(bytes, 0)) * 14 + Int(number(bytes, 1)) * 4
    return length <= bytes.count ? length : nil
  }

  /// Whether the bytes have the form of these.
  static func fit(_ shared: UnsafeRawBufferPointer, _ own: UnsafeRawBufferPointer) -> Bool {
    shared.count >= sharedHeader && shared.count == sharedHeader + Int(number(shared, 0)) * 14
      && ownLength(own) == own.count
  }

  /// Both as one; nil for bytes that are not these.
  package static func joined(
    _ shared: UnsafeRawBufferPointer, _ own: UnsafeRawBufferPointer
  ) -> [UInt8]? {
    guard fit(shared, own) else { return nil }
    let (first, rest, dense) = (Int(number(shared, 0)), Int(number(own, 0)), Int(number(own, 1)))
    let (a, b) = (shared.baseAddress! + sharedHeader, own.baseAddress! + ownHeader)
    return bytes(header + (first + rest) * 14 + dense * 4) { writer in
      writer.add(UInt32(first + rest), UInt32(first), UInt32(dense), number(shared, 1))
      writer.copy(shared.baseAddress! + 8, 16)
      writer.copy(own.baseAddress! + 8, 8)
      writer.copy(a, first * 8)
      writer.copy(b, rest * 8)
      writer.copy(a + first * 8, first * 4)
      writer.copy(b + rest * 8, rest * 4 + dense * 4)
      writer.copy(a + first * 12, first * 2)
      writer.copy(b + rest * 12 + dense * 4, rest * 2)
    }
  }

  private struct Writer {
    private var at: UnsafeMutableRawPointer

    init(_ base: UnsafeMutableRawPointer) { at = base }

    mutating func copy(_ bytes: UnsafeRawPointer, _ count: Int) {
      at.copyMemory(from: bytes, byteCount: count)
      at += count
    }

    mutating func add<Number: BitwiseCopyable>(_ numbers: UnsafePointer<Number>, _ count: Int) {
      copy(numbers, count * MemoryLayout<Number>.stride)
    }

    mutating func add<Number: FixedWidthInteger>(_ numbers: Number...) {
      for number in numbers {
        at.storeBytes(of: number, as: Number.self)
        at += MemoryLayout<Number>.size
      }
    }
  }

  private static func bytes(_ size: Int, _ write: (inout Writer) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      var writer = Writer(UnsafeMutableRawPointer(buffer.baseAddress!))
      write(&writer)
      count = size
    }
  }

  /// The key of the user that the features were made for; nil: bytes of another form.
  static func userKey(_ shared: [UInt8]) -> UInt64? {
    guard shared.count >= sharedHeader else { return nil }
    return shared.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
  }

  /// Calls `body` with the features, as an example of this plan would have them.
  /// - Returns: nil for bytes that are no features of this plan.
  static func withView<Result>(
    _ served: ServedBytes, _ plan: FeaturePlan, label: Float, weight: Float, _ body: (FeatureView) -> Result
  ) -> Result? {
    let whole = served.shared.withUnsafeBytes { shared in served.own.withUnsafeBytes { joined(shared, $0) } }
    guard let bytes = whole else { return nil }
    // Numbers are read where they stand, so they have to stand at multiples of their size.
    return withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 8) { memory in
      memory.copyBytes(from: bytes)
      let base = UnsafeRawPointer(memory.baseAddress!)
      func number(_ place: Int) -> Int { Int(base.load(fromByteOffset: 4 * place, as: UInt32.self)) }
      let (count, shared, dense) = (number(0), number(1), number(2))
      guard shared <= count, dense == plan.denseCount, bytes.count == header + count * 14 + dense * 4 else {
        return nil
      }
      let values = base + header + count * 8
      let numbers = values + count * 4
      let slots = (numbers + dense * 4).assumingMemoryBound(to: UInt16.self)
      guard (0..<count).allSatisfy({ Int(slots[$0]) < plan.slots.count }) else { return nil }
      return body(
        FeatureView(
          keys: (base + header).assumingMemoryBound(to: UInt64.self),
          values: values.assumingMemoryBound(to: Float.self), slots: slots, count: count,
          sharedCount: shared, dense: numbers.assumingMemoryBound(to: Float.self), denseCount: dense,
          user: base.load(fromByteOffset: 24, as: UInt64.self),
          item: base.load(fromByteOffset: 32, as: UInt64.self),
          seconds: UInt32(number(3)), label: label, weight: weight))
    }
  }
}
