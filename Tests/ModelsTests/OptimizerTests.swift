// Optimizers by steps worked out by hand, and by what they must reach.

import CKernels
import Configuration
import Primitives
import Tables
import Testing

@testable import Models

@Suite("Optimizers")
struct OptimizerTests {
  /// Weight and state after steps down `gradients` from `start`.
  private func run(_ rule: (UInt64) -> StepRule, _ gradients: [Float], from start: Float = 0) -> (
    Float, Float, Float
  ) {
    var weight = start
    var first: Float = 0
    var second: Float = 0
    for (index, gradient) in gradients.enumerated() {
      rule(UInt64(index + 1)).step(&weight, gradient, &first, &second)
    }
    return (weight, first, second)
  }

  @Test("AdaGrad: two steps by hand, with l2 and l1")
  func adagrad() {
    // G = 9, w = -0.5 · 3/3 = -0.5; G = 25, w = -0.5 - 0.5 · 4/5 = -0.9
    let plain = run({ _ in StepRule(optimizer: .adagrad, rate: 0.5) }, [3, 4])
    #expect(abs(plain.0 + 0.9) < 1e-6 && plain.1 == 25)
    // From w = 1: g = 3 + 1 · 1 = 4, G = 16, w = 1 - 0.5 · 4/4 = 0.5
    let l2 = run({ _ in StepRule(optimizer: .adagrad, rate: 0.5, l2: 1) }, [3], from: 1)
    #expect(abs(l2.0 - 0.5) < 1e-6)
    // g = 3: w = -0.5, then towards 0 by 0.5 · 0.6 / 3 = 0.1
    let l1 = run({ _ in StepRule(optimizer: .adagrad, rate: 0.5, l1: 0.6) }, [3])
    #expect(abs(l1.0 + 0.4) < 1e-6)
    // Never past 0: -0.5 + 0.5 · 30 / 3 would be 4.5.
    #expect(run({ _ in StepRule(optimizer: .adagrad, rate: 0.5, l1: 30) }, [3]).0 == 0)
    // No gradient yet: no step, no division by 0.
    #expect(run({ _ in StepRule(optimizer: .adagrad, rate: 0.5) }, [0]).0 == 0)
  }

  @Test("SGD with momentum: three steps by hand")
  func momentum() {
    // m: 1, 0.5 + 2 = 2.5, 1.25 - 1 = 0.25; w: -0.1, -0.35, -0.375
    let state = run({ _ in StepRule(optimizer: .sgd, rate: 0.1, momentum: 0.5) }, [1, 2, -1])
    #expect(abs(state.0 + 0.375) < 1e-6 && abs(state.1 - 0.25) < 1e-6)
  }

  @Test("Adam: two steps by hand")
  func adam() {
    // t = 1: m = 0.2, v = 0.004, corrected 2 and 4: w = -0.01 · 2/2 = -0.01
    let one = run({ StepRule(optimizer: .adam, rate: 0.01, steps: $0) }, [2])
    #expect(abs(one.0 + 0.01) < 1e-6)
    // t = 2, g = 1: m = 0.2 + 0.1 (1 - 0.2) = 0.28, v = 0.004 + 0.001 (1 - 0.004) = 0.004996
    // corrected: 0.28 / 0.19 = 1.473684, 0.004996 / 0.001999 = 2.499250, its root 1.580902
    let two = run({ StepRule(optimizer: .adam, rate: 0.01, steps: $0) }, [2, 1])
    #expect(abs(two.0 - (-0.01 - 0.01 * 1.473684 / 1.580902)) < 1e-6)
    // Late steps have no correction left.
    #expect(StepRule.corrections(1 << 40).0 == 1)
  }

