// Why an item was recommended: the part of its score that was largest, and for neighbours the item of the history
// that led to it.

internal import CKernels

extension RetrievalState {
  func explain(_ chosen: ChosenRow, _ weights: [Float], _ scratch: RetrievalScratch) -> RecommendedItem {
    let kinds = plan.features
    scratch.candidates.fit(1)
    scratch.candidates[0] = chosen.row
    scratch.candidateCount = 1
    fillFeatures(scratch, nil)
    var (reason, largest) = (kinds[0], -Float.infinity)
    for (index, kind) in kinds.enumerated() where kind != .rank {
      let part = weights[index] * scratch.features[index]
      if part > largest { (reason, largest) = (kind, part) }
    }
    var because: UInt64?
    if reason == .forward || reason == .backward {
      because = source(of: Int(chosen.row), side: reason == .forward ? 0 : 1, scratch)
    }
    return RecommendedItem(
      item: items.key(of: Int(chosen.row)), score: chosen.score, propensity: chosen.propensity, reason: reason,
      because: because)
  }

  /// The item of the history in whose list the item weighs most.
  private func source(of row: Int, side: Int, _ scratch: RetrievalScratch) -> UInt64? {
    guard let plan = plan.neighbours else { return nil }
    let handle = items.handle(of: row)
    let (heads, slabs) = (neighbours.heads.reader, neighbours.slabs.reader)
    var (best, largest) = (UInt64?.none, Float(0))
    var decay = Float(1)
    for j in 0..<min(scratch.historyCount, plan.length) {
      let other = Int(scratch.historyRows[j])
      let head = heads.row(other).load(as: ListHead.self)
      let weight = decay / (1 + scratch.historyAges[j] / plan.ageScaleSeconds)
      decay *= plan.decay
      guard head.count > 0 else { continue }
      let slab = slabs.slab(head.slab)
      let count = Int(head.count)
      let place = scratch.kernels.pointee.find(slab.assumingMemoryBound(to: UInt32.self), count, handle)
      guard place < count else { continue }
      let column = Int(head.capacity) * (side + 1) + place
      let share = (slab + column * 4).load(as: Float.self) / ((side == 0 ? head.total0 : head.total1) + 1e-9)
      if weight * share > largest { (best, largest) = (items.key(of: other), weight * share) }
    }
    return best
  }
}
