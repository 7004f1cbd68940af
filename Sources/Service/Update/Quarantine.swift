// Events that hygiene set aside: shown, and learned after all when a person says so.

internal import CMessages
internal import EventLog
internal import Learning
internal import Transport
internal import Wire

extension UpdateService {
  func quarantine(_ call: UnaryCall) throws(Status) {
    let request = try call.request(Cowbird__V1__QuarantineRequest.self).pointee
    switch request.action_case {
    case COWBIRD__V1__QUARANTINE_REQUEST__ACTION_LIST:
      let list = request.list.pointee
      guard list.limit <= 1_000 else {
        throw Status(
          .invalidArgument, "QuarantineRequest.list.limit: \(list.limit); at most 1000 are allowed")
      }
      let (after, limit) = (list.after_offset, list.limit == 0 ? 100 : Int(list.limit))
      onWorker(call) { _ throws(Status) in self.list(after, limit) }
    case COWBIRD__V1__QUARANTINE_REQUEST__ACTION_ADMIT:
      let admit = request.admit.pointee
      guard (1...10_000).contains(admit.n_offsets) else {
        throw Status(
          .invalidArgument,
          "QuarantineRequest.admit.offsets: \(admit.n_offsets) offsets; 1 to 10000 are allowed")
      }
      let offsets = (0..<admit.n_offsets).map { admit.offsets[$0] }
      let reason = try Self.reason(admit.reason)
      onWorker(call) { author throws(Status) in try self.admit(offsets, author, reason) }
    default:
      throw Status(.invalidArgument, "QuarantineRequest.action: nothing is set; list or admit is required")
    }
  }

  /// Bytes of events that one answer holds.
  private static let listedBytes = 2 << 20

  private func list(_ after: UInt64, _ limit: Int) -> [UInt8] {
    let arena = MessageArena()
    var listedBytes = 0
    // One for each event: what one of them asks for in memory is no matter of the others.
    var arenas: [MessageArena] = []
    let quarantine = context.learner.publication.current.model.quarantine
    var answer = Cowbird__V1__QuarantineResponse.empty
    var events: [Cowbird__V1__QuarantinedEvent] = []
    for entry in quarantine.list(after: after == 0 ? nil : after, limit: limit) {
      var message = Cowbird__V1__QuarantinedEvent.empty
      message.offset = entry.offset
      message.rule = arena.text(entry.reason.name)
      message.reason = arena.text(entry.reason.explanation)
      // Its record may have been deleted with the log's old segments.
      let bytes = try? context.log.withRecord(at: entry.offset) { Array($0.payload) }
      if let bytes, bytes.count <= Self.listedBytes {
        listedBytes += bytes.count
        // The next call goes on with it.
        if listedBytes > Self.listedBytes, !events.isEmpty { break }
        let own = MessageArena(capacity: 4096)
        arenas.append(own)
        message.event = bytes.withUnsafeBytes {
          try? Wire.unpack(Cowbird__V1__Event.self, from: $0, in: own)
        }
      }
      events.append(message)
    }
    (answer.n_events, answer.events) = arena.messages(events)
    answer.total = UInt64(quarantine.count)
    return withExtendedLifetime(arenas) { Wire.bytes(&answer) }
  }

  private func admit(_ offsets: [UInt64], _ author: Author, _ reason: String) throws(Status) -> [UInt8] {
    let quarantine = context.learner.publication.current.model.quarantine
    if let missing = offsets.first(where: { !quarantine.contains($0) }) {
      throw Status(.notFound, "QuarantineRequest.admit.offsets: \(missing) is not in quarantine")
    }
    for offset in offsets {
      guard let reason = quarantine.reason(of: offset), reason.isFinal else { continue }
      throw Status(
        .failedPrecondition,
        "QuarantineRequest.admit.offsets: \(offset) is there for \(reason.name): no model can have it, whoever says so; "
          + "leave it out")
    }
    var answer = Cowbird__V1__QuarantineResponse.empty
    answer.total = UInt64(quarantine.count - Set(offsets).count)
    for part in try admitted(offsets) {
      answer.offset = try command(author, reason, .admit(part))
    }
    return Wire.bytes(&answer)
  }

  /// Bytes of events that one record holds, about.
  private static let admittedBytes = 4 << 20

  /// The events with all that the log has of them, in parts that a record can hold.
  private func admitted(_ offsets: [UInt64]) throws(Status) -> [[AdmittedEvent]] {
    var parts: [[AdmittedEvent]] = []
    var bytes = Self.admittedBytes
    var seen: Set<UInt64> = []
    for offset in offsets where seen.insert(offset).inserted {
      guard let event = context.log.loggedEvent(at: offset) else {
        throw Status(
          .failedPrecondition,
          "QuarantineRequest.admit.offsets: the log does not hold the event at offset \(offset) any more; leave it out"
        )
      }
      if bytes + event.bytes.count > Self.admittedBytes {
        parts.append([])
        bytes = 0
      }
      bytes += event.bytes.count
      parts[parts.count - 1].append(AdmittedEvent(offset: offset, event: event))
    }
    return parts
  }
}
