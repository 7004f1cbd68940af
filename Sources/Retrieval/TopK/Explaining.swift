// Why an item was recommended: the part of its score that was largest.

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

  /// Says of each of the scratch's chosen rows what the largest part of its score is.
  func explain(_ count: Int, _ scratch: RetrievalScratch) {
    scratch.candidates.fit(count)
    scratch.answer.fit(count)
    scratch.answerCount = count
    let (chosen, answer) = (scratch.chosen.base, scratch.answer.base)
    for place in 0..<count { scratch.candidates[place] = chosen[place].row }
    scratch.candidateCount = count
    locateCandidates(scratch)
    fillFeatures(scratch, nil)
    let (features, weights, kinds) = (scratch.features.base, scratch.weights.base, blend.features)
    for place in 0..<count {
      var (reason, largest) = (0, -Float.infinity)
      for index in 0..<kinds where index < kinds - 1 || !plan.rank {
        let part = weights[index] * features[place * kinds + index]
        if part > largest { (reason, largest) = (index, part) }
      }
      answer[place] = RecommendedItem(
        item: items.key(of: Int(chosen[place].row)), score: chosen[place].score,
        propensity: chosen[place].propensity, reason: plan.features[reason])
    }
  }
}
