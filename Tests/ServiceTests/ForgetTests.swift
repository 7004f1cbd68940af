import CMessages
import Configuration
import Foundation
import Glibc
import Learning
import Testing
import Transport
import Versions
import Wire

@testable import Service

@Suite(.serialized)
struct ForgetTests {
  private static let name = "zebra-7"

  /// Ratings of the shop, some of them by the one who will be forgotten.
  private func ratings(_ range: Range<Int>, with isThere: Bool = true) -> [EventBuilder] {
    zip(range, Shop.ratings(range)).compactMap { place, event in
      guard place % 9 == 4 else { return event }
      guard isThere, case .interaction(let type, _, let item, let value, _, _, _) = event.kind else {
        return nil
      }
      var event = event
      event.kind = .interaction(type: type, user: Self.name, item: item, value: value)
      return event
    }
  }

  private func script(_ client: Client, with isThere: Bool) throws {
    try client.append(ratings(0..<150, with: isThere))
    try client.configure([("learning.rate", "0.5")])
    if isThere {
      try client.append([
        EventBuilder(
          timeNanos: 1_700_000_150_000_000_000,
          .entity(.user, id: Self.name, .set, attributes: [NamedAttribute("age", .number(30))])),
        EventBuilder(timeNanos: 1_700_000_150_000_000_000, .retraction(eventID: "r13")),
      ])
    }
    try client.append(ratings(150..<250, with: isThere))
  }

  /// The files under the data directory that hold the name.
  private func files(holding name: String, under directory: String) throws -> [String] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: directory)
    return paths.filter { path in
      FileManager.default.contents(atPath: directory + "/" + path)?.range(of: Data(name.utf8)) != nil
    }
  }

  @Test("the head, the log and the versions are as if the user had never come")
  func forget() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try script(client, with: true)
    let held = try client.create(labels: ["held"]).id
    let versions = try client.listing().versions.map(\.id)
    let dry = try client.forget(Self.name, dryRun: true)
    #expect(dry.map(\.stage) == ["planned"])
    #expect(dry[0].events == 30)

    let done = try #require(try client.forget(Self.name).last)
    #expect(done.stage == "done")
    // Those that came of the change of a setting.
    #expect(done.held == [held] && done.deleted.count == versions.count - 1)
    #expect(Set(done.deleted + done.held) == Set(versions))
    let other = try TestDaemon()
    try script(other.client(), with: false)
    let expected = try other.client().flush()
    #expect(try client.flush() == expected)
    try client.unlabel("held")
    try client.delete(held)
    #expect(try client.forget(Self.name).map(\.events) == [0])
    try daemon.restart()
    #expect(try daemon.client().flush() == expected)
    daemon.daemon.stop()
    #expect(try files(holding: Self.name, under: daemon.directory + "/data") == [])

    // And from nothing, the log teaches the same.
    try daemon.restart(meanwhile: {
      try FileManager.default.removeItem(atPath: daemon.directory + "/data/versions")
    })
    #expect(try daemon.client().flush() == expected)
  }

  @Test("a replay begins with the newest version from before the user came, and who comes again is new")
  func fromVersion() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(ratings(0..<100, with: false))
    try client.create()
    try client.append(ratings(100..<150))
    #expect(try client.forget(Self.name, dryRun: true).last?.version == "v1")
    #expect(try client.forget(Self.name).last?.deleted == [])
    try client.append(ratings(150..<200))
    let other = try TestDaemon()
    try other.client().append(ratings(0..<150, with: false))
    try other.client().append(ratings(150..<200))
    #expect(try client.flush() == (try other.client().flush()))
  }
}

extension ForgetTests {
  private func forgetting(_ service: VersionService) -> Forgetting {
    Forgetting(
      service: service, user: Self.name, author: Author(uid: 0), reason: "", progress: ReplayProgress())
  }

  private func bot(_ range: Range<Int>) -> [EventBuilder] {
    Shop.ratings(range).map { event in
      var event = event
      event.source = "bot"
      return event
    }
  }

