import Configuration
import EventLog
import Foundation
import Glibc
import Service
import Testing
import Transport
import Wire

/// A rollback whose replay cannot read the log leaves all as it was.
@Suite(.serialized)
struct FailedRollbackTests {
  /// Flips a byte in the middle of the newest segment that is written no more; again, and it is as it was.
  private func damage(_ daemon: TestDaemon) throws {
    let folder = daemon.directory + "/data/log/"
    let segments = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".log") }.sorted()
    let path = folder + segments[segments.count - 2]
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    defer { try? file.close() }
    let place = try file.seekToEnd() / 2
    try file.seek(toOffset: place)
    let byte = try #require(try file.read(upToCount: 1)?.first)
    try file.seek(toOffset: place)
    try file.write(contentsOf: Data([byte ^ 0x40]))
  }

  /// A version, three segments of events, the newest of a bot, and a second version, which is served.
  private func daemon(on files: any FileSystem = PosixFileSystem()) throws -> (TestDaemon, Client) {
    let daemon = try TestDaemon(logFiles: files) {
      $0.versions.atStop = false
      $0.log.segment = 64 << 10
    }
    let client = try daemon.client()
    try live(client)
    try client.serve(.label("stable"))
    return (daemon, client)
  }

  private func live(_ client: Client) throws {
    try client.append(Shop.ratings(0..<50))
    try client.create()
    for start in stride(from: 50, to: 2_050, by: 400) { try client.append(Shop.ratings(start..<start + 400)) }
    var bad = Shop.ratings(2_050..<2_100)
    for place in bad.indices { bad[place].source = "bot" }
    try client.append(bad)
    try client.create(labels: ["stable"])
  }

  @Test("a rollback that cannot read the log changes nothing, learning goes on, and a restart passes over it")
  func damaged() throws {
    let (daemon, client) = try daemon()
    let before = try client.flush()
    try damage(daemon)
    let refused = refusal { try client.rollback(to: .id("v1"), excludingSources: ["bot"]) }
    #expect(refused?.code == .dataLoss)
    #expect(refused?.message.contains(".log") == true)
    #expect(refused?.message.contains("head and serving are as they were") == true)
    #expect(try client.flush() == before)
    #expect(try client.listing().serving == "label:stable")
    try client.append(Shop.ratings(2_100..<2_150))
    let after = try client.flush()
    #expect(after != before)
    // Another may be asked for.
    #expect(refusal { try client.rollback(to: .id("v1"), replay: true) }?.code == .dataLoss)
    #expect(try client.flush() == after)

    try damage(daemon)
    try daemon.restart()
    let restarted = try daemon.client()
    #expect(try restarted.flush() == after)
    #expect(try restarted.listing().serving == "label:stable")
    // Now it can be read: nothing of what was void is in the way.
    try restarted.rollback(to: .id("v1"), replay: true)
    #expect(try restarted.flush() == after)
    try restarted.rollback(to: .id("v1"), excludingSources: ["bot"])
    let other = try TestDaemon()
    try other.client().append(Shop.ratings(0..<2_050) + Shop.ratings(2_100..<2_150))
    let healed = try other.client().flush()
    #expect(try restarted.flush() == healed)
    // From the log alone.
    try daemon.restart(meanwhile: daemon.deleteVersions)
    #expect(try daemon.client().flush() == healed)
  }

  @Test("learning that was paused is paused where it was after a rollback that failed")
  func paused() throws {
    let (daemon, client) = try daemon()
    _ = try client.pause()
    try client.append(Shop.ratings(2_100..<2_150))
    let digest = try client.create().digest
    try damage(daemon)
    #expect(refusal { try client.rollback(to: .id("v1"), replay: true) }?.code == .dataLoss)
    #expect(try client.state().isPaused)
    #expect(try client.create().digest == digest)
    try damage(daemon)
    try daemon.restart()
    let restarted = try daemon.client()
    #expect(try restarted.state().isPaused)
    #expect(try restarted.create().digest == digest)
    _ = try restarted.resume()
    let other = try TestDaemon()
    try live(other.client())
    try other.client().append(Shop.ratings(2_100..<2_150))
    #expect(try restarted.flush() == other.client().flush())
  }

  @Test(
    "wherever a rollback fails to read the log, before its replay and in the midst of it, all is as it was")
  func everywhere() throws {
    let files = FaultyFiles()
    let (daemon, client) = try daemon(on: files)
    var learned = try client.flush()
    var failures = 0
    for call in 1... {
      files.arm(.init(call: call, number: EMFILE, operation: "map"))
      let refused = refusal { try client.rollback(to: .id("v1"), excludingSources: ["bot"]) }
      let isMet = !files.met.isEmpty
      files.arm(nil)
      guard isMet else {
        #expect(refused == nil)
        break
      }
      failures += 1
      #expect(refused?.code == .resourceExhausted)
      #expect(try client.flush() == learned)
      #expect(try client.listing().serving == "label:stable")
      try client.append(Shop.ratings(2_100 + call..<2_101 + call))
      let next = try client.flush()
      #expect(next != learned)
      learned = next
    }
    // The segments that it goes through, once to look for retractions and once to learn.
    #expect(failures >= 6)
    let healed = try client.flush()
    let other = try TestDaemon()
    try other.client().append(Shop.ratings(0..<2_050) + Shop.ratings(2_101..<2_101 + failures))
    #expect(try healed == other.client().flush())
    try daemon.restart()
    #expect(try daemon.client().flush() == healed)
  }
}
