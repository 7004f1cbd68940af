// Gradual drift, seen in the distances between errors.

package import Primitives

/// Early drift detection method: the distance between two errors shrinks.
///
/// With m and s the mean and the (sample) deviation of the distances, m + 2 s is compared with its largest value
/// so far: a ratio below α is a warning, below β a drift, after `warmStart` errors. It is judged at errors only;
/// between them the last judgement stands. The value after a drift starts anew.
///
/// - `warmStart`: default 30 errors. `alpha`: default 0.95. `beta`: default 0.9, at most α.
/// - Complexity: O(1).
/// - Source: Baena-García et al., IWKDDS 2006; as in River.
package struct EDDM: Sendable, Equatable {
  package let warmStart: Int
  package let alpha: Double
  package let beta: Double
  package private(set) var detections = 0
  private var distances = RunningMoments()
  private var count = 0
  private var lastError = 0
  private var errors = 0
  private var largest = -1.0
  private var signal = DriftSignal.stable

  package init(warmStart: Int = 30, alpha: Double = 0.95, beta: Double = 0.9) {
    precondition(beta <= alpha)
    self.warmStart = warmStart
    self.alpha = alpha
    self.beta = beta
  }

  package mutating func update(isError: Bool) -> DriftSignal {
    if signal == .drift { restart() }
    count += 1
    guard isError else { return signal }
    errors += 1
    distances.update(Double(count - lastError))
    lastError = count
    guard count > warmStart else { return signal }
    let level = distances.mean + 2 * distances.sampleVariance.squareRoot()
    if level > largest {
      largest = level
    } else if errors > warmStart {
      let ratio = level / largest
      signal = ratio < beta ? .drift : ratio < alpha ? .warning : .stable
      if signal == .drift { detections += 1 }
    }
    return signal
  }

  private mutating func restart() {
    let detections = self.detections
    self = EDDM(warmStart: warmStart, alpha: alpha, beta: beta)
    self.detections = detections
  }
}

extension EDDM: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(warmStart)
    writer.writeEach([alpha, beta])
    writer.writeInt(detections)
    writer.write(distances)
    writer.writeInt(count)
    writer.writeInt(lastError)
    writer.writeInt(errors)
    writer.write(largest)
    writer.write(signal.rawValue)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let warmStart = try reader.readInt("warm start", in: 0...Int.max)
    let alpha = try reader.readDouble("alpha", in: 0...1)
    self.init(warmStart: warmStart, alpha: alpha, beta: try reader.readDouble("beta", in: 0...alpha))
    detections = try reader.readInt("detections", in: 0...Int.max)
    distances = try reader.read(RunningMoments.self)
    count = try reader.readInt("count", in: 0...Int.max)
    lastError = try reader.readInt("last error", in: 0...count)
    errors = try reader.readInt("errors", in: 0...count)
    largest = try reader.readFinite("level")
    signal = try reader.readSignal()
  }
}

extension ByteReader {
  mutating func readSignal() throws(ByteCodecError) -> DriftSignal {
    let tag = try read(UInt8.self)
    guard let signal = DriftSignal(rawValue: tag) else {
      throw .outOfBounds(what: "drift signal", value: UInt64(tag), at: position - 1)
    }
    return signal
  }
}
