// An example's features as bytes: what an impression is logged and waits with, so that it is learned as it was served.
//
//   ┌ count u32 ┬ shared u32 ┬ dense u32 ┬ seconds u32 ┬ user key u64 ┬ user u64 ┬ item u64 ┐
//   └ keys u64 × count ┴ values f32 × count ┴ dense f32 × dense ┴ slots u16 × count ┘
//
// `user` and `item` are the keys as features saw them: others after the entity was forgotten.

package import Features
internal import Models

package enum ServedFeatures {
  private static let header = 40

  /// The features of the candidate that was made last.
  package static func encode(_ example: Example) -> [UInt8] {
    let view = example.view
    let size = header + view.count * 14 + view.denseCount * 4
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let base = UnsafeMutableRawPointer(buffer.baseAddress!)
      let numbers = [UInt32(view.count), UInt32(view.sharedCount), UInt32(view.denseCount), view.seconds]
      for (place, number) in numbers.enumerated() {
        base.storeBytes(of: number, toByteOffset: 4 * place, as: UInt32.self)
      }
      for (place, key) in [example.userKey, view.user, view.item].enumerated() {
        base.storeBytes(of: key, toByteOffset: 16 + 8 * place, as: UInt64.self)
      }
      var at = base + header
      func add(_ bytes: UnsafeRawPointer, _ count: Int) {
        at.copyMemory(from: bytes, byteCount: count)
        at += count
      }
      add(view.keys, view.count * 8)
      add(view.values, view.count * 4)
      add(view.dense, view.denseCount * 4)
      add(view.slots, view.count * 2)
      count = size
    }
  }

  /// The key of the user that the features were made for; nil: bytes of another form.
  static func userKey(_ bytes: [UInt8]) -> UInt64? {
    guard bytes.count >= header else { return nil }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self) }
  }

  /// Calls `body` with the features, as an example of this plan would have them.
  /// - Returns: nil for bytes that are no features of this plan.
  static func withView<Result>(
    _ bytes: [UInt8], _ plan: FeaturePlan, label: Float, weight: Float, _ body: (FeatureView) -> Result
  ) -> Result? {
    guard bytes.count >= header else { return nil }
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
