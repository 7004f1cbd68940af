// Which predictors there are, and their hyper-parameters.

package enum Loss: String, CaseIterable, Sendable {
  /// `logistic` where labels lie in 0...1, `squared` elsewhere.
  case auto, logistic, squared
}

package enum MemberKind: String, CaseIterable, Sendable {
  /// Biases of every template (global, user, item, any feature), with count-decayed steps.
  case bias
  /// Hashed linear model.
  case linear
  /// Factorisation machine (Rendle 2010), field-aware on demand (Juan et al. 2016).
  case fm
  /// Matrix factorisation with biases (Koren, Bell, Volinsky 2009).
  case mf
  /// Biases of all templates, a dense block and a bilinear term, by extended Kalman steps.
  case joint
  /// Perceptron over the dense block and the answers of the members before it.
  case mlp
  /// Neighbours by co-occurring residuals.
  case neighbours
  /// Factors pooled over the user's history (SVD++-like).
  case pooled
}

package enum Optimizer: String, CaseIterable, Sendable {
  case adagrad, ftrl, sgd, adam
}

/// How the learning rate goes with the number of examples t.
package enum Schedule: String, CaseIterable, Sendable {
  case constant
  /// rate / (1 + t / schedule_steps)
  case inverse
  /// rate / sqrt(1 + t / schedule_steps)
  case root
}

/// How members become one answer.
package enum Combination: String, CaseIterable, Sendable {
  /// The first member's answer.
  case first
  case mean
  /// Recursive least squares over the members' answers (squared loss), its logistic form (logistic loss).
  case rls
  /// A small perceptron over the members' answers and the dense block.
  case mlp
  /// `rls`, then a perceptron that learns what it leaves over.
  case both
}

package struct MemberSection: NamedSection {
  package var name = ""
  package var kind = MemberKind.joint
  package var isOn = true
  package var optimizer = Optimizer.adagrad
  package var rate = 0.05
  package var l1 = 0.0
  package var l2 = 0.0
  package var factors = 8
  package var initScale = 0.05
  package var seed = 1
  package var noise = 2.0
  package var curvature = 0.02
  package var denseVariance = 0.2
  package var denseForgetting = 0.9999
  package var hidden: [Int] = [32, 16]
  package var batch = 4
  package var of = NeighbourSide.user
  package var length = 200
  package var pairs = 1 << 20
  package var pairShrinkage = 80.0
  package var weightShrinkage = 5.0
  package var squareShrinkage = 5.0
  package var historyShrinkage = 5.0
  package var gradientInit = 0.2
  package var isFieldAware = false
  package var momentum = 0.9
  package var clip = 0.0
  package var schedule = Schedule.constant
  package var scheduleSteps = 100_000.0
  package var residualOf = ""

  package init() {}
  package static var shorthand: String? { "kind" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("kind", &kind, .choice, .model, "Which predictor.")
    visitor.value("on", &isOn, .flag, .model, "It takes part.")
    visitor.value(
      "residual_of", &residualOf, .text(atMost: 64), .model,
      "The member whose error it learns; empty: the label.")
    switch kind {
    case .bias:
      visitor.value(
        "noise", &noise, .number(1e-4...1e6), .learning, "Variance of the label's noise (squared loss).")
      visitor.value(
        "curvature", &curvature, .number(1e-6...0.25), .learning,
        "Least curvature p (1 - p) of a step (logistic loss).")
    case .linear, .fm, .mf:
      visitSteps(&visitor)
      visitor.value(
        "gradient_init", &gradientInit, .number(1e-9...1e6), .model, "First value of AdaGrad's sums.")
      visitor.value("l1", &l1, .number(0...100), .learning, "Weight of the sum of absolute weights.")
      visitor.value("l2", &l2, .number(0...100), .learning, "Weight of the sum of squared weights.")
      if kind != .linear { visitFactors(&visitor) }
      if kind == .fm {
        visitor.value(
          "field_aware", &isFieldAware, .flag, .model, "A vector of each feature for each other template.")
      }
    case .joint: visitJoint(&visitor)
    case .mlp:
      visitSteps(&visitor)
      visitor.value("l2", &l2, .number(0...100), .learning, "Weight of the sum of squared weights.")
      visitor.value("seed", &seed, .integer(0...1_000_000), .model, "Seed of first weights.")
      visitor.value(
        "hidden", &hidden, .list(of: .integer(1...1024), count: 1...4), .model, "Units of each hidden layer.")
      visitor.value("batch", &batch, .integer(1...1024), .model, "Examples a step.")
    case .neighbours: visitNeighbours(&visitor)
    case .pooled:
      visitFactors(&visitor)
      visitLength(&visitor)
      visitRate(&visitor)
      visitor.value("l2", &l2, .number(0...100), .learning, "Weight of the sum of squared weights.")
      visitor.value(
        "gradient_init", &gradientInit, .number(1e-9...1e6), .model, "First value of AdaGrad's sums.")
    }
  }

  private mutating func visitSteps(_ visitor: inout some FieldVisitor) {
    visitor.value("optimizer", &optimizer, .choice, .model, "How weights are changed.")
    visitRate(&visitor)
    visitor.value("schedule", &schedule, .choice, .learning, "How the rate goes with the examples learned.")
    visitor.value(
      "schedule_steps", &scheduleSteps, .number(1...1e12), .learning, "Examples after which it has changed.")
    visitor.value("clip", &clip, .number(0...1e9), .learning, "Largest gradient of an example; 0: any.")
    if optimizer == .sgd {
      visitor.value("momentum", &momentum, .number(0...0.999), .learning, "Part of the last step kept.")
    }
  }

  private mutating func visitJoint(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "factors", &factors, .integer(0...256), .model, "Length of vectors (k); 0: no bilinear term.")
    visitor.value("seed", &seed, .integer(0...1_000_000), .model, "Seed of first vectors.")
    visitor.value(
      "noise", &noise, .number(1e-4...1e6), .learning, "Variance of the label's noise (squared loss).")
    visitor.value(
      "curvature", &curvature, .number(1e-6...0.25), .learning,
      "Least curvature p (1 - p) of a step (logistic loss).")
    visitor.value(
      "dense_variance", &denseVariance, .number(0...1000), .model, "Prior variance of dense weights.")
    visitor.value(
      "dense_forgetting", &denseForgetting, .number(0.99...1), .learning,
      "Factor of what is known of dense weights, an example.")
  }

  private mutating func visitNeighbours(_ visitor: inout some FieldVisitor) {
    visitor.value("of", &of, .choice, .model, "Whose neighbours.")
    visitLength(&visitor)
    visitor.value(
      "pairs", &pairs, .integer(1_024...1 << 28), .model, "Slots for pairs; rounded up to a power of two.")
    visitor.value(
      "pair_shrinkage", &pairShrinkage, .number(0...1e6), .learning,
      "Added to the number of a pair's meetings.")
    visitor.value(
      "weight_shrinkage", &weightShrinkage, .number(0...1e6), .learning, "Added to the sum of weights.")
    visitor.value(
      "square_shrinkage", &squareShrinkage, .number(0...1e6), .learning, "Added to a pair's sum of squares.")
    visitor.value(
      "history_shrinkage", &historyShrinkage, .number(0...1e6), .learning,
      "Added to the length of the history.")
  }

  private mutating func visitRate(_ visitor: inout some FieldVisitor) {
    visitor.value("rate", &rate, .number(0...10), .learning, "Learning rate.")
  }

  private mutating func visitFactors(_ visitor: inout some FieldVisitor) {
    visitor.value("factors", &factors, .integer(1...256), .model, "Length of vectors (k).")
    visitor.value("init", &initScale, .number(0...10), .model, "Scale of first vectors.")
    visitor.value("seed", &seed, .integer(0...1_000_000), .model, "Seed of first vectors.")
  }

  private mutating func visitLength(_ visitor: inout some FieldVisitor) {
    visitor.value("length", &length, .integer(1...1000), .model, "Length of the history used.")
  }
}

