// What the demo asks of the daemon: the calls that an application would make.

import CMessages
import Glibc
import Transport
import Wire

/// One connection to the daemon.
final class ShopClient {
  private let client: Client

  init(path: String) throws { client = try Client(path: path) }

  /// Logs events durably and returns the last offset.
  @discardableResult
  func append(_ events: [EventBuilder]) throws -> UInt64 {
    var request: [UInt8] = []
    for event in events { event.encode(into: &request, as: 2) }
    let answer = try client.call("cowbird.v1.Ingest", "Append", request)
    return try Wire.withMessage(Cowbird__V1__AppendResponse.self, from: answer) { response throws(Status) in
      if response.pointee.n_refusals > 0, let first = response.pointee.refusals[0] {
        throw Status(.invalidArgument, "an event was refused: \(String(cString: first.pointee.reason))")
      }
      return response.pointee.last_offset
    }
  }

  /// Returns when everything is learned and published.
  func flush() throws {
    _ = try client.call("cowbird.v1.Update", "Flush", [])
  }

  /// The probability of a click.
  /// - Parameter label: the version that is asked; nil: what is served.
  func score(
    user: String, item: String, device: String, timeNanos: Int64, label: String? = nil
  ) throws -> Double {
    let arena = MessageArena(capacity: 1024)
    var candidate = Cowbird__V1__Candidate.empty
    candidate.item = arena.text(item)
    var context = Cowbird__V1__Attribute.empty
    context.name = arena.text("device")
    context.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT
    context.text = arena.text(device)
    var request = Cowbird__V1__ScoreRequest.empty
    request.user = arena.text(user)
    request.time_nanos = timeNanos
    (request.n_candidates, request.candidates) = arena.messages([candidate])
    (request.n_context, request.context) = arena.messages([context])
    if let label {
      var selector = Cowbird__V1__VersionSelector.empty
      selector.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LABEL
      selector.label = arena.text(label)
      request.version = arena.message(selector)
    }
    return try client.call(
      "cowbird.v1.Predict", "Score", &request, answer: Cowbird__V1__ScoreResponse.self
    ) { Double($0.pointee.scores[0]) }
  }

  func recommend(user: String, count: Int, timeNanos: Int64) throws -> [String] {
    let arena = MessageArena(capacity: 1024)
    var request = Cowbird__V1__RecommendRequest.empty
    request.user = arena.text(user)
    request.k = UInt32(count)
    request.time_nanos = timeNanos
    return try client.call(
      "cowbird.v1.Predict", "Recommend", &request, answer: Cowbird__V1__RecommendResponse.self
    ) { response in
      (0..<response.pointee.n_items).map { String(cString: response.pointee.items[$0]!.pointee.item) }
    }
  }

  /// Makes a version and returns its id.
  func createVersion(reason: String, label: String) throws -> String {
    let arena = MessageArena(capacity: 1024)
    var request = Cowbird__V1__CreateRequest.empty
    request.reason = arena.text(reason)
    (request.n_labels, request.labels) = arena.texts([label])
    return try client.call(
      "cowbird.v1.Version", "Create", &request, answer: Cowbird__V1__CreateResponse.self
    ) { String(cString: $0.pointee.version.pointee.id) }
  }

  struct Healing {
    var replayed: UInt64 = 0
    var excluded: UInt64 = 0
  }

  /// Goes back to the labelled version and learns again what came after, without one source's events.
  func rollBack(to label: String, without source: String, reason: String) throws -> Healing {
    let arena = MessageArena(capacity: 1024)
    var selector = Cowbird__V1__VersionSelector.empty
    selector.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LABEL
    selector.label = arena.text(label)
    var filter = Cowbird__V1__EventFilter.empty
    (filter.n_sources, filter.sources) = arena.texts([source])
    var request = Cowbird__V1__RollbackRequest.empty
    request.to = arena.message(selector)
    request.exclude = arena.message(filter)
    request.replay = 1
    request.reason = arena.text(reason)
    let stream = try client.openStream(
      "cowbird.v1.Version", "Rollback", .server, request: Wire.bytes(&request))
    var healing = Healing()
    while true {
      let next = try stream.receive(Cowbird__V1__RollbackProgress.self) { progress in
        Healing(replayed: progress.pointee.events_replayed, excluded: progress.pointee.events_excluded)
      }
      guard let next else { return healing }
      healing = next
    }
  }

  /// Names of the drift detectors that have fired, and how often.
  func drift() throws -> [(name: String, count: UInt64)] {
    var request = Cowbird__V1__StatusRequest.empty
    return try client.call(
      "cowbird.v1.Update", "Status", &request, answer: Cowbird__V1__StatusResponse.self
    ) { response in
      (0..<response.pointee.n_drift).map {
        (
          String(cString: response.pointee.drift[$0]!.pointee.detector),
          response.pointee.drift[$0]!.pointee.count
        )
      }
    }
  }
}
