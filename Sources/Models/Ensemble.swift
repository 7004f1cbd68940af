// Every predictor and the stack over them, as one value: a copy is a snapshot.
//
//   features ─▶ member ─▶ member ─▶ … ─▶ stack ─▶ z ─▶ link or clip ─▶ answer
//                  └ error ─▶ (a member that learns another's error)
//
// Members stand in one array for each kind, typed, so that they change in place: no existential between an event
// and a weight, and no second reference that would make a table copy itself. `plan.order` says in which order they
// speak.
//
// One example: `predict(learning:)` (rows are made for what is new), then `learn`: the stack, the members in
// order, the counts, the label's mean. Everything learned comes from what was said before any of it changed.

internal import Configuration
package import Features
internal import Primitives
package import Tables

/// What an ensemble answers.
package struct Prediction: BitwiseCopyable, Equatable, Sendable {
  /// Before the link; for squared loss with the label's mean.
  package var logit: Float
  /// After the link: a probability, or the label clipped to its range.
  package var value: Float

  @inlinable
  package init(logit: Float, value: Float) {
    self.logit = logit
    self.value = value
  }
}

package struct Ensemble: Sendable {
  package let plan: EnsemblePlan
  package internal(set) var prior: LabelPrior
  /// Examples of each user and each item, where the stack asks for them.
  package internal(set) var counts: PagedTable
  package internal(set) var joints: [JointModel] = []
  package internal(set) var linears: [LinearModel] = []
  /// Factorisation machines and matrix factorisations.
  package internal(set) var machines: [FactorisationMachine] = []
  package internal(set) var perceptrons: [PerceptronModel] = []
  package internal(set) var neighbours: [NeighbourModel] = []
  package internal(set) var pooled: [PooledModel] = []
  package internal(set) var stack: Stack
  /// Examples learned.
  package internal(set) var examples: UInt64 = 0

  package init(_ plan: EnsemblePlan) {
    self.plan = plan
    prior = LabelPrior(plan.objective)
    counts = PagedTable(
      layout: TableLayout(weights: 1, rowsPerPage: 16),
      bounds: TableBounds(maximumRows: plan.bounds.maximumRows))
    stack = Stack(plan)
    for (place, section) in plan.members.enumerated() {
      switch section.kind {
      case .joint, .bias: joints.append(JointModel(section, plan))
      case .linear: linears.append(LinearModel(section, plan))
      case .fm, .mf: machines.append(FactorisationMachine(section, plan))
      case .mlp: perceptrons.append(PerceptronModel(section, plan, place: place))
      case .neighbours: neighbours.append(NeighbourModel(section, plan))
      case .pooled: pooled.append(PooledModel(section, plan))
      }
    }
  }

  // MARK: Answers

  @inline(__always)
  func prediction(_ z: Float) -> Prediction {
    guard !plan.objective.isLogistic else { return Prediction(logit: z, value: Objective.sigmoid(z)) }
    let logit = prior.mean + z
    return Prediction(
      logit: logit, value: min(max(logit, plan.objective.minimum), plan.objective.maximum))
  }

  /// What is expected when no member has spoken, as z.
  @inline(__always)
  var priorZ: Float {
    guard plan.objective.isLogistic else { return 0 }
    let p = Double(min(max(prior.mean, 1e-6), 1 - 1e-6))
    return Float(DeterministicMath.log(p / (1 - p)))
  }

  /// A residual's effect on z: for logistic loss, one Newton step from the base.
  @inline(__always)
  func total(base: Float, residual: Float) -> Float {
    guard plan.objective.isLogistic else { return Bounds.logit(base + residual) }
    let p = Objective.sigmoid(base)
    return Bounds.logit(base + residual / max(0.05, p * (1 - p)))
  }

  static func userCountKey(_ user: UInt64) -> UInt64 { StableHash.combine(user, 1) }
  static func itemCountKey(_ item: UInt64) -> UInt64 { StableHash.combine(item, 2) }

  /// 0.2 ln(1 + n)
  @inline(__always)
  static func popularity(_ count: Float) -> Double { 0.2 * DeterministicMath.log(1 + Double(count)) }

  @inline(__always)
  func popularity(_ key: UInt64) -> Double {
    counts.withReader { reader in reader.find(key).map { Self.popularity($0[0]) } ?? 0 }
  }
}

/// Room for everything that predicting and learning need, for one thread at a time. Made for one plan.
package final class EnsembleScratch {
  let features: FeatureBuffer
  package let ahead = KeysAhead()
  let batch: CandidateBatch
  let joints: Lent<JointScratch>
  let linears: Lent<LinearScratch>
  let machines: Lent<FactorisationScratch>
  let perceptrons: Lent<PerceptronModelScratch>
  let neighbours: Lent<NeighbourScratch>
  let pooled: Lent<PooledScratch>
  let stack: StackScratch
  let outputs: Buffer<MemberOutput>
  /// Outputs of all candidates, member by member.
  let candidateOutputs: Buffer<MemberOutput>
  let numbers = Buffer<Float>(128)
  /// The example between predicting and learning, and what was answered.
  package let view: UnsafeMutablePointer<FeatureView>
  @exclusivity(unchecked) var answer: Prediction?
  private let memberCount: Int

  package init(_ ensemble: Ensemble) {
    features = FeatureBuffer(plan: ensemble.plan)
    batch = CandidateBatch(ensemble.plan)
    let ahead = ahead
    joints = Lent(ensemble.joints.map { JointScratch($0, ahead) })
    linears = Lent(ensemble.linears.map { _ in LinearScratch(ahead) })
    machines = Lent(ensemble.machines.map { FactorisationScratch($0, ahead) })
    perceptrons = Lent(ensemble.perceptrons.map { PerceptronModelScratch($0) })
    neighbours = Lent(ensemble.neighbours.map { NeighbourScratch($0) })
    pooled = Lent(ensemble.pooled.map { PooledScratch($0) })
    view = .allocate(capacity: 1)
    stack = StackScratch(ensemble.stack)
    memberCount = ensemble.plan.members.count
    outputs = Buffer(memberCount)
    candidateOutputs = Buffer(memberCount * 128)
  }

  deinit { view.deallocate() }

  /// What each member said of the last example, in the order of the plan.
  package var memberOutputs: [MemberOutput] { (0..<memberCount).map { outputs[$0] } }
}
