import CMessages
import Configuration
import EventLog
import Foundation
import Learning
import Retrieval
import Service
import Testing
import Transport
import Wire

@Suite(.serialized)
struct ImpressionTests {
  private let start: Int64 = 1_700_000_000_000_000_000

  private func shop(_ change: (inout Configuration) -> Void = { _ in }) throws -> (TestDaemon, Client) {
    let daemon = try TestDaemon(.clicks, change)
    let client = try daemon.client()
    try client.append(
      (0..<400).map { place in
        EventBuilder(
          timeNanos: start + Int64(place) * 1_000_000_000,
          .interaction(type: "click", user: "u\(place % 20)", item: "i\(place * 7 % 30)"))
      })
    try client.flush()
    return (daemon, client)
  }

  private func recommend(
    _ client: Client, _ user: String,
    _ fill: (inout Cowbird__V1__RecommendRequest, MessageArena) -> Void = { _, _ in }
  ) throws -> (name: String, items: [String], propensities: [Float]) {
    try client.ask(
      "Predict", "Recommend", Cowbird__V1__RecommendRequest.self, Cowbird__V1__RecommendResponse.self
    ) { request, arena in
      request.user = arena.text(user)
      request.k = 5
      request.time_nanos = start + 400_000_000_000
      request.log_impressions = 1
      fill(&request, arena)
    } _: { answer in
      (
        String(cString: answer.request_id),
        (0..<answer.n_items).map { String(cString: answer.items[$0]!.pointee.item) },
        (0..<answer.n_items).map { answer.items[$0]!.pointee.propensity }
      )
    }
  }

  /// The impressions of the log, once `count` have come.
  private func logged(_ daemon: TestDaemon, _ count: Int) throws -> [(
    request: String, items: [ImpressionCopy]
  )] {
    let limit = Date().addingTimeInterval(20)
    while Date() < limit {
      var found: [(request: String, items: [ImpressionCopy])] = []
      let reader = daemon.context.log.reader(from: daemon.context.log.firstOffset)
      while let batch = try reader.next(maxBytes: 1 << 20) {
        for record in batch {
          guard let event = try? EventView(record.payload), event.kind == .impressions else { continue }
          let view = try ImpressionsView(event)
          found.append(
            (
              event.requestID.string,
              view.items.map {
                ImpressionCopy(item: $0.item.string, propensity: $0.propensity, features: $0.features.count)
              }
            ))
        }
      }
      if found.count >= count { return found }
      usleep(2_000)
    }
    return []
  }

  private struct ImpressionCopy: Equatable {
    var item: String
    var propensity: Float
    var features: Int
  }

  @Test(
    "an answer's impressions are in the log as they were served, with propensities, and a restart keeps them")
  func logging() throws {
    let (daemon, client) = try shop()
    let answer = try recommend(client, "u1") { request, arena in
      var exploration = Cowbird__V1__Exploration.empty
      exploration.kind = COWBIRD__V1__EXPLORATION__KIND__KIND_EPSILON
      exploration.epsilon = 0.5
      request.exploration = arena.message(exploration)
    }
    #expect(answer.propensities.allSatisfy { $0 > 0 && $0 < 1 })
    let impressions = try #require(try logged(daemon, 1).first)
    #expect(impressions.request == answer.name)
    #expect(impressions.items.map(\.item) == answer.items)
    #expect(impressions.items.map(\.propensity) == answer.propensities)
    #expect(impressions.items.allSatisfy { $0.features > 40 })
    try client.append([
      EventBuilder(
        timeNanos: start + 410_000_000_000,
        .interaction(type: "click", user: "u1", item: answer.items[2], requestID: answer.name))
    ])
    let digest = try client.flush()
    let head = daemon.context.learner.publication.current.model
    #expect(head.impressions.remembered == 5)
    #expect(head.impressions.joined == 1)
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
    let restored = daemon.context.learner.publication.current.model
    #expect(restored.impressions == head.impressions)
  }

  @Test("impressions of an application are taken, and features that it makes up are refused")
  func sent() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let answer = try client.append([
      EventBuilder(timeNanos: start, .impressions(requestID: "mine", user: "u2", items: [ShownItem("i3")])),
      EventBuilder(timeNanos: start, .impressions(requestID: "", user: "u2", items: [ShownItem("i3")])),
      EventBuilder(timeNanos: start, .impressions(requestID: "mine", user: "u2", items: [])),
      EventBuilder(
        timeNanos: start, .impressions(requestID: "mine", user: "u2", items: [ShownItem("i3", propensity: 2)])
      ),
    ])
    #expect(answer.accepted == 1)
    #expect(
      answer.refusals.map(\.field) == [
        "impressions.request_id", "impressions.items", "impressions.items[0].propensity",
      ])
  }

  @Test("without room for impressions the request is refused and nothing is logged")
  func refused() throws {
    let (daemon, client) = try shop { $0.retrieval.impressions = 0 }
    defer { withExtendedLifetime(daemon) {} }
    let refusal = refusal { _ = try recommend(client, "u1") }
    #expect(refusal?.code == .failedPrecondition)
    #expect(refusal?.message.contains("retrieval.impressions") == true)
  }
}
