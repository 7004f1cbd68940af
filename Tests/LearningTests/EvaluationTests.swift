import Configuration
import Features
import Primitives
import Statistics
import Testing
import Wire

@testable import Learning

@Suite struct EvaluationTests {
  private static let second: Int64 = 1_000_000_000
  private static let start: Int64 = 1_700_000_000 * second
  private static let year2200: Int64 = 7_258_118_400 * second

  /// Two members and ids are enough; a day apart is no rule.
  private static let ratings = "preset: ratings\nhygiene: {clock: off}\n"

  private func evaluation(
    _ yaml: String = ratings, delaySeconds: Int64 = 0, publishEvery: Int = 1
  ) throws -> Evaluation {
    var options = EvaluationOptions()
    options.delayNanos = delaySeconds * Self.second
    options.publishEvery = publishEvery
    return try Evaluation(FeaturePlan(try Configuration(yaml: yaml)), options: options)
  }

  private func rating(_ number: Int, _ value: Double, nanos: Int64, weight: Float = 1) -> EventBuilder {
    EventBuilder(
      timeNanos: nanos,
      .interaction(
        type: "rating", user: "u\(number % 7)", item: "i\(number % 5)", value: value, weight: weight))
  }

  private func shown(_ type: String, _ number: Int, at seconds: Int) -> EventBuilder {
    EventBuilder(
      timeNanos: Self.start + Int64(seconds) * Self.second,
      .interaction(type: type, user: "u\(number)", item: "i\(number)"))
  }

  private func take(_ events: [EventBuilder], _ evaluation: inout Evaluation) throws {
    for event in events { try event.encoded().withUnsafeBytes { try evaluation.take($0) } }
  }

  private func ratings(_ count: Int, from number: Int = 0) -> [EventBuilder] {
    (number..<number + count).map {
      rating($0, Double(1 + $0 % 5), nanos: Self.start + Int64($0) * Self.second)
    }
  }

  @Test(
    "no time of a file ends an evaluation, and an impossible one moves no other",
    arguments: [Int64.max, .min, Self.year2200], [0, 1_800] as [Int64])
  func extremeTimes(nanos: Int64, delaySeconds: Int64) throws {
    var evaluation = try evaluation(delaySeconds: delaySeconds)
    let untimed = (0..<50).map { rating($0, 3, nanos: 0) }
    try take(Array(untimed[..<20]) + [rating(0, 5, nanos: nanos)] + Array(untimed[20...]), &evaluation)
    try evaluation.finish()
    #expect(evaluation.scored.count == 50)
    #expect(evaluation.model.hygieneCounts.count(.impossibleTime) == 1)
    #expect(evaluation.model.counters.quarantined == 1)
  }

  @Test("a label with a wrong time keeps no other waiting", arguments: [Self.year2200, Self.start * 2])
  func wrongTimes(nanos: Int64) throws {
    var evaluation = try evaluation(delaySeconds: 100)
    try take(ratings(10) + [rating(0, 5, nanos: nanos)] + ratings(990, from: 10), &evaluation)
    // All but those of the last hundred seconds and the wrong one.
    #expect((895...901).contains(evaluation.model.counters.examples))
  }

  @Test("labels that come late change what is answered, and nothing of what is learned in the end")
  func lateLabels() throws {
    var (late, prompt) = (try evaluation(delaySeconds: 60), try evaluation())
    for number in 0..<2 {
      try take(ratings(300, from: 300 * number), &late)
      try take(ratings(300, from: 300 * number), &prompt)
    }
    try late.finish()
    #expect(late.model.digest == prompt.model.digest)
    #expect(late.scored.map(\.label) == prompt.scored.map(\.label))
    #expect(late.scored.map(\.prediction) != prompt.scored.map(\.prediction))
  }

