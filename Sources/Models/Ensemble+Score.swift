// Answers from any copy, on any thread: nothing changes, and a missing row counts as what a new one would hold.

internal import Configuration

extension Ensemble {
  /// hot: the answer for one example.
  /// - Throws: a value that is not finite, or a template of another model.
  package func score(_ view: FeatureView, _ scratch: EnsembleScratch) throws(Refusal) -> Prediction {
    scratch.batch.removeAll()
    try scratch.batch.append(view)
    var answer = Prediction(logit: 0, value: 0)
    score(scratch.batch, scratch) { _, prediction in answer = prediction }
    for place in plan.order.indices { scratch.outputs[place] = scratch.candidateOutputs[place] }
    return answer
  }

  /// hot: the answer for every candidate, in order. What candidates share is summed once, and rows are asked for
  /// ahead of their use.
  package func score(
    _ batch: CandidateBatch, _ scratch: EnsembleScratch, _ body: (Int, Prediction) -> Void
  ) {
    let count = batch.count
    guard count > 0 else { return }
    let members = plan.order.count
    scratch.candidateOutputs.reserve(members * count)
    scratch.numbers.reserve(count)
    let all = scratch.candidateOutputs.base
    for place in plan.order.indices {
      let member = plan.order[place]
      let base = member.base < 0 ? nil : all + member.base
      // Candidate by candidate: its members' outputs stand side by side, for the stack.
      let own = all + place
      switch member.kind {
      case .joint, .bias:
        joints[member.index].score(batch, scratch.joints[member.index], out: scratch.numbers.base)
        for candidate in 0..<count {
          own[candidate * members] = linearOutput(
            scratch.numbers[candidate], base.map { $0[candidate * members].total } ?? 0)
        }
      case .neighbours:
        for candidate in 0..<count {
          let said = neighbours[member.index].predict(
            user: batch.user, item: batch.item(candidate), scratch.neighbours[member.index])
          own[candidate * members] = residualOutput(
            said.average, said.sum, base.map { $0[candidate * members].total })
        }
      case .pooled:
        pooled[member.index].prepare(user: batch.user, scratch.pooled[member.index])
        for candidate in 0..<count {
          let said = pooled[member.index].score(item: batch.item(candidate), scratch.pooled[member.index])
          own[candidate * members] = residualOutput(said, 0, base.map { $0[candidate * members].total })
        }
      default: preconditionFailure()
      }
    }
    let user = popularity(Self.userCountKey(batch.user))
    for candidate in 0..<count {
      let z = stack.combine(
        UnsafePointer(all + candidate * members), members: members, user: user,
        item: popularity(Self.itemCountKey(batch.item(candidate))),
        dense: UnsafeBufferPointer(
          start: batch.dense(candidate) + 1, count: max(0, plan.denseNames.count - 1)),
        scratch.stack)
      body(candidate, prediction(z))
    }
  }

  @inline(__always)
  private func linearOutput(_ own: Float, _ base: Float) -> MemberOutput {
    MemberOutput(own: own, total: Bounds.logit(base + own))
  }

  @inline(__always)
  private func residualOutput(_ own: Float, _ sum: Float, _ base: Float?) -> MemberOutput {
    MemberOutput(own: own, sum: sum, total: total(base: base ?? priorZ, residual: own))
  }
}
