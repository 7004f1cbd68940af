// Outliers of one number, by rules that outliers themselves hardly move: robust z-score and IQR fences.

package import Primitives

/// Median, median absolute deviation and quartiles of a stream, and what they say of a value.
///
/// `robustZ` = |x - median| / (1.4826 · MAD): 1.4826 makes it the usual z-score on normal data. `iqrDistance` =
/// how many interquartile ranges x lies outside of [Q1, Q3] (Tukey's fences are at 1.5 and 3).
///
/// The four figures come from a decayed `QuantileSketch` and are refreshed at 32, 64, 128, … values and then every
/// `refreshEvery`, so that a judgement costs a few operations. Before `warmUp` values everything is usual.
///
/// Where the sketch sees no spread, a smallest one stands in, so that what is far beyond is told all the same:
/// - values that lie closer together than its buckets, told by neighbours in time that differ by less than that: the
///   width of the median's bucket;
/// - one value that most are: its own size, so that the other classes of a label or small numbers of a thing stay
///   usual. Of most values 0 nothing can be said: every value is given 0.
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
  /// The value before, and how many more of those that came after each other differed by less than the sketch tells apart
  /// than were the same: of classes and of small numbers, none.
  private var former = 0.0
  private var closeSteps = 0
  private static let enoughSteps = 32
  private static let mostSteps = 1_024
  package private(set) var median = 0.0
  /// 1.4826 · MAD, or what stands in for it.
  package private(set) var scale = 0.0
  package private(set) var lowerQuartile = 0.0
  package private(set) var upperQuartile = 0.0
  /// Between the quartiles, or what stands in for it.
  private var range = 0.0

  package init(halfLife: Double = 100_000, refreshEvery: Int = 1024, warmUp: Int = 100) {
    precondition(refreshEvery > 0 && warmUp >= 0)
    self.warmUp = warmUp
    self.refreshEvery = refreshEvery
    sketch = QuantileSketch(halfLife: halfLife)
  }

  /// Takes in a finite value. Judge it first: a value should not vote on itself.
  package mutating func learn(_ value: Double) {
    sketch.update(value)
    compare(value)
    count += 1
    let isPowerOfTwo = count >= 32 && count & (count - 1) == 0
    if isPowerOfTwo || count % refreshEvery == 0 || count == warmUp { refresh() }
  }

  private mutating func refresh() {
    median = sketch.quantile(0.5) ?? 0
    scale = 1.4826 * (sketch.medianAbsoluteDeviation() ?? 0)
    lowerQuartile = sketch.quantile(0.25) ?? 0
    upperQuartile = sketch.quantile(0.75) ?? 0
    range = upperQuartile - lowerQuartile
    let smallest = median.magnitude * (closeSteps >= Self.enoughSteps ? 2 * sketch.relativeError : 1)
    if scale == 0 { scale = smallest }
    // A normal distribution's quartiles are 1.349 standard deviations apart.
    if range == 0 { range = 1.349 * smallest }
  }

  private mutating func compare(_ value: Double) {
    let resolution = 2 * sketch.relativeError * max(value.magnitude, former.magnitude)
    if value == former {
      closeSteps = max(closeSteps - 1, 0)
    } else if (value - former).magnitude <= resolution {
      closeSteps = min(closeSteps + 1, Self.mostSteps)
    }
    former = value
  }

  /// Whether enough values were seen for the figures to mean something.
  package var isWarm: Bool { count >= max(warmUp, 1) && count >= 32 }

  /// Distance from the median in robust deviations; 0 while cold, or where most values are 0.
  package func robustZ(_ value: Double) -> Double {
    isWarm && scale > 0 ? (value - median).magnitude / scale : 0
  }

  /// Interquartile ranges outside of the quartiles; 0 inside, while cold, or where most values are 0.
  package func iqrDistance(_ value: Double) -> Double {
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
    if range > 0 {
      low = max(low, lowerQuartile - maxIQRDistance * range)
      high = min(high, upperQuartile + maxIQRDistance * range)
    }
    return min(max(value, low), high)
  }
}

extension RobustOutliers: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    for value in [warmUp, refreshEvery, count, closeSteps] { writer.writeInt(value) }
    writer.write(sketch)
    writer.writeEach([former, median, scale, lowerQuartile, upperQuartile, range])
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    warmUp = try reader.readInt("warm-up", in: 0...Int.max)
    refreshEvery = try reader.readInt("refresh", in: 1...Int.max)
    count = try reader.readInt("count", in: 0...Int.max)
    closeSteps = try reader.readInt("close steps", in: 0...Self.mostSteps)
    sketch = try reader.read(QuantileSketch.self)
    former = try reader.readFinite("former value")
    median = try reader.readFinite("median")
    scale = try reader.readFinite("scale")
    lowerQuartile = try reader.readFinite("quartile")
    upperQuartile = try reader.readFinite("quartile")
    range = try reader.readFinite("range")
  }
}
