// Neighbours by residuals that go together: of users, met through the item's last raters; or of items, met through
// the user's last items. For (a, b), with b's history of (v, r_v) and the pair (a, v) having met n times:
//
//   w = s / (n + pair shrinkage)        s: sum of products of their residuals, d: sum of squares of v's
//   average = sum w r_v / (sum |w| + weight shrinkage)
//   sum     = sum s / (d + square shrinkage) r_v / sqrt(length + history shrinkage)
//
// Learning (a, b) with residual r: each pair of the history meets once more; then (a, r) enters b's history.

internal import Configuration
internal import Features
internal import Primitives
internal import Tables

package struct NeighbourModel: Sendable {
  let side: NeighbourSide
  private var pairShrinkage: Float
  private var weightShrinkage: Float
  private var squareShrinkage: Float
  private var historyShrinkage: Float
  package private(set) var histories: HistoryTable
  package private(set) var pairs: PairTable

  init(_ section: MemberSection, _ plan: EnsemblePlan) {
    side = section.of
    pairShrinkage = Float(section.pairShrinkage)
    weightShrinkage = Float(section.weightShrinkage)
    squareShrinkage = Float(section.squareShrinkage)
    historyShrinkage = Float(section.historyShrinkage)
    histories = HistoryTable(length: section.length, bounds: plan.bounds)
    pairs = PairTable(count: section.pairs)
  }

  mutating func adopt(_ section: MemberSection) {
    pairShrinkage = Float(section.pairShrinkage)
    weightShrinkage = Float(section.weightShrinkage)
    squareShrinkage = Float(section.squareShrinkage)
    historyShrinkage = Float(section.historyShrinkage)
  }

  /// (whose neighbours, whose history)
  @inline(__always)
  private func sides(_ user: UInt64, _ item: UInt64) -> (UInt64, UInt64) {
    side == .user ? (user, item) : (item, user)
  }

  /// hot: the two answers, from any copy.
  func score(user: UInt64, item: UInt64, _ scratch: NeighbourScratch) -> (average: Float, sum: Float) {
    guard collect(user, item, scratch) else { return (0, 0) }
    let (hashes, slots, count, mask) = (scratch.hashes.base, scratch.slots.base, scratch.count, pairs.mask)
    return pairs.slots.withReader { reader in
      for index in 0..<count {
        slots[index] = reader.pointer(Int(truncatingIfNeeded: hashes[index]) & mask)
        reader.prefetch(slots[index])
      }
      return answer(scratch)
    }
  }

  /// hot: the two answers, from the head; `scratch` keeps the history for `learn`.
  mutating func predict(
    learning features: FeatureView, _ scratch: NeighbourScratch
  ) -> (average: Float, sum: Float) {
    guard collect(features.user, features.item, scratch) else { return (0, 0) }
    pairs.look(scratch.hashes.base, scratch.count, into: scratch.slots.base)
    return answer(scratch)
  }

  /// Puts the history and the hashes of its pairs into `scratch`; false: there are none.
  @inline(__always)
  private func collect(_ user: UInt64, _ item: UInt64, _ scratch: NeighbourScratch) -> Bool {
    let (a, b) = sides(user, item)
    scratch.count = 0
    guard a != 0, b != 0 else { return false }
    let (keys, hashes) = (scratch.keys.base, scratch.hashes.base)
    let count = histories.read(b, keys, scratch.numbers.base)
    scratch.count = count
    for index in 0..<count { hashes[index] = PairTable.hash(a, keys[index]) }
    return count > 0
  }

  @inline(__always)
  private func answer(_ scratch: NeighbourScratch) -> (average: Float, sum: Float) {
    let (hashes, slots, numbers) = (scratch.hashes.base, scratch.slots.base, scratch.numbers.base)
    let count = scratch.count
    var weighted: Float = 0
    var weights: Float = 0
    var sum: Float = 0
    for index in 0..<count where slots[index].pointee.holds(hashes[index]) {
      let slot = slots[index].pointee
      let weight = slot.products / (Float(slot.meetings) + pairShrinkage)
      weighted += weight * numbers[index]
      weights += weight.magnitude
      sum += slot.products / (slot.squares + squareShrinkage) * numbers[index]
    }
    return (
      Bounds.logit(weighted / max(weights + weightShrinkage, Bounds.smallest)),
      Bounds.logit(sum / max(Float(count) + historyShrinkage, 1).squareRoot())
    )
  }

  /// hot: of the pair that `predict` saw last.
  mutating func learn(_ features: FeatureView, _ scratch: NeighbourScratch, residual: Float) {
    let (a, b) = sides(features.user, features.item)
    guard a != 0, b != 0 else { return }
    let residual = Bounds.weight(residual)
    pairs.meet(scratch.hashes.base, scratch.numbers.base, scratch.count, residual: residual)
    histories.append(b, a, residual, seconds: features.seconds)
  }

  func weightsOnly() -> NeighbourModel {
    var copy = self
    copy.histories = histories.weightsOnly()
    return copy
  }

  mutating func withHistory(_ body: (inout HistoryTable) -> Void) { body(&histories) }

  mutating func withHistories(_ body: (inout PagedTable) throws -> Void) rethrows {
    try histories.withTable(body)
  }

  mutating func withPairs(_ body: (inout PagedArray<PairSlot>) throws -> Void) rethrows {
    try pairs.withSlots(body)
  }
}

final class NeighbourScratch {
  let keys: Buffer<UInt64>
  let numbers: Buffer<Float>
  let hashes: Buffer<UInt64>
  let slots: Buffer<UnsafePointer<PairSlot>>
  var count = 0

  init(_ model: NeighbourModel) {
    keys = Buffer(model.histories.length)
    numbers = Buffer(model.histories.length)
    hashes = Buffer(model.histories.length)
    slots = Buffer(model.histories.length)
  }
}
