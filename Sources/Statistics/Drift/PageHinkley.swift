// A cumulative test for a change of the mean.

package import Primitives

/// Page-Hinkley test, upwards, downwards or both.
///
/// With d = x - mean: up = α up + d - δ and its minimum so far; down = α down + d + δ and its maximum so far.
/// Drift when up - min(up) > λ or max(down) - down > λ, after `minInstances` values. The value after a drift
/// starts anew.
///
/// - `delta`: δ, the change that is let pass; default 0.005. `threshold`: λ; default 50. `alpha`: forgetting;
///   default 0.9999. `minInstances`: default 30. `mode`: default both.
/// - Units: δ those of the values, λ values times count.
/// - Complexity: O(1).
/// - Source: Page, Biometrika 41, 1954; Hinkley 1971; as in River, where max(down) starts at -1.
package struct PageHinkley: Sendable, Equatable {
  package enum Mode: UInt8, Sendable { case up, down, both }

  package let minInstances: Int
  package let delta: Double
  package let threshold: Double
  package let alpha: Double
  package let mode: Mode
  package private(set) var count = 0
  package private(set) var mean = 0.0
  package private(set) var sumUp = 0.0
  package private(set) var sumDown = 0.0
  package private(set) var minUp = Double.infinity
  package private(set) var maxDown = -1.0
  package private(set) var detections = 0
  private var isSpent = false

  package init(
    minInstances: Int = 30, delta: Double = 0.005, threshold: Double = 50, alpha: Double = 0.9999,
    mode: Mode = .both
  ) {
    self.minInstances = minInstances
    self.delta = delta
    self.threshold = threshold
    self.alpha = alpha
    self.mode = mode
  }

  /// Takes in a finite value.
  package mutating func update(_ value: Double) -> DriftSignal {
    if isSpent { restart() }
    count += 1
    mean += (value - mean) / Double(count)
    let distance = value - mean
    sumUp = alpha * sumUp + distance - delta
    sumDown = alpha * sumDown + distance + delta
    minUp = min(minUp, sumUp)
    maxDown = max(maxDown, sumDown)
    guard count >= minInstances else { return .stable }
    let isUp = mode != .down && sumUp - minUp > threshold
    let isDown = mode != .up && maxDown - sumDown > threshold
    guard isUp || isDown else { return .stable }
    isSpent = true
    detections += 1
    return .drift
  }

  private mutating func restart() {
    count = 0
    mean = 0
    sumUp = 0
    sumDown = 0
    minUp = .infinity
    maxDown = -1
    isSpent = false
  }
}

extension PageHinkley: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(minInstances)
    writer.writeEach([delta, threshold, alpha])
    writer.write(mode.rawValue)
    writer.writeInt(count)
    writer.writeEach([mean, sumUp, sumDown, minUp, maxDown])
    writer.writeInt(detections)
    writer.write(isSpent)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let minInstances = try reader.readInt("least count", in: 0...Int.max)
    let delta = try reader.readFinite("delta")
    let threshold = try reader.readFinite("threshold")
    let alpha = try reader.readFinite("alpha")
    let tag = try reader.read(UInt8.self)
    guard let mode = Mode(rawValue: tag) else {
      throw .outOfBounds(what: "mode", value: UInt64(tag), at: reader.position - 1)
    }
    self.init(minInstances: minInstances, delta: delta, threshold: threshold, alpha: alpha, mode: mode)
    count = try reader.readInt("count", in: 0...Int.max)
    mean = try reader.readFinite("mean")
    sumUp = try reader.readFinite("sum")
    sumDown = try reader.readFinite("sum")
    minUp = try reader.readDouble("minimum", in: -Double.greatestFiniteMagnitude...Double.infinity)
    maxDown = try reader.readFinite("maximum")
    detections = try reader.readInt("detections", in: 0...Int.max)
    isSpent = try reader.read(Bool.self)
  }
}
