import Configuration
import Primitives
import Testing

@testable import Learning

private let second: Int64 = 1_000_000_000
private let day: Int64 = 86_400 * second
/// A day in 2025.
private let start: Int64 = 1_750_000_000 * second

@Suite struct BurstDetectorTests {
  @Test("a million events by one user in a second: the burst is let through, the rest is not")
  func flood() {
    var detector = BurstDetector(BurstLimit(eventsPerSecond: 10, burst: 100))
    var admitted = 0
    for k in 0..<1_000_000 as Range<Int64> {
      if detector.admits(key: 7, timeNanos: start + k * 1000) { admitted += 1 }
    }
    #expect(admitted >= 100 && admitted <= 111)
    #expect(detector.admits(key: 8, timeNanos: start + second) == true)
    #expect(detector.admits(key: 7, timeNanos: start + 2 * second) == true)
  }

  @Test("at the allowed rate nothing is ever refused")
  func steady() {
    var detector = BurstDetector(BurstLimit(eventsPerSecond: 4, burst: 1))
    for k in 0..<1000 as Range<Int64> {
      #expect(detector.admits(key: 1, timeNanos: start + k * second / 4) == true)
    }
  }

  @Test("old or equal timestamps do not refill a bucket, and a late event alone is no burst")
  func late() {
    var detector = BurstDetector(BurstLimit(eventsPerSecond: 1, burst: 5))
    #expect(detector.admits(key: 1, timeNanos: start) == true)
    #expect(detector.admits(key: 1, timeNanos: start - day) == true)
    var admitted = 2
    for k in 0..<100 as Range<Int64> where detector.admits(key: 1, timeNanos: start - k * day) {
      admitted += 1
    }
    #expect(admitted == 5)
    #expect(detector.admits(key: 1, timeNanos: .min) == false)
    #expect(detector.admits(key: 1, timeNanos: start) == false)
    #expect(detector.admits(key: 1, timeNanos: .max) == true)
  }

  @Test("memory is bounded, and a bursting key is not forgotten because of many quiet ones")
  func eviction() {
    var detector = BurstDetector(BurstLimit(eventsPerSecond: 1, burst: 50), capacity: 64)
    #expect(detector.capacity == 64)
    for _ in 0..<60 { _ = detector.admits(key: 0xBAD, timeNanos: start) }
    for key in 1...10_000 as ClosedRange<UInt64> { _ = detector.admits(key: key &* 0x9E37, timeNanos: start) }
    #expect(detector.admits(key: 0xBAD, timeNanos: start) == false)
  }

  @Test("it is read back as it was written")
  func codec() throws {
    var detector = BurstDetector(BurstLimit(eventsPerSecond: 2, burst: 3), capacity: 64)
    for key in 0..<40 as Range<UInt64> { _ = detector.admits(key: key, timeNanos: start + Int64(key)) }
    var writer = ByteWriter()
    writer.write(detector)
    var reader = ByteReader(writer.bytes)
    #expect(try reader.read(BurstDetector.self) == detector)
    #expect(reader.isAtEnd)
    for length in 0..<writer.bytes.count {
      var cut = ByteReader(Array(writer.bytes[..<length]))
      #expect(throws: ByteCodecError.self) { _ = try cut.read(BurstDetector.self) }
    }
  }
}

@Suite struct StreamClockTests {
  private func clock() -> StreamClock {
    StreamClock(maxAheadNanos: day, maxBehindNanos: 30 * day, confirmations: 4)
  }

  @Test("one wrong clock does not move the stream's time")
  func oneWrong() {
    var clock = clock()
    #expect(clock.observe(start) == .inPlace)
    #expect(clock.observe(start + 200 * day) == .ahead)
    #expect(clock.observe(start + second) == .inPlace)
    #expect(clock.observe(start - 100 * day) == .behind)
    #expect(clock.observe(start - 29 * day) == .inPlace)
    #expect(clock.markNanos == start + second)
    #expect(clock.observe(.max) == .ahead)
    #expect(clock.observe(.min) == .behind)
  }

  @Test("a gap in the stream is followed after a few events that agree")
  func gap() {
    var clock = clock()
    _ = clock.observe(start)
    let later = start + 100 * day
    let places = (0..<5).map { clock.observe(later + Int64($0) * second) }
    #expect(places == [.ahead, .ahead, .ahead, .inPlace, .inPlace])
    #expect(clock.markNanos == later + 4 * second)
  }

