// Which records a replay leaves out: filters, ready to be asked a million times a second.

package import EventLog
internal import Wire

/// The exclusions that hold for one replay, compiled.
package struct EventMatcher: Sendable {
  private struct Clause: Sendable {
    var range: Range<UInt64>
    var filter: EventFilter
    /// By field: source, producer, user, item, type. Empty: any.
    var texts: [[[UInt8]]]
  }

  private let clauses: [Clause]

  /// - Parameter offset: of the record that asks for the replay.
  package init(_ exclusions: [Exclusion], at offset: UInt64) {
    clauses = exclusions.filter { $0.isActive(at: offset) }.map(Self.clause)
  }

  /// One filter, over all records.
  package init(_ filter: EventFilter) {
    clauses = [
      Self.clause(Exclusion(rollback: 0, filter: filter, range: 0..<UInt64.max))
    ]
  }

  private static func clause(_ exclusion: Exclusion) -> Clause {
    let filter = exclusion.filter
    return Clause(
      range: exclusion.range, filter: filter,
      texts: [filter.sources, filter.producers, filter.users, filter.items, filter.types].map { values in
        values.map { Array($0.utf8) }
      })
  }

  /// True: no record can match.
  package var isEmpty: Bool { clauses.isEmpty }

  /// Whether the event in `record` is to be left out. What is no event never is.
  package func matches(_ record: LogRecord) -> Bool {
    guard !clauses.isEmpty, record.kind == RecordKind.event, !record.isTombstone else { return false }
    let candidates = clauses.filter { $0.range.contains(record.offset) }
    guard !candidates.isEmpty else { return false }
    guard let event = try? EventView(record.payload) else { return false }
    return candidates.contains { matches($0, record, event) }
  }

  private func matches(_ clause: Clause, _ record: LogRecord, _ event: EventView) -> Bool {
    let filter = clause.filter
    let time = event.timeNanos != 0 ? event.timeNanos : record.timeNanos
    if let from = filter.fromNanos, time < from { return false }
    if let until = filter.untilNanos, time >= until { return false }
    if let first = filter.firstOffset, record.offset < first { return false }
    if let end = filter.endOffset, record.offset >= end { return false }
    let isUser = event.kind == .entity && event.entityKind == .user
    let isItem = event.kind == .entity && event.entityKind == .item
    let fields = [
      event.source.bytes, record.producer, isUser ? event.entityID.bytes : event.user.bytes,
      isItem ? event.entityID.bytes : event.item.bytes, event.type.bytes,
    ]
    return zip(clause.texts, fields).allSatisfy { texts, field in
      texts.isEmpty || texts.contains { $0.count == field.count && field.elementsEqual($0) }
    }
  }
}
