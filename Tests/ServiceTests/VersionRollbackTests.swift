import CMessages
import Configuration
import EventLog
import Foundation
import Learning
import Service
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct VersionRollbackTests {
  /// Ratings of a bot, between those of people.
  private func bot(_ range: Range<Int>) -> [EventBuilder] {
    Shop.ratings(range).map { event in
      var event = event
      event.id = "bot-" + event.id
      event.source = "bot"
      return event
    }
  }

  @Test("a plain rollback makes head and serving the version, bit for bit, and learning goes on from there")
  func plain() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<150))
    let good = try client.create(labels: ["good"])
    try client.append(bot(150..<250))
    try client.create(labels: ["bad"])
    try client.serve(.label("bad"))
    let steps = try client.rollback(to: .label("good"))
    #expect(steps.first?.stage == "planned")
    #expect(steps.last?.stage == "done")
    #expect(steps.last?.replayed == 0)
    #expect(steps.last?.excluded == 100)
    #expect(try client.flush() == good.digest)
    #expect(try client.listing().serving == "head")
    try client.append(Shop.ratings(250..<300))
    let digest = try client.flush()
    let made = try client.create()
    #expect(made.parent == good.id)

    // The same as if what was dropped had never been sent.
    let other = try TestDaemon()
    try other.client().append(Shop.ratings(0..<150))
    try other.client().append(Shop.ratings(250..<300))
    #expect(try other.client().flush() == digest)

    try daemon.restart { $0.versions.atStop = false }
    #expect(try daemon.client().flush() == digest)
  }

  @Test("a surgical rollback equals a run in which the excluded events were never sent")
  func surgical() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<120))
    try client.create()
    try client.append(Shop.ratings(120..<180) + bot(180..<220))
    try client.configure([("learning.rate", "0.5")])
    try client.append(bot(220..<260) + Shop.ratings(260..<340))
    let before = try client.flush()

    let plan = try client.rollback(to: .id("v1"), excludingSources: ["bot"], dryRun: true)
    #expect(plan.map(\.stage) == ["planned"])
    #expect(plan.last?.excluded == 80)
    #expect(plan.last?.replayed == 140)
    #expect(try #require(plan.last).seconds > 0)
    #expect(try client.flush() == before)

    let steps = try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    #expect(steps.last?.excluded == 80)
    #expect(steps.last?.replayed == 140)
    let after = try client.flush()
    #expect(after != before)
    let expected = try TestDaemon.digest { client in
      try client.append(Shop.ratings(0..<120))
      try client.append(Shop.ratings(120..<180))
      try client.configure([("learning.rate", "0.5")])
      try client.append(Shop.ratings(260..<340))
    }
    #expect(after == expected)

    // A start without versions after the rollback learns the same.
    try daemon.restart()
    #expect(try daemon.client().flush() == expected)

    // What was left out stays out in a later replay, until it is admitted again.
    let again = try daemon.client()
    try again.rollback(to: .id("v1"), replay: true)
    #expect(try again.flush() == expected)
    let offset = try #require(steps.last?.offset)
    try again.rollback(to: .id("v1"), readmit: [offset])
    #expect(try again.flush() == before)
    #expect(refusal { try again.rollback(to: .id("v1"), readmit: [offset]) }?.code == .notFound)
  }

  @Test("a retraction that is left out takes nothing back")
  func excludedRetraction() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create()
    let good = Shop.ratings(60..<120)
    try client.append(good)
    try client.append([
      EventBuilder(
        id: "bot-1", timeNanos: good[59].timeNanos, source: "bot", .retraction(eventID: good[10].id))
    ])
    try client.append(Shop.ratings(120..<150))
    let steps = try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    #expect(steps.last?.excluded == 1)
    let expected = try TestDaemon.digest { try $0.append(Shop.ratings(0..<150)) }
    #expect(try client.flush() == expected)
  }

  @Test("a rollback goes through while learning is paused, and learning stays paused behind it")
  func paused() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<100))
    let good = try client.create()
    try client.append(bot(100..<150))
    try client.flush()
    _ = try client.pause()
    try client.append(bot(150..<200))
    try client.rollback(to: .id(good.id))
    #expect(try client.state().isPaused)
    try client.append(Shop.ratings(200..<250))
    #expect(try client.create().digest == good.digest)
    try daemon.restart()
    let resumed = try daemon.client()
    #expect(try resumed.state().isPaused)
    _ = try resumed.resume()
    let digest = try resumed.flush()
    let expected = try TestDaemon.digest { client in
      try client.append(Shop.ratings(0..<100))
      try client.append(Shop.ratings(200..<250))
    }
    #expect(digest == expected)
  }

  @Test("a rollback that replays learns what a pause held back too, and learning stays paused behind it")
  func pausedReplay() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<100))
    try client.create()
    _ = try client.pause()
    try client.append(Shop.ratings(100..<130) + bot(130..<150))
    // With the records of the first version and of the pause, or without.
    #expect((50...52).contains(try client.createMissing()))
    try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    let expected = try TestDaemon.digest { try $0.append(Shop.ratings(0..<130)) }
    try client.append(Shop.ratings(150..<160))
    #expect(try client.create().digest == expected)
    #expect(try client.state().isPaused)
    try daemon.restart()
    #expect(try daemon.client().state().isPaused)
    #expect(try daemon.client().create().digest == expected)
  }

  @Test("a rollback to what is not there, or to the head, changes nothing and says why")
  func refusals() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<10))
    let end = daemon.context.log.endOffset
    #expect(refusal { try client.rollback(to: .id("v1")) }?.code == .notFound)
    #expect(refusal { try client.rollback(to: .head) }?.code == .failedPrecondition)
    #expect(refusal { try client.rollback(to: .previous) }?.code == .notFound)
    #expect(daemon.context.log.endOffset == end)
  }

  @Test("a copy of the head from before a rollback becomes no version behind it")
  func writtenLate() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    try client.create()
    try client.append(bot(50..<100))
    try client.flush()
    let (late, offset) = try daemon.context.copyOfHead()
    try client.rollback(to: .id("v1"))
    let listed = try client.listing()
    let order = VersionOrder(author: Author(uid: 0), reason: "late")
    let refused = refusal { _ = try daemon.context.createVersion(of: late, offset: offset, order) }
    #expect(refused?.code == .aborted)
    #expect(try client.listing() == listed)
    #expect(try daemon.context.keeper.store.files().map(\.description) == ["v1"])
    #expect(try client.create().parent == "v1")
  }

  @Test("a start begins with the version that is furthest along the log, whichever was written last")
  func writtenOutOfTurn() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    let base = try client.importing(client.export(.id(client.create().id)).bytes)
    try client.rollback(to: .id(base.id))
    try client.append(Shop.ratings(50..<60))
    try client.flush()
    let (late, offset) = try daemon.context.copyOfHead()
    try client.append(Shop.ratings(60..<80))
    let next = try client.create()
    let made = try daemon.context.createVersion(
      of: late, offset: offset, VersionOrder(author: Author(uid: 0), reason: "late"))
    #expect(!made.isDiff)
    try client.append(Shop.ratings(80..<90))
    let newest = try client.create()
    #expect(newest.parent == next.id)
    let heads = daemon.context.control.registry.heads.map(\.id.description)
    #expect(heads == [newest.id, next.id, made.id.description, "v1"])
    try client.delete(newest.id)
    let digest = try client.flush()
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
  }

  @Test("the version that a rollback goes back to cannot be deleted before a newer one is kept")
  func held() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    try client.create()
    try client.rollback(to: .id("v1"))
    #expect(refusal { try client.delete("v1") }?.code == .failedPrecondition)
    try client.append(Shop.ratings(50..<60))
    try client.create()
    try client.delete("v1")
    let digest = try client.flush()
    try daemon.restart { $0.versions.atStop = false }
    #expect(try daemon.client().flush() == digest)
  }
}
