// Which records a replay leaves out: filters, ready to be asked a million times a second.

package import EventLog
internal import Primitives
internal import Wire

/// The exclusions that hold for one replay, compiled.
package struct EventMatcher: Sendable {
  fileprivate struct Clause: Sendable {
    var offsets: Range<UInt64>
    var times: Range<Int64>
    var sources, producers, users, items, types: TextSet
  }

  private let clauses: [Clause]

  package init(_ omitted: [Omissions.Clause]) { clauses = omitted.map(Self.clause) }

  private static func clause(_ omitted: Omissions.Clause) -> Clause {
    let filter = omitted.filter
    let first = max(omitted.range.lowerBound, filter.firstOffset ?? 0)
    let from = filter.fromNanos ?? .min
    return Clause(
      offsets: first..<max(first, min(omitted.range.upperBound, filter.endOffset ?? .max)),
      times: from..<max(from, filter.untilNanos ?? .max), sources: TextSet(filter.sources),
      producers: TextSet(filter.producers), users: TextSet(filter.users), items: TextSet(filter.items),
      types: TextSet(filter.types))
  }

  /// True: no record can match.
  package var isEmpty: Bool { clauses.isEmpty }

  /// Whether the event in `record` is to be left out. What is no event never is.
  package func matches(_ record: LogRecord) -> Bool {
    guard !clauses.isEmpty, record.kind == RecordKind.event, !record.isTombstone,
      let event = try? EventView(record.payload)
    else { return false }
    return matches(event, timeNanos: record.timeNanos, producer: record.producer, at: record.offset)
  }

  // hot: once per record of a replay, in place, so that nothing is retained.
  /// Whether an event is to be left out that stands at `offset`, in a record of its own or carried by another.
  func matches(
    _ event: EventView, timeNanos: Int64, producer: UnsafeRawBufferPointer, at offset: UInt64
  ) -> Bool {
    clauses.withUnsafeBufferPointer { clauses in
      guard var clause = clauses.baseAddress else { return false }
      let end = clause + clauses.count
      while clause < end {
        if clause.pointee.matches(event, timeNanos, producer, at: offset) { return true }
        clause += 1
      }
      return false
    }
  }
}

extension EventMatcher.Clause {
  @inline(__always)
  fileprivate func matches(
    _ event: EventView, _ recordNanos: Int64, _ producer: UnsafeRawBufferPointer, at offset: UInt64
  ) -> Bool {
    let time = event.timeNanos != 0 ? event.timeNanos : recordNanos
    guard offsets.contains(offset), times.contains(time) else { return false }
    let isUser = event.kind == .entity && event.entityKind == .user
    let isItem = event.kind == .entity && event.entityKind == .item
    return users.allows(isUser ? event.entityID.bytes : event.user.bytes)
      && sources.allows(event.source.bytes) && types.allows(event.type.bytes)
      && items.allows(isItem ? event.entityID.bytes : event.item.bytes) && producers.allows(producer)
  }
}

/// Texts to compare with, however many; none: any text will do.
private struct TextSet: Sendable {
  /// Of the texts' bytes, in order, each with its text in `texts`.
  private var hashes: [UInt64] = []
  private var texts: [[UInt8]] = []

  init(_ values: [String]) {
    let hashed = values.map { text in
      let bytes = Array(text.utf8)
      return (hash: bytes.withUnsafeBytes { StableHash.of($0) }, bytes: bytes)
    }.sorted { $0.hash < $1.hash }
    hashes = hashed.map(\.hash)
    texts = hashed.map(\.bytes)
  }

  @inline(__always)
  func allows(_ text: UnsafeRawBufferPointer) -> Bool { hashes.isEmpty || holds(text) }

  private func holds(_ text: UnsafeRawBufferPointer) -> Bool {
    let hash = StableHash.of(text)
    var place = hashes.withUnsafeBufferPointer { hashes in
      var (low, high) = (0, hashes.count)
      while low < high {
        let middle = (low + high) / 2
        if hashes[middle] < hash { low = middle + 1 } else { high = middle }
      }
      return low
    }
    while place < hashes.count, hashes[place] == hash {
      if texts[place].count == text.count, text.elementsEqual(texts[place]) { return true }
      place += 1
    }
    return false
  }
}
