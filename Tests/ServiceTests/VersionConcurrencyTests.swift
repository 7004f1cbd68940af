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
  @Test("every answer amid switches, creations and deletions is one version's, bit for bit, and says whose")
  func answers() throws {
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
    let running = Atomic(2)
    let threads = [
      PlainThread(name: "switch") {
        do {
          let client = try Client(path: path)
          for turn in 0..<120 {
            try client.serve(.id("v\(turn % 3 + 1)"))
            if turn % 10 == 9 {
              try client.split([("a", .id("v1"), 50), ("b", .label("base-2"), 50)])
            }
          }
        } catch {
          failures.withLock { $0.append("switch: \(error)") }
        }
        running.subtract(1, ordering: .acquiringAndReleasing)
      },
      PlainThread(name: "create") {
        do {
          let client = try Client(path: path)
          for _ in 0..<8 { try client.delete(client.create("passing").id) }
        } catch {
          failures.withLock { $0.append("create: \(error)") }
        }
        running.subtract(1, ordering: .acquiringAndReleasing)
      },
    ]
    var seen: Set<String> = []
    var turn = 0
    while running.load(ordering: .acquiring) > 0 {
      let user = users[turn % users.count]
      let answer = try client.score(user, items)
      seen.insert(answer.version)
      if answer.scores != expected[answer.version]?[user] {
        failures.withLock { $0.append("\(user) got \(answer)") }
        break
      }
      turn += 1
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(seen == ["v1", "v2", "v3"])
    #expect(turn > 50)
  }
}
