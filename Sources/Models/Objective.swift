// What is minimised: squared loss on the label, or logistic loss. Members see a *target* and a *logit* z:
//
//   squared    target = label - prior   answer = clip(prior + z)   loss = (target - z)^2 / 2
//   logistic   target = label           answer = sigmoid(z)        loss = -log of the label's probability

internal import CKernels
package import Primitives

package struct Objective: Equatable, Sendable {
  package var isLogistic: Bool
  /// The range that labels and answers lie in; 0...1 where it is logistic.
  package var minimum: Float
  package var maximum: Float

  package init(isLogistic: Bool, minimum: Float = 0, maximum: Float = 1) {
    self.isLogistic = isLogistic
    (self.minimum, self.maximum) = isLogistic ? (0, 1) : (minimum, maximum)
  }

  /// What `z` says of the target: a probability, or `z` itself.
  @inline(__always)
  func expected(_ z: Float) -> Float { isLogistic ? Self.sigmoid(z) : z }

  /// The same, of a z that may be the one that was answered with.
  @inline(__always)
  func expected(_ z: Float, knowing answer: Prediction?) -> Float {
    guard isLogistic else { return z }
    if let answer, answer.logit == z { return answer.value }
    return Self.sigmoid(z)
  }

  /// Minus the derivative of the loss with respect to z.
  @inline(__always)
  func error(target: Float, z: Float) -> Float { target - expected(z) }

  /// Inside (0, 1) for every z: past 16.6 a Float would say 1.
  @inline(__always)
  static func sigmoid(_ z: Float) -> Float {
    cowbird_sigmoidf(min(max(z, -16), 16))
  }

  func loss(target: Float, z: Float) -> Double {
    guard isLogistic else { return 0.5 * Double(target - z) * Double(target - z) }
    let signed = Double(z)
    // log(1 + e^z) - target z, without overflow.
    return max(signed, 0) + DeterministicMath.log(1 + DeterministicMath.exp(-abs(signed)))
      - Double(target) * signed
  }
}

/// Running mean of the label, which begins at the middle of the label's range with the weight of 20 examples.
package struct LabelPrior: Equatable, Sendable, ByteCodable {
  package private(set) var mean: Float
  package private(set) var count: Double

  init(_ objective: Objective) {
    mean = objective.minimum + (objective.maximum - objective.minimum) / 2
    count = 20
  }

  mutating func add(_ label: Float, weight: Float) {
    guard weight > 0 else { return }
    // Bounded, so that one more example always counts.
    count = min(count + Double(weight), 1e12)
    mean += Float(Double(label - mean) * Double(weight) / count)
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(mean)
    writer.write(count)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    mean = try reader.read()
    count = try reader.read()
  }
}

/// Bounds that keep every number in the model finite, whatever comes.
enum Bounds {
  /// Largest feature value and dense number, by magnitude.
  static let value: Float = 1e4
  /// Smaller ones are 0: nothing below ever becomes a denormal.
  static let smallest: Float = 1e-12
  static let weight: Float = 1e9
  static let logit: Float = 1e9
  static let exampleWeight: Float = 1e4

  @inline(__always)
  static func value(_ x: Float) -> Float {
    x.magnitude < smallest ? 0 : min(max(x, -value), value)
  }

  /// `w` as it may be stored: bounded, no denormal; a NaN (an infinity that met another) becomes 0.
  @inline(__always)
  static func weight(_ w: Float) -> Float {
    guard w.magnitude >= smallest else { return 0 }
    return min(max(w, -weight), weight)
  }

  @inline(__always)
  static func logit(_ z: Float) -> Float {
    z.isNaN ? 0 : min(max(z, -logit), logit)
  }
}