  @Test("a rollback that comes while the head is learned anew stays, and forgetting begins again")
  func rollbackMeanwhile() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(ratings(0..<100))
    try client.create()
    try client.append(bot(100..<150))
    let forgetting = forgetting(VersionService(daemon.context))
    let plan = try forgetting.plan()
    try client.rollback(to: .id("v1"))
    let rolledBack = try client.flush()
    #expect(refusal { _ = try forgetting.perform(plan) }?.code == .aborted)
    #expect(try client.flush() == rolledBack)
    #expect(try client.listing().versions.map(\.id) == ["v1"])
    #expect(try client.forget(Self.name).last?.stage == "done")
    let expected = try TestDaemon.digest { try $0.append(ratings(0..<100, with: false)) }
    #expect(try client.flush() == expected)
    try daemon.restart()
    #expect(try daemon.client().flush() == expected)
  }

  @Test("a version that a rollback has dropped is no place to begin with")
  func dropped() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(ratings(0..<50, with: false))
    try client.create()
    try client.append(bot(50..<100))
    try client.create(labels: ["bad"])
    try client.rollback(to: .id("v1"))
    try client.append(ratings(100..<150))
    #expect(try client.forget(Self.name, dryRun: true).last?.version == "v1")
    #expect(try client.forget(Self.name).last?.stage == "done")
    let expected = try TestDaemon.digest { client in
      try client.append(ratings(0..<50, with: false))
      try client.append(ratings(100..<150, with: false))
    }
    #expect(try client.flush() == expected)
    // Who is forgotten next is forgotten by the same way.
    #expect(try client.forget("nobody").map(\.events) == [0])
  }

  @Test("a head that grew from an imported version is learned anew from that, if it does not know the user")
  func imported() throws {
    let source = try TestDaemon()
    try source.client().append(Shop.ratings(0..<60))
    let file = try source.client().export(.id(source.client().create().id)).bytes
    func digest(with isThere: Bool, forget: Bool) throws -> String {
      let daemon = try TestDaemon { $0.versions.atStop = false }
      let client = try daemon.client()
      try client.append(ratings(60..<80, with: isThere))
      try client.create()
      try client.rollback(to: .id(client.importing(file).id))
      try client.append(ratings(80..<140, with: isThere))
      if forget {
        #expect(try client.forget(Self.name).last?.stage == "done")
        #expect(try client.forget(Self.name).map(\.events) == [0])
      }
      return try client.flush()
    }
    #expect(try digest(with: true, forget: true) == digest(with: false, forget: false))

    // One that knows the user cannot be.
    try source.client().append(ratings(60..<80))
    let knowing = try source.client().export(.id(source.client().create().id)).bytes
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<10))
    let id = try client.importing(knowing).id
    try client.rollback(to: .id(id))
    #expect(refusal { _ = try client.forget(Self.name) }?.message.contains("none of them any more") == true)
    try client.append(ratings(10..<30))
    #expect(refusal { _ = try client.forget(Self.name) }?.message.contains("it grew from \(id)") == true)
  }

  @Test("a command that was cut short is given again, wherever it was cut")
  func again() throws {
    let files = FaultyFiles()
    let daemon = try TestDaemon(files: files, logFiles: files) { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(ratings(0..<50, with: false))
    try client.create()
    try client.append(ratings(50..<120))
    try client.create()
    var failures = 0
    for call in 1... {
      files.arm(.init(call: call, number: EIO, operation: "rename"))
      let refused = refusal { _ = try client.forget(Self.name) }
      let isMet = !files.met.isEmpty
      files.arm(nil)
      guard isMet else {
        #expect(refused == nil)
        break
      }
      if refused != nil {
        failures += 1
        #expect(try client.forget(Self.name, dryRun: true).last?.events ?? 0 > 0)
      }
    }
    #expect(failures > 1)
    let expected = try TestDaemon.digest { client in
      try client.append(ratings(0..<120, with: false))
    }
    #expect(try client.flush() == expected)
    daemon.daemon.stop()
    #expect(try self.files(holding: Self.name, under: daemon.directory + "/data") == [])
  }

  @Test("nobody rolls back to a version that is about to go")
  func turn() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<20))
    let id = try #require(VersionID(client.create().id))
    let service = VersionService(daemon.context)
    let order = VersionOrder(author: Author(uid: 0), reason: "")
    let rollback = Rollback(to: id, replays: true)
    let begun = try service.beginRollback(rollback, order, holdsTurn: true)
    try client.flush()
    #expect(daemon.context.rollbacks.hasEnded(begun.offset))
    let refused = refusal { _ = try service.beginRollback(rollback, order) }
    #expect(refused?.message.contains("being forgotten") == true)
    service.releaseTurn()
    _ = try service.beginRollback(rollback, order)
    try client.flush()
  }
}

private struct ForgetStep: Equatable {
  var stage: String
  var events: UInt64
  var version: String
  var deleted: [String]
  var held: [String]
}

extension Client {
  /// Every step, without those of progress.
  fileprivate func forget(_ user: String, dryRun: Bool = false) throws -> [ForgetStep] {
    let arena = MessageArena()
    var request = Cowbird__V1__ForgetRequest.empty
    request.user = arena.text(user)
    request.dry_run = dryRun ? 1 : 0
    let stream = try openStream(
      "cowbird.v1.Version", "Forget", .server, request: Wire.bytes(&request), timeoutNanos: patience)
    var steps: [ForgetStep] = []
    while let step = try stream.receive(
      Cowbird__V1__ForgetProgress.self,
      { message in
        let message = message.pointee
        return ForgetStep(
          stage: String(cString: message.stage), events: message.events,
          version: String(cString: message.version),
          deleted: (0..<message.n_deleted).map { String(cString: message.deleted[$0]!) },
          held: (0..<message.n_held).map { String(cString: message.held[$0]!) })
      })
    {
      if step.stage != "learning" { steps.append(step) }
    }
    return steps
  }
}
