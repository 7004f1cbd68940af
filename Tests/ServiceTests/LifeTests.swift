import CMessages
import Configuration
import EventLog
import Foundation
import Learning
import Primitives
import Service
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct LifeTests {
  @Test("a restart ends with the same digest, and so does one that learns all from the log")
  func digests() throws {
    let daemon = try TestDaemon()
    try daemon.client().append(Shop.ratings(0..<400))
    let digest = try daemon.client().flush()
    let answer = try daemon.client().score("u1", ["i1", "i2"])
    try daemon.restart()
    #expect(daemon.context.control.registry.entries.map(\.reason) == ["stop"])
    #expect(try daemon.client().flush() == digest)
    #expect(try daemon.client().score("u1", ["i1", "i2"]).scores == answer.scores)
    // Nothing was learned: no second version.
    try daemon.restart()
    #expect(daemon.context.control.registry.entries.count == 1)
    // Without any version.
    try daemon.restart({ $0.versions.atStop = false }, meanwhile: daemon.deleteVersions)
    #expect(try daemon.client().flush() == digest)
  }

  @Test("a damaged version is left out and the one before it taken, with the same digest in the end")
  func damage() throws {
    let daemon = try TestDaemon { $0.versions.fullEvery = 1 }
    try daemon.client().append(Shop.ratings(0..<200))
    try daemon.restart()
    try daemon.client().append(Shop.ratings(200..<400))
    let digest = try daemon.client().flush()
    try daemon.restart {
      $0.versions.atStop = true
    } meanwhile: {
      let path = daemon.directory + "/data/versions/v2.pages"
      var bytes = try #require(FileManager.default.contents(atPath: path))
      bytes[bytes.count / 2] ^= 0x40
      try bytes.write(to: URL(fileURLWithPath: path))
    }
    #expect(daemon.context.control.registry.entries.map(\.record.id.description) == ["v1", "v2"])
    #expect(try daemon.client().flush() == digest)
  }

  @Test("data of another configuration are refused, naming what changed; --rebuild learns the log anew")
  func otherConfiguration() throws {
    let daemon = try TestDaemon()
    try daemon.client().append(Shop.ratings(0..<100))
    let digest = try daemon.client().flush()
    var other = daemon.configuration
    other.learning.seed = 77
    try daemon.restart(meanwhile: {
      let refused = refusal { _ = try TestDaemon.start(other) }
      #expect(refused?.code == .failedPrecondition)
      #expect(refused?.message.contains("learning.seed: 1 -> 77") == true)
      let rebuilt = try TestDaemon.start(other, mayRebuild: true)
      #expect(try Client(path: other.server.socket).flush() != digest)
      rebuilt.stop()
    })
    #expect(try daemon.client().flush() == digest)
  }

  @Test("one directory has one daemon")
  func lock() throws {
    let daemon = try TestDaemon()
    var second = daemon.configuration
    second.server.socket += "2"
    let refused = refusal { _ = try TestDaemon.start(second) }
    #expect(refused?.code == .failedPrecondition)
    #expect(refused?.message.contains("another process") == true)
  }

  @Test("a pause outlives a restart; resuming goes on where it stopped")
  func pause() throws {
    let daemon = try TestDaemon()
    var client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    try client.flush()
    let paused = try client.pause()
    try client.append(Shop.ratings(50..<90))
    #expect(try client.state().isPaused)
    #expect(try client.state().learned <= paused + 1)
    #expect(refusal { try client.flush() }?.code == .failedPrecondition)
    try daemon.restart()
    client = try daemon.client()
    #expect(try client.state().isPaused)
    #expect(try client.state().examples == 50)
    _ = try client.resume()
    let digest = try client.flush()
    #expect(try client.state().examples == 90)

    let straight = try TestDaemon()
    try straight.client().append(Shop.ratings(0..<90))
    #expect(try straight.client().flush() == digest)
  }

  @Test("the head comes to rest at the pause's record, where a restart does, however far behind it was")
  func pausePlace() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    var client = try daemon.client()
    // Learning waits while the log goes on.
    let gate = Signal()
    daemon.context.learner.perform { _ in gate.wait(after: 0) }
    try client.append(Shop.ratings(0..<50))
    let paused = try client.pause()
    try client.append(Shop.ratings(50..<90))
    // A second one changes nothing.
    #expect(try client.pause() > paused)
    gate.raise()
    let made = try client.create()
    #expect(made.offset == paused)
    #expect(try client.state().examples == 50)
    try daemon.restart(meanwhile: daemon.deleteVersions)
    client = try daemon.client()
    #expect(try client.state().learned == paused)
    #expect(try client.create().digest == made.digest)
    _ = try client.resume()
    try client.flush()
    #expect(try client.state().examples == 90)
  }

  @Test("settings are checked, logged, and in force from their offset on, also after a restart")
  func configure() throws {
    let daemon = try TestDaemon()
    var client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    #expect(refusal { try client.configure([("learning.rat", "1")]) }?.code == .invalidArgument)
    #expect(refusal { try client.configure([("learning.rate", "-1")]) }?.code == .invalidArgument)
    #expect(refusal { try client.configure([("learning.seed", "2")]) }?.code == .failedPrecondition)
    #expect(refusal { try client.configure([("server.socket", "/x")]) }?.code == .failedPrecondition)
    #expect(try client.state().rate == 1)
    try client.configure([("learning.rate", "0.25"), ("limits.candidates", "3")])
    #expect(try client.state().rate == 0.25)
    #expect(refusal { _ = try client.score("u", ["a", "b", "c", "d"]) }?.code == .invalidArgument)
    try client.append(Shop.ratings(60..<120))
    let digest = try client.flush()
    // The state before the change was kept.
    #expect(daemon.context.control.registry.entries.first?.reason == "before a change of settings")

    try daemon.restart()
    client = try daemon.client()
    #expect(try client.flush() == digest)
    #expect(try client.state().rate == 0.25)
    #expect(refusal { _ = try client.score("u", ["a", "b", "c", "d"]) }?.code == .invalidArgument)
  }

  @Test("what is no matter of a model is in force when it is acknowledged, through restarts and rollbacks")
  func operation() throws {
    let daemon = try TestDaemon()
    var client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create()
    try client.append(Shop.ratings(60..<120))
    // The record waits, and with it whatever a model would be told.
    _ = try client.pause()
    try client.configure([
      ("learning.cpu_budget", "0.5"), ("publish.every", "77ms"), ("publish.count", "7"),
      ("learning.rate", "0.5"),
      ("retrieval.candidates", "50"),
    ])
    func expectInForce(rate: Double) throws {
      let (context, controls) = (daemon.context, daemon.context.learner.controls)
      #expect(controls.cpuBudget == 0.5 && controls.publishNanos == 77_000_000 && controls.publishCount == 7)
      #expect(context.configuration.retrieval.candidates == 50)
      #expect(context.configuration.learning.rate == rate)
      #expect(context.configuredPaths.contains("publish.every"))
      #expect(context.configuredPaths.contains("learning.rate") == (rate == 0.5))
    }
    try expectInForce(rate: 0.5)
    try daemon.restart()
    try expectInForce(rate: 0.5)
    client = try daemon.client()
    _ = try client.resume()
    _ = try client.flush()
    try expectInForce(rate: 0.5)

    // The model goes back, and with it what it was told; the learner does not.
    try client.rollback(to: .id("v1"))
    try daemon.restart()
    try expectInForce(rate: 1)
    // The checkpoint knows it, too.
    try daemon.restart()
    daemon.daemon.reload()
    try expectInForce(rate: 1)
  }

  @Test(
    "a rule of hygiene is in force from its record on: before it nothing is set aside, after it what breaks it"
  )
  func hygiene() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    func isHigh(_ place: Int) -> Bool { (place * 7919 % 23 + place * 104_729 % 31) % 5 + 1 > 3 }
    var quarantined: Int { daemon.context.learner.publication.current.model.quarantine.count }
    try client.append(Shop.ratings(0..<50))
    try client.configure([("hygiene.value.maximum", "3"), ("hygiene.value.action", "quarantine")])
    try client.append(Shop.ratings(50..<100))
    try client.flush()
    let high = (50..<100).count { isHigh($0) }
    #expect(high > 10)
    #expect(quarantined == high)
    #expect(try client.state().examples == UInt64(100 - high))
    try client.configure([("hygiene.value.action", "clip")])
    try client.append(Shop.ratings(100..<150))
    let digest = try client.flush()
    #expect(quarantined == high)
    #expect(try client.state().examples == UInt64(150 - high))
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
    let refused = refusal { try daemon.client().configure([("hygiene.clock.action", "clip")]) }
    #expect(refused?.code == .invalidArgument)
  }

  @Test("versions are made every so many events, and the policy clears old ones away")
  func policies() throws {
    let daemon = try TestDaemon {
      $0.versions.everyEvents = 100
      $0.versions.keep = 2
      $0.versions.keepFor = 0
    }
    let client = try daemon.client()
    for round in 0..<6 {
      try client.append(Shop.ratings(round * 100..<round * 100 + 100))
      try client.flush()
      let limit = Date() + 20
      let wanted = UInt64(round + 1)
      while daemon.context.control.registry.nextNumber <= wanted, Date() < limit { usleep(2_000) }
    }
    let registry = daemon.context.control.registry
    #expect(registry.nextNumber >= 6)
    #expect(registry.entries.count <= 3)
    #expect(registry.entries.allSatisfy { $0.reason == "every 100 events" })
  }

  @Test("metrics are OpenMetrics: each sample belongs to a family that was declared, and the end is marked")
  func openMetrics() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    try client.flush()
    _ = try client.score("u1", ["i1"])
    let text = try client.ask(
      "Update", "Metrics", Cowbird__V1__MetricsRequest.self, Cowbird__V1__MetricsResponse.self
    ) { String(cString: $0.text) }
    #expect(text.hasSuffix("# EOF\n"))
    var family = ""
    for line in text.split(separator: "\n") where line != "# EOF" {
      if line.hasPrefix("# TYPE ") { family = String(line.split(separator: " ")[2]) }
      guard !line.hasPrefix("#") else { continue }
      #expect(line.hasPrefix(family), "\(line)")
      #expect(Double(line.split(separator: " ").last!) != nil, "\(line)")
    }
    #expect(text.contains("cowbird_events_accepted_total 50\n"))
    #expect(text.contains("cowbird_request_seconds_count{method=\"Score\"} 1\n"))
  }

  @Test("a reload puts in force what needs no restart, and leaves the rest as it was")
  func reload() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<40))
    let digest = try client.flush()
    var changed = daemon.configuration
    changed.limits.candidates = 2
    changed.publish.every = 50_000_000
    changed.learning.rate = 0.5
    changed.learning.seed = 9
    changed.server.mode = 0o600
    daemon.file.value = changed
    daemon.daemon.reload()
    #expect(refusal { _ = try client.score("u", ["a", "b", "c"]) }?.code == .invalidArgument)
    #expect(daemon.context.configuration.publish.every == 50_000_000)
    #expect(try client.state().rate == 1)
    #expect(daemon.context.configuration.learning.seed == daemon.configuration.learning.seed)
    #expect(daemon.context.configuration.server.mode == daemon.configuration.server.mode)
    #expect(try client.flush() == digest)
  }

  @Test("events are refused while the model is larger than it may be, and predictions go on")
  func memory() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<40))
    try client.flush()
    daemon.context.apply(
      {
        var small = daemon.context.configuration
        small.limits.memory = 1
        return small
      }())
    let limit = Date() + 20
    var refused: Status?
    var place = 40
    while refused == nil, Date() < limit {
      refused = refusal { try client.append(Shop.ratings(place..<place + 1)) }
      place += 1
      usleep(20_000)
    }
    #expect(refused?.code == .resourceExhausted)
    #expect(try client.score("u1", ["i1"]).scores.count == 1)
    daemon.context.apply(daemon.configuration)
    while refused != nil, Date() < limit {
      refused = refusal { try client.append(Shop.ratings(place..<place + 1)) }
      usleep(20_000)
    }
    #expect(refused == nil)
  }
}
