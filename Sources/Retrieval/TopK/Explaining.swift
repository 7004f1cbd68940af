// Why an item was recommended: the part of its score that was largest, and for neighbours the item of the history
// that led to it.

internal import CKernels

extension RetrievalState {
  /// The blend's features of items for a user, one row for each item that is there, in the order of `plan.features`;
  /// the ranking model's is left at 0. Computed one item at a time, apart from the scan.
  package func features(
    of keys: [UInt64], user: UInt64?, nanos: Int64, segments: [UInt64] = [], _ scratch: RetrievalScratch
  ) -> [(item: UInt64, features: [Float])] {
    _ = prepare(user: user, now: Self.seconds(nanos), segments: segments, scratch)
    let known = keys.filter { items.find($0) != nil }
    scratch.candidates.fit(known.count)
    for (place, key) in known.enumerated() { scratch.candidates[place] = UInt32(items.find(key)!) }
    scratch.candidateCount = known.count
    locateCandidates(scratch)
    fillFeatures(scratch, nil)
    let kinds = blend.features
    return known.enumerated().map { place, key in
      (key, (0..<kinds).map { scratch.features[place * kinds + $0] })
    }
  }

  /// The blend's weights for a user with so many events, in the order of `plan.features`.
  package func blendWeights(events: Int) -> [Float] { blend.weights(ofBucket: blend.bucket(events)) }

  func explain(_ chosen: ChosenRow, _ weights: [Float], _ scratch: RetrievalScratch) -> RecommendedItem {
    let kinds = plan.features
    scratch.candidates.fit(1)
    scratch.candidates[0] = chosen.row
    scratch.candidateCount = 1
    locateCandidates(scratch)
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
      item: items.key(of: Int(chosen.row)), score: chosen.score, propensity: chosen.propensity,
      reason: reason,
      because: because)
  }

  /// The item of the history in whose list the item weighs most.
  private func source(of row: Int, side: Int, _ scratch: RetrievalScratch) -> UInt64? {
    guard let plan = plan.neighbours else { return nil }
    let handle = items.handle(of: row)
    var (best, largest) = (UInt64?.none, Float(0))
    var decay = Float(1)
    for j in 0..<min(scratch.historyCount, plan.length) {
      let other = Int(scratch.historyRows[j])
      let weight = decay / (1 + scratch.historyAges[j] / plan.ageScaleSeconds)
      decay *= plan.decay
      guard let shares = neighbours.shares(of: handle, in: other, scratch.kernels) else { continue }
      let share = side == 0 ? shares.0 : shares.1
      if weight * share > largest { (best, largest) = (items.key(of: other), weight * share) }
    }
    return best
  }
}
