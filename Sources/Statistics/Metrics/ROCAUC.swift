// Area under the ROC curve, exactly, for the examples at hand.

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
