// Area under the ROC curve, exactly, for the examples at hand.

package import Primitives

/// A score with its label and weight.
package struct ScoredLabel: Sendable, Equatable {
  package var score: Double
  package var isPositive: Bool
  package var weight: Double

  package init(score: Double, isPositive: Bool, weight: Double = 1) {
    self.score = score
    self.isPositive = isPositive
    self.weight = weight
  }
}

/// Probability that a positive scores above a negative, a tie counting half (Mann and Whitney's U / (P N)).
package enum ROCAUC {
  /// Nil unless both classes are there. Sorts in place: O(n log n). Scores must not be NaN.
  package static func exact(_ examples: inout [ScoredLabel]) -> Double? {
    examples.sort { $0.score < $1.score }
    return exact(ascending: examples)
  }

  /// Nil unless both classes are there. O(n).
  /// - Parameter examples: by their scores, lowest first.
  package static func exact(ascending examples: some Sequence<ScoredLabel>) -> Double? {
    var (wins, positives, negatives) = (0.0, 0.0, 0.0)
    var (score, tiedPositives, tiedNegatives) = (-Double.infinity, 0.0, 0.0)
    func close() {
      wins += tiedPositives * (negatives + tiedNegatives / 2)
      positives += tiedPositives
      negatives += tiedNegatives
      (tiedPositives, tiedNegatives) = (0, 0)
    }
    for example in examples {
      if example.score != score { close() }
      score = example.score
      if example.isPositive { tiedPositives += example.weight } else { tiedNegatives += example.weight }
    }
    close()
    guard positives > 0, negatives > 0 else { return nil }
    return wins / positives / negatives
  }
}

/// Exact area under the ROC curve of the last `size` examples.
///
/// - Complexity: O(1) per example; O(size log size) when read. Memory: 24 bytes per place.
/// - Source: Mann and Whitney 1947; Brzezinski and Stefanowski 2017 (prequential AUC).
package struct RollingROCAUC: Sendable, Equatable {
  package let size: Int
  private var ring: ChunkedArray<ScoredLabel>
  private var seen = 0

  package init(size: Int) {
    precondition(size > 0)
    self.size = size
    ring = ChunkedArray(repeating: ScoredLabel(score: 0, isPositive: false), count: size)
  }

  package mutating func update(score: Double, isPositive: Bool, weight: Double = 1) {
    ring[seen % size] = ScoredLabel(score: score, isPositive: isPositive, weight: weight)
    seen += 1
  }

  /// Nil unless both classes are in the window.
  package var value: Double? {
    var examples = (0..<min(seen, size)).map { ring[$0] }
    return ROCAUC.exact(&examples)
  }
}

extension RollingROCAUC: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(size)
    writer.writeInt(seen)
    for index in 0..<min(seen, size) {
      writer.write(ring[index].score)
      writer.write(ring[index].isPositive)
      writer.write(ring[index].weight)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(size: try reader.readInt("window", in: 1...(1 << 24)))
    seen = try reader.readInt("count", in: 0...Int.max)
    for index in 0..<min(seen, size) {
      let score = try reader.readFinite("score")
      let isPositive = try reader.read(Bool.self)
      ring[index] = ScoredLabel(
        score: score, isPositive: isPositive, weight: try reader.readFinite("weight"))
    }
  }
}
