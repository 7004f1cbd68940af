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
  /// Three versions whose answers differ, and nothing is learned after them, so that the head is always one of them.
  @Test(
    "every answer amid switches, splits, creations, deletions and rollbacks is one version's, bit for bit, and says whose"
  )
  func answers() throws {
    // COWBIRD_VERSION_SWITCHES sets how many; creations and rollbacks go along.
    let switches =
      ProcessInfo.processInfo.environment["COWBIRD_VERSION_SWITCHES"].flatMap { Int($0) } ?? 1_000
    let daemon = try TestDaemon {
      $0.versions.inMemory = 1
      $0.server.reactors = 2
    }
    let client = try daemon.client()
    let users = (0..<8).map { "u\($0)" }
    let items = (0..<6).map { "i\($0)" }
    var expected: [String: [String: [Float]]] = [:]
    for place in 0..<3 {
      try client.append(Shop.ratings(place * 60..<place * 60 + 60))
      let id = try client.create(labels: ["base-\(place)"]).id
      for user in users { expected[id, default: [:]][user] = try client.score(user, items, .id(id)).scores }
    }
    #expect(Set(expected.values.map { $0["u1"]! }).count == 3)
    try client.serve(.id("v1"))

    let path = daemon.configuration.server.socket
    let failures = Guarded<[String]>([])
    let running = Atomic(3)
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
          if turn % 10 == 9 { try client.split([("a", .id("v1"), 50), ("b", .label("base-2"), 50)]) }
        }
      },
      worker("create") { client in
        for _ in 0..<max(1, switches / 25) { try client.delete(client.create("passing").id) }
      },
      worker("rollback") { client in
        for turn in 0..<max(1, switches / 25) { try client.rollback(to: .label("base-\(turn % 3)")) }
      },
    ]
    var seen: Set<String> = []
    var turn = 0
    while running.load(ordering: .acquiring) > 0 {
      let user = users[turn % users.count]
      let answer = try client.score(user, items)
      seen.insert(answer.version)
      // The head is one of the three too, whole.
      let allowed =
        answer.version.isEmpty ? expected.values.map { $0[user] } : [expected[answer.version]?[user]]
      if !allowed.contains(answer.scores) {
        failures.withLock { $0.append("\(user) got \(answer)") }
        break
      }
      turn += 1
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(seen.isSuperset(of: ["v1", "v2", "v3"]))
    #expect(turn > switches / 4)
  }
}