  @Test("events that are out of place and do not agree never move it")
  func noise() {
    var clock = clock()
    _ = clock.observe(start)
    for k in 1...50 as ClosedRange<Int64> { #expect(clock.observe(start + k * 10 * day) == .ahead) }
    #expect(clock.markNanos == start)
  }
}

@Suite struct HygieneTests {
  private func input(
    _ k: Int, user: UInt64? = nil, value: Double? = nil, time: Int64? = nil
  ) -> HygieneInput {
    HygieneInput(
      timeNanos: time ?? start + Int64(k) * second, user: user ?? UInt64(k % 1000), source: 1, type: 0,
      value: value ?? 50 + 5 * CounterRandom.gauss(seed: 1, counter: UInt64(k)))
  }

  private func judge(_ hygiene: inout Hygiene, _ input: HygieneInput) -> HygieneVerdict {
    hygiene.judge(input, numbers: [Double]().span)
  }

  @Test("a clean stream is clean")
  func clean() {
    var hygiene = Hygiene(eventTypes: 1)
    for k in 0..<5000 {
      let verdict = judge(&hygiene, input(k))
      #expect(
        verdict.isClean && verdict.isLearned && verdict.weightFactor == 1 && verdict.clippedValue == nil)
    }
  }

  @Test("the limits' own defaults are the configuration's")
  func defaults() throws {
    #expect(HygieneRules().outlier == OutlierLimit())
    let rules = HygieneRules(try Configuration(yaml: "preset: ratings\nhygiene: {anomaly: weight}\n"))
    #expect(rules.anomaly == AnomalyLimit(featureCount: 1))
  }

  @Test("poison is named, and never learned")
  func poison() {
    var rules = HygieneRules()
    rules.maxBehindNanos = 30 * day
    rules.oldTime = .weight(0.5)
    var hygiene = Hygiene(rules, eventTypes: 1)
    for k in 0..<500 { _ = judge(&hygiene, input(k)) }
    for value in [Double.nan, .infinity, -.infinity, 1e38, -1e300] {
      let verdict = judge(&hygiene, input(500, value: value))
      #expect(verdict.reason == .notFinite && !verdict.isLearned && verdict.weightFactor == 0)
    }
    for time in [Int64(0), -1, .min, .max, 7_258_118_400 * second] {
      let verdict = judge(&hygiene, input(501, time: time))
      #expect(verdict.reason == .impossibleTime && !verdict.isLearned)
    }
    #expect(judge(&hygiene, input(502, time: start + 40 * day)).reason == .futureTime)
    let old = judge(&hygiene, input(503, time: start - 40 * day))
    #expect(old.reason == .oldTime && old.isLearned && old.weightFactor == 0.5)
    #expect(judge(&hygiene, input(504)).isClean)
  }

  @Test("an outlier is clipped to the nearest usual value")
  func outlier() throws {
    var rules = HygieneRules()
    rules.outlierAction = .clip
    var hygiene = Hygiene(rules, eventTypes: 1)
    for k in 0..<2000 { _ = judge(&hygiene, input(k)) }
    let verdict = judge(&hygiene, input(2000, value: 1e9))
    #expect(verdict.reason == .outlier && verdict.isLearned)
    let clipped = try #require(verdict.clippedValue)
    // Ten interquartile ranges of 6.7 above the upper quartile of 53.4.
    #expect(clipped > 110 && clipped < 130)
    #expect(judge(&hygiene, input(2001, value: clipped)).isClean)
  }

  @Test("a limit that is changed amid an attack holds at once, and what was seen before stays seen")
  func changedLimits() {
    var hygiene = Hygiene(eventTypes: 1)
    for k in 0..<2000 { _ = judge(&hygiene, input(k)) }
    for _ in 0..<2000 { _ = judge(&hygiene, input(2000, user: 77)) }
    var rules = HygieneRules()
    rules.outlier = OutlierLimit(maxRobustZ: 9)
    rules.userBurst = BurstLimit(eventsPerSecond: 50, burst: 500)
    hygiene.update(rules)
    #expect(judge(&hygiene, input(2000, user: 1, value: 90_000)).contains(.outlier))
    #expect(judge(&hygiene, input(2000, user: 77)).contains(.userBurst))
    // Other windows have to see for themselves.
    rules.outlier = OutlierLimit(warmUp: 500)
    hygiene.update(rules)
    #expect(judge(&hygiene, input(2000, user: 1, value: 90_000)).isClean)
  }

