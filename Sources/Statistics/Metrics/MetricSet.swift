// All prequential metrics of a task, in the three scopes, in one value that lives in the model.

package import Primitives

/// Prequential metrics: each prediction is scored with the label before the label is learned.
///
/// Binary: logloss, rmse, mae, auc, accuracy, balanced_accuracy, precision, recall, f1, mcc, kappa, calibration,
/// normalized_entropy, mean_prediction, mean_label, coverage. Regression: rmse, mae, bias, calibration, coverage.
/// `auc` is exact in the window; in the other scopes it is a `HistogramROCAUC`'s. `coverage` is the share of examples
/// for which there was a prediction.
///
/// - `window`: examples, default 10,000. `halfLife`: examples, default 10,000.
/// - Complexity: O(1) per example without allocation; reading sorts the window once for its AUC.
package struct MetricSet: Sendable, Equatable {
  package enum Task: UInt8, Sendable { case regression, binary }

  package let task: Task
  package let windowSize: Int
  package let halfLife: Double
  /// Examples left out because a number was NaN, infinite or out of range.
  package private(set) var rejected: UInt64 = 0
  private var binary: Binary?
  private var regression: ScopedSums<RegressionSums>?
  private var covered: ScopedSums<ShareSums>

  private struct Binary: Sendable, Equatable {
    var sums: ScopedSums<BinarySums>
    var auc = HistogramROCAUC()
    var decayedAUC: HistogramROCAUC
  }

  package init(task: Task, window: Int = 10_000, halfLife: Double = 10_000) {
    self.task = task
    windowSize = window
    self.halfLife = halfLife
    covered = ScopedSums(window: window, halfLife: halfLife)
    switch task {
    case .binary:
      binary = Binary(
        sums: ScopedSums(window: window, halfLife: halfLife),
        decayedAUC: HistogramROCAUC(halfLife: halfLife))
    case .regression:
      regression = ScopedSums(window: window, halfLife: halfLife)
    }
  }

  // hot: once per event.
  /// Scores a prediction: for a binary task a probability in 0...1 with the label positive above 0.5.
  ///
  /// A NaN, an infinity or a weight below 0 is counted in `rejected` and otherwise ignored; so is an error above
  /// 1e60 or a weight above 1e30, with which a sum could overflow. A weight of 0 counts for nothing.
  package mutating func update(prediction: Double, label: Double, weight: Double = 1) {
    let isUsable = (prediction - label).magnitude <= 1e60 && weight >= 0 && weight <= 1e30
    guard isUsable, task == .regression || (0...1).contains(prediction) else {
      rejected += 1
      return
    }
    guard weight > 0 else { return }
    covered.add(true)
    if task == .binary {
      let outcome = BinaryOutcome(probability: prediction, isPositive: label > 0.5, weight: weight)
      binary?.sums.add(outcome)
      binary?.auc.update(probability: prediction, isPositive: outcome.isPositive, weight: weight)
      binary?.decayedAUC.update(probability: prediction, isPositive: outcome.isPositive, weight: weight)
    } else {
      regression?.add(RegressionOutcome(prediction: prediction, label: label, weight: weight))
    }
  }

  /// Counts an example for which there was no prediction.
  package mutating func updateUncovered() { covered.add(false) }

  /// Examples scored since the model began.
  package var count: UInt64 {
    UInt64(task == .binary ? binary?.sums.total.count ?? 0 : regression?.total.count ?? 0)
  }

  /// The figures that have a value, in a fixed order: scope by scope.
  package func values() -> [MetricValue] {
    var values: [MetricValue] = []
    for scope in MetricScope.allCases {
      let count: Double
      let figures: [(String, Double?)]
      if let binary {
        let sums = binary.sums[scope]
        count = sums.count
        figures = Self.figures(of: sums, auc: auc(scope))
      } else if let sums = regression?[scope] {
        count = sums.count
        figures = Self.figures(of: sums)
      } else {
        continue
      }
      for (name, value) in figures {
        guard let value, value.isFinite else { continue }
        values.append(
          MetricValue(name: name, scope: scope, value: value, count: UInt64(max(0, count).rounded())))
      }
      if let share = covered[scope].share {
        let count = UInt64(max(0, covered[scope].count).rounded())
        values.append(MetricValue(name: "coverage", scope: scope, value: share, count: count))
      }
    }
    return values
  }

  /// One figure; nil while it has no value. Cheap for all but `auc`.
  package func value(_ name: String, _ scope: MetricScope) -> Double? {
    if name == "coverage" { return covered[scope].share }
    if name == "auc" { return auc(scope) }
    if let binary { return Self.figures(of: binary.sums[scope], auc: nil).first { $0.0 == name }?.1 }
    return regression.flatMap { Self.figures(of: $0[scope]).first { $0.0 == name }?.1 }
  }

  private func auc(_ scope: MetricScope) -> Double? {
    guard let binary else { return nil }
    switch scope {
    case .total: return binary.auc.value
    case .decayed: return binary.decayedAUC.value
    case .window:
      var examples: [ScoredLabel] = []
      examples.reserveCapacity(windowSize)
      binary.sums.forEachInWindow {
        examples.append(
          ScoredLabel(score: $0.probability, isPositive: $0.isPositive, weight: $0.weight))
      }
      return ROCAUC.exact(&examples)
    }
  }

  private static func figures(of sums: RegressionSums) -> [(String, Double?)] {
    [("rmse", sums.rmse), ("mae", sums.mae), ("bias", sums.bias), ("calibration", sums.calibration)]
  }

  private static func figures(of sums: BinarySums, auc: Double?) -> [(String, Double?)] {
    [
      ("logloss", sums.logloss), ("rmse", sums.rmse), ("mae", sums.mae), ("auc", auc),
      ("accuracy", sums.accuracy), ("balanced_accuracy", sums.balancedAccuracy),
      ("precision", sums.precision), ("recall", sums.recall), ("f1", sums.f1),
      ("mcc", sums.matthewsCorrelation), ("kappa", sums.kappa), ("calibration", sums.calibration),
      ("normalized_entropy", sums.normalizedEntropy), ("mean_prediction", sums.meanPrediction),
      ("mean_label", sums.positiveRate),
    ]
  }
}

extension MetricSet: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(task.rawValue)
    writer.write(rejected)
    writer.write(covered)
    if let binary {
      writer.write(binary.sums)
      writer.write(binary.auc)
      writer.write(binary.decayedAUC)
    }
    if let regression { writer.write(regression) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let tag = try reader.read(UInt8.self)
    guard let task = Task(rawValue: tag) else {
      throw .outOfBounds(what: "task", value: UInt64(tag), at: reader.position - 1)
    }
    self.task = task
    rejected = try reader.read()
    covered = try reader.read(ScopedSums<ShareSums>.self)
    windowSize = covered.windowSize
    halfLife = covered.halfLife
    switch task {
    case .binary:
      let sums = try reader.read(ScopedSums<BinarySums>.self)
      let auc = try reader.read(HistogramROCAUC.self)
      binary = Binary(sums: sums, auc: auc, decayedAUC: try reader.read(HistogramROCAUC.self))
    case .regression:
      regression = try reader.read(ScopedSums<RegressionSums>.self)
    }
  }
}