  @Test("FTRL-proximal: two steps by hand, and sparsity")
  func ftrl() {
    var (w, z, n): (Float, Float, Float) = (0, 0, 0)
    // rate 0.5, beta 1, l1 0.5, l2 1. g = 2: sigma = 2 / 0.5 = 4; z = 2 - 0 = 2; n = 4;
    // w = -(2 - 0.5) / ((1 + 2) / 0.5 + 1) = -1.5 / 7
    FollowTheLeader.step(&w, 2, &z, &n, rate: 0.5, l1: 0.5, l2: 1)
    #expect(abs(w + 1.5 / 7) < 1e-6 && z == 2 && n == 4)
    // g = -1: sigma = (sqrt 5 - 2) / 0.5 = 0.472136; z = 2 - 1 + 0.472136 · 1.5/7 = 1.101172; n = 5
    // w = -(1.101172 - 0.5) / ((1 + 2.236068) / 0.5 + 1) = -0.601172 / 7.472136
    FollowTheLeader.step(&w, -1, &z, &n, rate: 0.5, l1: 0.5, l2: 1)
    #expect(abs(w + 0.601172 / 7.472136) < 1e-5)
    (w, z, n) = (0, 0, 0)
    FollowTheLeader.step(&w, 0.4, &z, &n, rate: 0.5, l1: 0.5, l2: 1)
    #expect(w == 0)
  }

