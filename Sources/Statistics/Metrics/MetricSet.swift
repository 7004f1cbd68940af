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
/// - Complexity: O(1) per example without allocation; reading sums the window, and sorts it once for its AUC.
package struct MetricSet: Sendable, Equatable {
  /// 0 and 1 were those of older builds, whose sums were written otherwise.
  package enum Task: UInt8, Sendable { case regression = 2, binary }

  package let task: Task
  package let windowSize: Int
  package let halfLife: Double
  /// Examples left out because a number was NaN, infinite or out of range.
  package private(set) var rejected: UInt64 = 0
  private var binary: Binary?
  private var regression: ScopedSums<RegressionSums>?

  private struct Binary: Sendable, Equatable {
    var sums: ScopedSums<BinarySums>
    /// Without the examples that `sums` has not taken in either.
    private var foldedAUC: HistogramROCAUC

    init(sums: ScopedSums<BinarySums>, auc: HistogramROCAUC) {
      self.sums = sums
      foldedAUC = auc
    }

    @inline(__always)
    mutating func add(_ outcome: BinaryOutcome) {
      if sums.append(outcome) { fold() }
    }

    @inline(never)
    private mutating func fold() {
      Self.add(sums.block, to: &foldedAUC)
      sums.fold()
    }

    var auc: HistogramROCAUC {
      var auc = foldedAUC
      Self.add(sums.block, to: &auc)
      return auc
    }

    private static func add(_ outcomes: [BinaryOutcome], to auc: inout HistogramROCAUC) {
      for outcome in outcomes where !outcome.isMissing {
        auc.update(
          probability: outcome.probability, isPositive: outcome.isPositive, weight: outcome.weight)
      }
    }

    func encode(to writer: inout ByteWriter) {
      writer.write(sums)
      writer.write(foldedAUC)
    }
  }

  package init(task: Task, window: Int = 10_000, halfLife: Double = 10_000) {
    self.task = task
    windowSize = window
    self.halfLife = halfLife
    switch task {
    case .binary:
      binary = Binary(
        sums: ScopedSums(window: window, halfLife: halfLife), auc: HistogramROCAUC(halfLife: halfLife))
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
    switch task {
    case .binary:
      guard isUsable, prediction >= 0, prediction <= 1 else { return rejected += 1 }
      guard weight > 0 else { return }
      binary!.add(BinaryOutcome(probability: prediction, isPositive: label > 0.5, weight: weight))
    case .regression:
      guard isUsable else { return rejected += 1 }
      guard weight > 0 else { return }
      regression!.add(RegressionOutcome(prediction: prediction, label: label, weight: weight))
    }
  }

  /// Counts an example for which there was no prediction.
  package mutating func updateUncovered() {
    binary?.add(.missing)
    regression?.add(.missing)
  }

  /// Examples scored since the model began.
  package var count: UInt64 {
    UInt64(binary?.sums[.total].count ?? regression?[.total].count ?? 0)
  }

  /// The figures that have a value, in a fixed order: scope by scope.
  package func values() -> [MetricValue] {
    var values: [MetricValue] = []
    let auc = binary?.auc
    for scope in MetricScope.allCases {
      let (figures, scored, missing) = figures(scope, auc)
      for (name, value) in figures {
        guard let value, value.isFinite else { continue }
        values.append(MetricValue(name: name, scope: scope, value: value, count: UInt64(scored.rounded())))
      }
      if scored + missing > 0 {
        let count = UInt64((scored + missing).rounded())
        values.append(
          MetricValue(name: "coverage", scope: scope, value: scored / (scored + missing), count: count))
      }
    }
    return values
  }

  /// One figure; nil while it has no value.
  package func value(_ name: String, _ scope: MetricScope) -> Double? {
    values().first { $0.name == name && $0.scope == scope }?.value
  }

  private func figures(
    _ scope: MetricScope, _ auc: HistogramROCAUC?
  ) -> (figures: [(String, Double?)], scored: Double, missing: Double) {
    if let sums = regression?[scope] { return (Self.figures(of: sums), sums.count, sums.missing) }
    guard let binary else { return ([], 0, 0) }
    let sums = binary.sums[scope]
    let area =
      switch scope {
      case .total: auc?.total?.value
      case .decayed: auc?.decayed?.value
      case .window: exactAUC(binary.sums)
      }
    return (Self.figures(of: sums, auc: area), sums.count, sums.missing)
  }

  /// Of the window.
  private func exactAUC(_ sums: ScopedSums<BinarySums>) -> Double? {
    var examples: [ScoredLabel] = []
    examples.reserveCapacity(windowSize)
    sums.forEachInWindow {
      examples.append(ScoredLabel(score: $0.probability, isPositive: $0.isPositive, weight: $0.weight))
    }
    return ROCAUC.exact(&examples)
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
    binary?.encode(to: &writer)
    if let regression { writer.write(regression) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let tag = try reader.read(UInt8.self)
    guard let task = Task(rawValue: tag) else {
      throw .outOfBounds(what: "task", value: UInt64(tag), at: reader.position - 1)
    }
    self.task = task
    rejected = try reader.read()
    switch task {
    case .binary:
      let sums = try reader.read(ScopedSums<BinarySums>.self)
      (windowSize, halfLife) = (sums.windowSize, sums.halfLife)
      binary = Binary(sums: sums, auc: try reader.read())
    case .regression:
      let sums = try reader.read(ScopedSums<RegressionSums>.self)
      (windowSize, halfLife) = (sums.windowSize, sums.halfLife)
      regression = sums
    }
  }
}
