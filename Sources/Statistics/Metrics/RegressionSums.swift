// What RMSE, MAE and their kin are made of.

package import Primitives

/// One scored example of a regression task.
package struct RegressionOutcome: Sendable, Equatable {
  package var prediction: Double
  package var label: Double
  /// 0: there was no prediction.
  package var weight: Double

  package init(prediction: Double, label: Double, weight: Double = 1) {
    self.prediction = prediction
    self.label = label
    self.weight = weight
  }

  static var missing: RegressionOutcome { RegressionOutcome(prediction: 0, label: 0, weight: 0) }
}

/// Weighted sums over examples with a numeric label.
///
/// - Units: rmse, mae and bias those of the label.
/// - Complexity: O(1) per example.
package struct RegressionSums: MetricSums {
  package private(set) var count = 0.0
  /// Examples without a prediction.
  private(set) var missing = 0.0
  package private(set) var weight = 0.0
  private var squaredError = 0.0
  private var absoluteError = 0.0
  private var predicted = 0.0
  private var actual = 0.0

  package init() {}

  package init(_ outcome: RegressionOutcome) {
    guard outcome.weight > 0 else {
      missing = 1
      return
    }
    let error = outcome.prediction - outcome.label
    count = 1
    weight = outcome.weight
    squaredError = weight * error * error
    absoluteError = weight * error.magnitude
    predicted = weight * outcome.prediction
    actual = weight * outcome.label
  }

  package mutating func add(_ other: RegressionSums) {
    count += other.count
    missing += other.missing
    weight += other.weight
    squaredError += other.squaredError
    absoluteError += other.absoluteError
    predicted += other.predicted
    actual += other.actual
  }

  package mutating func scale(by factor: Double) {
    count *= factor
    missing *= factor
    weight *= factor
    squaredError *= factor
    absoluteError *= factor
    predicted *= factor
    actual *= factor
  }

  /// √ of the mean of (prediction - label)².
  package var rmse: Double? { weight > 0 ? (max(0, squaredError) / weight).squareRoot() : nil }
  /// Mean of |prediction - label|.
  package var mae: Double? { weight > 0 ? max(0, absoluteError) / weight : nil }
  /// Mean of prediction - label.
  package var bias: Double? { weight > 0 ? (predicted - actual) / weight : nil }
  /// Σ prediction / Σ label; nil unless the labels sum to more than 0.
  package var calibration: Double? { actual > 0 ? predicted / actual : nil }
}

extension RegressionSums: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeEach([count, missing, weight, squaredError, absoluteError, predicted, actual])
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readFinite("count")
    missing = try reader.readFinite("missing")
    weight = try reader.readFinite("weight")
    squaredError = try reader.readFinite("squared error")
    absoluteError = try reader.readFinite("absolute error")
    predicted = try reader.readFinite("predicted")
    actual = try reader.readFinite("actual")
  }

  package static func encode(_ outcome: RegressionOutcome, to writer: inout ByteWriter) {
    writer.writeEach([outcome.prediction, outcome.label, outcome.weight])
  }

  package static func sample(from reader: inout ByteReader) throws(ByteCodecError) -> RegressionOutcome {
    let prediction = try reader.readFinite("prediction")
    let label = try reader.readFinite("label")
    return RegressionOutcome(prediction: prediction, label: label, weight: try reader.readFinite("weight"))
  }
}
