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

  @Test("merging the sketches of two parts gives the sketch of the whole, whatever the order")
  func merge() {
    let values = stream(20_000, seed: 6)
    var left = sketch(values[..<7000])
    left.merge(sketch(values[7000...]))
    #expect(left == sketch(values))
    #expect(left == sketch(values.reversed()))
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

  @Test("P² is close to the exact quantile of a smooth stream")
  func p2() {
    var quantile = P2Quantile(probability: 0.9)
    for k in 0..<20_000 { quantile.update(CounterRandom.gauss(seed: 3, counter: UInt64(k))) }
    // The normal distribution's 90% point (a sum of twelve uniforms is close to it).
    #expect(abs(quantile.value - 1.2816) < 0.03)
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

  @Test("a stream without spread flags nothing")
  func constant() {
    var outliers = RobustOutliers()
    for _ in 0..<500 { outliers.learn(1) }
    #expect(outliers.robustZ(2) == 0 && outliers.iqrDistance(2) == 0)
    #expect(outliers.clipped(2, maxRobustZ: 3, maxIQRDistance: 3) == 2)
  }
}
