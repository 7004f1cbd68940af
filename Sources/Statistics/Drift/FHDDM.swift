// Drift in the rate of hits over a sliding window.

package import Primitives

/// Fast Hoeffding drift detection method: the rate of ones in the last `window` values falls.
///
/// With u the rate of ones in the window and u_max its largest value so far: drift when
/// u_max - u > √(ln(1/δ) / 2n), once the window is full. The input is a stream of ones for *correct* values in
/// the paper; fed with errors it sees improvements.
///
/// - `window`: n, default 100. `confidence`: δ, default 1e-6.
/// - Complexity: O(1), one bit per value of the window.
/// - Source: Pesaranghader and Viktor, ECML-PKDD 2016.
package struct FHDDM: Sendable, Equatable {
  package let window: Int
  package let confidence: Double
  package private(set) var detections = 0
  private let bound: Double
  private var bits: [UInt64]
  private var count = 0
  private var next = 0
  private var ones = 0
  private var largest = 0.0
  private var isSpent = false

  package init(window: Int = 100, confidence: Double = 1e-6) {
    precondition(window > 0 && confidence > 0 && confidence < 1)
    self.window = window
    self.confidence = confidence
    bound = (DeterministicMath.log(1 / confidence) / (2 * Double(window))).squareRoot()
    bits = Array(repeating: 0, count: (window + 63) / 64)
  }

  package mutating func update(_ isOne: Bool) -> DriftSignal {
    if isSpent {
      for index in bits.indices { bits[index] = 0 }
      (count, next, ones, largest, isSpent) = (0, 0, 0, 0, false)
    }
    let bit: UInt64 = 1 << UInt64(next & 63)
    if bits[next >> 6] & bit != 0 { ones -= 1 }
    if isOne {
      bits[next >> 6] |= bit
      ones += 1
    } else {
      bits[next >> 6] &= ~bit
    }
    next = next + 1 == window ? 0 : next + 1
    count = min(count + 1, window)
    guard count == window else { return .stable }
    let rate = Double(ones) / Double(window)
    largest = max(largest, rate)
    guard largest - rate > bound else { return .stable }
    isSpent = true
    detections += 1
    return .drift
  }
}

extension FHDDM: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(window)
    writer.write(confidence)
    writer.writeInt(detections)
    writer.writeInt(count)
    writer.writeInt(next)
    writer.write(largest)
    writer.write(isSpent)
    for word in bits { writer.write(word) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(
      window: try reader.readInt("window", in: 1...(1 << 24)),
      confidence: try reader.readDouble("confidence", in: Double.leastNormalMagnitude...(1 - 0x1p-53)))
    detections = try reader.readInt("detections", in: 0...Int.max)
    count = try reader.readInt("count", in: 0...window)
    next = try reader.readInt("next place", in: 0...(window - 1))
    largest = try reader.readDouble("rate", in: 0...1)
    isSpent = try reader.read(Bool.self)
    for index in bits.indices {
      bits[index] = try reader.read(UInt64.self)
      ones += bits[index].nonzeroBitCount
    }
  }
}