  @Test("schedules: constant, inverse and root")
  func schedules() {
    var section = MemberSection()
    section.rate = 0.8
    section.scheduleSteps = 100
    func rates(_ schedule: Schedule) -> [Float] {
      section.schedule = schedule
      return [0, 100, 300].map { LearningRate(section).at($0) }
    }
    #expect(rates(.constant) == [0.8, 0.8, 0.8])
    #expect(rates(.inverse) == [0.8, 0.4, 0.2])
    #expect(zip(rates(.root), [0.8, 0.8 / Float(2).squareRoot(), 0.4]).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("clipping bounds the gradient of an example")
  func clipping() {
    #expect(Clip.apply(7, 2) == 2 && Clip.apply(-7, 2) == -2 && Clip.apply(7, 0) == 7)
  }

  @Test("every optimizer reaches the optimum of a convex problem")
  func convex() throws {
    // target = 1.5 x0 - 2 x1 + 0.5 without noise: the optimum of squared loss is known.
    for (optimizer, rate) in [(Optimizer.adagrad, 0.5), (.ftrl, 0.5), (.adam, 0.01), (.sgd, 0.01)] {
      let section = member("m", .linear) {
        $0.optimizer = optimizer; $0.rate = rate; $0.gradientInit = 1e-6
      }
      var ensemble = Ensemble(
        try TestPlans.plan([section], combination: .first, denseCount: 3, minimum: -100, maximum: 100))
      let scratch = EnsembleScratch(ensemble)
      for index in 0..<6_000 {
        func number(_ place: Int) -> Float {
          Float(CounterRandom.gauss(seed: 4, counter: UInt64(4 * index + place)))
        }
        var example = TestExample()
        example.dense = [1, number(0), number(1)]
        // The prior moves with the labels; what is learned is the rest.
        example.label = 1.5 * example.dense[1] - 2 * example.dense[2] + 0.5
        try ensemble.learn(example, scratch)
      }
      let weights = ensemble.linears[0].dense.weights
      #expect(abs(weights[0] + ensemble.prior.mean - 0.5) < 0.05, "\(optimizer): \(weights)")
      #expect(abs(weights[1] - 1.5) < 0.05 && abs(weights[2] + 2) < 0.05, "\(optimizer): \(weights)")
    }
  }

  @Test("the kernel steps linear weights as the rule does, bit for bit, also one that comes twice")
  func linearKernel() {
    for (l1, l2) in [(0, 0), (0.3, 0), (0, 0.2), (0.1, 0.1)] as [(Float, Float)] {
      let rule = StepRule(optimizer: .adagrad, rate: 0.2, l1: l1, l2: l2)
      func number(_ place: Int) -> Float { Float(CounterRandom.gauss(seed: 12, counter: UInt64(place))) }
      let start = (0..<40).flatMap { [number($0), abs(number(100 + $0)) * ($0 % 5 == 0 ? 0 : 1)] }
      var (stepped, expected) = (start, start)
      let values = (0..<40).map { $0 % 7 == 0 ? 0 : $0 == 11 ? 1e30 : number(200 + $0) }
      let places = (0..<40).map { $0 == 9 ? 3 : $0 == 33 ? 2 : $0 }
      stepped.withUnsafeMutableBufferPointer { stepped in
        let rows = places.map { place -> UnsafeMutablePointer<Float>? in stepped.baseAddress! + 2 * place }
        cowbird_linear_adagrad(rows, values, 40, -0.8, 0.2, l1, l2)
      }
      for (place, value) in zip(places, values) {
        expected.withUnsafeMutableBufferPointer { rows in
          let row = rows.baseAddress! + 2 * place
          rule.step(&row[0], -0.8 * value, row + 1, row + 1)
        }
      }
      #expect(stepped.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  @Test("a bias's count-decayed steps give the posterior mean")
  func bias() throws {
    // One feature, prior variance 0.5, noise 2, no offset: after n labels y the mean is sum / (n + noise / variance).
    let section = member("m", .bias) {
      $0.noise = 2; $0.denseVariance = 0
    }
    let plan = try TestPlans.plan(
      [section], combination: .first, denseCount: 0, minimum: -100, maximum: 100,
      templates: [Template("t", variance: 0.5)])
    var model = JointModel(section, plan)
    let scratch = JointScratch(model, KeysAhead())
    var example = TestExample()
    example.dense = []
    example.features = [(0, 5, 1)]
    let labels: [Float] = [3, -1, 4, 1, 5, 9, -2]
    for (index, label) in labels.enumerated() {
      example.withView { view in
        _ = model.predict(learning: view, scratch, offset: 0)
        model.learn(view, scratch, target: label, weight: 1)
      }
      let sum = labels[...index].reduce(0, +)
      let found = model.sparse.weights(of: 5)![0]
      #expect(abs(found - sum / (Float(index + 1) + 2 / 0.5)) < 1e-5)
    }
    #expect(abs(model.sparse.state(of: 5)![0] - 1 / (2 + 7.0 / 2)) < 1e-6)
  }

  @Test("least squares without forgetting equal the ridge solution")
  func leastSquares() {
    let rows: [[Double]] = [[1, 0.5], [1, -1], [1, 2], [1, 0.1]]
    let targets = [1.0, -2, 3.5, 0.4]
    var weights = [0.0, 0.0]
    var covariance = Covariance(count: 2, prior: 10)
    for (x, y) in zip(rows, targets) {
      var product = [0.0, 0.0]
      let s = covariance.multiply(x, into: &product)
      let error = y - (weights[0] * x[0] + weights[1] * x[1])
      for place in 0..<2 { weights[place] += product[place] / (1 + s) * error }
      covariance.downdate(product, 1 / (1 + s), forgetting: 1)
    }
    // (X'X + I/10) w = X'y, by Cramer's rule.
    let a = 4 + 0.1
    let b = rows.map { $0[1] }.reduce(0, +)
    let d = rows.map { $0[1] * $0[1] }.reduce(0, +) + 0.1
    let e = targets.reduce(0, +)
    let f = zip(rows, targets).map { $0[1] * $1 }.reduce(0, +)
    let determinant = a * d - b * b
    #expect(abs(weights[0] - (e * d - b * f) / determinant) < 1e-9)
    #expect(abs(weights[1] - (a * f - b * e) / determinant) < 1e-9)
  }

  @Test("forgetting never lets the covariance grow without bound, nor lose its diagonal")
  func windUp() {
    for count in [3, 80] {
      var covariance = Covariance(count: count, prior: 0.2)
      var x = [Double](repeating: 0, count: count)
      x[0] = 1
      var product = x
      for _ in 0..<20_000 {
        let s = covariance.multiply(x, into: &product)
        covariance.downdate(product, 1 / (1 + s), forgetting: 0.99)
      }
      // The last number was never seen: it stands at its bound.
      x = [Double](repeating: 0, count: count)
      x[count - 1] = 1
      let unseen = covariance.multiply(x, into: &product)
      #expect(unseen <= 0.2 * 1e4 * 1.000001 && unseen > 1000)
    }
  }
}
