// How the members' answers become one, learned online: each member has predicted before it learned, so the stack
// sees honest errors and finds the best mixture without anybody's choice.
//
//   rls    z1 = z + w . x                  x: `StackInputs`
//     K = P x / (lambda / h + x' P x)      w += K err / h        P = (P - K (P x)') / lambda
//     squared   h = 1, err = target - z1   logistic   h = max(curvature, p (1 - p)), err = target - p
//   mlp    z1 = z + perceptron(x, dense)
//   both   z1 = z + w . x, then z2 = z1 + perceptron(x, z1, dense)
//
// (Recursive least squares with forgetting; Haykin, Adaptive Filter Theory, ch. 10.)

internal import Configuration
internal import Primitives

package struct Stack: Sendable {
  let combination: Combination
  let inputs: StackInputs
  let objective: Objective
  private var forgetting: Double
  private var curvature: Float
  package private(set) var weights: [Double]
  package private(set) var covariance: Covariance
  package internal(set) var perceptron: Perceptron?

  init(_ plan: EnsemblePlan) {
    combination = plan.stack.combination
    inputs = StackInputs(plan)
    objective = plan.objective
    forgetting = plan.stack.forgetting
    curvature = Float(plan.stack.curvature)
    let usesLeastSquares = combination == .rls || combination == .both
    let usesPerceptron = combination == .mlp || combination == .both
    weights = Array(repeating: 0, count: usesLeastSquares ? inputs.count : 0)
    covariance = Covariance(count: weights.count, prior: plan.stack.prior)
    if usesPerceptron {
      perceptron = Perceptron(
        inputs: inputs.count + (combination == .both ? 1 : 0) + max(0, plan.denseNames.count - 1),
        hidden: plan.stack.hidden, optimizer: .adam, rate: plan.stack.rate, batch: plan.stack.batch,
        decay: plan.stack.decay, seed: 5)
    }
  }

  /// The first member's answer and the mean learn nothing, and need no counts of users and items.
  var learns: Bool {
    switch combination {
    case .first, .mean: false
    case .rls, .mlp, .both: true
    }
  }

  mutating func adopt(_ section: StackSection) {
    forgetting = section.forgetting
    curvature = Float(section.curvature)
    perceptron?.adopt(rate: section.rate, decay: section.decay)
  }

  /// The answer's z where nothing is learned to find it; nil: `combine` does.
  @inline(__always)
  static func outright(
    _ combination: Combination, _ outputs: UnsafePointer<MemberOutput>, members: Int
  ) -> Float? {
    switch combination {
    case .first: return Bounds.logit(outputs[0].total)
    case .mean:
      var sum: Float = 0
      for member in 0..<members { sum += outputs[member].total }
      return Bounds.logit(sum / Float(members))
    case .rls, .mlp, .both: return nil
    }
  }

  /// hot: the answer's z. `dense`: the example's block, without its constant.
  func combine(
    _ outputs: UnsafePointer<MemberOutput>, members: Int, user: Double, item: Double,
    dense: UnsafeBufferPointer<Float>, _ scratch: StackScratch
  ) -> Float {
    if let z = Self.outright(combination, outputs, members: members) { return z }
    inputs.fill(scratch.x.base, outputs, user: user, item: item)
    var z = Double(outputs[0].total)
    weights.withUnsafeBufferPointer { weights in
      var sum = 0.0
      for place in 0..<weights.count { sum += weights[place] * scratch.x[place] }
      z += sum
    }
    scratch.leastSquaresZ = Bounds.logit(Float(z))
    guard let perceptron else { return scratch.leastSquaresZ }
    fillPerceptron(dense, scratch)
    let more = perceptron.predict(scratch.perceptronInputs.base, scratch.perceptron!)
    scratch.z = Bounds.logit(scratch.leastSquaresZ + more)
    return scratch.z
  }

  private func fillPerceptron(_ dense: UnsafeBufferPointer<Float>, _ scratch: StackScratch) {
    var place = 0
    func push(_ value: Float) {
      scratch.perceptronInputs[place] = Bounds.value(value)
      place += 1
    }
    for column in 0..<inputs.count { push(Float(scratch.x[column])) }
    if combination == .both { push(scratch.leastSquaresZ) }
    for value in dense { push(value) }
  }

  /// hot: of the example that `combine` saw last.
  mutating func learn(_ scratch: StackScratch, target: Float, weight: Float) {
    guard weight > 0 else { return }
    if !weights.isEmpty { stepLeastSquares(scratch, target: target, weight: weight) }
    if perceptron != nil {
      let error = objective.error(target: target, z: scratch.z)
      perceptron!.learn(scratch.perceptronInputs.base, scratch.perceptron!, error: error * weight)
    }
  }

  private mutating func stepLeastSquares(_ scratch: StackScratch, target: Float, weight: Float) {
    let z = scratch.leastSquaresZ
    let p = objective.expected(z)
    let error = Double(target - p) * Double(weight)
    let h = Double(objective.isLogistic ? max(curvature, p * (1 - p)) : 1) * Double(weight)
    let square = covariance.multiply(scratch.x.base, into: scratch.product.base)
    let divisor = forgetting / h + square
    guard divisor.isFinite else { return }
    let gain = error / h / divisor
    for place in weights.indices {
      let next = weights[place] + scratch.product[place] * gain
      weights[place] = next.isFinite ? min(max(next, -1e9), 1e9) : 0
    }
    covariance.downdate(scratch.product.base, 1 / divisor, forgetting: forgetting)
  }

  func weightsOnly() -> Stack {
    var copy = self
    copy.covariance = covariance.weightsOnly()
    copy.perceptron = perceptron?.weightsOnly()
    return copy
  }

  mutating func restore(_ weights: [Double], _ covariance: Covariance) {
    self.weights = weights
    self.covariance = covariance
  }
}

final class StackScratch {
  let x: Buffer<Double>
  let product: Buffer<Double>
  let perceptronInputs: Buffer<Float>
  let perceptron: PerceptronScratch?
  var leastSquaresZ: Float = 0
  var z: Float = 0

  init(_ stack: Stack) {
    x = Buffer(stack.inputs.count)
    product = Buffer(stack.inputs.count)
    perceptronInputs = Buffer(stack.perceptron?.inputCount ?? 1)
    perceptron = stack.perceptron.map { PerceptronScratch($0) }
  }
}
