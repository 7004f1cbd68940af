// Running mean and variance, with weights, mergeable.

package import Primitives

/// Mean and variance of a weighted stream.
///
/// For each value x of weight w: W += w, d = x - mean, mean += (w / W) d, M2 += w d (x - mean).
/// `variance` = M2 / W; `sampleVariance` = M2 / (W - 1), the unbiased one for weights of 1.
///
/// - Units: those of the values; the variances are squares of them.
/// - Complexity: O(1) time and memory, no allocation.
/// - Source: Welford 1962; West 1979 (weights); Chan, Golub, LeVeque 1979 (merge).
package struct RunningMoments: Sendable, Equatable {
  /// Sum of the weights.
  package private(set) var weight = 0.0
  /// 0 before the first value.
  package private(set) var mean = 0.0
  private var squares = 0.0

  package init() {}

  /// Takes in a finite `value` with a `weight` ≥ 0.
  package mutating func update(_ value: Double, weight added: Double = 1) {
    guard added > 0 else { return }
    weight += added
    let before = value - mean
    mean += before * (added / weight)
    squares += added * before * (value - mean)
  }

  /// As if the other stream's values had come after this one's, but for rounding.
  package mutating func merge(_ other: RunningMoments) {
    guard other.weight > 0 else { return }
    let total = weight + other.weight
    let difference = other.mean - mean
    squares += other.squares + difference * difference * (weight * other.weight / total)
    mean += difference * (other.weight / total)
    weight = total
  }

  /// Variance of the values seen; 0 before the first.
  package var variance: Double { weight > 0 ? max(0, squares / weight) : 0 }

  /// Unbiased estimate for weights of 1; 0 up to the first value.
  package var sampleVariance: Double { weight > 1 ? max(0, squares / (weight - 1)) : 0 }

  package var standardDeviation: Double { variance.squareRoot() }
}

extension RunningMoments: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.writeEach([weight, mean, squares]) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    weight = try reader.readDouble("weight", in: 0...Double.greatestFiniteMagnitude)
    mean = try reader.readFinite("mean")
    squares = try reader.readFinite("sum of squares")
  }
}
