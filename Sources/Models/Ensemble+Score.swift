// Answers from any copy, on any thread: nothing changes, and a missing row counts as what a new one would hold.

internal import Configuration
package import Features

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
      let numbers = scratch.numbers.base
      switch member.kind {
      case .joint, .bias: joints[member.index].score(batch, scratch.joints[member.index], out: numbers)
      case .linear: linears[member.index].score(batch, scratch.linears[member.index], out: numbers)
      case .fm, .mf: machines[member.index].score(batch, scratch.machines[member.index], out: numbers)
      case .mlp:
        for candidate in 0..<count {
          numbers[candidate] = perceptrons[member.index].predict(
            batch.dense(candidate), UnsafePointer(all + candidate * members),
            scratch.perceptrons[member.index], offset: 0)
        }
      case .neighbours:
        for candidate in 0..<count {
          let said = neighbours[member.index].score(
            user: batch.user, item: batch.item(candidate), scratch.neighbours[member.index])
          numbers[candidate] = said.average
          own[candidate * members].sum = said.sum
        }
      case .pooled:
        pooled[member.index].prepare(user: batch.user, scratch.pooled[member.index])
        for candidate in 0..<count {
          numbers[candidate] = pooled[member.index].score(
            item: batch.item(candidate), scratch.pooled[member.index])
        }
      }
      let priorZ = member.learnsResiduals && member.base < 0 ? priorZ : 0
      for candidate in 0..<count {
        let base = base.map { $0[candidate * members].total } ?? priorZ
        let place = candidate * members
        own[place].own = numbers[candidate]
        own[place].total =
          member.learnsResiduals
          ? total(base: base, residual: numbers[candidate]) : Bounds.logit(base + numbers[candidate])
        if member.kind != .neighbours { own[place].sum = 0 }
      }
    }
    let learns = stack.learns
    let user = learns ? popularity(Self.userCountKey(batch.user)) : 0
    for candidate in 0..<count {
      let z = stack.combine(
        UnsafePointer(all + candidate * members), members: members, user: user,
        item: learns ? popularity(Self.itemCountKey(batch.item(candidate))) : 0,
        dense: UnsafeBufferPointer(
          start: batch.dense(candidate) + 1, count: max(0, plan.denseNames.count - 1)),
        scratch.stack)
      body(candidate, prediction(z))
    }
  }
}
