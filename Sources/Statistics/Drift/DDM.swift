// Drift seen in the rate of errors.

package import Primitives

/// Drift detection method: an error rate that rises above its best so far.
///
/// With p the error rate of n values and s = √(p (1 - p) / n), the smallest p + s is kept as p_min, s_min.
/// Warning when p + s > p_min + w s_min, drift when p + s > p_min + d s_min, after `warmStart` values. The value
/// after a drift starts anew.
///
/// - `warmStart`: default 30. `warningThreshold`: w, default 2. `driftThreshold`: d, default 3.
/// - Complexity: O(1).
/// - Source: Gama, Medas, Castillo, Rodrigues, SBIA 2004.
package struct DDM: Sendable, Equatable {
  package let warmStart: Int
  package let warningThreshold: Double
  package let driftThreshold: Double
  package private(set) var detections = 0
  private var count = 0
  private var rate = 0.0
  private var rateMin = Double.infinity
  private var deviationMin = Double.infinity
  private var isSpent = false

  package init(warmStart: Int = 30, warningThreshold: Double = 2, driftThreshold: Double = 3) {
    self.warmStart = warmStart
    self.warningThreshold = warningThreshold
    self.driftThreshold = driftThreshold
  }

  package mutating func update(isError: Bool) -> DriftSignal {
    if isSpent { restart() }
    count += 1
    rate += ((isError ? 1 : 0) - rate) / Double(count)
    let deviation = max(0, rate * (1 - rate) / Double(count)).squareRoot()
    guard count > warmStart else { return .stable }
    let level = rate + deviation
    if level <= rateMin + deviationMin { (rateMin, deviationMin) = (rate, deviation) }
    if level > rateMin + driftThreshold * deviationMin {
      isSpent = true
      detections += 1
      return .drift
    }
    return level > rateMin + warningThreshold * deviationMin ? .warning : .stable
  }

  private mutating func restart() {
    let detections = self.detections
    self = DDM(warmStart: warmStart, warningThreshold: warningThreshold, driftThreshold: driftThreshold)
    self.detections = detections
  }
}

extension DDM: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(warmStart)
    writer.writeEach([warningThreshold, driftThreshold])
    writer.writeInt(detections)
    writer.writeInt(count)
    writer.writeEach([rate, rateMin, deviationMin])
    writer.write(isSpent)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(
      warmStart: try reader.readInt("warm start", in: 0...Int.max),
      warningThreshold: try reader.readFinite("threshold"),
      driftThreshold: try reader.readFinite("threshold"))
    detections = try reader.readInt("detections", in: 0...Int.max)
    count = try reader.readInt("count", in: 0...Int.max)
    rate = try reader.readDouble("rate", in: 0...1)
    rateMin = try reader.readDouble("rate", in: 0...Double.infinity)
    deviationMin = try reader.readDouble("deviation", in: 0...Double.infinity)
    isSpent = try reader.read(Bool.self)
  }
}
