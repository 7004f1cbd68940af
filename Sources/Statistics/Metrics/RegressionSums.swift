// What RMSE, MAE and their kin are made of.

package import Primitives

/// One scored example of a regression task.
package struct RegressionOutcome: Sendable, Equatable {
  package var prediction: Double
  package var label: Double
  package var weight: Double

  package init(prediction: Double, label: Double, weight: Double = 1) {
    self.prediction = prediction
    self.label = label
    self.weight = weight
  }
}

/// Weighted sums over examples with a numeric label.
///
/// - Units: rmse, mae and bias those of the label.
/// - Complexity: O(1) per example.
package struct RegressionSums: MetricSums {
  package private(set) var count = 0.0
  package private(set) var weight = 0.0
  private var squaredError = 0.0
  private var absoluteError = 0.0
  private var predicted = 0.0
  private var actual = 0.0

  package init() {}

  package mutating func add(_ outcome: RegressionOutcome) {
    count += 1
    accumulate(outcome, outcome.weight)
  }

  package mutating func subtract(_ outcome: RegressionOutcome) {
    count -= 1
    accumulate(outcome, -outcome.weight)
  }

  @inline(__always)
  private mutating func accumulate(_ outcome: RegressionOutcome, _ w: Double) {
    let error = outcome.prediction - outcome.label
    weight += w
    squaredError += w * error * error
    absoluteError += w * error.magnitude
    predicted += w * outcome.prediction
    actual += w * outcome.label
  }

  package mutating func scale(by factor: Double) {
    count *= factor
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

  package static var emptySample: RegressionOutcome { RegressionOutcome(prediction: 0, label: 0, weight: 0) }
}

extension RegressionSums: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeEach([count, weight, squaredError, absoluteError, predicted, actual])
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readFinite("count")
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
