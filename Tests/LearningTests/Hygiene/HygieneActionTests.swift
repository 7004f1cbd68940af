import Configuration
import Features
import Models
import Primitives
import Testing
import Wire

@testable import Learning

/// Every rule with every action that it takes: what is learned of the event that breaks it, and what is counted.
@Suite struct HygieneActionTests {
  private static let second: Int64 = 1_000_000_000
  private static let start: Int64 = 1_700_000_000 * second

  struct Case: Sendable, CustomTestStringConvertible {
    var rule: String
    var reason: HygieneReason
    var action: HygieneAction
    /// More of the configuration.
    var yaml: String
    var testDescription: String { "\(rule): \(action.rawValue)" }
  }

  private static func cases(
    _ rule: String, _ reason: HygieneReason, _ actions: [HygieneAction], _ yaml: String = ""
  ) -> [Case] {
    actions.map { Case(rule: rule, reason: reason, action: $0, yaml: yaml) }
  }

  /// `clock` is asked at the door: see IngestRuleTests.
  static let all =
    cases("stream", .futureTime, [.off, .weight, .quarantine], ", ahead: 2h")
    + cases("stream", .oldTime, [.off, .weight, .quarantine], ", behind: 2h")
    + cases("weight", .weight, [.off, .reject, .clip, .quarantine], ", maximum: 5")
    + cases("value", .value, [.off, .reject, .clip, .weight, .quarantine], ", minimum: 0, maximum: 20")
    + cases("range", .range, [.off, .reject, .clip, .weight, .quarantine])
    + cases("missing", .missing, [.off, .reject, .quarantine])
    + cases(
      "outlier", .outlier, [.off, .clip, .weight, .quarantine],
      ", warmup: 100, z_score: 2, interquartile_ranges: 1")
    + cases("anomaly", .anomaly, [.off, .weight, .quarantine], ", threshold: 0.6, window: 50")
    + cases("burst", .userBurst, [.off, .weight, .quarantine], ", per_user: 50, within: 1h")
    + cases(
      "burst", .sourceBurst, [.off, .weight, .quarantine], ", per_user: 0, per_source: 200, within: 1h")

  /// Usual values are 4 to 8.
  private func usual(_ index: Int, user: String, source: String) -> EventBuilder {
    EventBuilder(
      timeNanos: Self.start + Int64(index) * Self.second, source: source,
      .interaction(
        type: "rating", user: user, item: "item-\(index % 13)",
        value: 6 + min(2, max(-2, CounterRandom.gauss(seed: 1, counter: UInt64(index)))),
        context: [NamedAttribute("size", .number(CounterRandom.gauss(seed: 2, counter: UInt64(index))))]))
  }

  private func odd(_ reason: HygieneReason, _ index: Int) -> EventBuilder {
    var event = usual(
      index, user: reason == .userBurst ? "user-0" : "odd", source: reason == .sourceBurst ? "shop" : "web")
    guard case .interaction(_, _, _, var value, var context, _, _) = event.kind else { return event }
    var weight: Float = 1
    switch reason {
    case .futureTime: event.timeNanos += 10_000 * Self.second
    case .oldTime: event.timeNanos -= 10_000 * Self.second
    case .weight: weight = 20
    case .value: value = 25
    case .range: value = 14
    case .missing: value = nil
    case .outlier: value = 11.5
    case .anomaly: context = [NamedAttribute("size", .number(500))]
    default: break
    }
    event.kind = .interaction(
      type: "rating", user: reason == .userBurst ? "user-0" : "odd", item: "item-1", value: value,
      context: context, weight: weight)
    return event
  }

