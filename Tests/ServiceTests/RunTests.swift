import Configuration
import Learning
import Service
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct RunTests {
  @Test("a candidate that is learned from nothing over the whole log equals the head, and is no head")
  func whole() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<300))
    let digest = try client.flush()
    let version = try client.run(isFromScratch: true, label: "again")
    let entry = try #require(daemon.context.control.registry.entries.last)
    #expect(version == "\(entry.record.id)")
    #expect("\(entry.record.digest)" == digest)
    #expect(!entry.record.isOfHead)
    #expect(try client.score("u1", ["i1"], .label("again")).version == version)
  }

  @Test("a candidate stands at all that it has learned, so that a rollback to it learns nothing twice")
  func place() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    let first = try client.append(Shop.ratings(0..<100)).first
    try client.append(Shop.ratings(100..<300))
    let base = try client.create()
    // An end that the head has learned beyond already.
    let refused = refusal { _ = try client.run(end: 101) }
    #expect(refused?.code == .outOfRange)
    #expect(refused?.message.contains("\(base.offset + 1)") == true)
    #expect(daemon.context.control.registry.entries.count == 1)
    // A stretch of the past, learned once more.
    let again = try client.run(first: first, end: first + 100)
    #expect(try client.version(.id(again)).offset == base.offset + 1)
    try client.append(Shop.ratings(300..<350))
    try client.rollback(to: .id(again), replay: true)
    #expect(try client.state().examples == 450)
  }
}
