// The services as tests call them, the versions' apart; events of a small shop. The crash harness's child has a copy by
// symbolic link.

import CMessages
import Transport
import Wire

/// What no honest answer takes, not under a sanitizer on a busy machine either: bounds what would hang.
let patience: UInt64 = 300_000_000_000

extension Client {
  /// Calls with a message that `fill` completes; the answer lives while `body` runs.
  func ask<Request: WireMessage, Answer: WireMessage, Result>(
    _ service: String, _ method: String, _: Request.Type, _: Answer.Type,
    timeoutNanos: UInt64 = patience,
    _ fill: (inout Request, MessageArena) -> Void = { _, _ in }, _ body: (Answer) throws -> Result
  ) throws -> Result {
    let arena = MessageArena()
    var request = Request.empty
    fill(&request, arena)
    let bytes = try call("cowbird.v1.\(service)", method, Wire.bytes(&request), timeoutNanos: timeoutNanos)
    var result: Result?
    var failure: (any Error)?
    try Wire.withMessage(Answer.self, from: bytes) { answer in
      do { result = try body(answer.pointee) } catch { failure = error }
    }
    if let failure { throw failure }
    return result!
  }

  struct Appended {
    var first: UInt64
    var last: UInt64
    var accepted: UInt32
    var duplicates: [UInt32]
    var refusals: [(index: UInt32, field: String, reason: String)]

    init(_ bytes: [UInt8]) throws {
      self = try Wire.withMessage(Cowbird__V1__AppendResponse.self, from: bytes) { Self($0.pointee) }
    }

    private init(_ answer: Cowbird__V1__AppendResponse) {
      first = answer.first_offset
      last = answer.last_offset
      accepted = answer.accepted
      duplicates = (0..<answer.n_duplicates).map { answer.duplicates[$0] }
      refusals = (0..<answer.n_refusals).map { place in
        let refusal = answer.refusals[place]!.pointee
        return (refusal.index, String(cString: refusal.field), String(cString: refusal.reason))
      }
    }
  }

  @discardableResult
  func append(_ events: [EventBuilder], producer: String = "") throws -> Appended {
    try Appended(
      call("cowbird.v1.Ingest", "Append", Self.batch(events, producer: producer), timeoutNanos: patience))
  }

  static func batch(_ events: [EventBuilder], producer: String = "") -> [UInt8] {
    var bytes: [UInt8] = []
    put(&bytes, 1, Array(producer.utf8))
    for event in events { put(&bytes, 2, event.encoded()) }
    return bytes
  }

  static func put(_ bytes: inout [UInt8], _ field: UInt64, _ body: [UInt8]) {
    Varint.append(field << 3 | 2, to: &bytes)
    Varint.append(UInt64(body.count), to: &bytes)
    bytes += body
  }

  struct Scored: Equatable {
    var scores: [Float]
    var version: String
    var offset: UInt64
    var degraded: String
  }

  func score(
    _ user: String, _ items: [String], _ selector: Selector = .serving, minimumOffset: UInt64? = nil,
    allowsDegraded: Bool = false, timeNanos: Int64 = 1_000_000_000_000_000_000,
    timeoutNanos: UInt64 = patience
  ) throws -> Scored {
    try ask(
      "Predict", "Score", Cowbird__V1__ScoreRequest.self, Cowbird__V1__ScoreResponse.self,
      timeoutNanos: timeoutNanos
    ) { request, arena in
      request.user = arena.text(user)
      request.time_nanos = timeNanos
      (request.n_candidates, request.candidates) = arena.messages(
        items.map { item in
          var candidate = Cowbird__V1__Candidate.empty
          candidate.item = arena.text(item)
          return candidate
        })
      request.version = arena.message(selector.message(arena))
      request.freshness = arena.message(Self.freshness(minimumOffset, allowsDegraded))
    } _: { answer in
      Scored(
        scores: (0..<answer.n_scores).map { answer.scores[$0] },
        version: String(cString: answer.model.pointee.version), offset: answer.model.pointee.offset,
        degraded: String(cString: answer.degraded))
    }
  }

  private static func freshness(_ minimum: UInt64?, _ allowsDegraded: Bool) -> Cowbird__V1__Freshness {
    var freshness = Cowbird__V1__Freshness.empty
    freshness.allow_degraded = allowsDegraded ? 1 : 0
    if let minimum {
      freshness.min_offset_presence_case = COWBIRD__V1__FRESHNESS__MIN_OFFSET_PRESENCE_MIN_OFFSET
      freshness.min_offset = minimum
    }
    return freshness
  }

  /// All that the log holds is learned and visible; the head's digest.
  @discardableResult
  func flush() throws -> String {
    try ask("Update", "Flush", Cowbird__V1__FlushRequest.self, Cowbird__V1__FlushResponse.self) {
      request, _ in
      request.digest = 1
    } _: {
      String(cString: $0.digest)
    }
  }

