import Configuration
import EventLog
import Foundation
import Learning
import Service
import Testing
import Versions
import Wire

@Suite(.serialized)
struct VersionCheckTests {
  private func verify(_ daemon: TestDaemon, repairs: Bool = false) throws -> VersionCheck {
    let log = try EventLog.open(directory: daemon.directory + "/data/log")
    defer { log.close() }
    return VersionCheck.verify(data: daemon.directory + "/data", log: log, repairs: repairs)
  }

  private func flip(_ path: String) throws {
    var bytes = try #require(FileManager.default.contents(atPath: path))
    bytes[bytes.count / 2] ^= 4
    try bytes.write(to: URL(fileURLWithPath: path))
  }

  @Test("fsck names each version that would not load, and why; what is left over is noted")
  func files() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    for place in 0..<3 {
      try daemon.client().append(Shop.ratings(place * 50..<place * 50 + 50))
      try daemon.client().create()
    }
    let folder = daemon.directory + "/data/versions/"
    try daemon.restart(meanwhile: {
      let sound = try verify(daemon)
      #expect(sound.isSound && sound.findings.isEmpty)
      #expect(sound.versions == 3 && sound.files == 3)
      try Data([1]).write(to: URL(fileURLWithPath: folder + "v4.pages.new"))
      #expect(try verify(daemon).findings.map(\.reason) == ["was never finished"])
      #expect(try verify(daemon).isSound)
      try flip(folder + "v2.pages")
      let damaged = try verify(daemon)
      #expect(!damaged.isSound)
      let reasons = damaged.findings.filter(\.isDamage).map(\.reason)
      #expect(reasons.count == 2)
      #expect(reasons[0].contains("is damaged"))
      #expect(reasons[1].hasPrefix("it is laid upon v2, which is damaged"))
      try FileManager.default.removeItem(atPath: folder + "v1.pages")
      #expect(try verify(daemon).findings.contains { $0.reason == "is not there" })
    })
    // The start copes with all that.
    #expect(try daemon.client().listing().versions.count == 3)
  }

  @Test("a start takes a sound file of another model for damaged, and the version before it")
  func anotherModel() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    for place in 0..<2 {
      try daemon.client().append(Shop.ratings(place * 50..<place * 50 + 50))
      try daemon.client().create()
    }
    let digest = try daemon.client().flush()
    // The second version of a daemon that was taught something else: sound in itself.
    let other = try TestDaemon { $0.versions.fullEvery = 1 }
    for place in 2..<4 {
      try other.client().append(Shop.ratings(place * 50..<place * 50 + 50))
      try other.client().create()
    }
    let path = "/data/versions/v2.pages"
    try daemon.restart(meanwhile: {
      try FileManager.default.removeItem(atPath: daemon.directory + path)
      try FileManager.default.copyItem(atPath: other.directory + path, toPath: daemon.directory + path)
    })
    #expect(try daemon.client().flush() == digest)
    let refused = refusal { try daemon.client().serve(.id("v2")) }
    #expect(refused?.code == .dataLoss)
    #expect(refused?.message.contains("holds another model") == true)
    #expect(try daemon.client().version(.id("v2")).state.hasPrefix("damaged: "))
  }

  @Test("a damaged registry is set aside by repair and read from the log again")
  func registry() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    try daemon.client().append(Shop.ratings(0..<50))
    try daemon.client().create(labels: ["kept"])
    let registry = daemon.context.control.registry
    try daemon.restart(meanwhile: {
      try flip(daemon.directory + "/data/registry")
      let check = try verify(daemon)
      #expect(!check.isSound)
      #expect(check.findings.first?.repair?.contains("registry.damaged") == true)
      #expect(refusal { _ = try TestDaemon.start(daemon.configuration) }?.code == .dataLoss)
      _ = try verify(daemon, repairs: true)
      #expect(try verify(daemon).isSound)
    })
    #expect(daemon.context.control.registry == registry)
  }
}
