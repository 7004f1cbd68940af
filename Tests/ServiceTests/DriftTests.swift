import CMessages
import Configuration
import Foundation
import Learning
import Service
import Testing
import Transport
import Wire

/// Where the drift detectors fired can be found again.
@Suite struct DriftTests {
  private struct Fired: Equatable {
    var detector: String
    var offset: UInt64
    var count: UInt64
  }

  private static let model = """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events: {click: {label: positive}, view: {label: negative}}
    features: {sparse: {item: {of: item}}}
    model: {loss: logistic, members: {linear: {kind: linear}}, stack: {by: first}}
    hygiene: {clock: off, burst: off}
    """

  /// Clicks on even items; from event 1,500 on, on odd ones.
  private static func events(_ range: Range<Int>) -> [EventBuilder] {
    range.map { index in
      let item = index % 20
      let isClicked = (item % 2 == 0) != (index >= 1_500)
      return EventBuilder(
        timeNanos: 1_700_000_000_000_000_000 + Int64(index) * 1_000_000_000,
        .interaction(type: isClicked ? "click" : "view", user: "user", item: "item-\(item)"))
    }
  }

  private func fired(_ client: Client) throws -> [Fired] {
    try client.ask("Update", "Status", Cowbird__V1__StatusRequest.self, Cowbird__V1__StatusResponse.self) {
      answer in
      (0..<answer.n_drift).map { index in
        let signal = answer.drift[index]!.pointee
        return Fired(detector: String(cString: signal.detector), offset: signal.offset, count: signal.count)
      }
    }
  }

  /// What Watch tells first to one that missed all.
  private func watched(_ client: Client, count: Int) throws -> [String] {
    var request = Cowbird__V1__WatchRequest.empty
    request.after_offset_presence_case = COWBIRD__V1__WATCH_REQUEST__AFTER_OFFSET_PRESENCE_AFTER_OFFSET
    let stream = try client.openStream(
      "cowbird.v1.Version", "Watch", .server, request: Wire.bytes(&request), timeoutNanos: 60_000_000_000)
    return try (0..<count).map { _ in
      try #require(
        try stream.receive(Cowbird__V1__WatchEvent.self) { event throws(Status) in
          #expect(String(cString: event.pointee.kind) == "drift")
          return String(cString: event.pointee.summary)
        })
    }
  }

  @Test("drift that was noticed is shown with its place after a restart, and told to those who missed it")
  func survives() throws {
    let configuration = try Configuration(yaml: Self.model)
    let daemon = try TestDaemon { changed in
      (changed.label, changed.events, changed.features) = (
        configuration.label, configuration.events, configuration.features
      )
      (changed.entities, changed.model, changed.hygiene) = (
        configuration.entities, configuration.model, configuration.hygiene
      )
      changed.retrieval = configuration.retrieval
      changed.versions.atStop = false
    }
    var client = try daemon.client()
    try client.append(Self.events(0..<1_700))
    _ = try client.flush()
    let seen = try fired(client)
    #expect(seen.contains { $0.count > 0 && $0.offset > 1_500 })
    let places = daemon.context.learner.publication.current.model.driftPlaces
    #expect(places.count > 0)
    let summaries = try watched(client, count: places.newest.count)
    for place in places.newest {
      #expect(summaries.contains { $0.hasPrefix("\(place.detector) fired at offset \(place.offset),") })
    }

    // By replay, then from a version.
    for atStop in [true, false] {
      try daemon.restart { $0.versions.atStop = atStop }
      client = try daemon.client()
      #expect(try fired(client) == seen)
      #expect(try watched(client, count: places.newest.count) == summaries)
      #expect(daemon.context.tally.driftSignals.value == places.count)
    }
  }
}