  func pause() throws -> UInt64 {
    try ask("Update", "Pause", Cowbird__V1__PauseRequest.self, Cowbird__V1__ControlResponse.self) {
      $0.offset
    }
  }

  func resume() throws -> UInt64 {
    try ask("Update", "Resume", Cowbird__V1__ResumeRequest.self, Cowbird__V1__ControlResponse.self) {
      $0.offset
    }
  }

  @discardableResult
  func configure(_ settings: [(String, String)]) throws -> UInt64 {
    try ask("Update", "Configure", Cowbird__V1__ConfigureRequest.self, Cowbird__V1__ControlResponse.self) {
      request, arena in
      (request.n_settings, request.settings) = arena.messages(
        settings.map { path, value in
          var setting = Cowbird__V1__Setting.empty
          setting.path = arena.text(path)
          setting.value = arena.text(value)
          return setting
        })
    } _: {
      $0.offset
    }
  }

  @discardableResult
  func admit(_ offsets: [UInt64]) throws -> UInt64 {
    try ask(
      "Update", "Quarantine", Cowbird__V1__QuarantineRequest.self, Cowbird__V1__QuarantineResponse.self
    ) { request, arena in
      var admit = Cowbird__V1__QuarantineRequest__Admit.empty
      (admit.n_offsets, admit.offsets) = (offsets.count, arena.array(offsets))
      request.action_case = COWBIRD__V1__QUARANTINE_REQUEST__ACTION_ADMIT
      request.admit = arena.message(admit)
    } _: {
      $0.offset
    }
  }

  struct State {
    var learned: UInt64
    var end: UInt64
    var isPaused: Bool
    var rate: Double
    var examples: UInt64
  }

  func state() throws -> State {
    try ask("Update", "Status", Cowbird__V1__StatusRequest.self, Cowbird__V1__StatusResponse.self) { answer in
      State(
        learned: answer.learned_offset, end: answer.log_end_offset, isPaused: answer.paused != 0,
        rate: answer.learning_rate, examples: answer.n_metrics > 0 ? answer.metrics[0]!.pointee.count : 0)
    }
  }
}

enum Selector {
  case serving, head, latest, previous
  case id(String)
  case label(String)
  case asOf(Int64)

  func message(_ arena: MessageArena) -> Cowbird__V1__VersionSelector {
    var message = Cowbird__V1__VersionSelector.empty
    switch self {
    case .serving:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_SERVING
      message.serving = 1
    case .head:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_HEAD
      message.head = 1
    case .latest:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LATEST
      message.latest = 1
    case .previous:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_PREVIOUS
      message.previous = 1
    case .id(let id):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID
      message.id = arena.text(id)
    case .label(let label):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LABEL
      message.label = arena.text(label)
    case .asOf(let nanos):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_AS_OF_NANOS
      message.as_of_nanos = nanos
    }
    return message
  }
}

extension Client {
  /// A candidate from the head, or from nothing.
  /// - Returns: its id.
  @discardableResult
  func run(
    isFromScratch: Bool = false, first: UInt64? = nil, end: UInt64? = nil, label: String = ""
  ) throws -> String {
    let arena = MessageArena()
    var request = Cowbird__V1__RunRequest.empty
    request.from_scratch = isFromScratch ? 1 : 0
    request.label = arena.text(label)
    if let first {
      request.first_offset_presence_case = COWBIRD__V1__RUN_REQUEST__FIRST_OFFSET_PRESENCE_FIRST_OFFSET
      request.first_offset = first
    }
    if let end {
      request.end_offset_presence_case = COWBIRD__V1__RUN_REQUEST__END_OFFSET_PRESENCE_END_OFFSET
      request.end_offset = end
    }
    let stream = try openStream(
      "cowbird.v1.Update", "Run", .server, request: Wire.bytes(&request), timeoutNanos: patience)
    var version = ""
    while try stream.receive(Cowbird__V1__RunProgress.self, { version = String(cString: $0.pointee.version) })
      != nil
    {}
    return version
  }
}

/// Ratings of a small shop, the same for the same seed.
enum Shop {
  static func ratings(_ range: Range<Int>, at start: Int64 = 1_700_000_000_000_000_000) -> [EventBuilder] {
    range.map { place in
      let user = place * 7919 % 23
      let item = place * 104_729 % 31
      return EventBuilder(
        id: "r\(place)", timeNanos: start + Int64(place) * 1_000_000_000,
        .interaction(
          type: "rating", user: "u\(user)", item: "i\(item)", value: Double((user + item) % 5 + 1)))
    }
  }
}

/// The code that an action is refused with; nil: it was not.
func refusal(_ action: () throws -> Void) -> Status? {
  do {
    try action()
    return nil
  } catch {
    return error as? Status
  }
}
