// Which predictors there are, and their hyper-parameters.

package enum Loss: String, CaseIterable, Sendable {
  /// `logistic` where labels lie in 0...1, `squared` elsewhere.
  case auto, logistic, squared
}

package enum MemberKind: String, CaseIterable, Sendable {
  /// Hashed linear model.
  case linear
  /// Factorisation machine (Rendle 2010).
  case fm
  /// Biases of all templates, a dense block and a bilinear term, by extended Kalman steps.
  case joint
  /// Perceptron over the dense block and pooled embeddings.
  case mlp
  /// Neighbours by co-occurring residuals.
  case neighbours
  /// Factors pooled over the user's history (SVD++-like).
  case pooled
}

package enum Optimizer: String, CaseIterable, Sendable {
  case adagrad, ftrl, sgd, adam
}

/// How members become one answer.
package enum Combination: String, CaseIterable, Sendable {
  /// The first member's answer.
  case first
  case mean
  /// Recursive least squares over the members' answers.
  case rls
  /// A small perceptron over the members' answers and the dense block.
  case mlp
  /// Mean of `rls` and `mlp`.
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
  package var noise = 1.6
  package var curvature = 0.02
  package var denseVariance = 0.05
  package var denseForgetting = 0.9999
  package var hidden: [Int] = [32, 16]
  package var batch = 4
  package var of = NeighbourSide.user
  package var length = 200
  package var pairs = 1 << 20
  package var pairShrinkage = 10.0
  package var weightShrinkage = 2.0
  package var squareShrinkage = 30.0
  package var historyShrinkage = 5.0
  package var gradientInit = 0.05
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
    case .linear, .fm:
      visitor.value("optimizer", &optimizer, .choice, .model, "How weights are changed.")
      visitRate(&visitor)
      visitor.value("l1", &l1, .number(0...100), .learning, "Weight of the sum of absolute weights.")
      visitor.value("l2", &l2, .number(0...100), .learning, "Weight of the sum of squared weights.")
      if kind == .fm { visitFactors(&visitor) }
    case .joint: visitJoint(&visitor)
    case .mlp:
      visitor.value("optimizer", &optimizer, .choice, .model, "How weights are changed.")
      visitRate(&visitor)
      visitor.value(
        "hidden", &hidden, .list(of: .integer(1...1024), count: 1...4), .model, "Units of each hidden layer.")
      visitor.value("batch", &batch, .integer(1...1024), .model, "Examples a step.")
      visitFactors(&visitor)
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

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("loss", &loss, .choice, .model, "What is minimised.")
    visitor.value(
      "use", &use, .list(of: .text(atMost: 64, orEmpty: false), count: 1...32), .model,
      "Names of members, or \"auto\": the full ensemble.")
    visitor.named("members", &members, "Predictors by name.")
    visitor.section("stack", &stack, "How members become one answer.")
  }
}
