// What logloss, accuracy, calibration and their kin are made of.

package import Primitives

/// One scored example of a binary task.
package struct BinaryOutcome: Sendable, Equatable {
  /// Predicted probability of a positive.
  package var probability: Double
  /// Weight; its sign tells the label (negative: label 0), which keeps the window small. 0: there was no prediction.
  fileprivate var signedWeight: Double

  /// - Parameters:
  ///   - probability: in 0...1; for the loss alone it is clipped to 1e-15 away from both ends.
  ///   - weight: > 0.
  package init(probability: Double, isPositive: Bool, weight: Double = 1) {
    self.probability = probability
    signedWeight = isPositive ? weight : -weight
  }

  static var missing: BinaryOutcome { BinaryOutcome(probability: 0.5, isPositive: false, weight: 0) }

  package var isPositive: Bool { signedWeight > 0 }
  package var weight: Double { signedWeight.magnitude }
  var isMissing: Bool { signedWeight == 0 }
  /// Unweighted logloss.
  package var loss: Double { LogLoss.of(probability: probability, isPositive: isPositive) }
}

/// Weighted sums over binary examples, with a positive predicted from probability 0.5 on.
///
/// - Complexity: O(1) per example.
package struct BinarySums: MetricSums {
  package private(set) var count = 0.0
  /// Examples without a prediction.
  private(set) var missing = 0.0
  /// Σ weight times: 1, loss, (p - y)², |p - y|, p, y, [predicted positive], [true positive].
  private var sums = SIMD8<Double>()

  package init() {}

  package init(_ outcome: BinaryOutcome) {
    guard !outcome.isMissing else {
      missing = 1
      return
    }
    let p = outcome.probability
    let y = outcome.isPositive ? 1.0 : 0.0
    let error = (p - y).magnitude
    let isPredicted = p >= 0.5 ? 1.0 : 0.0
    count = 1
    sums = outcome.weight * SIMD8(1, outcome.loss, error * error, error, p, y, isPredicted, isPredicted * y)
  }

  package mutating func add(_ other: BinarySums) {
    count += other.count
    missing += other.missing
    sums += other.sums
  }

  package mutating func scale(by factor: Double) {
    count *= factor
    missing *= factor
    sums *= factor
  }

  package var weight: Double { sums[0] }
  private var loss: Double { sums[1] }
  private var squaredError: Double { sums[2] }
  private var absoluteError: Double { sums[3] }
  private var predicted: Double { sums[4] }
  private var actual: Double { sums[5] }
  private var predictedPositives: Double { sums[6] }
  private var truePositives: Double { sums[7] }
}

extension BinarySums {
  private func ratio(_ part: Double, _ whole: Double) -> Double? {
    whole > 0 ? max(0, part) / whole : nil
  }

  private var falsePositives: Double { predictedPositives - truePositives }
  private var falseNegatives: Double { actual - truePositives }
  private var trueNegatives: Double { weight - predictedPositives - falseNegatives }

  /// Mean of -ln(probability of what happened), in nats. See `LogLoss`.
  package var logloss: Double? { ratio(loss, weight) }
  /// √ of the mean of (p - y)²; its square is the Brier score.
  package var rmse: Double? { ratio(squaredError, weight)?.squareRoot() }
  /// Mean of |p - y|.
  package var mae: Double? { ratio(absoluteError, weight) }
  /// (TP + TN) / all.
  package var accuracy: Double? { ratio(truePositives + trueNegatives, weight) }
  /// TP / (TP + FP); nil while nothing was predicted positive.
  package var precision: Double? { ratio(truePositives, predictedPositives) }
  /// TP / (TP + FN); nil while nothing was positive.
  package var recall: Double? { ratio(truePositives, actual) }
  /// 2 TP / (2 TP + FP + FN).
  package var f1: Double? { ratio(2 * truePositives, predictedPositives + actual) }
  /// Mean of the recalls of both classes; a class that has not come counts 0.
  package var balancedAccuracy: Double? {
    weight > 0 ? ((recall ?? 0) + (ratio(trueNegatives, weight - actual) ?? 0)) / 2 : nil
  }
  /// Σ p / Σ y: above 1 too many were predicted. Nil while nothing was positive.
  package var calibration: Double? { ratio(predicted, actual) }
  /// Mean label: the rate of positives.
  package var positiveRate: Double? { ratio(actual, weight) }
  /// Mean prediction.
  package var meanPrediction: Double? { ratio(predicted, weight) }

  /// Logloss over that of always predicting the rate of positives: below 1 the model knows something.
  ///
  /// NE = logloss / -(q ln q + (1 - q) ln(1 - q)), q the rate of positives in the same scope. Nil while one class
  /// is missing. Source: He et al., Practical Lessons from Predicting Clicks on Ads at Facebook, ADKDD 2014.
  package var normalizedEntropy: Double? {
    guard let logloss, let q = positiveRate, q > 0, q < 1 else { return nil }
    let entropy = -(q * DeterministicMath.log(q) + (1 - q) * DeterministicMath.log(1 - q))
    return entropy > 0 ? logloss / entropy : nil
  }

  /// Matthews' correlation of predicted and actual class, -1...1; 0 when a margin is empty.
  package var matthewsCorrelation: Double? {
    guard weight > 0 else { return nil }
    // In shares of the whole, so that the product of four margins stays in range.
    let (tp, fp) = (truePositives / weight, falsePositives / weight)
    let (fn, tn) = (falseNegatives / weight, trueNegatives / weight)
    let margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return margins > 0 ? (tp * tn - fp * fn) / margins.squareRoot() : 0
  }

  /// Cohen's κ: accuracy beyond chance, (a - c) / (1 - c) with c the chance of agreeing.
  package var kappa: Double? {
    guard weight > 0, let accuracy else { return nil }
    let (p, y) = (predictedPositives / weight, actual / weight)
    let chance = p * y + (1 - p) * (1 - y)
    return chance < 1 ? (accuracy - chance) / (1 - chance) : 0
  }
}

extension BinarySums: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeEach([count, missing])
    for index in 0..<8 { writer.write(sums[index]) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readFinite("count")
    missing = try reader.readFinite("missing")
    for index in 0..<8 { sums[index] = try reader.readFinite("sum") }
  }

  package static func encode(_ outcome: BinaryOutcome, to writer: inout ByteWriter) {
    writer.writeEach([outcome.probability, outcome.signedWeight])
  }

  package static func sample(from reader: inout ByteReader) throws(ByteCodecError) -> BinaryOutcome {
    let probability = try reader.readDouble("probability", in: 0...1)
    let signed = try reader.readFinite("weight")
    return BinaryOutcome(probability: probability, isPositive: signed > 0, weight: signed.magnitude)
  }
}
