// Area under the ROC curve of a stream without end, with a bound on its error.

package import Primitives

/// Area under the ROC curve from a fine histogram of the odds p / (1 - p).
///
/// A bin is 1/64 of an octave of the odds (steps of about 0.011 to 0.016 in log-odds), from 2^-24 to 2^24, so rare
/// positives are resolved as well as frequent ones. Two scores in one bin count as a tie, hence
///
///     AUC = Σ_b pos_b (neg below b + neg_b / 2) / (P N),  off by at most  Σ_b pos_b neg_b / (2 P N) = `uncertainty`
///
/// - `halfLife`: examples after which an example counts half in `decayed`; in `total` all count alike.
/// - Complexity: O(1) per example without allocation, O(bins) when read. Memory: 96 KiB.
/// - Source: the binning is of log-odds read from the bits of a Double; ties as Mann and Whitney 1947.
package struct HistogramROCAUC: Sendable, Equatable {
  package struct Area: Sendable, Equatable {
    package var value: Double
    /// Largest difference from the exact area.
    package var uncertainty: Double
  }

  /// 48 octaves of 64 bins, and one at either end.
  static var bins: Int { 48 * 64 + 2 }

  package let halfLife: Double
  /// Bin b's negatives and positives at 4b; then the same, decayed.
  private var weights: ChunkedArray<Double>
  private var gain = 1.0
  private let growth: Double

  package init(halfLife: Double) {
    precondition(halfLife > 0)
    self.halfLife = halfLife
    growth = DeterministicMath.exp2(1 / halfLife)
    weights = ChunkedArray(repeating: 0, count: 4 * Self.bins)
  }

  static func bin(of probability: Double) -> Int {
    let odds = probability / (1 - probability)
    if !(odds >= 0x1p-24) { return 0 }
    if odds >= 0x1p24 { return bins - 1 }
    let lowest = (0x1p-24 as Double).bitPattern >> 46
    return Int(odds.bitPattern >> 46 - lowest) + 1
  }

  // hot: once per event.
  /// `probability` in 0...1.
  package mutating func update(probability: Double, isPositive: Bool, weight: Double = 1) {
    let gain = gain
    weights.withChunk(of: 4 * Self.bin(of: probability) + (isPositive ? 1 : 0)) { chunk, place in
      chunk[place] += weight
      chunk[place + 2] += weight * gain
    }
    self.gain *= growth
    if self.gain > 0x1p100 { rescale() }
  }

  private mutating func rescale() {
    gain *= 0x1p-100
    for bin in 0..<Self.bins {
      weights[4 * bin + 2] *= 0x1p-100
      weights[4 * bin + 3] *= 0x1p-100
    }
  }

  /// Of all examples; nil unless both classes were seen.
  package var total: Area? { area(at: 0) }
  /// Of examples weighted by their age.
  package var decayed: Area? { area(at: 2) }

  private func area(at offset: Int) -> Area? {
    var (wins, ties, positives, negatives) = (0.0, 0.0, 0.0, 0.0)
    for bin in 0..<Self.bins {
      let (negative, positive) = (weights[4 * bin + offset], weights[4 * bin + offset + 1])
      guard negative > 0 || positive > 0 else { continue }
      wins += positive * negatives
      ties += positive * negative
      positives += positive
      negatives += negative
    }
    guard positives > 0, negatives > 0 else { return nil }
    return Area(
      value: (wins + ties / 2) / positives / negatives, uncertainty: ties / 2 / positives / negatives)
  }
}

extension HistogramROCAUC: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(halfLife)
    writer.write(gain)
    let occupied = (0..<4 * Self.bins).filter { weights[$0] != 0 }
    writer.write(occupied) { writer, index in
      writer.write(UInt16(index))
      writer.write(weights[index])
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(
      halfLife: try reader.readDouble(
        "half-life", in: Double.leastNormalMagnitude...Double.greatestFiniteMagnitude))
    gain = try reader.readDouble("gain", in: 0x1p-1...0x1p101)
    let occupied = try reader.readArray(limit: 4 * Self.bins) {
      (reader: inout ByteReader) throws(ByteCodecError) -> (Int, Double) in
      let place = reader.position
      let index = Int(try reader.read(UInt16.self))
      guard index < 4 * Self.bins else {
        throw .outOfBounds(what: "bin", value: UInt64(index), at: place)
      }
      return (index, try reader.readDouble("weight", in: 0...Double.greatestFiniteMagnitude))
    }
    for (index, weight) in occupied { weights[index] = weight }
  }
}
