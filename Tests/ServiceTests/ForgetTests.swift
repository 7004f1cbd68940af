import CMessages
import Configuration
import Foundation
import Service
import Testing
import Transport
import Wire

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
