import Primitives
import Testing

@testable import Statistics

@Suite struct CodecTests {
  /// Writes, reads back, compares, and checks that every cut throws.
  private func check<Value: ByteCodable & Equatable>(
    _ value: Value, everyCut: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var writer = ByteWriter()
    writer.write(value)
    var reader = ByteReader(writer.bytes)
    let read = try reader.read(Value.self)
    #expect(read == value, sourceLocation: sourceLocation)
    #expect(reader.isAtEnd, sourceLocation: sourceLocation)
    var second = ByteWriter()
    second.write(read)
    #expect(second.bytes == writer.bytes, sourceLocation: sourceLocation)
    let step = everyCut ? 1 : max(1, writer.bytes.count / 50)
    for length in stride(from: 0, to: writer.bytes.count, by: step) {
      var cut = ByteReader(Array(writer.bytes[..<length]))
      #expect(throws: ByteCodecError.self, sourceLocation: sourceLocation) {
        _ = try cut.read(Value.self)
      }
    }
  }

  private func gauss(_ k: Int) -> Double { CounterRandom.gauss(seed: 9, counter: UInt64(k)) }

  @Test("means and quantiles are read back as they were written")
  func numbers() throws {
    var mean = RunningMean()
    var (sketch, decayed) = (QuantileSketch(), QuantileSketch(halfLife: 10))
    for k in 0..<20 {
      let x = gauss(k)
      mean.update(x)
      sketch.update(x)
      decayed.update(x)
      guard [0, 3, 19].contains(k) else { continue }
      try check(mean)
      try check(sketch)
      try check(decayed)
    }
    try check(PageHinkley())
  }

  @Test("detectors are read back as they were written, and go on alike")
  func detectors() throws {
    var (adwin, pageHinkley, ddm) = (ADWIN(), PageHinkley(threshold: 5), DDM())
    var outliers = RobustOutliers()
    var forest = HalfSpaceTrees(limits: [-3...3, -3...3], trees: 2, height: 3, window: 50, seed: 1)
    for k in 0..<700 {
      let x = gauss(k) + (k > 400 ? 3 : 0)
      _ = adwin.update(x)
      _ = pageHinkley.update(x)
      _ = ddm.update(isError: x > 1)
      outliers.learn(x)
      forest.learn([x, gauss(k + 1)].span)
      guard k % 233 == 0 else { continue }
      try check(adwin)
      try check(pageHinkley)
      try check(ddm)
      try check(outliers, everyCut: false)
      try check(forest, everyCut: false)
      try check(DriftMonitor(adwin: adwin, pageHinkley: nil, ddm: ddm))
    }
    #expect(adwin.detections > 0)
  }

  @Test("metric sets are read back as they were written, and go on alike")
  func metrics() throws {
    var binary = MetricSet(task: .binary, window: 30, halfLife: 10)
    var regression = MetricSet(task: .regression, window: 30, halfLife: 10)
    var ranking = RankingMetricSet(k: 5, window: 30, halfLife: 10)
    for k in 0..<100 {
      let p = CounterRandom.uniform(seed: 1, counter: UInt64(k))
      let isPositive = CounterRandom.uniform(seed: 2, counter: UInt64(k)) < p
      binary.update(prediction: p, label: isPositive ? 1 : 0, weight: 0.5 + p)
      regression.update(prediction: p, label: gauss(k))
      if k % 9 == 0 { regression.updateUncovered() }
      ranking.update(rank: k % 8 == 0 ? nil : k % 8)
      ranking.coverage.update(ordinal: UInt32(k * 1000))
      ranking.novelty.update(interactions: Double(k), of: 1000)
    }
    try check(binary, everyCut: false)
    try check(regression, everyCut: false)
    try check(ranking, everyCut: false)
    var writer = ByteWriter()
    writer.write(binary)
    var reader = ByteReader(writer.bytes)
    var copy = try reader.read(MetricSet.self)
    for k in 0..<50 {
      binary.update(prediction: 0.3, label: Double(k % 2))
      copy.update(prediction: 0.3, label: Double(k % 2))
    }
    #expect(copy == binary)
  }

  @Test("numbers that are not finite are refused when read")
  func poison() throws {
    var writer = ByteWriter()
    writer.write(Double.nan)
    writer.write(1.0)
    var reader = ByteReader(writer.bytes)
    #expect(throws: ByteCodecError.self) { _ = try reader.read(RunningMean.self) }
  }
}
