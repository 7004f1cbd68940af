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

  @Test("a flood by one user is counted and changes what others are told by little")
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
    // The burst that is let through; the rest has a tenth of the weight.
    #expect(counted(subject.model, .userBurst) > 15_000)
    #expect(subject.model.hygieneCounts.count(.userBurst, source: "bot") > 15_000)
    try subject.takeOrdinary(400..<600)
    #expect(subject.model.counters.examples > 20_000)
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
