import Configuration
import Features
import Primitives
import Statistics
import Tables
import Testing
import Wire

@testable import Learning
@testable import Models

/// What must never stop learning, enter a weight, or go unreported.
@Suite struct PoisonTests {
  private static let start: Int64 = 1_700_000_000_000_000_000
  private static let second: Int64 = 1_000_000_000

  private struct Subject {
    var model: Model
    let workspace: Workspace
    var offset: UInt64 = 1

    init(_ yaml: String) throws {
      model = try Model(FeaturePlan(try Configuration(yaml: yaml)))
      workspace = Workspace(model.plan, model.ensemble)
    }

    @discardableResult
    mutating func take(_ event: EventBuilder) throws -> LearnOutcome {
      offset += 1
      return try event.encoded().withUnsafeBytes { bytes in
        let view = try EventView(bytes)
        return model.learn(
          view, encoded: bytes, timeNanos: view.timeNanos, offset: offset, in: workspace)
      }
    }

    /// Ordinary events, one a second.
    mutating func takeOrdinary(_ range: Range<Int>) throws {
      for index in range {
        try take(
          EventBuilder(
            timeNanos: PoisonTests.start + Int64(index) * PoisonTests.second,
            .interaction(
              type: "rating", user: "user-\(index % 17)", item: "item-\(index % 29)",
              value: Double(1 + index % 5))))
      }
    }