  @Test("what a rule finds is treated as its action says and counted by reason and source", arguments: all)
  func action(_ tested: Case) throws {
    let others = ["burst", "outlier", "value"].filter { $0 != tested.rule }.map { "\($0): off" }
    let range = tested.rule == "range" ? [] : ["range: \(tested.rule == "value" ? "off" : "quarantine")"]
    let weight = tested.action == .weight ? ", weight: 0.25" : ""
    let rule = "\(tested.rule): {action: \(tested.action.rawValue)\(weight)\(tested.yaml)}"
    var stream = try LearnedStream(
      """
      label: {minimum: 0, maximum: 12, center: 6}
      events: {rating: value}
      features:
        context: {size: number}
        sparse: {user: user, item: item}
      model: {members: {linear: {kind: linear}}, stack: first}
      hygiene: {\((others + range + [rule]).joined(separator: ", "))}
      """)
    let isUserBurst = tested.reason == .userBurst
    for index in 0..<400 {
      let isOne = isUserBurst && index % 4 == 0
      try stream.take(
        usual(
          index, user: isOne ? "user-0" : "user-\(1 + index)",
          source: tested.reason == .sourceBurst ? "shop" : "app"))
    }
    let before = stream.model
    let outcome = try stream.take(odd(tested.reason, 400))
    let example = stream.workspace.example
    let counted =
      stream.model.hygieneCounts.count(tested.reason)
      - before.hygieneCounts.count(tested.reason)
    let isLearned = stream.model.counters.examples == before.counters.examples + 1

    let source = tested.reason == .sourceBurst ? "shop" : "web"
    // What is no rule's alone is counted whether the rule is on or not.
    let isAlwaysCounted = [.missing, .futureTime, .oldTime].contains(tested.reason)
    #expect(counted == (tested.action == .off && !isAlwaysCounted ? 0 : 1))
    #expect(
      tested.action == .off
        || stream.model.hygieneCounts.count(tested.reason, source: source)
          == before.hygieneCounts.count(tested.reason, source: source) + 1
    )
    switch tested.action {
    case .off:
      // No label is made up for what has no value.
      #expect(isLearned == (tested.reason != .missing))
      let weight: Float = tested.reason == .weight ? 20 : 1
      #expect(tested.reason == .missing ? outcome == .observed : example.weight == weight)
    case .weight: #expect(isLearned && example.weight == 0.25)
    case .clip where tested.reason == .weight: #expect(isLearned && example.weight == 5)
    case .clip:
      #expect(isLearned && example.weight == 1)
      let usualTop: ClosedRange<Double> = tested.reason == .outlier ? 7...9 : 12...20
      #expect(usualTop.contains(example.value), "\(example.value)")
      #expect(example.label == Float(min(12, example.value)))
    case .quarantine, .reject:
      #expect(outcome == .setAside(tested.reason) && !isLearned)
      #expect(stream.model.quarantine.count == before.quarantine.count + 1)
      #expect(stream.model.counters.quarantined == before.counters.quarantined + 1)
      #expect(stream.model.ensemble.digest == before.ensemble.digest)
      #expect(stream.model.features.digest == before.features.digest)
    }
  }

  @Test(
    "numbers of the context that the outlier rule watches are judged like the value",
    arguments: ["clip", "weight", "quarantine"])
  func watched(action: String) throws {
    var stream = try LearnedStream(
      """
      events: {click: positive}
      features: {context: {size: number, amount: number, odd: number}, sparse: {user: user}}
      model: {members: {linear: {kind: linear}}, stack: first}
      hygiene: {burst: off, outlier: {action: \(action), weight: 0.25, warmup: 100, context: [odd, amount]}}
      """)
    func take(_ index: Int, amount: Double, odd: Double = 2) throws -> LearnOutcome {
      try stream.take(
        EventBuilder(
          timeNanos: Self.start + Int64(index) * Self.second, source: "web",
          .interaction(
            type: "click", user: "u\(index % 9)", item: "i",
            context: [
              NamedAttribute("amount", .number(amount)), NamedAttribute("odd", .number(odd)),
              NamedAttribute("size", .number(Double(index) * 1e6)),
            ])))
    }
    for index in 0..<400 {
      _ = try take(index, amount: 50 + CounterRandom.gauss(seed: 1, counter: UInt64(index)))
    }
    #expect(stream.model.hygieneCounts.count(.outlier) == 0)
    let outcomes = [try take(400, amount: 1e6), try take(401, amount: 50, odd: 1e9)]
    #expect(stream.model.hygieneCounts.count(.outlier, source: "web") == 2)
    if action == "quarantine" {
      #expect(outcomes == [.setAside(.outlier), .setAside(.outlier)])
    } else {
      #expect(stream.workspace.example.weight == 0.25)
    }
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(yaml: "preset: fraud\nhygiene: {outlier: {context: [amuont]}}")
    }
    #expect(error?.problems.first?.message.contains("did you mean \"amount\"?") == true)
  }

  @Test("an event that was set aside for a missing value makes no label when it is admitted")
  func admitted() throws {
    var stream = try LearnedStream("preset: ratings")
    let bytes = EventBuilder(
      timeNanos: Self.start, .interaction(type: "rating", user: "ann", item: "heat")
    ).encoded()
    #expect(try stream.take(bytes) == .setAside(.missing))
    let outcome = try bytes.withUnsafeBytes {
      stream.model.learn(
        try EventView($0), timeNanos: Self.start, offset: 0, isAdmitted: true, in: stream.workspace)
    }
    #expect(outcome == .observed && stream.model.counters.examples == 0)
  }

  @Test("what no model can have is not learned, whoever admits it, and no weight is above the largest")
  func admittedPoison() throws {
    var stream = try LearnedStream(
      "preset: ratings\nhygiene: {value: off, range: off, weight: {action: quarantine, maximum: 10}}")
    func admit(_ value: Double, weight: Float = 1, at nanos: Int64 = Self.start) throws -> LearnOutcome {
      let event = EventBuilder(
        timeNanos: nanos,
        .interaction(type: "rating", user: "ann", item: "heat", value: value, weight: weight))
      return try event.encoded().withUnsafeBytes {
        let view = try EventView($0)
        return stream.model.learn(
          view, timeNanos: view.timeNanos, offset: 0, isAdmitted: true, in: stream.workspace)
      }
    }
    #expect(try admit(1e38) == .setAside(.notFinite))
    #expect(try admit(3, weight: 1e38) == .setAside(.notFinite))
    #expect(try admit(3, at: .max) == .setAside(.impossibleTime))
    #expect(stream.model.counters.examples == 0 && stream.model.counters.events == 0)
  }

  @Test("a value beyond the range is never clipped without a word")
  func range() throws {
    var stream = try LearnedStream("preset: ratings\nhygiene: {range: clip}")
    for value in [0.0, 7, -1e6] {
      try stream.take(
        EventBuilder(
          timeNanos: Self.start, source: "import",
          .interaction(type: "rating", user: "ann", item: "heat", value: value)))
    }
    #expect(stream.model.counters.examples == 3)
    #expect(stream.model.hygieneCounts.count(.range, source: "import") == 3)
  }
}
