import Primitives
import Testing

@testable import Statistics

@Suite struct QuantileTests {
  /// Values over many magnitudes and both signs.
  private func stream(_ count: Int, seed: UInt64) -> [Double] {
    (0..<count).map { k in
      let g = CounterRandom.gauss(seed: seed, counter: UInt64(k))
      return k % 3 == 0 ? g : g * g * g * DeterministicMath.exp(g)
    }
  }

  private func sketch(_ values: some Sequence<Double>) -> QuantileSketch {
    var sketch = QuantileSketch()
    for value in values { sketch.update(value) }
    return sketch
  }

  @Test(
    "every quantile is within the stated relative error of the exact one", arguments: [10, 1000, 100_000])
  func bound(count: Int) throws {
    let values = stream(count, seed: 5)
    let sorted = values.sorted()
    let sketch = sketch(values)
    #expect(sketch.bucketCount <= sketch.maxBuckets)
    for step in 0...100 {
      let q = Double(step) / 100
      let rank = max(1, Int((q * Double(count)).rounded(.up)))
      let exact = sorted[rank - 1]
      let estimate = try #require(sketch.quantile(q))
      #expect(abs(estimate - exact) <= sketch.relativeError * abs(exact) + 0x1p-63, "q = \(q)")
    }
    #expect(sketch.relativeError <= 0.01)
  }

  @Test("zeros, huge, tiny and negative values have their place")
  func extremes() throws {
    let sketch = sketch([-1e300, -2, 0, 1e-300, 3, 1e300])
    #expect(sketch.quantile(0) == -sketch.quantile(1)!)
    #expect(try abs(#require(sketch.quantile(0.33)) + 2) < 0.01)
    #expect(sketch.quantile(0.5) == 0)
    #expect(QuantileSketch().quantile(0.5) == nil)
  }

  @Test("with decay the quantiles follow a stream that moves, and the weight stays bounded")
  func decay() throws {
    var sketch = QuantileSketch(halfLife: 100)
    for k in 0..<50_000 {
      sketch.update((k < 40_000 ? 0 : 100) + CounterRandom.gauss(seed: 7, counter: UInt64(k)))
    }
    #expect(try abs(#require(sketch.quantile(0.5)) - 100) < 0.5)
    #expect(abs(sketch.weight - 100 / 0.6931) < 1)
  }

  @Test("the median absolute deviation of normal data is 0.6745 deviations")
  func deviation() throws {
    let sketch = sketch((0..<50_000).map { 10 + 2 * CounterRandom.gauss(seed: 8, counter: UInt64($0)) })
    let deviation = try #require(sketch.medianAbsoluteDeviation())
    #expect(abs(deviation / 2 - 0.6745) < 0.03)
  }

  @Test("outliers are far from the median and do not move it; what is usual is not flagged")
  func outliers() {
    var outliers = RobustOutliers(halfLife: 1000)
    #expect(outliers.robustZ(1e9) == 0)
    for k in 0..<5000 {
      outliers.learn(k % 20 == 0 ? 1e12 : 50 + 5 * CounterRandom.gauss(seed: 4, counter: UInt64(k)))
    }
    #expect(abs(outliers.median - 50) < 1)
    #expect(outliers.robustZ(1e12) > 1e9)
    #expect(outliers.iqrDistance(1e12) > 1e9)
    #expect(outliers.robustZ(60) < 3)
    #expect(outliers.iqrDistance(50) == 0)
    let clipped = outliers.clipped(1e12, maxRobustZ: 6, maxIQRDistance: 3)
    #expect(clipped > 55 && clipped < 90)
    #expect(outliers.clipped(50, maxRobustZ: 6, maxIQRDistance: 3) == 50)
  }

  /// Usual by either rule: in the daemon's default limits.
  private func isUsual(_ value: Double, _ outliers: RobustOutliers) -> Bool {
    outliers.robustZ(value) <= 8 || outliers.iqrDistance(value) <= 10
  }

  @Test(
    "values closer together than the sketch can tell do not hide one at twice their size",
    arguments: [(10_000.0, 10.0), (1_000, 1), (-5_000, 5), (100_000, 10), (1e-3, 1e-6)])
  func narrow(center: Double, spread: Double) {
    var outliers = RobustOutliers()
    for k in 0..<2_048 {
      let value = center + spread * CounterRandom.gauss(seed: 5, counter: UInt64(k))
      #expect(isUsual(value, outliers))
      outliers.learn(value)
    }
    for far in [2 * center, 0, -center, 999_999 * center.magnitude] { #expect(!isUsual(far, outliers)) }
    let clipped = outliers.clipped(2 * center, maxRobustZ: 8, maxIQRDistance: 10)
    #expect((clipped - center).magnitude < 0.06 * center.magnitude)
  }

  @Test(
    "where most values are one, others of its size are usual and what is far beyond is not",
    arguments: [0, 50, 10])
  func constant(everyOther: Int) {
    var outliers = RobustOutliers()
    // A rare class of a label, or two things bought in place of one.
    for k in 1...2_000 { outliers.learn(everyOther > 0 && k % everyOther == 0 ? Double(k % 3) : 1) }
    #expect([0, 1, 2, 5].allSatisfy { isUsual($0, outliers) })
    #expect([999_999, 100, -100].allSatisfy { !isUsual($0, outliers) })
    #expect(outliers.clipped(2, maxRobustZ: 3, maxIQRDistance: 3) == 2)
    #expect(outliers.clipped(100, maxRobustZ: 8, maxIQRDistance: 10) < 15)
  }

  @Test("ratings stay usual, whatever most of them were before", arguments: 1...4)
  func ratings(seed: UInt64) {
    var outliers = RobustOutliers()
    for _ in 0..<10_000 { outliers.learn(5) }
    for k in 0..<13_000 as Range<UInt64> {
      let draw = CounterRandom.uniform(seed: seed, counter: k)
      // First threes and fours alone, then fours in the majority by a little.
      let value: Double = k < 3_000 ? (draw < 0.5 ? 3 : 4) : draw < 0.51 ? 4 : draw < 0.75 ? 3 : 5
      #expect(isUsual(value, outliers))
      outliers.learn(value)
    }
    #expect(!isUsual(999_999, outliers))
  }

  @Test("of a stream of zeros nothing can be said")
  func zeros() {
    var outliers = RobustOutliers()
    for _ in 0..<500 { outliers.learn(0) }
    #expect(outliers.robustZ(2) == 0 && outliers.iqrDistance(2) == 0)
    #expect(outliers.clipped(2, maxRobustZ: 3, maxIQRDistance: 3) == 2)
  }
}
