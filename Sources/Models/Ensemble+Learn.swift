// One example, seen first and learned after.

internal import Configuration
package import Features
internal import Primitives
internal import Tables

extension Ensemble {
  /// hot: the answer before learning. Makes rows for features, users and items that are new (they begin with what
  /// a missing one counts as) and remembers in `scratch` what `learn` needs; what the view points to has to stay as it
  /// is until then.
  /// - Throws: why the example cannot be learned; nothing has changed then.
  package mutating func predict(
    learning view: FeatureView, _ scratch: EnsembleScratch
  ) throws(Refusal) -> Prediction {
    scratch.view.initialize(to: view)
    return try predict(scratch)
  }

  /// hot: the same of the example in `scratch.view`, which is read where it stands: bytes that were just written are
  /// slow to copy.
  package mutating func predict(_ scratch: EnsembleScratch) throws(Refusal) -> Prediction {
    scratch.answer = nil
    let (view, outputs) = (scratch.view, scratch.outputs)
    try Self.check(view.pointee.label, view.pointee.weight)
    if !scratch.features.isSound(view) { view.pointee = try scratch.features.load(view.pointee) }
    for place in plan.order.indices { outputs[place] = answer(place, view, scratch) }
    let answer = prediction(
      Stack.outright(plan.stack.combination, outputs.base, members: plan.order.count)
        ?? combine(view.pointee, scratch))
    scratch.answer = answer
    return answer
  }

  /// What a stack that learns makes of the members' outputs. Not inlined: the stack would be copied for every other.
  @inline(never)
  private mutating func combine(_ features: FeatureView, _ scratch: EnsembleScratch) -> Float {
    stack.combine(
      UnsafePointer(scratch.outputs.base), members: plan.order.count,
      user: popularity(Self.userCountKey(features.user)), item: popularity(Self.itemCountKey(features.item)),
      dense: UnsafeBufferPointer(start: features.dense + 1, count: max(0, features.denseCount - 1)),
      scratch.stack)
  }

  /// What one member says. Not inlined: in a loop the compiler would make every array its own beforehand, and an
  /// empty one costs an allocation each time.
  @inline(never)
  private mutating func answer(
    _ place: Int, _ view: UnsafePointer<FeatureView>, _ scratch: EnsembleScratch
  ) -> MemberOutput {
    let member = plan.order[place]
    let outputs = scratch.outputs
    let base = member.base < 0 ? 0 : outputs[member.base].total
    var output = MemberOutput()
    switch member.kind {
    case .joint, .bias:
      output.own = scratch.joints.with(member.index) {
        joints[member.index].predict(learning: view.pointee, $0, offset: base)
      }
    case .linear:
      output.own = scratch.linears.with(member.index) {
        linears[member.index].predict(learning: view, $0, offset: base)
      }
    case .fm, .mf:
      output.own = scratch.machines.with(member.index) {
        machines[member.index].predict(learning: view, $0, offset: base)
      }
    case .mlp:
      output.own = scratch.perceptrons.with(member.index) {
        perceptrons[member.index].predict(view.pointee.dense, UnsafePointer(outputs.base), $0, offset: base)
      }
    case .neighbours:
      let said = scratch.neighbours.with(member.index) {
        neighbours[member.index].predict(learning: view.pointee, $0)
      }
      output.own = said.average
      output.sum = said.sum
    case .pooled:
      output.own = scratch.pooled.with(member.index) {
        pooled[member.index].predict(learning: view.pointee, $0)
      }
    }
    output.total =
      member.learnsResiduals
      ? total(base: member.base < 0 ? priorZ : base, residual: output.own)
      : Bounds.logit(base + output.own)
    return output
  }

  private static func check(_ label: Float, _ weight: Float) throws(Refusal) {
    guard label.isFinite else { throw .labelNotFinite }
    guard weight.isFinite, weight >= 0 else { throw .weightNotFinite }
  }

  /// hot: learns the example that `predict(learning:)` has just answered. `rateScale` multiplies every learning
  /// rate; where there is none (biases, the joint model, least squares) the example counts as that many. Histories and
  /// neighbours take in an example or not: of those that count less than one, that share is drawn.
  /// - Throws: a label or weight that cannot be learned; nothing has changed then.
  package mutating func learn(
    label: Float, weight: Float = 1, rateScale: Float = 1, _ scratch: EnsembleScratch
  ) throws(Refusal) {
    guard let answer = scratch.answer else { preconditionFailure("learn before predict(learning:)") }
    try Self.check(label, weight)
    guard rateScale.isFinite, rateScale >= 0 else { throw .weightNotFinite }
    scratch.answer = nil
    let view = UnsafePointer(scratch.view)
    let label = min(max(label, plan.objective.minimum), plan.objective.maximum)
    let weight = min(weight, Bounds.exampleWeight)
    let counted = min(weight * rateScale, Bounds.exampleWeight)
    let target = plan.objective.isLogistic ? label : label - prior.mean
    let isDrawn =
      counted >= 1 || CounterRandom.uniform(seed: Self.drawSeed, counter: examples) < Double(counted)
    if stack.learns { stack.learn(scratch.stack, target: target, weight: counted) }
    for place in plan.order.indices {
      learn(
        place, view, scratch, answer, target: target, weight: weight, rateScale: rateScale, isDrawn)
    }
    if stack.learns, isDrawn { count(view.pointee) }
    prior.add(label, weight: counted)
    examples += 1
  }

  private static let drawSeed: UInt64 = 0x6472_6177

  /// One member's step; see `answer`.
  @inline(never)
  private mutating func learn(
    _ place: Int, _ view: UnsafePointer<FeatureView>, _ scratch: EnsembleScratch, _ answer: Prediction,
    target: Float, weight: Float, rateScale: Float, _ isDrawn: Bool
  ) {
    let member = plan.order[place]
    // Of what the base said before it learned.
    let expected =
      member.base >= 0
      ? plan.objective.expected(scratch.outputs[member.base].total)
      : plan.objective.isLogistic ? prior.mean : 0
    let residual = target - expected
    let counted = min(weight * rateScale, Bounds.exampleWeight)
    switch member.kind {
    case .joint, .bias:
      scratch.joints.with(member.index) {
        joints[member.index].learn(view.pointee, $0, target: target, weight: counted)
      }
    case .linear:
      scratch.linears.with(member.index) {
        linears[member.index].learn(
          view, $0, target: target, weight: weight, rateScale: rateScale, answer: answer)
      }
    case .fm, .mf:
      scratch.machines.with(member.index) {
        machines[member.index].learn(
          view, $0, target: target, weight: weight, rateScale: rateScale, answer: answer)
      }
    case .mlp:
      scratch.perceptrons.with(member.index) {
        perceptrons[member.index].learn($0, target: target, weight: weight, rateScale: rateScale)
      }
    case .neighbours:
      guard isDrawn else { return }
      scratch.neighbours.with(member.index) {
        neighbours[member.index].learn(view.pointee, $0, residual: residual)
      }
    case .pooled:
      scratch.pooled.with(member.index) {
        pooled[member.index].learn(
          view.pointee, $0, residual: residual, weight: weight, rateScale: rateScale, isRemembered: isDrawn)
      }
    }
  }

  private mutating func count(_ features: FeatureView) {
    counts.prepare(now: features.seconds, room: 2)
    counts.withWriter { writer in
      if features.user != 0, let id = writer.findOrInsert(Self.userCountKey(features.user)) {
        writer.weights(id)[0] += 1
      }
      if features.item != 0, let id = writer.findOrInsert(Self.itemCountKey(features.item)) {
        writer.weights(id)[0] += 1
      }
    }
  }
}
