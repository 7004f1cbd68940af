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
struct VersionTests {
  @Test(
    "a version holds all that was ingested before it was asked for, and is listed with who made it and why")
  func create() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    let appended = try client.append(Shop.ratings(0..<200))
    let made = try client.create("deploy", labels: ["stable"], pin: true)
    #expect(made.id == "v1")
    #expect(made.offset == appended.last + 1)
    #expect(try client.flush() == made.digest)
    #expect(made.reason == "deploy")
    #expect(made.author == "tester")
    #expect(made.uid == getuid())
    #expect(made.isPinned)
    #expect(made.labels == ["stable"])
    let listing = try client.listing()
    #expect(listing.versions == [made])
    #expect(listing.serving == "head")
    #expect(try client.version(.label("stable")) == made)
    #expect(try client.version(.asOf(.max)) == made)
  }

  @Test("paused learning is no reason to wait: the version is what was learned so far")
  func createWhilePaused() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    let digest = try client.flush()
    _ = try client.pause()
    try client.append(Shop.ratings(50..<100))
    #expect(try client.create().digest == digest)
  }

  @Test("a list goes on where the page before ended, newest first")
  func pages() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    for place in 0..<5 {
      try client.append(Shop.ratings(place * 10..<place * 10 + 10))
      try client.create()
    }
    #expect(try client.listing(limit: 2).versions.map(\.id) == ["v5", "v4"])
    #expect(try client.listing(limit: 2, before: "v4").versions.map(\.id) == ["v3", "v2"])
    #expect(refusal { _ = try client.listing(limit: 1_001) }?.code == .invalidArgument)
    #expect(refusal { _ = try client.listing(before: "x") }?.code == .invalidArgument)
  }

  @Test("a switch is answered from at once, learning goes on, and previous leads back")
  func switching() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<100))
    let old = try client.create()
    let scored = try client.score("u1", ["i1", "i2"], .id(old.id))
    #expect(try client.serve(.id(old.id)) == "v1")
    try client.append(Shop.ratings(100..<300))
    try client.flush()
    let served = try client.score("u1", ["i1", "i2"])
    #expect(served.version == "v1")
    #expect(served.scores == scored.scores)
    #expect(try client.score("u1", ["i1", "i2"], .head).scores != scored.scores)
    #expect(try client.serve(.previous) == "")
    #expect(try client.score("u1", ["i1"]).version == "")
    #expect(refusal { try client.serve(.id("v9")) }?.code == .notFound)
    #expect(refusal { try client.serve(.id("17")) }?.code == .invalidArgument)
    #expect(refusal { try client.serve(.label("nobody")) }?.code == .notFound)
  }

  @Test("what serves a label follows it when it moves, also to a version that is on the disk only")
  func labels() throws {
    let daemon = try TestDaemon { $0.versions.inMemory = 1 }
    let client = try daemon.client()
    for place in 0..<4 {
      try client.append(Shop.ratings(place * 50..<place * 50 + 50))
      try client.create()
    }
    try client.label("stable", .latest)
    try client.serve(.label("stable"))
    #expect(try client.score("u1", ["i1"]).version == "v4")
    #expect(try client.version(.id("v1")).state == "disk")
    try client.label("stable", .id("v1"), expect: "v4")
    #expect(try client.score("u1", ["i1"]).version == "v1")
    #expect(refusal { try client.label("stable", .id("v2"), expect: "v4") }?.code == .failedPrecondition)
    #expect(refusal { try client.label("stable", .id("v2"), expect: "") }?.code == .failedPrecondition)
    #expect(refusal { try client.label("new", .id("v2"), expect: "") } == nil)
    for name in ["head", "v3", "", "a b", String(repeating: "x", count: 65)] {
      #expect(refusal { try client.label(name, .id("v2")) }?.code == .invalidArgument)
    }
    #expect(refusal { try client.unlabel("stable") }?.code == .failedPrecondition)
    #expect(refusal { try client.delete("v1") }?.code == .failedPrecondition)
    try client.serve(.head)
    try client.unlabel("stable")
    try client.delete("v1")
    #expect(try client.listing().versions.map(\.id) == ["v4", "v3", "v2"])
  }

  @Test("whatever is deleted and cleared away, by hand or by policy, a start finds a version to begin with")
  func lastVersion() throws {
    let daemon = try TestDaemon {
      $0.versions.atStop = false
      ($0.versions.keep, $0.versions.keepFor) = (1, 0)
      ($0.versions.keepHourly, $0.versions.keepDaily, $0.versions.keepWeekly) = (0, 0, 0)
      ($0.log.segment, $0.log.retainSize) = (64 << 10, 64 << 10)
    }
    var client = try daemon.client()
    for start in stride(from: 0, to: 2_000, by: 400) { try client.append(Shop.ratings(start..<start + 400)) }
    let kept = try client.create()
    try client.append(Shop.ratings(2_000..<2_400))
    daemon.context.applyRetention()
    #expect(daemon.context.log.firstOffset > EventLog.firstOffset)
    // Newer than it, and nothing to begin with.
    for _ in 0..<3 { try client.importing(client.export(.id(kept.id)).bytes) }
    daemon.context.applyRetention()
    #expect(try client.listing().versions.map(\.id) == ["v4", "v1"])
    let refused = refusal { try client.delete(kept.id) }
    #expect(refused?.code == .failedPrecondition)
    #expect(refused?.message.contains("cowbird version create") == true)
    let digest = try client.flush()
    try daemon.restart()
    client = try daemon.client()
    #expect(try client.flush() == digest)
    // Policy lets the old one go once there is another.
    let next = try client.create()
    #expect(try client.listing().versions.map(\.id) == [next.id, "v4"])
    #expect(refusal { try client.delete(next.id) }?.code == .failedPrecondition)
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
  }

  @Test("a split gives each user one arm, keeps metrics of each, and ends at the first arm's version")
  func splits() throws {
    let daemon = try TestDaemon()
    var client = try daemon.client()
    try client.append(Shop.ratings(0..<200))
    try client.create(labels: ["stable"])
    try client.append(Shop.ratings(200..<300))
    try client.create(labels: ["canary"])
    try client.split([("stable", .label("stable"), 50), ("canary", .label("canary"), 50)])
    var arms: Set<String> = []
    for user in 0..<23 {
      let versions = try (0..<3).map { _ in try client.score("u\(user)", ["i1"]).version }
      #expect(Set(versions).count == 1)
      arms.insert(versions[0])
    }
    #expect(arms == ["v1", "v2"])
    try client.append(Shop.ratings(300..<400))
    try client.flush()
    let listing = try client.listing()
    #expect(listing.arms.map(\.name) == ["stable", "canary"])
    #expect(listing.arms.reduce(0) { $0 + $1.examples } == 100)
    #expect(listing.arms.allSatisfy { $0.examples > 0 })
    // They go on after a restart.
    try daemon.restart()
    client = try daemon.client()
    #expect(try client.listing().arms == listing.arms)
    try client.append(Shop.ratings(400..<450))
    try client.flush()
    #expect(try client.listing().arms.reduce(0) { $0 + $1.examples } == 150)
    try client.split([])
    #expect(try client.listing().serving == "label:stable")
    for arms: [(String, Selector, Double)] in [
      [("a", .head, 100)], [("a", .head, 50), ("b", .head, 49)], [("a", .head, 50), ("a", .head, 50)],
      [("a", .head, -1), ("b", .head, 101)], [("a", .head, .nan), ("b", .head, 50)],
    ] {
      #expect(refusal { try client.split(arms) }?.code == .invalidArgument)
    }
  }

  @Test("a restart rebuilds the registry: labels, pins, what is served, exclusions, ids")
  func restart() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    var client = try daemon.client()
    try client.append(Shop.ratings(0..<100))
    try client.create("first", labels: ["stable"])
    try client.append(Shop.ratings(100..<200))
    try client.create("second", pin: true)
    try client.rollback(to: .id("v2"), users: ["u3"])
    try client.split([("a", .label("stable"), 95), ("b", .id("v2"), 5)])
    try client.shadow(.id("v2"))
    let registry = daemon.context.control.registry
    let digest = try client.flush()
    for removesCheckpoint in [false, true] {
      try daemon.restart(meanwhile: {
        if removesCheckpoint {
          try FileManager.default.removeItem(atPath: daemon.directory + "/data/registry")
        }
      })
      client = try daemon.client()
      #expect(daemon.context.control.registry == registry)
      #expect(try client.flush() == digest)
    }
  }
}
