// Which records a replay leaves out: filters, ready to be asked a million times a second.

package import EventLog
internal import Primitives
internal import Wire

/// The exclusions that hold for one replay, compiled.
package struct EventMatcher: Sendable {
  private struct Clause: Sendable {
    var range: Range<UInt64>
    var filter: EventFilter
    var sources, producers, users, items, types: TextSet
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
      range: exclusion.range, filter: filter, sources: TextSet(filter.sources),
      producers: TextSet(filter.producers), users: TextSet(filter.users), items: TextSet(filter.items),
      types: TextSet(filter.types))
  }

  /// True: no record can match.
  package var isEmpty: Bool { clauses.isEmpty }

  /// Whether the event in `record` is to be left out. What is no event never is.
  package func matches(_ record: LogRecord) -> Bool {
    guard !clauses.isEmpty, record.kind == RecordKind.event, !record.isTombstone else { return false }
    var event: EventView?
    for clause in clauses where clause.range.contains(record.offset) {
      // Read for the first that asks.
      if event == nil {
        guard let read = try? EventView(record.payload) else { return false }
        event = read
      }
      if let event, matches(clause, event, record.timeNanos, record.producer, at: record.offset) {
        return true
      }
    }
    return false
  }

  /// Whether an event that another record carries is to be left out, as if it stood at `offset`.
  func matches(
    _ event: EventView, timeNanos: Int64, producer: UnsafeRawBufferPointer, at offset: UInt64
  ) -> Bool {
    clauses.contains { $0.range.contains(offset) && matches($0, event, timeNanos, producer, at: offset) }
  }

  private func matches(
    _ clause: Clause, _ event: EventView, _ recordNanos: Int64, _ producer: UnsafeRawBufferPointer,
    at offset: UInt64
  ) -> Bool {
    let filter = clause.filter
    let time = event.timeNanos != 0 ? event.timeNanos : recordNanos
    if let from = filter.fromNanos, time < from { return false }
    if let until = filter.untilNanos, time >= until { return false }
    if let first = filter.firstOffset, offset < first { return false }
    if let end = filter.endOffset, offset >= end { return false }
    let isUser = event.kind == .entity && event.entityKind == .user
    let isItem = event.kind == .entity && event.entityKind == .item
    return clause.users.allows(isUser ? event.entityID.bytes : event.user.bytes)
      && clause.sources.allows(event.source.bytes) && clause.types.allows(event.type.bytes)
      && clause.items.allows(isItem ? event.entityID.bytes : event.item.bytes)
      && clause.producers.allows(producer)
  }
}

/// Texts to compare with, however many; none: any text will do.
private struct TextSet: Sendable {
  /// By the hash of their bytes.
  private var texts: [UInt64: [[UInt8]]] = [:]

  init(_ values: [String]) {
    for value in values {
      let bytes = Array(value.utf8)
      texts[bytes.withUnsafeBytes { StableHash.of($0) }, default: []].append(bytes)
    }
  }

  func allows(_ text: UnsafeRawBufferPointer) -> Bool {
    if texts.isEmpty { return true }
    guard let alike = texts[StableHash.of(text)] else { return false }
    return alike.contains { $0.count == text.count && text.elementsEqual($0) }
  }
}
