// Figures that fade or start again after a gap, against plain recounts: each goes by the time of its own events,
// whatever else happened to the same row.
import Foundation
import Testing
import Wire

@testable import Features

@Suite struct ClockTests {
  private struct Past {
    var user: Int
    var type: String
    var value: Double
    var time: Double
  }

  /// Events of some users, in the order of their times.
  private static func stream(_ seed: UInt64, _ count: Int, pause: ClosedRange<Int>) -> [Past] {
    var random = Generator(state: seed)
    var time = 1_000.0
    return (0..<count).map { _ in
      time += Double(Int.random(in: pause, using: &random))
      let types = ["view", "view", "view", "view", "click", "order"]
      return Past(
        user: .random(in: 0..<3, using: &random), type: types.randomElement(using: &random)!,
        value: Double(Int.random(in: 0...10, using: &random)), time: time)
    }
  }

  private static func check(
    _ yaml: String, _ events: [Past], against expected: (Past, [Past]) -> [(String, Double)]
  ) throws {
    var fixture = try Fixture(yaml)
    for (place, event) in events.enumerated() {
      // Asked by a click: an event without a label makes no example.
      try fixture.make(Fixture.rating("u\(event.user)", "i", at: event.time, type: "click"))
      for (name, wanted) in expected(event, events[..<place].filter { $0.user == event.user }) {
        let got = Double(fixture.dense(name))
        try #require(
          abs(got - wanted) <= 1e-5 * max(1, abs(wanted)), "\(name) at \(place): \(got), by hand \(wanted)")
      }
      try fixture.learn(
        Fixture.rating("u\(event.user)", "i", event.value, at: event.time, type: event.type))
    }
  }

  @Test("a rate fades each event by its own age, above and below the line, whatever happened since")
  func rates() throws {
    let yaml = """
      label: {minimum: 0, maximum: 10}
      events: {view: negative, click: positive, order: none}
      features:
        values:
          within: {statistic: rate, of: user, numerator: click, types: [click, view], prior: 0.1, shrinkage: 2, half_life: 300s}
          beside: {statistic: rate, of: user, numerator: order, types: [click, view], prior: 0.1, shrinkage: 2, half_life: 300s}
          slow: {statistic: rate, of: user, numerator: click, types: [click, view], prior: 0.1, shrinkage: 2, half_life: 2h}
          clicks: {statistic: decayed, of: user, types: click, half_life: 300s}
          all: {statistic: decayed, of: user, half_life: 300s}
        dense: [within, beside, slow, clicks, all]
      """
    try Self.check(yaml, Self.stream(11, 1_500, pause: 0...60)) { now, past in
      func faded(_ types: [String], _ halfLife: Double) -> Double {
        past.filter { types.contains($0.type) }.reduce(0) { $0 + pow(0.5, (now.time - $1.time) / halfLife) }
      }
      func rate(_ above: String, _ halfLife: Double) -> Double {
        (faded([above], halfLife) + 0.2) / (faded(["click", "view"], halfLife) + 2)
      }
      return [
        ("within", rate("click", 300)), ("beside", rate("order", 300)), ("slow", rate("click", 7_200)),
        ("clicks", faded(["click"], 300)), ("all", faded(["click", "view", "order"], 300)),
      ]
    }
  }

  @Test("one click in 24 hourly impressions for 60 days is a rate of 0.0293 with a half-life of a day")
  func rateByHand() throws {
    var fixture = try Fixture(
      """
      label: {minimum: 0, maximum: 10}
      events: {impression: negative, click: positive}
      features:
        values:
          rate: {statistic: rate, of: item, numerator: click, types: impression, prior: 0, shrinkage: 1e-6, half_life: 1d}
        dense: [rate]
      """)
    for hour in 0..<1_440 {
      let time = 1e6 + Double(hour) * 3_600
      try fixture.learn(Fixture.rating("u", "i", at: time, type: "impression"))
      if hour % 24 == 0 { try fixture.learn(Fixture.rating("u", "i", at: time, type: "click")) }
    }
    try fixture.make(Fixture.rating("u", "i", at: 1e6 + 1_440 * 3_600, type: "click"))
    // The series by hand, q = 2^(-1/24): clicks q^24 + q^48 + … = 1; impressions q + q^2 + … = q / (1 - q).
    let q = pow(0.5, 1.0 / 24)
    #expect(abs(Double(fixture.dense("rate")) - (1 - q) / q) < 1e-5)
  }

  @Test("every figure with a gap starts again with the first event after it, labelled or not")
  func gaps() throws {
    let yaml = """
      label: {minimum: 0, maximum: 10}
      events: {view: none, click: value, order: value}
      features:
        values:
          mean: {statistic: mean, of: user, shrinkage: 3, prior: 4, gap: 50s}
          square: {statistic: square, of: user, shrinkage: 1, gap: 50s}
          value: {statistic: mean, of: user, target: value, shrinkage: 1, gap: 50s}
          ew: {statistic: ew_mean, of: user, rate: 0.2, warmup: 2, gap: 50s, missing: -1}
          last: {statistic: last, of: user, gap: 50s, missing: -1}
          count: {statistic: count, of: user, gap: 50s}
          decayed: {statistic: decayed, of: user, half_life: 30s, gap: 50s}
          rate: {statistic: rate, of: user, numerator: order, types: [click, view], prior: 0.5, shrinkage: 2, gap: 50s}
          age: {statistic: age, of: user, gap: 50s, missing: -1}
        dense: [mean, square, value, ew, last, count, decayed, rate, age]
      """
    /// Those since the last pause of more than 50 s.
    func session(_ past: [Past], _ now: Past) -> [Past] {
      var session: [Past] = []
      for event in past {
        if let last = session.last, event.time - last.time > 50 { session = [] }
        session.append(event)
      }
      return session.last.map { now.time - $0.time > 50 } ?? false ? [] : session
    }
    try Self.check(yaml, Self.stream(5, 2_000, pause: 0...35)) { now, past in
      let session = session(past, now)
      let labels = session.filter { $0.type != "view" }.map(\.value)
      func mean(_ values: [Double], _ prior: Double, _ weight: Double) -> Double {
        (values.reduce(0, +) + prior * weight) / (Double(values.count) + weight)
      }
      var ew = 0.0
      for (n, label) in labels.enumerated() { ew += max(0.2, min(1, 1 / (Double(n) + 2))) * (label - ew) }
      let orders = Double(session.count { $0.type == "order" })
      return [
        ("mean", mean(labels, 4, 3)), ("square", mean(labels.map { $0 * $0 }, 0, 1)),
        ("value", mean(session.map(\.value), 0, 1)), ("ew", labels.isEmpty ? -1 : ew),
        ("last", labels.last ?? -1), ("count", Double(session.count)),
        ("decayed", session.reduce(0) { $0 + pow(0.5, (now.time - $1.time) / 30) }),
        ("rate", (orders + 1) / (Double(session.count) - orders + 2)),
        ("age", session.first.map { now.time - $0.time } ?? -1),
      ]
    }
  }

  @Test("an event that comes after its session ended changes nothing, and neither does its retraction")
  func late() throws {
    var fixture = try Fixture(
      """
      label: {minimum: 0, maximum: 10}
      events: {rating: value}
      features:
        values:
          count: {statistic: count, of: user, gap: 50s}
          mean: {statistic: mean, of: user, gap: 50s, shrinkage: 1}
        dense: [count, mean]
      """)
    try fixture.learn(Fixture.rating("u", "i", 4, at: 1_000))
    for change in 0..<3 {
      let late = Fixture.rating("u", "i", 10, at: 900)
      if change == 1 { try fixture.learn(late) }
      if change == 2 { try fixture.retract(late) }
      try fixture.make(Fixture.rating("u", "i", 0, at: 1_010))
      #expect(fixture.dense("count") == 1 && fixture.dense("mean") == 2)
    }
  }

  @Test("the last target is the newest event's, in whatever order events arrive")
  func last() throws {
    let yaml = """
      label: {minimum: 0, maximum: 10}
      events: {rating: value, view: none}
      features:
        values:
          last: {statistic: last, of: user, missing: -1}
          viewed: {statistic: last, of: user, types: view, target: value, missing: -1}
        dense: [last, viewed]
      """
    var events = (0..<20).map { (time: 1_000 + Double($0) * 777, value: Double($0 % 7)) }
    var random = Generator(state: 9)
    for _ in 0..<10 {
      var fixture = try Fixture(yaml)
      for event in events { try fixture.learn(Fixture.rating("u", "i", event.value, at: event.time)) }
      // A view is no label, and moves no label's clock.
      try fixture.learn(Fixture.rating("u", "i", 9, at: 90_000, type: "view"))
      try fixture.make(Fixture.rating("u", "i", at: 99_999))
      #expect(fixture.dense("last") == 5 && fixture.dense("viewed") == 9)
      try fixture.learn(Fixture.rating("u", "i", 8, at: 1_000 + 19 * 777))
      try fixture.make(Fixture.rating("u", "i", at: 99_999))
      #expect(fixture.dense("last") == 8)
      events.shuffle(using: &random)
    }
  }
}
