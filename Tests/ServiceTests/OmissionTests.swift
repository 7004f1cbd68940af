import Configuration
import Features
import Foundation
import Learning
import Service
import Testing
import Transport
import Wire

/// What is in a model, and can be taken back, is a matter of the versions that it went through.
@Suite(.serialized)
struct OmissionTests {
  private func configure(_ configuration: inout Configuration) {
    configuration.versions.atStop = false
    configuration.hygiene.value.action = .quarantine
    configuration.hygiene.range.action = .off
    (configuration.hygiene.value.minimum, configuration.hygiene.value.maximum) = (0, 10)
  }

  private func daemon(_ change: (inout Configuration) -> Void = { _ in }) throws -> TestDaemon {
    try TestDaemon {
      configure(&$0)
      change(&$0)
    }
  }

  private func retraction(of id: String) -> EventBuilder {
    EventBuilder(timeNanos: 1_700_000_009_000_000_000, .retraction(eventID: id))
  }

  private func bot(_ range: Range<Int>) -> [EventBuilder] {
    Shop.ratings(range).map { event in
      var event = event
      event.source = "bot"
      return event
    }
  }

  private func odd(source: String = "") -> EventBuilder {
    EventBuilder(
      id: "odd", timeNanos: 1_700_000_000_500_000_000, source: source,
      .interaction(type: "rating", user: "u1", item: "i1", value: 50))
  }

  private func digest(of body: (Client) throws -> Void) throws -> String {
    try TestDaemon.digest(configure, of: body)
  }

