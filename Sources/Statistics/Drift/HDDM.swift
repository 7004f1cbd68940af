// Drift in an error rate with Hoeffding's and McDiarmid's bounds.

package import Primitives

/// HDDM-A: the mean of all values against the mean up to the best cut.
///
/// The cut is where mean + ε is smallest, ε = √(ln(1/δ) / 2n). Drift when the mean has risen since by at least
/// √(m ln(2/δ) / 2), m = (n - n_cut) / (n_cut n); warning likewise with a larger δ. One-sided: rises only.
///
/// - `driftConfidence`: δ, default 0.001. `warningConfidence`: default 0.005.
/// - Complexity: O(1).
/// - Source: Frías-Blanco et al., IEEE TKDE 27(3), 2014; as in River and MOA.
package struct HDDMA: Sendable, Equatable {
  private struct Mean: Sendable, Equatable {
    var count = 0
    var mean = 0.0
  }

  package let driftConfidence: Double
  package let warningConfidence: Double
  package private(set) var detections = 0
  private var all = Mean()
  private var cut = Mean()
  private var isSpent = false

  package init(driftConfidence: Double = 0.001, warningConfidence: Double = 0.005) {
    self.driftConfidence = driftConfidence
    self.warningConfidence = warningConfidence
  }

  package mutating func update(isError: Bool) -> DriftSignal {
    if isSpent {
      all = Mean()
      cut = Mean()
      isSpent = false
    }
    all.count += 1
    all.mean += ((isError ? 1 : 0) - all.mean) / Double(all.count)
    if cut.count == 0 || cut.mean + bound(cut.count) >= all.mean + bound(all.count) { cut = all }
    if hasRisen(driftConfidence) {
      isSpent = true
      detections += 1
      return .drift
    }
    return hasRisen(warningConfidence) ? .warning : .stable
  }

  private func bound(_ count: Int) -> Double {
    (1 / (2 * Double(count)) * DeterministicMath.log(1 / driftConfidence)).squareRoot()
  }

  private func hasRisen(_ confidence: Double) -> Bool {
    guard cut.count != all.count else { return false }
    let (n, c) = (Double(all.count), Double(cut.count))
    let m = (n - c) / c * (1 / n)
    return all.mean - cut.mean >= (m / 2 * DeterministicMath.log(2 / confidence)).squareRoot()
  }
}

/// HDDM-W: as HDDM-A with exponentially weighted means, quicker on abrupt changes.
///
/// - `lambda`: weight of the newest value, default 0.05. Confidences as `HDDMA`.
/// - Complexity: O(1).
/// - Source: as `HDDMA`.
package struct HDDMW: Sendable, Equatable {
  private struct Sample: Sendable, Equatable {
    var mean = 0.0
    var isEmpty = true
    /// Sum of the squared weights, in McDiarmid's bound.
    var squares = 1.0

    mutating func update(_ value: Double, lambda: Double) {
      mean = isEmpty ? value : lambda * value + (1 - lambda) * mean
      isEmpty = false
      squares = lambda * lambda + (1 - lambda) * (1 - lambda) * squares
    }
  }

  package let driftConfidence: Double
  package let warningConfidence: Double
  package let lambda: Double
  package private(set) var detections = 0
  private var all = Sample()
  private var before = Sample()
  private var after = Sample()
  private var cut = Double.infinity
  private var isSpent = false

  package init(
    driftConfidence: Double = 0.001, warningConfidence: Double = 0.005, lambda: Double = 0.05
  ) {
    self.driftConfidence = driftConfidence
    self.warningConfidence = warningConfidence
    self.lambda = lambda
  }

  package mutating func update(isError: Bool) -> DriftSignal {
    if isSpent {
      let detections = self.detections
      self = HDDMW(driftConfidence: driftConfidence, warningConfidence: warningConfidence, lambda: lambda)
      self.detections = detections
    }
    let value = isError ? 1.0 : 0.0
    all.update(value, lambda: lambda)
    let level = all.mean + bound(all.squares, driftConfidence)
    if level < cut {
      cut = level
      before = all
      after = Sample()
    } else {
      after.update(value, lambda: lambda)
    }
    guard !before.isEmpty, !after.isEmpty else { return .stable }
    let rise = after.mean - before.mean
    let squares = before.squares + after.squares
    if rise > bound(squares, driftConfidence) {
      isSpent = true
      detections += 1
      return .drift
    }
    return rise > bound(squares, warningConfidence) ? .warning : .stable
  }

  private func bound(_ squares: Double, _ confidence: Double) -> Double {
    (squares * DeterministicMath.log(1 / confidence) / 2).squareRoot()
  }
}

extension HDDMA: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeEach([driftConfidence, warningConfidence])
    writer.writeInt(detections)
    for mean in [all, cut] {
      writer.writeInt(mean.count)
      writer.write(mean.mean)
    }
    writer.write(isSpent)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let drift = try reader.readDouble("confidence", in: Double.leastNormalMagnitude...1)
    self.init(
      driftConfidence: drift,
      warningConfidence: try reader.readDouble("confidence", in: Double.leastNormalMagnitude...1))
    detections = try reader.readInt("detections", in: 0...Int.max)
    all.count = try reader.readInt("count", in: 0...Int.max)
    all.mean = try reader.readDouble("mean", in: 0...1)
    cut.count = try reader.readInt("count", in: 0...all.count)
    cut.mean = try reader.readDouble("mean", in: 0...1)
    isSpent = try reader.read(Bool.self)
  }
}

extension HDDMW: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeEach([driftConfidence, warningConfidence, lambda])
    writer.writeInt(detections)
    for sample in [all, before, after] {
      writer.writeEach([sample.mean, sample.squares])
      writer.write(sample.isEmpty)
    }
    writer.write(cut)
    writer.write(isSpent)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let drift = try reader.readDouble("confidence", in: Double.leastNormalMagnitude...1)
    let warning = try reader.readDouble("confidence", in: Double.leastNormalMagnitude...1)
    self.init(
      driftConfidence: drift, warningConfidence: warning,
      lambda: try reader.readDouble("lambda", in: Double.leastNonzeroMagnitude...1))
    detections = try reader.readInt("detections", in: 0...Int.max)
    all = try Self.sample(&reader)
    before = try Self.sample(&reader)
    after = try Self.sample(&reader)
    cut = try reader.readDouble("cut", in: 0...Double.infinity)
    isSpent = try reader.read(Bool.self)
  }

  private static func sample(_ reader: inout ByteReader) throws(ByteCodecError) -> Sample {
    let mean = try reader.readDouble("mean", in: 0...1)
    let squares = try reader.readDouble("squares", in: 0...1)
    return Sample(mean: mean, isEmpty: try reader.read(Bool.self), squares: squares)
  }
}
