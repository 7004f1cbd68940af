// Candidates of one request, gathered before any of them is scored: what they share comes once, and all keys stand
// side by side, so that tables can be asked for all rows ahead.
//
//   keys, values, slots  ┌ shared ┬ candidate 0 ┬ candidate 1 ┬ … ┐
//   dense                ┌ block of candidate 0 ┬ block of candidate 1 ┬ … ┐

package import Features

package final class CandidateBatch {
  let keys = Buffer<UInt64>(1024)
  let values = Buffer<Float>(1024)
  let slots = Buffer<UInt16>(1024)
  private let ends = Buffer<Int32>(128)
  private let blocks: Buffer<Float>
  private let itemKeys = Buffer<UInt64>(128)
  private let denseCount: Int
  private let slotCount: Int
  package private(set) var count = 0
  private(set) var sharedCount = 0
  private(set) var keyCount = 0
  private(set) var user: UInt64 = 0

  package init(_ plan: EnsemblePlan) {
    denseCount = plan.denseNames.count
    slotCount = plan.templates.count
    blocks = Buffer(128 * max(1, denseCount))
  }

  package func removeAll() { (count, sharedCount, keyCount, user) = (0, 0, 0, 0) }

  /// Adds a candidate. The first one brings what all share: the user's and the request's features, which are the
  /// first `sharedCount` of every candidate of this request.
  /// - Throws: a value that is not finite, or a template of another model; the batch is as it was then.
  package func append(_ view: FeatureView) throws(Refusal) {
    precondition(view.denseCount == denseCount, "the example's dense block is not this model's")
    let first = count == 0 ? 0 : view.sharedCount
    keys.reserve(keyCount + view.count, keeping: keyCount)
    values.reserve(keyCount + view.count, keeping: keyCount)
    slots.reserve(keyCount + view.count, keeping: keyCount)
    blocks.reserve((count + 1) * denseCount, keeping: count * denseCount)
    ends.reserve(count + 1, keeping: count)
    itemKeys.reserve(count + 1, keeping: count)
    var end = keyCount
    for index in first..<max(first, view.count) {
      let value = view.values[index]
      guard value.isFinite else { throw .valueNotFinite }
      guard Int(view.slots[index]) < slotCount else { throw .unknownTemplate }
      keys[end] = view.keys[index]
      values[end] = Bounds.value(value)
      slots[end] = view.slots[index]
      end += 1
    }
    let block = blocks.base + count * denseCount
    for index in 0..<denseCount {
      guard view.dense[index].isFinite else { throw .valueNotFinite }
      block[index] = Bounds.value(view.dense[index])
    }
    if count == 0 { (sharedCount, user) = (min(view.sharedCount, view.count), view.user) }
    itemKeys[count] = view.item
    ends[count] = Int32(end)
    keyCount = end
    count += 1
  }

  /// Places of a candidate's own features.
  @inline(__always)
  func range(_ candidate: Int) -> Range<Int> {
    let start = candidate == 0 ? sharedCount : Int(ends[candidate - 1])
    return start..<Int(ends[candidate])
  }

  @inline(__always)
  func dense(_ candidate: Int) -> UnsafePointer<Float> {
    UnsafePointer(blocks.base + candidate * denseCount)
  }

  @inline(__always)
  func item(_ candidate: Int) -> UInt64 { itemKeys[candidate] }
}
