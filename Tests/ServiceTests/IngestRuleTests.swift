import CMessages
import Configuration
import Learning
import Primitives
import Service
import Testing
import Transport
import Wire

/// What is refused before it is logged, and how that is told and counted.
@Suite(.serialized)
struct IngestRuleTests {
  private let now = Int64(WallClock.nanos())

  private func rating(_ value: Double?, source: String = "web", time: Int64? = nil) -> EventBuilder {
    EventBuilder(
      timeNanos: time ?? now, source: source,
      .interaction(type: "rating", user: "ann", item: "heat", value: value))
  }

  /// Counters of Status whose name is wanted: name, source, count.
  private func counts(_ client: Client, where isWanted: (String) -> Bool) throws -> [String] {
    try client.ask(
      "Update", "Status", Cowbird__V1__StatusRequest.self, Cowbird__V1__StatusResponse.self
    ) { status in
      (0..<status.n_hygiene).map { status.hygiene[$0]!.pointee }.filter { isWanted(String(cString: $0.name)) }
        .map { "\(String(cString: $0.name)) \(String(cString: $0.source)) \($0.value)" }
    }
  }

  @Test("what the limits cost is counted, in Status and as a metric")
  func evictions() throws {
    let daemon = try TestDaemon(.clicks) {
      ($0.limits.users, $0.limits.items, $0.limits.rows) = (1_000, 1_000, 1_000)
      var pairs = ValueSection()
      (pairs.name, pairs.statistic, pairs.of) = ("pairs", .count, ["user", "item"])
      $0.features.values.append(pairs)
      $0.features.dense.append("pairs")
    }
    let client = try daemon.client()
    _ = try client.append(
      (0..<1_500).map { number in
        EventBuilder(
          timeNanos: now + Int64(number), source: "web",
          .interaction(type: "click", user: "u\(number)", item: "i\(number)", value: nil))
      })
    try client.flush()
    let counts = try counts(client) { $0.hasPrefix("evicted.") }
    for kind in ["users", "items", "features", "retrieval_users", "retrieval_items"] {
      #expect(counts.contains("evicted.\(kind)  500"), "\(counts)")
    }
    #expect(counts.contains("evicted.retrieval_segments  0"))
    #expect(
      counts.contains { $0.hasPrefix("evicted.weights ") && !$0.hasSuffix(" 0") }, "\(counts)")
    let text = try client.ask(
      "Update", "Metrics", Cowbird__V1__MetricsRequest.self, Cowbird__V1__MetricsResponse.self
    ) { String(cString: $0.text) }
    #expect(text.contains("cowbird_head_count{name=\"evicted.users\",source=\"\"} 500\n"))
  }

  @Test("duplicates are counted by source")
  func duplicates() throws {
    let daemon = try TestDaemon(.clicks)
    let client = try daemon.client()
    func event(_ id: String, source: String) -> EventBuilder {
      EventBuilder(
        id: id, timeNanos: now, source: source, .interaction(type: "click", user: "ann", item: "heat"))
    }
    _ = try client.append([event("a", source: "web"), event("b", source: "import")])
    let answer = try client.append([
      event("b", source: "import"), event("c", source: "web"), event("a", source: "web"),
      event("c", source: "app"), event("a", source: "web"),
    ])
    #expect(answer.accepted == 1)
    #expect(
      try counts(client) { $0 == "duplicate" } == [
        "duplicate app 1", "duplicate import 1", "duplicate web 2",
      ])
  }

  @Test("each rule that rejects names field, value and settings, and is counted by rule and source")
  func rejected() throws {
    let daemon = try TestDaemon(.clicks) { $0.hygiene.value.maximum = 100 }
    let client = try daemon.client()
    let year: Int64 = 365 * 86_400_000_000_000
    let answer = try client.append([
      rating(4),
      rating(nil, source: "import"),
      rating(0),
      rating(1_000),
      rating(3, time: now + year),
      rating(3, time: now - 45 * year),
      EventBuilder(timeNanos: now, .interaction(type: "click", user: "ann", item: "heat", value: 0)),
      EventBuilder(timeNanos: now, source: "import", .interaction(type: "ratings", user: "ann", value: 1)),
      EventBuilder(timeNanos: now, source: "import", .interaction(type: "rating", user: "ann", value: .nan)),
    ])
    #expect(answer.accepted == 1)
    let expected: [(field: String, words: [String])] = [
      ("interaction.value", ["none", "events.rating.default_value", "hygiene.missing"]),
      ("interaction.value", ["0.0", "0.5 to 5.0", "events.rating.minimum", "hygiene.range"]),
      ("interaction.value", ["1000.0", "to 100.0", "hygiene.value"]),
      ("time_nanos", ["1m ahead", "hygiene.clock.future"]),
      ("time_nanos", ["14600d behind", "hygiene.clock.past"]),
      ("interaction.value", ["0.0", "impression", "events.click.label: threshold", "events.click.minimum"]),
      ("interaction.type", ["\"ratings\"", "did you mean \"rating\"?"]),
      ("interaction.value", ["nan", "finite"]),
    ]
    #expect(answer.refusals.map(\.index) == Array(1...8))
    for (refusal, expected) in zip(answer.refusals, expected) {
      #expect(refusal.field == expected.field)
      for word in expected.words { #expect(refusal.reason.contains(word), "\(refusal.reason)") }
    }
    let counts = try counts(client) { $0.hasPrefix("refused.") }
    #expect(
      counts == [
        "refused.range  1", "refused.malformed import 1", "refused.missing import 1", "refused.type import 1",
        "refused.clock web 2", "refused.range web 1", "refused.value web 1",
      ])
  }

  @Test("a weight above the largest is refused where the rule rejects, and names the setting")
  func weight() throws {
    let daemon = try TestDaemon(.clicks) { $0.hygiene.weight.action = .reject }
    let client = try daemon.client()
    func click(_ weight: Float) -> EventBuilder {
      EventBuilder(timeNanos: now, .interaction(type: "click", user: "ann", item: "heat", weight: weight))
    }
    let answer = try client.append([click(1_000), click(1_001)])
    #expect(answer.accepted == 1 && answer.refusals.map(\.field) == ["interaction.weight"])
    #expect(answer.refusals.first?.reason == "1001.0; at most 1000.0 is allowed (hygiene.weight)")
    #expect(try counts(client) { $0.hasPrefix("refused.") } == ["refused.weight  1"])
  }

  @Test("a rule that does not reject lets the event into the log, where it is treated and counted")
  func accepted() throws {
    let daemon = try TestDaemon(.ratings) {
      $0.hygiene.clock.action = .off
      $0.hygiene.range.action = .clip
      $0.hygiene.missing.action = .quarantine
    }
    let client = try daemon.client()
    let year: Int64 = 365 * 86_400_000_000_000
    let answer = try client.append([rating(9), rating(nil), rating(3, time: now + year)])
    #expect(answer.accepted == 3)
    try client.flush()
    let model = daemon.context.learner.publication.current.model
    #expect(model.counters.examples == 2)
    #expect(model.hygieneCounts.count(.range, source: "web") == 1)
    #expect(model.hygieneCounts.count(.missing, source: "web") == 1)
    #expect(model.hygieneCounts.count(.futureTime, source: "web") == 1)
    #expect(model.quarantine.count == 1)
  }

  @Test("an action that a rule cannot carry out is refused by configure, which names those that it can")
  func configured() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    let refused = refusal { try client.configure([("hygiene.burst.action", "reject")]) }
    #expect(refused?.code == .invalidArgument)
    #expect(refused?.message.contains("off, weight, quarantine") == true)
  }
}
