// Area under the ROC curve from a few thresholds, as River draws it.

package import Primitives

/// Area under the ROC curve through `thresholds` equally spaced points of 0...1, by trapezoids.
///
/// It compares with published figures of River; for a figure close to the exact one use `HistogramROCAUC`.
///
/// - `thresholds`: default 10.
/// - Complexity: O(1) per example, O(thresholds) when read.
/// - Source: River's ROCAUC (the outer thresholds lie 1e-7 outside of 0...1).
package struct BinnedROCAUC: Sendable, Equatable {
  package let thresholds: Int
  /// Weight of the negatives and positives between two thresholds, from below.
  private var negatives: [Double]
  private var positives: [Double]

  package init(thresholds: Int = 10) {
    precondition(thresholds > 1)
    self.thresholds = thresholds
    negatives = Array(repeating: 0, count: thresholds + 1)
    positives = negatives
  }

  private func threshold(_ index: Int) -> Double {
    let place = Double(index) / Double(thresholds - 1)
    return index == 0 ? place - 1e-7 : index == thresholds - 1 ? place + 1e-7 : place
  }

  /// `score` in 0...1.
  package mutating func update(score: Double, isPositive: Bool, weight: Double = 1) {
    var bin = Int(score * Double(thresholds - 1))
    bin = min(max(bin, 0), thresholds - 1)
    while bin < thresholds, score > threshold(bin) { bin += 1 }
    while bin > 0, score <= threshold(bin - 1) { bin -= 1 }
    if isPositive { positives[bin] += weight } else { negatives[bin] += weight }
  }

  /// 0 unless both classes were seen.
  package var value: Double {
    let (allPositives, allNegatives) = (positives.reduce(0, +), negatives.reduce(0, +))
    guard allPositives > 0, allNegatives > 0 else { return 0 }
    var area = 0.0
    var (truePositives, falsePositives) = (0.0, 0.0)
    for bin in stride(from: thresholds, to: 0, by: -1) {
      let before = (truePositives / allPositives, falsePositives / allNegatives)
      truePositives += positives[bin]
      falsePositives += negatives[bin]
      let after = (truePositives / allPositives, falsePositives / allNegatives)
      // The curve starts at the highest threshold, not at the origin.
      if bin < thresholds { area += (after.1 - before.1) * (after.0 + before.0) / 2 }
    }
    return area
  }
}

extension BinnedROCAUC: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(thresholds)
    writer.writeEach(negatives)
    writer.writeEach(positives)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(thresholds: try reader.readInt("thresholds", in: 2...(1 << 20)))
    negatives = try reader.readFinite("weight", count: thresholds + 1)
    positives = try reader.readFinite("weight", count: thresholds + 1)
  }
}
