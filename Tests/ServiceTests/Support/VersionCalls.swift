// cowbird.v1.Version as tests call it.

import CMessages
import Transport
import Wire

struct VersionFacts: Equatable {
  var id: String
  var parent: String
  var offset: UInt64
  var digest: String
  var labels: [String]
  var isServing: Bool
  var isPinned: Bool
  var format: String
  var state: String
  var reason: String
  var author: String
  var uid: UInt32
  var fileBytes: UInt64

  init(_ info: Cowbird__V1__VersionInfo) {
    id = String(cString: info.id)
    parent = String(cString: info.parent)
    offset = info.offset
    digest = String(cString: info.digest)
    labels = (0..<info.n_labels).map { String(cString: info.labels[$0]!) }
    isServing = info.serving != 0
    isPinned = info.pinned != 0
    format = String(cString: info.format)
    state = String(cString: info.state)
    reason = String(cString: info.reason)
    author = String(cString: info.author)
    uid = info.author_uid
    fileBytes = info.file_bytes
  }
}

struct Listing: Equatable {
  struct Arm: Equatable {
    var name: String
    /// Examples that its metrics cover.
    var examples: UInt64
  }
  var versions: [VersionFacts]
  var serving: String
  var arms: [Arm]
  var shadow: String
}

struct RollbackStep: Equatable {
  var stage: String
  var replayed: UInt64
  var excluded: UInt64
  var offset: UInt64
  /// Estimated.
  var seconds: Double
}

extension Client {
  @discardableResult
  func create(_ reason: String = "", labels: [String] = [], pin: Bool = false) throws -> VersionFacts {
    try ask("Version", "Create", Cowbird__V1__CreateRequest.self, Cowbird__V1__CreateResponse.self) {
      request, arena in
      request.reason = arena.text(reason)
      request.author = arena.text("tester")
      (request.n_labels, request.labels) = arena.texts(labels)
      request.pin = pin ? 1 : 0
    } _: {
      VersionFacts($0.version.pointee)
    }
  }

  /// Records that the log held and that are not in the version that was made.
  func createMissing() throws -> UInt64 {
    try ask("Version", "Create", Cowbird__V1__CreateRequest.self, Cowbird__V1__CreateResponse.self) {
      $0.missing_records
    }
  }

  func listing(limit: UInt32 = 0, before: String = "") throws -> Listing {
    try ask("Version", "List", Cowbird__V1__ListRequest.self, Cowbird__V1__ListResponse.self) {
      request, arena in
      request.limit = limit
      request.before = arena.text(before)
    } _: { answer in
      Listing(
        versions: (0..<answer.n_versions).map { VersionFacts(answer.versions[$0]!.pointee) },
        serving: String(cString: answer.serving),
        arms: (0..<answer.n_split).map { place in
          let arm = answer.split[place]!.pointee
          return Listing.Arm(
            name: String(cString: arm.name), examples: arm.n_metrics > 0 ? arm.metrics[0]!.pointee.count : 0)
        }, shadow: String(cString: answer.shadow))
    }
  }

  func version(_ selector: Selector) throws -> VersionFacts {
    try ask("Version", "Get", Cowbird__V1__GetRequest.self, Cowbird__V1__VersionInfo.self) { request, arena in
      request.version = arena.message(selector.message(arena))
    } _: {
      VersionFacts($0)
    }
  }

  /// A change; answers with the version that it is about.
  @discardableResult
  private func change<Request: WireMessage>(
    _ method: String, _: Request.Type, _ fill: (inout Request, MessageArena) -> Void
  ) throws -> String {
    try ask("Version", method, Request.self, Cowbird__V1__ChangeResponse.self, fill) { answer in
      answer.version.map { String(cString: $0.pointee.id) } ?? ""
    }
  }

  @discardableResult
  func serve(_ selector: Selector) throws -> String {
    try change("Switch", Cowbird__V1__SwitchRequest.self) { request, arena in
      request.to = arena.message(selector.message(arena))
    }
  }

  @discardableResult
  func split(_ arms: [(String, Selector, Double)]) throws -> String {
    try change("Split", Cowbird__V1__SplitRequest.self) { request, arena in
      (request.n_arms, request.arms) = arena.messages(
        arms.map { name, selector, percent in
          var arm = Cowbird__V1__SplitArm.empty
          arm.name = arena.text(name)
          arm.version = arena.message(selector.message(arena))
          arm.percent = percent
          return arm
        })
    }
  }