/// Whose neighbours vote.
package enum NeighbourSide: String, CaseIterable, Sendable {
  /// Users alike, over the item's history.
  case user
  /// Items alike, over the user's history.
  case item
}

package struct StackSection: Section {
  package var combination = Combination.rls
  package var forgetting = 0.9999
  package var prior = 0.125
  package var curvature = 0.05
  package var hidden: [Int] = [32, 16]
  package var rate = 0.001
  package var batch = 4
  package var decay = 0.0001

  package init() {}
  package static var shorthand: String? { "by" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("by", &combination, .choice, .model, "How members become one answer.")
    visitor.value("forgetting", &forgetting, .number(0.99...1), .learning, "Forgetting of least squares.")
    visitor.value("prior", &prior, .number(1e-9...1e9), .model, "Prior variance of its weights.")
    visitor.value(
      "curvature", &curvature, .number(1e-6...0.25), .learning,
      "Least curvature p (1 - p) of a step (logistic loss).")
    visitor.value(
      "hidden", &hidden, .list(of: .integer(1...1024), count: 1...4), .model, "Units of each hidden layer.")
    visitor.value("rate", &rate, .number(0...1), .learning, "Learning rate of the perceptron (Adam).")
    visitor.value("batch", &batch, .integer(1...1024), .model, "Examples a step of the perceptron.")
    visitor.value("decay", &decay, .number(0...1), .learning, "Weight decay of the perceptron.")
  }
}

package struct ModelSection: Section {
  package var loss = Loss.auto
  /// `auto`: every member that the features can feed. Otherwise names of `members`.
  package var use: [String] = ["auto"]
  package var members: [MemberSection] = []
  package var stack = StackSection()

  package init() {}

  /// In the order in which they answer.
  package var takingPart: [MemberSection] {
    members.filter { $0.isOn && (use == ["auto"] || use.contains($0.name)) }
  }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("loss", &loss, .choice, .model, "What is minimised.")
    visitor.value(
      "use", &use, .list(of: .text(atMost: 64, orEmpty: false), count: 1...32, distinct: true), .model,
      "Names of members, or \"auto\": the full ensemble.")
    visitor.named("members", &members, "Predictors by name.")
    visitor.section("stack", &stack, "How members become one answer.")
  }
}

extension MemberSection {
  package static var samples: [(when: String, section: Self)] {
    samples("kind", \.kind).flatMap { when, section in
      guard section.kind == .linear else { return [(when, section)] }
      var withMomentum = section
      withMomentum.optimizer = .sgd
      return [(when, section), ("optimizer sgd", withMomentum)]
    }
  }
}
