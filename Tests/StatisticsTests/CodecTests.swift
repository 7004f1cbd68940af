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

  @Test("moments, quantiles and scalers are read back as they were written")
  func numbers() throws {
    var (moments, central) = (RunningMoments(), CentralMoments())
    var (mean, variance) = (ExponentialMean(alpha: 0.1), ExponentialVariance(alpha: 0.1))
    var (rolling, extremum) = (RollingMoments(size: 7), RollingExtremum(.maximum, size: 7))
    var (p2, window) = (P2Quantile(probability: 0.9), RollingQuantile(probability: 0.9, size: 7))
    var (sketch, decayed) = (QuantileSketch(), QuantileSketch(halfLife: 10))
    var (standard, adaptive, range) = (StandardScaler(), AdaptiveStandardScaler(), MinMaxScaler())
    var (largest, robust) = (MaxAbsScaler(), RobustScaler())
    for k in 0..<20 {
      let x = gauss(k)
      moments.update(x, weight: 0.5)
      central.update(x)
      mean.update(x)
      variance.update(x)
      rolling.update(x)
      extremum.update(x)
      p2.update(x)
      window.update(x)
      sketch.update(x)
      decayed.update(x)
      standard.learn(x)
      adaptive.learn(x)
      range.learn(x)
      largest.learn(x)
      robust.learn(x)
      guard [0, 3, 19].contains(k) else { continue }
      try check(moments)
      try check(central)
      try check(mean)
      try check(variance)
      try check(rolling)
      try check(extremum)
      try check(p2)
      try check(window)
      try check(sketch)
      try check(decayed)
      try check(standard)
      try check(adaptive)
      try check(range)
      try check(largest)
      try check(robust)
    }
    try check(PageHinkley())
    try check(MinMaxScaler())
  }

  @Test("detectors are read back as they were written, and go on alike")
  func detectors() throws {
    var (adwin, pageHinkley, ddm, eddm) = (ADWIN(), PageHinkley(threshold: 5), DDM(), EDDM())
    var (fhddm, hddma, hddmw) = (FHDDM(window: 70, confidence: 0.01), HDDMA(), HDDMW())
    var outliers = RobustOutliers()
    var forest = HalfSpaceTrees(limits: [-3...3, -3...3], trees: 2, height: 3, window: 50, seed: 1)
    for k in 0..<700 {
      let x = gauss(k) + (k > 400 ? 3 : 0)
      _ = adwin.update(x)
      _ = pageHinkley.update(x)
      _ = ddm.update(isError: x > 1)
      _ = eddm.update(isError: x > 1)
      _ = fhddm.update(x < 1)
      _ = hddma.update(isError: x > 1)
      _ = hddmw.update(isError: x > 1)
      outliers.learn(x)
      forest.learn([x, gauss(k + 1)].span)
      guard k % 233 == 0 else { continue }
      try check(adwin)
      try check(pageHinkley)
      try check(ddm)
      try check(eddm)
      try check(fhddm)
      try check(hddma)
      try check(hddmw)
      try check(outliers, everyCut: false)
      try check(forest, everyCut: false)
      try check(DriftMonitor(adwin: adwin, pageHinkley: nil, ddm: ddm))
    }
    #expect(adwin.detections > 0 && fhddm.detections > 0 && hddmw.detections > 0)
  }

  @Test("metric sets are read back as they were written, and go on alike")
  func metrics() throws {
    var binary = MetricSet(task: .binary, window: 30, halfLife: 10)
    var regression = MetricSet(task: .regression, window: 30, halfLife: 10)
    var ranking = RankingMetricSet(k: 5, window: 30, halfLife: 10)
    var (rolling, binned) = (RollingROCAUC(size: 7), BinnedROCAUC())
    for k in 0..<100 {
      let p = CounterRandom.uniform(seed: 1, counter: UInt64(k))
      let isPositive = CounterRandom.uniform(seed: 2, counter: UInt64(k)) < p
      binary.update(prediction: p, label: isPositive ? 1 : 0, weight: 0.5 + p)
      regression.update(prediction: p, label: gauss(k))
      if k % 9 == 0 { regression.updateUncovered() }
      ranking.update(rank: k % 8 == 0 ? nil : k % 8)
      ranking.coverage.update(ordinal: UInt32(k * 1000))
      ranking.novelty.update(interactions: Double(k), of: 1000)
      rolling.update(score: p, isPositive: isPositive)
      binned.update(score: p, isPositive: isPositive)
    }
    try check(binary, everyCut: false)
    try check(regression, everyCut: false)
    try check(ranking, everyCut: false)
    try check(rolling)
    try check(binned)
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
    writer.write(1.0)
    var reader = ByteReader(writer.bytes)
    #expect(throws: ByteCodecError.self) { _ = try reader.read(RunningMoments.self) }
  }
}