  func shadow(_ selector: Selector?) throws {
    try change("Shadow", Cowbird__V1__ShadowRequest.self) { request, arena in
      request.version = selector.map { arena.message($0.message(arena)) }
    }
  }

  @discardableResult
  func label(_ name: String, _ selector: Selector, expect: String? = nil) throws -> String {
    try change("Label", Cowbird__V1__LabelRequest.self) { request, arena in
      request.label = arena.text(name)
      request.version = arena.message(selector.message(arena))
      guard let expect else { return }
      request.expect_presence_case = COWBIRD__V1__LABEL_REQUEST__EXPECT_PRESENCE_EXPECT
      request.expect = arena.text(expect)
    }
  }

  func unlabel(_ name: String) throws {
    try change("Unlabel", Cowbird__V1__UnlabelRequest.self) { $0.label = $1.text(name) }
  }

  func pin(_ selector: Selector, _ isPinned: Bool) throws {
    try change("Pin", Cowbird__V1__PinRequest.self) { request, arena in
      request.version = arena.message(selector.message(arena))
      request.pinned = isPinned ? 1 : 0
    }
  }

  func delete(_ id: String) throws {
    try change("Delete", Cowbird__V1__DeleteRequest.self) { $0.id = $1.text(id) }
  }

  /// Every step of a rollback, to its end.
  @discardableResult
  func rollback(
    to selector: Selector, excludingSources sources: [String] = [], users: [String] = [],
    replay: Bool = false,
    dryRun: Bool = false, readmit: [UInt64] = []
  ) throws -> [RollbackStep] {
    let arena = MessageArena()
    var request = Cowbird__V1__RollbackRequest.empty
    request.to = arena.message(selector.message(arena))
    request.replay = replay ? 1 : 0
    request.dry_run = dryRun ? 1 : 0
    (request.n_readmit, request.readmit) = (readmit.count, arena.array(readmit))
    if !sources.isEmpty || !users.isEmpty {
      var filter = Cowbird__V1__EventFilter.empty
      (filter.n_sources, filter.sources) = arena.texts(sources)
      (filter.n_users, filter.users) = arena.texts(users)
      request.exclude = arena.message(filter)
    }
    let stream = try openStream(
      "cowbird.v1.Version", "Rollback", .server, request: Wire.bytes(&request), timeoutNanos: patience)
    var steps: [RollbackStep] = []
    while let step = try stream.receive(
      Cowbird__V1__RollbackProgress.self,
      { step throws(Status) in
        RollbackStep(
          stage: String(cString: step.pointee.stage), replayed: step.pointee.events_replayed,
          excluded: step.pointee.events_excluded, offset: step.pointee.offset,
          seconds: step.pointee.eta_seconds)
      })
    {
      steps.append(step)
    }
    return steps
  }

  /// The bytes of an exported version, and the length that was announced.
  func export(_ selector: Selector) throws -> (bytes: [UInt8], total: UInt64) {
    let arena = MessageArena()
    var request = Cowbird__V1__ExportRequest.empty
    request.version = arena.message(selector.message(arena))
    let stream = try openStream(
      "cowbird.v1.Version", "Export", .server, request: Wire.bytes(&request), timeoutNanos: patience)
    var bytes: [UInt8] = []
    var total: UInt64 = 0
    while let chunk = try stream.receive(
      Cowbird__V1__ExportChunk.self,
      { chunk throws(Status) in
        (Array(chunk.pointee.data.bytes), chunk.pointee.total_bytes)
      })
    {
      bytes += chunk.0
      total = chunk.1
    }
    return (bytes, total)
  }

  @discardableResult
  func importing(_ bytes: [UInt8], labels: [String] = []) throws -> VersionFacts {
    let stream = try openStream("cowbird.v1.Version", "Import", .client, timeoutNanos: patience)
    var position = 0
    while position < bytes.count {
      let end = min(bytes.count, position + 700_001)
      try Array(bytes[position..<end]).withUnsafeBytes { piece in
        let arena = MessageArena()
        var chunk = Cowbird__V1__ImportChunk.empty
        chunk.data = ProtobufCBinaryData(borrowing: piece)
        if position == 0 { (chunk.n_labels, chunk.labels) = arena.texts(labels) }
        try stream.send(&chunk)
      }
      position = end
    }
    try stream.closeSend()
    return try stream.receive(Cowbird__V1__VersionInfo.self) { info throws(Status) in
      VersionFacts(info.pointee)
    }!
  }
}