  @Test("a flood by one user is quarantined and does not move what is usual")
  func flood() {
    var hygiene = Hygiene(eventTypes: 1)
    for k in 0..<2000 { _ = judge(&hygiene, input(k)) }
    var quarantined = 0
    for _ in 0..<100_000 {
      let verdict = judge(&hygiene, input(2000, user: 77, value: 500))
      if verdict.action == .quarantine, verdict.contains(.userBurst) { quarantined += 1 }
    }
    #expect(quarantined >= 98_900)
    #expect(judge(&hygiene, input(2001, user: 1, value: 500)).contains(.outlier))
  }

  @Test("several reasons are all told; the gravest action wins and the weights multiply")
  func several() {
    var rules = HygieneRules()
    rules.futureTime = .weight(0.5)
    rules.outlierAction = .weight(0.2)
    var hygiene = Hygiene(rules, eventTypes: 1)
    for k in 0..<2000 { _ = judge(&hygiene, input(k)) }
    let both = judge(&hygiene, input(2000, value: 1e9, time: start + 50 * day))
    #expect(both.contains(.futureTime) && both.contains(.outlier))
    #expect(abs(both.weightFactor - 0.1) < 1e-15 && both.isLearned)
    let worse = judge(&hygiene, input(2001, value: .nan, time: start + 50 * day))
    #expect(worse.action == .quarantine && worse.weightFactor == 0)
  }

  @Test("numbers that are each usual but not together are an anomaly")
  func anomaly() {
    var rules = HygieneRules()
    rules.anomaly = AnomalyLimit(featureCount: 2, maxScore: 0.9, trees: 10, window: 500)
    var hygiene = Hygiene(rules, eventTypes: 1)
    var flagged = 0
    for k in 0..<5000 {
      // Two groups: (1, 10) and (100, 1000).
      let size = k % 2 == 0 ? 1.0 : 100.0
      let noise = 1 + 0.05 * CounterRandom.gauss(seed: 5, counter: UInt64(k))
      let verdict = hygiene.judge(input(k), numbers: [size * noise, 10 * size * noise].span)
      if k > 2000, verdict.contains(.anomaly) { flagged += 1 }
    }
    #expect(flagged < 60)
    let odd = hygiene.judge(input(5000), numbers: [1, 1000].span)
    #expect(odd.contains(.anomaly))
    let partial = hygiene.judge(input(5001), numbers: [.nan, 10].span)
    #expect(!partial.contains(.anomaly))
  }

  @Test("the state is read back as it was written, and judges alike from then on")
  func codec() throws {
    var rules = HygieneRules()
    rules.sourceBurst = BurstLimit(eventsPerSecond: 0.5, burst: 10)
    rules.anomaly = AnomalyLimit(featureCount: 1, window: 50)
    var hygiene = Hygiene(rules, eventTypes: 2, burstCapacity: 128)
    for k in 0..<300 { _ = hygiene.judge(input(k), numbers: [Double(k % 9)].span) }
    var writer = ByteWriter()
    hygiene.encode(to: &writer)
    var reader = ByteReader(writer.bytes)
    var copy = try Hygiene(rules: rules, eventTypes: 2, from: &reader)
    #expect(copy == hygiene && reader.isAtEnd)
    for k in 300..<600 {
      let numbers = [Double(k % 9)]
      let verdict = hygiene.judge(input(k), numbers: numbers.span)
      #expect(copy.judge(input(k), numbers: numbers.span) == verdict)
    }
    #expect(copy == hygiene)
  }

  @Test("counts are by reason and source, in an order of bytes, and bounded")
  func counts() throws {
    var counts = HygieneCounts(maxSources: 2)
    var verdict = HygieneVerdict()
    counts.add(verdict, source: "clean")
    verdict.add(.outlier, .clip)
    verdict.add(.oldTime, .count)
    for source in ["web", "app", "web", "third", "fourth"] { counts.add(verdict, source: source) }
    #expect(counts.count(.outlier) == 5)
    #expect(counts.count(.outlier, source: "web") == 2)
    #expect(counts.all.map(\.source) == ["app", "app", "other", "other", "web", "web"])
    #expect(counts.all.map(\.reason.name).prefix(2) == ["old_time", "outlier"])
    var writer = ByteWriter()
    writer.write(counts)
    var reader = ByteReader(writer.bytes)
    #expect(try reader.read(HygieneCounts.self) == counts)
  }
}
