// Why an answer is what it is: named contributions that add up to the logit.
//
//   logit = prior + sum over members' features + sum over the stack's inputs
//
// The members whose z enters the answer as it is are taken apart (the first one, or all, for their mean); what the
// stack adds is told by member, as the sum of its inputs' weights times their values.

internal import Configuration
package import Features
internal import Primitives
internal import Tables

package struct Contribution: Equatable, Sendable {
  /// What it comes from: a member's name, "prior" or "stack".
  package var member: String
  /// Of a template, a dense entry, a pair of sides, or a part of the stack.
  package var name: String
  /// Of the feature; nil: it is none.
  package var key: UInt64?
  package var value: Float
  /// To the logit.
  package var contribution: Double
}

extension Ensemble {
  /// Contributions in a fixed order: the prior, the features, the stack. They sum to `score`'s logit within
  /// rounding; a logit at its bound (1e9) is not explained.
  /// - Throws: what `score` throws.
  package func contributions(
    _ view: FeatureView, _ scratch: EnsembleScratch
  ) throws(Refusal) -> [Contribution] {
    let prediction = try score(view, scratch)
    let features = try scratch.features.load(view)
    var parts: [Contribution] = []
    if !plan.objective.isLogistic {
      parts.append(
        Contribution(
          member: "prior", name: "mean label", key: nil, value: 1, contribution: Double(prior.mean)))
    }
    let isMean = plan.stack.combination == .mean
    let share = isMean ? 1 / Double(plan.order.count) : 1
    for place in isMean ? Array(plan.order.indices) : [0] {
      append(place, share: share, features, scratch, to: &parts)
    }
    appendStack(prediction, view, scratch, to: &parts)
    return parts
  }

  /// What a member's total is made of: its base's parts first.
  private func append(
    _ place: Int, share: Double, _ features: FeatureView, _ scratch: EnsembleScratch,
    to parts: inout [Contribution]
  ) {
    let member = plan.order[place]
    let name = plan.members[place].name
    let output = scratch.outputs[place]
    if member.base >= 0 { append(member.base, share: share, features, scratch, to: &parts) }
    func add(_ part: String, _ key: UInt64?, _ value: Float, _ contribution: Double) {
      parts.append(
        Contribution(member: name, name: part, key: key, value: value, contribution: share * contribution))
    }
    switch member.kind {
    case .joint, .bias: joints[member.index].explain(features, plan, add)
    case .linear: linears[member.index].explain(features, plan, add)
    case .fm, .mf: machines[member.index].explain(features, plan, scratch.machines[member.index], add)
    case .mlp: add("network", nil, 1, Double(output.own))
    case .neighbours, .pooled:
      let base = member.base >= 0 ? scratch.outputs[member.base].total : 0
      add("residual", nil, output.own, Double(output.total) - Double(base))
    }
  }

  private func appendStack(
    _ prediction: Prediction, _ view: FeatureView, _ scratch: EnsembleScratch, to parts: inout [Contribution]
  ) {
    guard !stack.weights.isEmpty || stack.perceptron != nil else { return }
    let x = scratch.stack.x
    // By member: what its answers add. The first member's, and counts, recalibrate.
    var sums = [Double](repeating: 0, count: plan.order.count)
    for column in stack.weights.indices {
      sums[stack.inputs.member(of: column) ?? 0] += stack.weights[column] * x[column]
    }
    if !stack.weights.isEmpty {
      for place in sums.indices {
        parts.append(
          Contribution(
            member: "stack", name: place == 0 ? "calibration" : plan.members[place].name, key: nil,
            value: scratch.outputs[place].own, contribution: sums[place]))
      }
    }
    if stack.perceptron != nil {
      parts.append(
        Contribution(
          member: "stack", name: "network", key: nil, value: 1,
          contribution: Double(scratch.stack.z) - Double(scratch.stack.leastSquaresZ)))
    }
  }
}

