// A perceptron as a member: over the dense block and what the members before it answered (their whole z).

internal import Configuration
internal import Primitives

package struct PerceptronModel: Sendable {
  let objective: Objective
  /// Members before it, which it reads.
  let readCount: Int
  let denseCount: Int
  private var rate: LearningRate
  package internal(set) var network: Perceptron
  package internal(set) var steps: UInt64 = 0

  init(_ section: MemberSection, _ plan: EnsemblePlan, place: Int) {
    objective = plan.objective
    readCount = place
    denseCount = plan.denseNames.count
    rate = LearningRate(section)
    network = Perceptron(
      inputs: max(0, denseCount - 1) + place, hidden: section.hidden, optimizer: section.optimizer,
      rate: 1, batch: section.batch, decay: section.l2, seed: section.seed, momentum: section.momentum,
      clip: section.clip)
  }

  mutating func adopt(_ section: MemberSection) {
    rate = LearningRate(section)
    network.adopt(decay: section.l2, momentum: section.momentum, clip: section.clip)
  }

  /// hot: its own z. `outputs`: of the members before it.
  func predict(
    _ dense: UnsafePointer<Float>, _ outputs: UnsafePointer<MemberOutput>, _ scratch: PerceptronModelScratch,
    offset: Float
  ) -> Float {
    var place = 0
    for index in 1..<max(1, denseCount) {
      scratch.inputs[place] = dense[index]
      place += 1
    }
    for member in 0..<readCount {
      scratch.inputs[place] = Bounds.value(outputs[member].total)
      place += 1
    }
    if place == 0 { scratch.inputs[0] = 1 }
    let z = network.predict(scratch.inputs.base, scratch.network)
    scratch.z = Bounds.logit(offset + z)
    return z
  }

  /// hot: of the example that `predict` saw last.
  mutating func learn(
    _ scratch: PerceptronModelScratch, target: Float, weight: Float, rateScale: Float
  ) {
    network.learn(
      scratch.inputs.base, scratch.network,
      error: objective.error(target: target, z: scratch.z) * weight,
      rateScale: rate.at(steps) * rateScale)
    steps += 1
  }

  func weightsOnly() -> PerceptronModel {
    var copy = self
    copy.network = network.weightsOnly()
    return copy
  }
}

final class PerceptronModelScratch {
  let inputs: Buffer<Float>
  let network: PerceptronScratch
  var z: Float = 0

  init(_ model: PerceptronModel) {
    inputs = Buffer(model.network.inputCount)
    network = PerceptronScratch(model.network)
  }
}
