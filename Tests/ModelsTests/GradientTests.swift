// Every predictor's step against finite differences of the loss, one weight at a time.

import Configuration
import Primitives
import Tables
import Testing

@testable import Models

@Suite("Gradients")
struct GradientTests {
  /// Plain gradient descent with a tiny rate: what a weight moved by, over the rate, is minus its derivative.
  private static let rate: Float = 1e-3

  private static func descending(_ kind: MemberKind, isFieldAware: Bool = false) -> MemberSection {
    member("m", kind) {
      $0.optimizer = .sgd
      $0.momentum = 0
      $0.rate = Double(rate)
      $0.factors = 3
      $0.initScale = 0.3
      $0.batch = 1
      $0.hidden = [4, 3]
      $0.isFieldAware = isFieldAware
    }
  }

  private func loss(_ ensemble: Ensemble, _ example: TestExample, _ scratch: EnsembleScratch) throws -> Double
  {
    _ = try ensemble.score(example, scratch)
    let target = ensemble.plan.objective.isLogistic ? example.label : example.label - ensemble.prior.mean
    return ensemble.plan.objective.loss(target: target, z: scratch.memberOutputs[0].total)
  }

  /// Compares every weight of every table of `ensemble`'s one member.
  private func checkTables(_ ensemble: Ensemble, _ example: TestExample) throws {
    let scratch = EnsembleScratch(ensemble)
    // Rows of the example exist already, so that a step moves what stands there.
    var after = ensemble
    try after.learn(example, scratch)
    var checked = 0
    for (name, table) in ensemble.weightTables() {
      let moved = try #require(after.weightTables().first { $0.0 == name }).1
      var rows: [(UInt64, [Float])] = []
      table.forEachRow { _, key, _, weights, _ in
        rows.append((key, Array(UnsafeBufferPointer(start: weights, count: table.layout.weights))))
      }
      for (key, row) in rows {
        let stepped = try #require(moved.weights(of: key))
        for place in row.indices {
          func shifted(_ by: Float) throws -> Double {
            var copy = ensemble
            var next = row
            next[place] += by
            copy.withEachTable { if $0 == name { $1.set(key, weights: next) } }
            return try loss(copy, example, scratch)
          }
          let delta: Float = 0.01
          let numeric = try (shifted(delta) - shifted(-delta)) / Double(2 * delta)
          let analytic = -Double(stepped[place] - row[place]) / Double(Self.rate) / Double(example.weight)
          #expect(
            abs(numeric - analytic) < 2e-3 * max(1, abs(numeric)), "\(name) \(key)[\(place)]")
          checked += abs(numeric) > 1e-3 ? 1 : 0
        }
      }
    }
    #expect(checked > 3)
  }

  @Test(
    "linear, machines (plain, field-aware) and matrix factorisation step down the gradient",
    arguments: [false, true])
  func tables(isLogistic: Bool) throws {
    let kinds: [(MemberKind, Bool)] = [(.linear, false), (.fm, false), (.fm, true), (.mf, false)]
    for (kind, isFieldAware) in kinds {
      var ensemble = Ensemble(
        try TestPlans.plan(
          [Self.descending(kind, isFieldAware: isFieldAware)], isLogistic: isLogistic, combination: .first))
      let scratch = EnsembleScratch(ensemble)
      let stream = TestPlans.stream(30, isLogistic: isLogistic)
      for example in stream { try ensemble.learn(example, scratch) }
      var example = stream[7]
      example.weight = 1.5
      example.features[3].value = -0.7
      try checkTables(ensemble, example)
    }
  }

  @Test("AdaGrad by kernel follows the same gradient as the plain steps")
  func kernel() throws {
    // With G = 1 at first and one step, w moves by rate g / sqrt(1 + g^2).
    let section = member("m", .fm) {
      $0.factors = 3; $0.rate = 1; $0.gradientInit = 1; $0.initScale = 0.3
    }
    let plain = Self.descending(.fm)
    var byKernel = Ensemble(try TestPlans.plan([section], combination: .first))
    var bySteps = Ensemble(try TestPlans.plan([plain], combination: .first))
    let example = TestPlans.stream(1)[0]
    try byKernel.learn(example, EnsembleScratch(byKernel))
    try bySteps.learn(example, EnsembleScratch(bySteps))
    let start = Ensemble(byKernel.plan)
    for feature in example.features {
      let one = try #require(byKernel.machines[0].rows.weights(of: feature.key))
      let two = try #require(bySteps.machines[0].rows.weights(of: feature.key))
      for place in one.indices {
        let machine = start.machines[0]
        let first =
          place == 0
          ? 0
          : InitialVector.value(
            seed: machine.seed, key: feature.key, place: place - 1, scale: machine.scale)
        let gradient = (first - two[place]) / Self.rate
        #expect(abs((first - one[place]) - gradient / (1 + gradient * gradient).squareRoot()) < 1e-3)
      }
    }
  }

  @Test(
    "the perceptron steps down the gradient of every weight, and tells its inputs'", arguments: [false, true])
  func perceptron(isLogistic: Bool) throws {
    let objective = Objective(isLogistic: isLogistic, minimum: -10, maximum: 10)
    var network = Perceptron(
      inputs: 5, hidden: [4, 3], optimizer: .sgd, rate: Double(Self.rate), batch: 1, decay: 0, seed: 3,
      momentum: 0)
    // The last layer begins at 0, where most gradients are 0: give it something.
    for place in network.starts.last!..<network.weights.count {
      network.weights[place] = Float(place % 3) - 0.9
    }
    let scratch = PerceptronScratch(network)
    let inputs: [Float] = [0.5, -1.2, 0.3, 2, -0.1]
    let target: Float = isLogistic ? 1 : 0.7
    func loss(_ network: Perceptron, _ inputs: [Float]) -> Double {
      objective.loss(target: target, z: network.predict(inputs, scratch))
    }
    var after = network
    let error = objective.error(target: target, z: after.predict(inputs, scratch))
    after.learn(inputs, scratch, error: error)
    let inputDeltas = (0..<5).map { scratch.deltas[0][$0] }
    for place in 0..<network.weights.count {
      var (up, down) = (network, network)
      up.weights[place] += 1e-2
      down.weights[place] -= 1e-2
      let numeric = (loss(up, inputs) - loss(down, inputs)) / 2e-2
      let analytic = -Double(after.weights[place] - network.weights[place]) / Double(Self.rate)
      #expect(abs(numeric - analytic) < 5e-3 * max(1, abs(numeric)), "weight \(place)")
    }
    for place in inputs.indices {
      var (up, down) = (inputs, inputs)
      up[place] += 1e-2
      down[place] -= 1e-2
      let numeric = (loss(network, up) - loss(network, down)) / 2e-2
      #expect(abs(numeric + Double(inputDeltas[place])) < 5e-3 * max(1, abs(numeric)), "input \(place)")
    }
  }

  @Test(
    "the joint model's steps are its uncertainty times the gradient, within one normaliser",
    arguments: [false, true])
  func joint(isLogistic: Bool) throws {
    let section = member("m", .joint) {
      $0.factors = 3; $0.noise = 1; $0.curvature = 1e-6; $0.seed = 2
    }
    var ensemble = Ensemble(try TestPlans.plan([section], isLogistic: isLogistic, combination: .first))
    let scratch = EnsembleScratch(ensemble)
    let stream = TestPlans.stream(40, isLogistic: isLogistic)
    for example in stream { try ensemble.learn(example, scratch) }
    var example = stream[3]
    example.weight = 1
    example.features.removeLast()
    var after = ensemble
    try after.learn(example, scratch)
    for name in ["m.sparse", "m.factors"] {
      var ratios: [Double] = []
      let table = try #require(ensemble.weightTables().first { $0.0 == name }).1
      let moved = try #require(after.weightTables().first { $0.0 == name }).1
      for feature in example.features {
        guard let row = table.weights(of: feature.key), let variance = table.state(of: feature.key),
          let stepped = moved.weights(of: feature.key)
        else { continue }
        for place in row.indices {
          func shifted(_ by: Float) throws -> Double {
            var copy = ensemble
            var next = row
            next[place] += by
            copy.withEachTable { if $0 == name { $1.set(feature.key, weights: next) } }
            return try loss(copy, example, scratch)
          }
          let gradient = try (shifted(0.01) - shifted(-0.01)) / 0.02
          guard abs(gradient) > 0.02 else { continue }
          ratios.append(Double(stepped[place] - row[place]) / (-gradient * Double(variance[0])))
        }
      }
      // One number for all: 1 / (1 + h s).
      let first = try #require(ratios.first)
      #expect(ratios.count >= 3 && first > 0 && first <= 1)
      for ratio in ratios { #expect(abs(ratio - first) < 0.01 * first, "\(name)") }
    }
  }

  @Test("the loss's derivative is minus the error", arguments: [false, true])
  func objective(isLogistic: Bool) {
    let objective = Objective(isLogistic: isLogistic, minimum: -10, maximum: 10)
    for target: Float in isLogistic ? [0, 1, 0.3] : [-2, 0, 5] {
      for z: Float in [-12, -3, -0.5, 0, 0.7, 4, 11] {
        let numeric =
          (objective.loss(target: target, z: z + 0.01) - objective.loss(target: target, z: z - 0.01)) / 0.02
        #expect(abs(numeric + Double(objective.error(target: target, z: z))) < 1e-3)
      }
    }
  }

  @Test("pooled factors step down the gradient of half the squared residual error")
  func pooled() throws {
    let section = member("m", .pooled) {
      $0.factors = 3
      $0.length = 8
      $0.rate = 1
      $0.gradientInit = 1e6
      $0.initScale = 0.5
    }
    var ensemble = Ensemble(try TestPlans.plan([section], combination: .first))
    let scratch = EnsembleScratch(ensemble)
    var stream = TestPlans.stream(40)
    for index in stream.indices { stream[index].user = 1 }
    for example in stream { try ensemble.learn(example, scratch) }
    let example = stream[9]
    let residual = Double(example.label - ensemble.prior.mean)
    func loss(_ ensemble: Ensemble) throws -> Double {
      _ = try ensemble.score(example, scratch)
      let error = residual - Double(scratch.memberOutputs[0].own)
      return error * error / 2
    }
    var after = ensemble
    try after.learn(example, scratch)
    var checked = 0
    for key in UInt64(1)...9 {
      guard let row = ensemble.pooled[0].vectors.weights(of: key) else { continue }
      let entries = historyCount(of: key, ensemble)
      // A repeated item is stepped once for each time, all from one gradient.
      let stepped = try #require(after.pooled[0].vectors.weights(of: key))
      let state = try #require(ensemble.pooled[0].vectors.state(of: key))
      for place in row.indices where entries <= 1 {
        func shifted(_ by: Float) throws -> Double {
          var copy = ensemble
          var next = row
          next[place] += by
          copy.withEachTable { if $0 == "m.vectors" { $1.set(key, weights: next) } }
          return try loss(copy)
        }
        let numeric = try (shifted(0.05) - shifted(-0.05)) / 0.1
        let analytic = -Double(stepped[place] - row[place]) * Double(state[place]).squareRoot()
        #expect(abs(numeric - analytic) < 0.02 * max(0.1, abs(numeric)), "\(key)[\(place)]")
        checked += abs(numeric) > 1e-3 ? 1 : 0
      }
    }
    #expect(checked > 3)
  }

  private func historyCount(of key: UInt64, _ ensemble: Ensemble) -> Int {
    let scratch = PooledScratch(ensemble.pooled[0])
    let count = ensemble.pooled[0].histories.read(1, scratch.keys.base, scratch.numbers.base)
    return (0..<count).count { scratch.keys[$0] == key }
  }
}

extension Ensemble {
  func weightTables() -> [(String, PagedTable)] {
    var tables: [(String, PagedTable)] = []
    forEachTable { name, table in
      if name != "counts" && !name.hasSuffix(".histories") { tables.append((name, table)) }
    }
    return tables
  }
}
