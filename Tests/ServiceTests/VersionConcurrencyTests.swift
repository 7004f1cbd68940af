import CMessages
import Configuration
import Foundation
import Learning
import Primitives
import Service
import Synchronization
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct VersionConcurrencyTests {
  private static let users = (0..<8).map { "u\($0)" }
  private static let items = (0..<6).map { "i\($0)" }

  /// Three versions whose answers differ, and nothing is learned after them, so that the head is always one of them.
  @Test(
    "every answer amid thousands of switches, splits, moves of labels, creations, deletions and rollbacks, with a shadow, is one version's, bit for bit, and says whose"
  )
  func answers() throws {
    // COWBIRD_VERSION_SWITCHES sets how many switches; the other commands go along.
    let switches =
      ProcessInfo.processInfo.environment["COWBIRD_VERSION_SWITCHES"].flatMap { Int($0) } ?? 3_000
    let daemon = try TestDaemon(isInMemory: true) {
      // Small, because most switches load what they switch to.
      $0.model.use = ["joint"]
      $0.retrieval.retrievers = []
      $0.hygiene.burst.action = .off
      $0.versions.inMemory = 1
      $0.server.reactors = 2
    }
    let client = try daemon.client()
    var expected: [String: [String: [Float]]] = [:]
    for place in 0..<3 {
      try client.append(Shop.ratings(place * 60..<place * 60 + 60))
      let id = try client.create(labels: ["base-\(place)"]).id
      for user in Self.users {
        expected[id, default: [:]][user] = try client.score(user, Self.items, .id(id)).scores
      }
    }
    #expect(Set(expected.values.map { $0["u1"]! }).count == 3)
    try client.serve(.id("v1"))
    try client.label("moving", .id("v1"))

    let path = daemon.configuration.server.socket
    let failures = Guarded<[String]>([])
    let running = Atomic(5)
    func worker(_ name: String, _ body: @escaping @Sendable (Client) throws -> Void) -> PlainThread {
      PlainThread(name: name) {
        do { try body(try Client(path: path)) } catch { failures.withLock { $0.append("\(name): \(error)") } }
        running.subtract(1, ordering: .acquiringAndReleasing)
      }
    }
    let threads = [
      worker("switch") { client in
        for turn in 0..<switches {
          try client.serve(.id("v\(turn % 3 + 1)"))
          if turn % 10 == 9 {
            try client.split([("a", .id("v1"), 50), ("b", .label("base-2"), 30), ("c", .label("moving"), 20)])
          }
        }
      },
      worker("label") { client in
        for turn in 0..<switches / 2 { try client.label("moving", .id("v\(turn % 3 + 1)")) }
      },
      worker("shadow") { client in
        for turn in 0..<switches / 10 { try client.shadow(turn % 4 == 3 ? nil : .label("base-\(turn % 3)")) }
        try client.shadow(nil)
      },
      worker("create") { client in
        for _ in 0..<max(1, switches / 15) { try client.delete(client.create("passing").id) }
      },
      worker("rollback") { client in
        for turn in 0..<max(1, switches / 15) { try client.rollback(to: .label("base-\(turn % 3)")) }
      },
    ]
    var seen: [String: Int] = [:]
    var turn = 0
    while running.load(ordering: .acquiring) > 0 {
      let user = Self.users[turn % Self.users.count]
      // By turns what is served, and what the label points at.
      let isLabelled = turn % 3 == 2
      let answer = try client.score(user, Self.items, isLabelled ? .label("moving") : .serving)
      seen[answer.version, default: 0] += 1
      // The head is one of the three too, whole; a label never is the head.
      let allowed =
        answer.version.isEmpty && !isLabelled
        ? expected.values.map { $0[user] } : [expected[answer.version]?[user]]
      if !allowed.contains(answer.scores) {
        failures.withLock { $0.append("\(user)\(isLabelled ? ", by the label," : "") got \(answer)") }
        break
      }
      turn += 1
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(Set(seen.keys).isSuperset(of: ["v1", "v2", "v3"]))
    #expect(turn > switches / 4)
  }
}