extension JointModel {
  func explain(
    _ features: FeatureView, _ plan: EnsemblePlan, _ add: (String, UInt64?, Float, Double) -> Void
  ) {
    for index in 0..<features.count {
      let slot = Int(features.slots[index])
      guard templates[slot].isLinear else { continue }
      let weight = sparse.weights(of: features.keys[index])?[0] ?? 0
      let x = features.values[index]
      add(plan.templates[slot].name, features.keys[index], x, Double(weight) * Double(x))
    }
    for place in denseWeights.indices {
      add(
        plan.denseNames[place], nil, features.dense[place],
        denseWeights[place] * Double(features.dense[place]))
    }
    guard factorCount > 0 else { return }
    // The bilinear term by the item side's features: each one's vector with the user side's sum.
    var sum = [Double](repeating: 0, count: factorCount)
    for index in 0..<features.count where templates[Int(features.slots[index])].side == JointTemplate.user {
      for (place, value) in vector(features, index).enumerated() {
        sum[place] += Double(value) * Double(features.values[index])
      }
    }
    for index in 0..<features.count where templates[Int(features.slots[index])].side == JointTemplate.item {
      var dot = 0.0
      for (place, value) in vector(features, index).enumerated() { dot += Double(value) * sum[place] }
      let x = features.values[index]
      add(
        "user side · " + plan.templates[Int(features.slots[index])].name, features.keys[index], x,
        dot * Double(x))
    }
  }

  /// The feature's vector, or what a new one would be.
  private func vector(_ features: FeatureView, _ index: Int) -> [Float] {
    let key = features.keys[index]
    if let row = factors.weights(of: key) { return row }
    let scale = templates[Int(features.slots[index])].factorInit
    return (0..<factorCount).map { InitialVector.value(seed: seed, key: key, place: $0, scale: scale) }
  }
}

extension LinearModel {
  func explain(
    _ features: FeatureView, _ plan: EnsemblePlan, _ add: (String, UInt64?, Float, Double) -> Void
  ) {
    for index in 0..<features.count {
      let weight = sparse.weights(of: features.keys[index])?[0] ?? 0
      let x = features.values[index]
      add(
        plan.templates[Int(features.slots[index])].name, features.keys[index], x, Double(weight) * Double(x))
    }
    dense.explain(features, plan, add)
  }
}

extension DenseLinear {
  func explain(
    _ features: FeatureView, _ plan: EnsemblePlan, _ add: (String, UInt64?, Float, Double) -> Void
  ) {
    for place in weights.indices {
      add(
        plan.denseNames[place], nil, features.dense[place],
        Double(weights[place]) * Double(features.dense[place]))
    }
  }
}

extension FactorisationMachine {
  /// Linear weights by feature; each pair's term is shared by its two features.
  func explain(
    _ features: FeatureView, _ plan: EnsemblePlan, _ scratch: FactorisationScratch,
    _ add: (String, UInt64?, Float, Double) -> Void
  ) {
    let count = isMatrix ? scratch.selectIDs(features.user, features.item) : features.count
    if !isMatrix { (scratch.keys, scratch.values) = (features.keys, features.values) }
    let rows = (0..<count).map { index -> [Float] in
      let key = scratch.keys[index]
      if let row = self.rows.weights(of: key) { return row }
      return [0] + (0..<width - 1).map { InitialVector.value(seed: seed, key: key, place: $0, scale: scale) }
    }
    var shares = [Double](repeating: 0, count: count)
    for right in 0..<(isFieldAware ? min(count, Self.fieldAwareFeatures) : count) {
      for left in 0..<right {
        let a = isFieldAware ? Int(features.slots[right]) * factorCount : 0
        let b = isFieldAware ? Int(features.slots[left]) * factorCount : 0
        var term = 0.0
        for place in 1...factorCount {
          term += Double(rows[left][a + place]) * Double(rows[right][b + place])
        }
        term *= Double(scratch.values[left]) * Double(scratch.values[right]) / 2
        shares[left] += term
        shares[right] += term
      }
    }
    for index in 0..<count {
      let x = scratch.values[index]
      let isUser = isMatrix && features.user != 0 && index == 0
      let name = isMatrix ? (isUser ? "user" : "item") : plan.templates[Int(features.slots[index])].name
      add(name, scratch.keys[index], x, Double(rows[index][0]) * Double(x) + shares[index])
    }
    dense.explain(features, plan, add)
  }
}
