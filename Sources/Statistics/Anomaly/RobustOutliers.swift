// Outliers of one number, by rules that outliers themselves hardly move: robust z-score and IQR fences.

package import Primitives

/// Median, median absolute deviation and quartiles of a stream, and what they say of a value.
///
/// `robustZ` = |x - median| / (1.4826 · MAD): 1.4826 makes it the usual z-score on normal data. `iqrDistance` =
/// how many interquartile ranges x lies outside of [Q1, Q3] (Tukey's fences are at 1.5 and 3).
///
/// The four figures come from a decayed `QuantileSketch` and are refreshed at 32, 64, 128, … values and then every
/// `refreshEvery`, so that a judgement costs a few operations. Before `warmUp` values everything is usual.
/// A rule whose spread is 0 (more than half of the values alike) says nothing: it gives 0 for every value.
///
/// - Units: `median`, `scale`, quartiles as the values; `robustZ` and `iqrDistance` none.
/// - `halfLife`: in values, default 100,000. `refreshEvery`: default 1,024. `warmUp`: default 100.
/// - Complexity: O(log buckets) per value, O(buckets) per refresh; at most 48 KiB.
/// - Source: Iglewicz and Hoaglin 1993; Tukey 1977; quantiles: see `QuantileSketch`.
package struct RobustOutliers: Sendable, Equatable {
  package let warmUp: Int
  package let refreshEvery: Int
  package private(set) var count = 0
  private var sketch: QuantileSketch
  package private(set) var median = 0.0
  /// 1.4826 · MAD.
  package private(set) var scale = 0.0
  package private(set) var lowerQuartile = 0.0
  package private(set) var upperQuartile = 0.0

  package init(halfLife: Double = 100_000, refreshEvery: Int = 1024, warmUp: Int = 100) {
    precondition(refreshEvery > 0 && warmUp >= 0)
    self.warmUp = warmUp
    self.refreshEvery = refreshEvery
    sketch = QuantileSketch(halfLife: halfLife)
  }

  /// Takes in a finite value. Judge it first: a value should not vote on itself.
  package mutating func learn(_ value: Double) {
    sketch.update(value)
    count += 1
    let isPowerOfTwo = count >= 32 && count & (count - 1) == 0
    if isPowerOfTwo || count % refreshEvery == 0 || count == warmUp { refresh() }
  }

  private mutating func refresh() {
    median = sketch.quantile(0.5) ?? 0
    scale = 1.4826 * (sketch.medianAbsoluteDeviation() ?? 0)
    lowerQuartile = sketch.quantile(0.25) ?? 0
    upperQuartile = sketch.quantile(0.75) ?? 0
  }

  /// Whether enough values were seen for the figures to mean something.
  package var isWarm: Bool { count >= max(warmUp, 1) && count >= 32 }

  /// Distance from the median in robust deviations; 0 while cold or when the stream has no spread.
  package func robustZ(_ value: Double) -> Double {
    isWarm && scale > 0 ? (value - median).magnitude / scale : 0
  }

  /// Interquartile ranges outside of the quartiles; 0 inside, while cold, or when the quartiles coincide.
  package func iqrDistance(_ value: Double) -> Double {
    let range = upperQuartile - lowerQuartile
    guard isWarm, range > 0 else { return 0 }
    return max(0, lowerQuartile - value, value - upperQuartile) / range
  }

  /// The nearest value that `robustZ` and `iqrDistance` would put at most at the given limits.
  package func clipped(_ value: Double, maxRobustZ: Double, maxIQRDistance: Double) -> Double {
    guard isWarm else { return value }
    // A hair inside, so that rounding does not put the result outside again.
    let maxRobustZ = maxRobustZ * (1 - 0x1p-40)
    let maxIQRDistance = maxIQRDistance * (1 - 0x1p-40)
    var (low, high) = (-Double.infinity, Double.infinity)
    if scale > 0 {
      low = median - maxRobustZ * scale
      high = median + maxRobustZ * scale
    }
    let range = upperQuartile - lowerQuartile
    if range > 0 {
      low = max(low, lowerQuartile - maxIQRDistance * range)
      high = min(high, upperQuartile + maxIQRDistance * range)
    }
    return min(max(value, low), high)
  }
}

extension RobustOutliers: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    for value in [warmUp, refreshEvery, count] { writer.writeInt(value) }
    writer.write(sketch)
    writer.writeEach([median, scale, lowerQuartile, upperQuartile])
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    warmUp = try reader.readInt("warm-up", in: 0...Int.max)
    refreshEvery = try reader.readInt("refresh", in: 1...Int.max)
    count = try reader.readInt("count", in: 0...Int.max)
    sketch = try reader.read(QuantileSketch.self)
    median = try reader.readFinite("median")
    scale = try reader.readFinite("scale")
    lowerQuartile = try reader.readFinite("quartile")
    upperQuartile = try reader.readFinite("quartile")
  }
}
