// A linear model over the dense block, beside the sparse weights of linear models and factorisation machines. The
// first weight is the constant's: the model's intercept.

internal import CKernels
internal import Configuration
package import Primitives

/// The rate at step t, as the schedule says.
struct LearningRate: Equatable, Sendable {
  var rate: Double
  var schedule: Schedule
  var steps: Double

  init(_ section: MemberSection) {
    rate = section.rate
    schedule = section.schedule
    steps = section.scheduleSteps
  }

  @inline(__always)
  func at(_ step: UInt64) -> Float {
    switch schedule {
    case .constant: Float(rate)
    case .inverse: Float(rate / (1 + Double(step) / steps))
    case .root: Float(rate / (1 + Double(step) / steps).squareRoot())
    }
  }
}

package struct DenseLinear: Equatable, Sendable, ByteCodable {
  package private(set) var weights: [Float]
  /// Two numbers a weight: all first ones, then all second ones. Empty in a copy for reading.
  private(set) var state: [Float]

  init(count: Int, gradientInit: Float) {
    weights = Array(repeating: 0, count: count)
    state = Array(repeating: gradientInit, count: count) + Array(repeating: 0, count: count)
  }

  /// hot
  @inline(__always)
  func dot(_ dense: UnsafePointer<Float>) -> Float {
    weights.withUnsafeBufferPointer { weights in
      var sum: Float = 0
      for place in 0..<weights.count { sum += weights[place] * dense[place] }
      return sum
    }
  }

  /// hot: one step down `gradient` (of z) times the block.
  mutating func learn(_ dense: UnsafePointer<Float>, gradient: Float, _ step: MemberStep) {
    let count = weights.count
    weights.withUnsafeMutableBufferPointer { weights in
      state.withUnsafeMutableBufferPointer { state in
        guard let first = state.baseAddress else { return }
        for place in 0..<count where dense[place] != 0 {
          step.linear(&weights[place], gradient * dense[place], first + place, first + count + place)
        }
      }
    }
  }

  /// hot: the same step, of AdaGrad.
  mutating func adagrad(
    _ dense: UnsafePointer<Float>, gradient: Float, rate: Float, l1: Float, l2: Float
  ) {
    let count = weights.count
    // Not by `&`, which retains both arrays.
    weights.withUnsafeMutableBufferPointer { weights in
      state.withUnsafeMutableBufferPointer { state in
        guard state.count == 2 * count else { return }
        cowbird_dense_adagrad(
          weights.baseAddress, state.baseAddress, dense, count, gradient, rate, l1, l2)
      }
    }
  }

  /// Whole, and of so many weights.
  func fits(_ count: Int) -> Bool { weights.count == count && state.count == 2 * count }

  func weightsOnly() -> DenseLinear {
    var copy = self
    copy.state = []
    return copy
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(weights) { $0.write($1) }
    writer.write(state) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let position = reader.position
    weights = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in try reader.read() }
    state = try reader.readArray(limit: 1 << 21) { reader throws(ByteCodecError) in try reader.read() }
    guard state.isEmpty || state.count == 2 * weights.count else {
      throw .outOfBounds(what: "dense state", value: UInt64(state.count), at: position)
    }
  }
}

/// One example's step of a member: its optimizer with the rate of now.
struct MemberStep {
  let rule: StepRule
  private let isFollowTheLeader: Bool
  private let rate: Float
  private let l1: Float
  private let l2: Float

  init(_ optimizer: Optimizer, rate: Float, momentum: Float, steps: UInt64, l1: Float, l2: Float) {
    if case .ftrl = optimizer { isFollowTheLeader = true } else { isFollowTheLeader = false }
    // Vectors and layers, which must not begin at 0, go by AdaGrad beside FTRL's linear weights.
    rule = StepRule(
      optimizer: isFollowTheLeader ? .adagrad : optimizer, rate: rate, momentum: momentum, steps: steps,
      l1: isFollowTheLeader ? 0 : l1, l2: l2)
    self.rate = rate
    self.l1 = l1
    self.l2 = l2
  }

  /// A linear weight.
  @inline(__always)
  func linear(
    _ weight: inout Float, _ gradient: Float, _ first: UnsafeMutablePointer<Float>,
    _ second: UnsafeMutablePointer<Float>
  ) {
    if isFollowTheLeader {
      FollowTheLeader.step(&weight, gradient, first, second, rate: rate, l1: l1, l2: l2)
    } else {
      rule.step(&weight, gradient, first, second)
    }
  }
}
