// Linear models against River's figures (`linear.json` of the oracles), where River's rules are the same: SGD,
// AdaGrad and Adam. River's squared loss is (y - p)^2, ours half of it; its intercept is plain SGD at 0.02.

import Configuration
import Foundation
import Tables
import Testing

@testable import Models

@Suite("Oracle")
struct OracleTests {
  private struct File: Decodable {
    struct Run: Decodable {
      var model: String
      var optimizer: String
      var predictions: [Double]
      var intercept: Double
      var weights: [String: Double]

      enum CodingKeys: String, CodingKey {
        case model, optimizer, intercept, weights
        case predictions = "pred_every_25"
      }
    }
    var runs: [Run]
  }

  private static var path: String {
    if let set = ProcessInfo.processInfo.environment["COWBIRD_ORACLES"] { return set + "/linear.json" }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appending(path: "../shared/oracles/linear.json").standardized.path
  }

  /// The oracle's generator: SplitMix64 with a running state.
  private struct Stream {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
    mutating func gauss() -> Double {
      var sum = 0.0
      for _ in 0..<12 { sum += uniform() }
      return sum - 6
    }
  }

  @Test(
    "SGD, AdaGrad and Adam reach River's weights and predictions",
    .enabled(if: FileManager.default.fileExists(atPath: path)))
  func linear() throws {
    let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(filePath: Self.path)))
    var compared = 0
    for run in file.runs {
      let isLogistic = run.model == "logistic"
      let words = run.optimizer.split(separator: " ")
      guard words.count == 2, let rate = Double(words[1]) else { continue }
      let optimizer: Optimizer
      switch words[0] {
      case "SGD": optimizer = .sgd
      case "AdaGrad": optimizer = .adagrad
      case "Adam": optimizer = .adam
      default: continue
      }
      compared += 1
      let section = member("m", .linear) {
        $0.optimizer = optimizer
        // River's derivative of squared loss is twice ours; it matters to SGD alone.
        $0.rate = !isLogistic && optimizer == .sgd ? 2 * rate : rate
        $0.momentum = 0
        $0.gradientInit = 1e-9
      }
      let plan = try TestPlans.plan(
        [section], isLogistic: isLogistic, combination: .first, denseCount: 0, minimum: -1e6, maximum: 1e6,
        templates: [Template("x")])
      var model = LinearModel(section, plan)
      let scratch = LinearScratch(KeysAhead())
      var intercept: Float = 0
      var stream = Stream(state: 5)
      var predictions: [Double] = []
      for index in 0..<600 {
        let (x0, x1, x2) = (stream.gauss(), stream.gauss(), stream.uniform())
        let c = Int(4 * stream.uniform())
        let s = 1.2 * x0 - 0.8 * x1 + 0.5 * (Double(c) - 1.5) + 0.5 * stream.gauss()
        let target: Float = isLogistic ? (s > 0 ? 1 : 0) : Float(s)
        var example = TestExample()
        example.dense = []
        example.features = [
          (0, 100, Float(x0)), (0, 101, Float(x1)), (0, 102, Float(x2)), (0, UInt64(200 + c), 1),
        ]
        example.withView { view in
          var view = view
          let z = model.predict(learning: &view, scratch, offset: intercept) + intercept
          if (index + 1) % 25 == 0 { predictions.append(Double(plan.objective.expected(z))) }
          let error = plan.objective.error(target: target, z: z)
          model.learn(&view, scratch, target: target, weight: 1, rateScale: 1)
          intercept += 0.02 * error * (isLogistic ? 1 : 2)
        }
      }
      // Floats for River's doubles: 600 steps agree to four decimals.
      let keys: [String: UInt64] = [
        "x0": 100, "x1": 101, "x2": 102, "c0": 200, "c1": 201, "c2": 202, "c3": 203,
      ]
      for (name, wanted) in run.weights {
        let found = Double(model.sparse.weights(of: keys[name]!)![0])
        #expect(
          abs(found - wanted) < 2e-4, "\(run.model) \(run.optimizer) \(name): \(found), River \(wanted)")
      }
      #expect(abs(Double(intercept) - run.intercept) < 2e-4)
      #expect(predictions.count == run.predictions.count)
      for (found, wanted) in zip(predictions, run.predictions) { #expect(abs(found - wanted) < 5e-4) }
    }
    #expect(compared == 6)
  }
}