  @Test("a start goes on behind a rollback to a much smaller model, in the same batch of the log")
  func smaller() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    func ratings(_ range: Range<Int>) -> [EventBuilder] {
      range.map { number in
        EventBuilder(
          id: "s\(number)", timeNanos: 1_700_000_000_000_000_000 + Int64(number) * 1_000_000_000,
          .interaction(
            type: "rating", user: "u\(number)", item: "i\(number % 700)", value: Double(1 + number % 5)))
      }
    }
    try client.append(ratings(0..<10))
    try client.create()
    try client.append(ratings(10..<2_000))
    try client.rollback(to: .id("v1"))
    // Of those whose rows stood at the end of the model that has gone.
    try client.append(
      ratings(1_700..<2_000).map { event in
        var event = event
        event.id += "again"
        return event
      })
    let before = try client.flush()
    try daemon.restart()
    #expect(try daemon.client().flush() == before)
  }

  @Test(
    "what a rollback forward brings back can be taken back, and what it dropped cannot, after a restart too")
  func forward() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<120))
    try client.create()
    try client.append(Shop.ratings(120..<180))
    try client.create()
    try client.append(Shop.ratings(180..<200))
    try client.rollback(to: .id("v1"))
    try client.append(Shop.ratings(200..<220))
    try client.rollback(to: .id("v2"))
    let forward = try client.flush()
    try client.append([retraction(of: "r190"), retraction(of: "r210")])
    #expect(try client.flush() == forward)
    try client.append([retraction(of: "r150")])
    let expected = try digest { client in
      try client.append(Shop.ratings(0..<180))
      try client.append([retraction(of: "r150")])
    }
    #expect(try client.flush() == expected)

    try daemon.restart()
    #expect(try daemon.client().flush() == expected)
    // From a version after the rollbacks.
    try daemon.client().create()
    try daemon.restart()
    try daemon.client().append([retraction(of: "r191"), retraction(of: "r211")])
    #expect(try daemon.client().flush() == expected)
    // From the log alone.
    try daemon.restart(meanwhile: daemon.deleteVersions)
    #expect(try daemon.client().flush() == expected)
  }

  @Test("an exclusion that ends for later replays holds in a version that was made without the events")
  func readmittedElsewhere() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create()
    try client.append(bot(60..<80))
    let steps = try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    try client.append(Shop.ratings(80..<120))
    try client.create()
    try client.rollback(to: .id("v2"), readmit: [try #require(steps.last?.offset)])
    let without = try client.flush()
    try client.append([retraction(of: "r70")])
    #expect(try client.flush() == without)
    // Now they are learned.
    try client.rollback(to: .id("v1"), replay: true)
    let with = try client.flush()
    #expect(with != without)
    try client.append([retraction(of: "r71")])
    #expect(try client.flush() != with)
  }

  @Test("what no model can have is not admitted")
  func finalReasons() throws {
    let daemon = try TestDaemon { ($0.hygiene.value.action, $0.hygiene.range.action) = (.off, .off) }
    let client = try daemon.client()
    let place = try client.append([
      EventBuilder(
        timeNanos: 1_700_000_000_000_000_000,
        .interaction(type: "rating", user: "u1", item: "i1", value: 1e38))
    ]).first
    let digest = try client.flush()
    let refused = refusal { _ = try client.admit([place]) }
    #expect(refused?.code == .failedPrecondition)
    #expect(refused?.message.contains("not_finite") == true)
    #expect(try client.flush() == digest)
  }

  @Test(
    "an admission that a rollback leaves out leaves the event in quarantine, from where it is admitted again")
  func admission() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<40))
    let place = try client.append([odd(source: "bot")]).first
    try client.create()
    let before = try client.flush()
    try client.admit([place])
    let admitted = try client.flush()
    #expect(admitted != before)
    try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    #expect(try client.flush() == before)
    try client.admit([place])
    #expect(try client.flush() == admitted)
    try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    try client.append([retraction(of: "odd")])
    #expect(try client.flush() == before)
    try daemon.restart()
    #expect(try daemon.client().flush() == before)
  }

  @Test("what was passed over for want of weight takes nothing of others along when it is taken back")
  func uncounted() throws {
    let daemon = try daemon {
      ($0.hygiene.burst.action, $0.hygiene.burst.weight) = (.weight, 0)
      $0.hygiene.burst.perUser = 20
    }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<40))
    func bots(_ range: Range<Int>) -> [EventBuilder] {
      range.map { index in
        EventBuilder(
          id: "bot\(index)", timeNanos: 1_700_000_005_000_000_000,
          .interaction(type: "rating", user: "bot", item: "i1", value: 4))
      }
    }
    try client.append(bots(0..<20))
    try client.append(bots(20..<100))
    try client.flush()
    let passed = daemon.context.learner.publication.current.model
    try client.append((20..<100).map { retraction(of: "bot\($0)") })
    try client.flush()
    let model = daemon.context.learner.publication.current.model
    #expect(model.features.digest == passed.features.digest)
    try client.append([retraction(of: "bot3")])
    try client.flush()
    #expect(daemon.context.learner.publication.current.model.features.digest != passed.features.digest)
  }

  @Test("a version from elsewhere holds no event of this log, and has none in quarantine")
  func imported() throws {
    let other = try self.daemon()
    try other.client().append(Shop.ratings(0..<40) + [odd()])
    try other.client().create()
    let bytes = try other.client().export(.id("v1")).bytes

    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<80))
    let imported = try client.importing(bytes)
    try client.rollback(to: .id(imported.id))
    #expect(try client.flush() == imported.digest)
    #expect(daemon.context.learner.publication.current.model.quarantine.count == 0)
    try client.append([retraction(of: "r7"), retraction(of: "r70")])
    #expect(try client.flush() == imported.digest)
    // What is learned from now on can be taken back.
    try client.append(Shop.ratings(80..<90))
    let learned = try client.flush()
    try client.append([retraction(of: "r85")])
    #expect(try client.flush() != learned)
    try daemon.restart()
    #expect(try daemon.client().flush() != learned)
  }

  @Test("a candidate that passed over a stretch of the log holds nothing of it")
  func candidate() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    let middle = try client.append(Shop.ratings(50..<100)).first
    try client.run(isFromScratch: true, first: middle)
    try client.rollback(to: .latest)
    let candidate = try client.flush()
    try client.append([retraction(of: "r20")])
    #expect(try client.flush() == candidate)
    try client.append([retraction(of: "r70")])
    #expect(try client.flush() != candidate)
  }

  private func retraction(of id: String, named name: String) -> EventBuilder {
    EventBuilder(id: name, timeNanos: 1_700_000_009_000_000_000, .retraction(eventID: id))
  }

  @Test(
    "what was taken back is taken back once, whatever its retractions are called, and again after a rollback")
  func once() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50) + [odd()])
    try client.create()
    try client.append(Shop.ratings(50..<60))
    let whole = try client.flush()
    try client.append([retraction(of: "r7", named: "first"), retraction(of: "odd", named: "aside")])
    try client.append([retraction(of: "r55", named: "later")])
    let taken = try client.flush()
    #expect(taken != whole)
    let again = ["r7", "odd", "r55"].map { retraction(of: $0, named: "again " + $0) }
    #expect(try client.append(again).accepted == 3)
    #expect(try client.flush() == taken)

    // A replay passes over what is taken back in its midst, and over nothing twice.
    try client.rollback(to: .id("v1"), replay: true)
    let replayed = try client.flush()
    try client.append(["r7", "odd", "r55"].map { retraction(of: $0, named: "once more " + $0) })
    #expect(try client.flush() == replayed)
    try daemon.restart()
    let restarted = try daemon.client()
    #expect(try restarted.flush() == replayed)

    // The version has it still.
    try restarted.rollback(to: .id("v1"))
    let version = try restarted.flush()
    try restarted.append([retraction(of: "r7", named: "anew"), retraction(of: "r55", named: "anew too")])
    #expect(try restarted.flush() != version)
    try restarted.create()
    let kept = try restarted.flush()
    try daemon.restart()
    try daemon.client().append([retraction(of: "r7", named: "at last")])
    #expect(try daemon.client().flush() == kept)
  }
}