    func expectSound() {
      model.ensemble.forEachTable { name, table in
        guard !name.hasSuffix(".histories") else { return }
        table.forEachRow { _, key, _, weights, _ in
          for place in 0..<table.layout.weights where !weights[place].isFinite {
            Issue.record("\(name), key \(key): \(weights[place])")
          }
        }
      }
      for joint in model.ensemble.joints { #expect(joint.denseWeights.allSatisfy { $0.isFinite }) }
      for value in model.metrics.values() { #expect(value.value.isFinite, "\(value.name)") }
    }
  }

  private func counted(_ model: Model, _ reason: HygieneReason) -> UInt64 {
    model.hygieneCounts.count(reason)
  }

  @Test(
    "numbers that are not finite or too large are set aside and counted, and learning goes on",
    arguments: [Double.nan, .infinity, -.infinity, 1e38, -1e38, 1e300, Double(Float.greatestFiniteMagnitude)])
  func numbers(poison: Double) throws {
    var subject = try Subject("preset: ratings")
    try subject.takeOrdinary(0..<200)
    let learned = subject.model.counters.examples
    for index in 0..<20 {
      try subject.take(
        EventBuilder(
          timeNanos: Self.start + Int64(200 + index) * Self.second,
          .interaction(
            type: "rating", user: "user-1", item: "item-\(index)", value: poison,
            context: [NamedAttribute("price", .number(poison))], weight: Float(poison))))
      try subject.take(
        EventBuilder(
          timeNanos: Self.start + Int64(200 + index) * Self.second,
          .entity(.user, id: "user-1", .set, attributes: [NamedAttribute("age", .number(poison))])))
    }
    try subject.takeOrdinary(220..<420)
    subject.expectSound()
    #expect(subject.model.counters.examples >= learned + 190)
    #expect(subject.model.counters.quarantined + subject.model.counters.refused >= 20)
  }

  @Test("times of 1970 and 2200 are counted, move no clock, and the events after them are learned")
  func times() throws {
    var subject = try Subject("preset: ratings")
    try subject.takeOrdinary(0..<200)
    let learned = subject.model.counters.examples
    for (index, time) in [1, 7_258_118_400_000_000_000, Int64.max, -1, Int64.min].enumerated() {
      try subject.take(
        EventBuilder(
          timeNanos: time, .interaction(type: "rating", user: "user-1", item: "item-\(index)", value: 3)))
    }
    try subject.takeOrdinary(200..<400)
    subject.expectSound()
    #expect(subject.model.counters.examples >= learned + 200)
    let strange = [HygieneReason.impossibleTime, .futureTime, .oldTime]
      .reduce(0) { $0 + counted(subject.model, $1) }
    #expect(strange >= 4)
  }

  @Test("a flood by one user is counted, and no more of it is learned than one burst")
  func flood() throws {
    var subject = try Subject("preset: ratings")
    try subject.takeOrdinary(0..<300)
    for index in 0..<20_000 {
      try subject.take(
        EventBuilder(
          timeNanos: Self.start + 300 * Self.second + Int64(index) * 50_000, source: "bot",
          .interaction(type: "rating", user: "bot", item: "item-3", value: 1)))
    }
    subject.expectSound()
    #expect(counted(subject.model, .userBurst) > 15_000)
    #expect(subject.model.hygieneCounts.count(.userBurst, source: "bot") > 15_000)
    // A burst is let through, and what a bucket takes in meanwhile.
    #expect((1_000...1_200).contains(subject.model.counters.examples - 300))
    try subject.takeOrdinary(400..<600)
    #expect((1_500...1_700).contains(subject.model.counters.examples))
  }

  @Test(
    "numbers of context and of entities that are too large count as missing, and are counted by source",
    arguments: [Double.nan, .infinity, 1e300, 1e38, -1e19])
  func otherNumbers(poison: Double) throws {
    let yaml = """
      label: {minimum: 0, maximum: 1}
      events: {r: {label: threshold, threshold: 0.5}}
      entities: {user: {age: number, taste: {type: vector, dimension: 2}}}
      features:
        context: {amount: number}
        values: {standard: {from: context.amount, standardise: true}}
        sparse: {user: user, item: item}
        dense: [context.amount, standard, user.age, user.taste]
      model: {members: {linear: {kind: linear}}, stack: first}
      hygiene: {burst: off}
      """
    func learned(_ amount: Double?, _ attributes: [NamedAttribute]) throws -> Model {
      var subject = try Subject(yaml)
      for index in 0..<100 {
        try subject.take(
          EventBuilder(
            timeNanos: Self.start + Int64(index) * Self.second, source: "web",
            .interaction(
              type: "r", user: "u\(index % 3)", item: "i\(index % 7)", value: Double(index % 2),
              context: (index == 50 ? amount : Double(index % 5)).map {
                [NamedAttribute("amount", .number($0))]
              }
                ?? [])))
        if index == 40 {
          try subject.take(
            EventBuilder(
              timeNanos: Self.start, source: "crm", .entity(.user, id: "u1", .set, attributes: attributes)))
        }
      }
      subject.expectSound()
      return subject.model
    }
    let poisoned = try learned(
      poison,
      [NamedAttribute("age", .number(poison)), NamedAttribute("taste", .numbers([1, Float(poison)]))])
    let clean = try learned(nil, [])
    #expect(poisoned.ensemble.digest == clean.ensemble.digest)
    #expect(poisoned.metrics == clean.metrics)
    #expect(poisoned.hygieneCounts.count(.notFinite, source: "web") == 1)
    #expect(poisoned.hygieneCounts.count(.notFinite, source: "crm") == 1)
    #expect(clean.hygieneCounts.count(.notFinite) == 0)
    #expect(ContextBuffer.largestNumber == Hygiene.maxMagnitude)
  }

  @Test("what could not be predicted lowers the coverage")
  func coverage() throws {
    var subject = try Subject("preset: ratings")
    try subject.takeOrdinary(0..<99)
    #expect(subject.model.metrics.value("coverage", .total) == 1)
    let example = subject.workspace.example
    example.values[0] = .nan
    #expect(subject.model.learn(example.view, subject.workspace) == .ignored)
    #expect(subject.model.counters.refused == 1)
    #expect(subject.model.metrics.value("coverage", .total) == 0.99)
    subject.expectSound()
  }

  @Test("ids, types, categories and texts of 4 MiB are hashed like any other, and no memory is kept of them")
  func longTexts() throws {
    let long = String(repeating: "x", count: 4 << 20)
    var subject = try Subject("preset: clicks")
    for index in 0..<3 {
      let time = Self.start + Int64(index) * Self.second
      try subject.take(
        EventBuilder(
          timeNanos: time, source: long,
          .interaction(
            type: "click", user: long, item: long,
            context: [
              NamedAttribute("device", .text(long)), NamedAttribute(long, .text("x")),
              NamedAttribute("page", .texts([long, long])),
            ])))
      try subject.take(EventBuilder(timeNanos: time, .interaction(type: long, user: "u", item: "i")))
      try subject.take(
        EventBuilder(
          timeNanos: time,
          .entity(.item, id: "item", .set, attributes: [NamedAttribute("title", .text(long))])))
      try subject.take(
        EventBuilder(timeNanos: time, .interaction(type: "click", user: "user-\(index)", item: "item")))
    }
    subject.expectSound()
    #expect(subject.model.counters.examples == 6)
    #expect(subject.model.counters.ignored == 3)
    #expect(subject.model.features.counters.oversizedRecords == 3)
    #expect(subject.model.memory.liveBytes < 64 << 20)
  }
}
