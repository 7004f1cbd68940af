// What a retraction takes back: found before the retraction is logged, and carried in its record, so that a replay does
// not need the segment of the log in which the earlier event stands.

internal import EventLog
internal import Wire

extension EventLog {
  /// The event that a retraction names by its id or its offset. Waits for the log's writer: not for reactors.
  /// - Throws: `EventRefusal` when the log does not know of it, or holds it no more.
  func event(retractedBy retraction: EventView) throws -> (offset: UInt64, event: LoggedEvent) {
    let id = retraction.retractedID
    // Asked through the writer in any case: what was given to the log before is in it then.
    let known = try offset(ofEventID: id.bytes)
    guard id.isEmpty || known != nil else {
      throw EventRefusal(
        field: "retraction.event_id",
        reason: "\"\(id.string)\" is not among the ids that the log remembers (limits.event_id_window); "
          + "name its offset instead")
    }
    let offset = known ?? retraction.retractedOffset
    guard let event = loggedEvent(at: offset) else {
      throw EventRefusal(
        field: id.isEmpty ? "retraction.offset" : "retraction.event_id",
        reason:
          "the log holds no event at offset \(offset): it has offsets \(firstOffset) to \(endOffset), and "
          + "events alone can be taken back")
    }
    let isInteraction = event.bytes.withUnsafeBytes { (try? EventView($0))?.kind == .interaction }
    guard isInteraction else {
      throw EventRefusal(
        field: id.isEmpty ? "retraction.offset" : "retraction.event_id",
        reason: "the event at offset \(offset) is no interaction, and only these can be taken back")
    }
    return (offset, event)
  }

  /// A copy of the event at an offset; nil: there is none, or none any more.
  func loggedEvent(at offset: UInt64) -> LoggedEvent? {
    let found = try? withRecord(at: offset) { record -> LoggedEvent? in
      guard record.kind == RecordKind.event, !record.isTombstone else { return nil }
      return LoggedEvent(
        bytes: Array(record.payload), timeNanos: record.timeNanos,
        producer: String(decoding: record.producer, as: UTF8.self))
    }
    return found ?? nil
  }
}