  @Test(
    "what hygiene sets aside, clips or weighs is scored as it is learned",
    arguments: [(0, 1), (60, 1), (0, 2)])
  func hygiene(delaySeconds: Int64, publishEvery: Int) throws {
    let yaml = Self.ratings.replacing("clock: off", with: "clock: off, range: quarantine")
    var evaluation = try evaluation(yaml, delaySeconds: delaySeconds, publishEvery: publishEvery)
    var events: [EventBuilder] = []
    for (place, event) in ratings(200).enumerated() {
      let nanos = Self.start + Int64(place) * Self.second
      events += [rating(place, 100, nanos: nanos), event, rating(place, 4, nanos: nanos, weight: 0.5)]
    }
    try take(events, &evaluation)
    try evaluation.finish()
    #expect(evaluation.scored.count == 400)
    #expect(evaluation.scored.allSatisfy { $0.label <= 5 })
    #expect(evaluation.scored.count { $0.weight == 0.5 } == 200)

    var clipping = try self.evaluation(
      Self.ratings.replacing("clock: off", with: "clock: off, range: clip"), delaySeconds: delaySeconds,
      publishEvery: publishEvery)
    try take((0..<20).map { rating($0, 100, nanos: Self.start + Int64($0)) }, &clipping)
    try clipping.finish()
    #expect(clipping.scored.map(\.label) == Array(repeating: 5, count: 20))
  }

  private static let waiting = """
    preset: clicks
    events:
      impression: {label: negative, delay: 10m, answered_by: [click], interaction: false}
    hygiene: {clock: off}
    """

  @Test("impressions wait for their answers although labels come late")
  func lateAnswers() throws {
    var events: [EventBuilder] = []
    for number in 0..<60 {
      events.append(shown("impression", number, at: 60 * number))
      if number % 2 == 0 { events.append(shown("click", number, at: 60 * number + 30)) }
    }
    events.append(shown("view", 99, at: 7_200))
    var (late, prompt) = (
      try evaluation(Self.waiting, delaySeconds: 90), try evaluation(Self.waiting)
    )
    try take(events, &late)
    try late.finish()
    try take(events, &prompt)
    #expect(prompt.scored.count { $0.label == 1 } == 30 && prompt.scored.count { $0.label == 0 } == 30)
    #expect(late.scored.map(\.label) == prompt.scored.map(\.label))
    #expect(late.model.digest == prompt.model.digest)
  }

  @Test("impressions that nobody answered are predicted by the revision, too")
  func oldAnswers() throws {
    func scored(_ publishEvery: Int) throws -> [Evaluation.Scored] {
      var evaluation = try evaluation(Self.waiting, publishEvery: publishEvery)
      try take((0..<200).map { shown("impression", 0, at: 1_300 * $0) }, &evaluation)
      return evaluation.scored
    }
    let (fresh, never) = (try scored(1), try scored(1_000))
    #expect(fresh.count == 199 && never.count == 199)
    // The first revision has learned nothing of the items, and is the only one.
    #expect(Set(fresh.map(\.prediction)).count > 100)
    #expect(Set(never.map(\.prediction)).count == 1)
  }

  @Test("the area under the curve is exact for each part of the stream")
  func exactArea() throws {
    var evaluation = try evaluation("preset: clicks\nhygiene: {clock: off}\n")
    let events = (0..<600).map { number -> EventBuilder in
      let isClick = number % 3 == 0
      return EventBuilder(
        timeNanos: Self.start + Int64(number) * Self.second,
        .interaction(
          type: isClick ? "click" : "impression", user: "u\(number % 11)", item: "i\(number % 13)",
          value: isClick ? nil : 0))
    }
    try take(events, &evaluation)
    let scored = evaluation.scored
    for (first, end) in [(0.0, 1.0), (0, 0.3), (0.3, 1)] {
      let part = scored[Int(Double(scored.count) * first)..<Int(Double(scored.count) * end)]
      let (positives, negatives) = (part.filter { $0.label == 1 }, part.filter { $0.label == 0 })
      var wins = 0.0
      for positive in positives {
        for negative in negatives {
          wins +=
            positive.prediction > negative.prediction
            ? 1 : positive.prediction == negative.prediction ? 0.5 : 0
        }
      }
      let exact = wins / Double(positives.count * negatives.count)
      let shown = try #require(evaluation.metrics(from: first, to: end).first { $0.name == "auc" })
      #expect(abs(shown.value - exact) < 1e-12)
    }
  }
}
