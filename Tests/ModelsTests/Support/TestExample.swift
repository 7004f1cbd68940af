// Examples written by hand, and ensembles of one or many members over them.

import Configuration
import Features
import Primitives

@testable import Models

struct TestExample {
  var features: [(slot: UInt16, key: UInt64, value: Float)] = []
  var dense: [Float] = [1]
  var user: UInt64 = 0
  var item: UInt64 = 0
  var label: Float = 0
  var weight: Float = 1
  var seconds: UInt32 = 1
  var sharedCount = 0

  func withView<Result>(_ body: (FeatureView) throws -> Result) rethrows -> Result {
    // One spare element: an empty array has no address to point at.
    let keys = features.map(\.key) + [0]
    let values = features.map(\.value) + [0]
    let slots = features.map(\.slot) + [0]
    return try keys.withUnsafeBufferPointer { keys in
      try values.withUnsafeBufferPointer { values in
        try slots.withUnsafeBufferPointer { slots in
          try (dense + [0]).withUnsafeBufferPointer { dense in
            try body(
              FeatureView(
                keys: keys.baseAddress!, values: values.baseAddress!, slots: slots.baseAddress!,
                count: features.count, sharedCount: sharedCount, dense: dense.baseAddress!,
                denseCount: self.dense.count, user: user, item: item, seconds: seconds, label: label,
                weight: weight))
          }
        }
      }
    }
  }
}

extension Ensemble {
  func score(_ example: TestExample, _ scratch: EnsembleScratch) throws -> Prediction {
    try example.withView { try score($0, scratch) }
  }

  @discardableResult
  mutating func learn(
    _ example: TestExample, _ scratch: EnsembleScratch, rateScale: Float = 1
  ) throws -> Prediction {
    try example.withView { view in
      let prediction = try predict(learning: view, scratch)
      try learn(label: example.label, weight: example.weight, rateScale: rateScale, scratch)
      return prediction
    }
  }
}

func member(_ name: String, _ kind: MemberKind, _ change: (inout MemberSection) -> Void = { _ in })
  -> MemberSection
{
  var section = MemberSection()
  section.name = name
  section.kind = kind
  change(&section)
  return section
}

enum TestPlans {
  static let templates = [
    Template("user", factor: .user, factorVariance: 0.5, factorInit: 0.1),
    Template("item", factor: .item, factorVariance: 0.5, factorInit: 0.1),
    Template("context", variance: 0.2),
    Template("cross", variance: 0.2, drift: 0.001),
  ]

  /// One of every kind, most of them learning the label, some the error of another.
  static let everyMember: [MemberSection] = [
    member("joint", .joint) { $0.factors = 4 },
    member("bias", .bias),
    member("linear", .linear),
    member("follower", .linear) {
      $0.optimizer = .ftrl; $0.l1 = 0.01; $0.rate = 0.1
    },
    member("machine", .fm) {
      $0.factors = 4; $0.residualOf = "bias"
    },
    member("aware", .fm) {
      $0.factors = 2; $0.isFieldAware = true; $0.optimizer = .adam; $0.rate = 0.01
    },
    member("matrix", .mf) {
      $0.factors = 4; $0.optimizer = .sgd; $0.momentum = 0.5; $0.rate = 0.01
    },
    member("network", .mlp) {
      $0.hidden = [6, 3]; $0.optimizer = .adam; $0.rate = 0.01; $0.batch = 2
    },
    member("neighbours", .neighbours) {
      $0.residualOf = "joint"; $0.length = 20; $0.pairs = 1024
    },
    member("items", .neighbours) {
      $0.of = .item; $0.length = 40; $0.pairs = 1024
    },
    member("pooled", .pooled) {
      $0.factors = 3; $0.length = 20; $0.rate = 0.1; $0.residualOf = "joint"
    },
  ]

  static func plan(
    _ members: [MemberSection], isLogistic: Bool = false, combination: Combination = .rls,
    denseCount: Int = 3,
    minimum: Float = 1, maximum: Float = 5, templates: [Template] = TestPlans.templates
  ) throws -> EnsemblePlan {
    var stack = StackSection()
    stack.combination = combination
    stack.hidden = [5]
    return try EnsemblePlan(
      templates: templates, denseNames: (0..<denseCount).map { "dense\($0)" },
      objective: Objective(isLogistic: isLogistic, minimum: minimum, maximum: maximum), members: members,
      stack: stack)
  }

  /// A stream of examples with something to learn, the same for one seed.
  static func stream(_ count: Int, isLogistic: Bool = false, seed: UInt64 = 1) -> [TestExample] {
    (0..<count).map { index in
      func random(_ place: Int, below bound: Int) -> Int {
        CounterRandom.index(below: bound, seed: seed, counter: UInt64(16 * index + place))
      }
      let (user, item, context) = (random(0, below: 12), random(1, below: 9), random(2, below: 4))
      let noise = Float(CounterRandom.gauss(seed: seed, counter: UInt64(16 * index + 3)))
      var example = TestExample()
      example.user = UInt64(user + 1)
      example.item = UInt64(item + 1)
      example.features = [
        (0, StableHash.combine(10, UInt64(user)), 1), (2, StableHash.combine(12, UInt64(context)), 1),
        (1, StableHash.combine(11, UInt64(item)), 1),
        (3, StableHash.combine(13, UInt64(user * 100 + context)), 0.5),
      ]
      example.sharedCount = 2
      example.dense = [1, Float(random(4, below: 100)) / 100, Float(user) / 10 - 0.5]
      let score = Float(user % 5) - 2 + 0.5 * Float(item % 3) + Float(user * item % 4) - 1.5 + 0.3 * noise
      example.label = isLogistic ? (score > 0 ? 1 : 0) : min(max(3 + 0.5 * score, 1), 5)
      example.weight = index % 7 == 0 ? 2 : 1
      example.seconds = UInt32(index + 1)
      return example
    }
  }
}
