// Follows the log from an offset or a time. A reader belongs to one thread; there may be any number of them, and
// none delays the writer: records are read where they lie, in mapped segments, which stay mapped (even when
// deleted or redacted meanwhile) for as long as a batch of them is held.

internal import Primitives

/// Records that lie one after the other, checked already. The batch and its iterator keep the bytes; a record
/// alone does not.
package struct RecordBatch: Sequence {
  package struct Iterator: IteratorProtocol {
    var at: UnsafeRawPointer
    let end: UnsafeRawPointer
    let keeper: AnyObject

    // hot: once per record read.
    package mutating func next() -> LogRecord? {
      guard at < end else { return nil }
      let record = LogRecord(base: at)
      at += record.length
      return record
    }
  }

  let start: UnsafeRawPointer
  let byteCount: Int
  /// The mapping, or the batch in memory.
  let keeper: AnyObject
  package let firstOffset: UInt64
  package let count: Int

  package var endOffset: UInt64 { firstOffset + UInt64(count) }
  package var underestimatedCount: Int { count }
  package func makeIterator() -> Iterator {
    Iterator(at: start, end: start + byteCount, keeper: keeper)
  }
}

package final class LogReader {
  private let log: EventLog
  private let durability: Durability
  /// Offset of the next record.
  package private(set) var offset: UInt64

  private var segment: Segment?
  private var bytes: MappedBytes?
  private var position = 0

  init(log: EventLog, offset: UInt64, durability: Durability) {
    self.log = log
    self.offset = offset
    self.durability = durability
  }

  /// The next records, at least one and about `maxBytes`; nil: none came in time, the
  /// log was closed, or `wakeReaders` was called. Throws
  /// OUT_OF_RANGE if the next record was deleted, DATA_LOSS with file and place if it is damaged.
  /// `timeoutNanos` nil: waits for as long as the log is open; 0: does not wait.
  package func next(
    maxBytes: Int = 256 << 10, timeoutNanos: UInt64? = 0
  ) throws(LogError) -> RecordBatch? {
    guard let end = waitForRecords(timeoutNanos) else { return nil }
    while true {
      switch try locate(end) {
      case .memory(let submission):
        return memoryBatch(submission, until: end)
      case .segment(let wanted, let limit, let usedBytes):
        do throws(LogError) {
          if wanted !== segment { try enter(wanted) }
          return try mappedBatch(wanted, limit: limit, usedBytes: usedBytes, maxBytes: maxBytes)
        } catch {
          // The segment may have become suspect, or been replaced or redacted, since we asked for it.
          if case .segment(let now, _, _) = try locate(end), now === wanted { throw error }
        }
      }
    }
  }

  /// Goes on at another offset.
  package func seek(to offset: UInt64) {
    self.offset = offset
    segment = nil
    bytes = nil
  }

  private func waitForRecords(_ timeoutNanos: UInt64?) -> UInt64? {
    let deadline = timeoutNanos.map { MonotonicClock.nanos() &+ $0 }
    return log.withState { state in
      let wakeUps = state.wakeUps
      while true {
        let end = state.end(durability)
        if offset < end { return end }
        if state.isClosed || timeoutNanos == 0 || state.wakeUps != wakeUps { return nil }
        if let deadline {
          if MonotonicClock.nanos() >= deadline { return nil }
          _ = log.tailMoved.wait(log.stateLock, untilNanos: deadline)
        } else {
          log.tailMoved.wait(log.stateLock)
        }
      }
    }
  }

  private enum Place {
    case memory(Submission)
    /// The offset and the byte up to which to read there.
    case segment(Segment, limit: UInt64, usedBytes: Int)
  }

  /// Where the next record is. What is not written, or stands in a segment whose sync failed, is in memory.
  private func locate(_ end: UInt64) throws(LogError) -> Place {
    try log.withState { (state) throws(LogError) in
      let first = state.segments[0].firstOffset
      guard offset >= first else {
        throw LogError(
          .outOfRange, "the record was deleted; the oldest kept has offset \(first)", offset: offset)
      }
      let trustedEnd = state.isSuspect ? state.durableEnd : state.writtenEnd
      if offset >= trustedEnd, let submission = state.unsynced.first(where: { offset < $0.endOffset }) {
        return .memory(submission)
      }
      let index = state.segmentIndex(of: offset)
      let segment = state.segments[index]
      let limit = min(end, state.endOffset(ofSegment: index), trustedEnd)
      return .segment(segment, limit: limit, usedBytes: segment.index.usedBytes)
    }
  }

  private func memoryBatch(_ submission: Submission, until limit: UInt64) -> RecordBatch {
    segment = nil
    // A batch of records that follow each other in memory: the run that holds the offset, from there on.
    for run in submission.runs {
      var at = run.lowerBound
      while at < run.upperBound {
        let record = LogRecord(base: submission.batch.memory + at)
        if record.offset == offset {
          var count = 0
          var end = at
          while end < run.upperBound && offset + UInt64(count) < limit {
            end += LogRecord(base: submission.batch.memory + end).length
            count += 1
          }
          offset += UInt64(count)
          return RecordBatch(
            start: submission.batch.memory + at, byteCount: end - at, keeper: submission,
            firstOffset: record.offset, count: count)
        }
        at += record.length
      }
    }
    preconditionFailure("a batch holds every offset between its first and its last")
  }

  /// Maps a segment and finds the record of `offset` in it.
  private func enter(_ wanted: Segment) throws(LogError) {
    bytes = nil
    segment = nil
    let mapped = try log.map(wanted)
    let start = try log.indexEntry(of: wanted, before: offset)
    let scan = SegmentScan.run(mapped, from: start.offset, at: start.position, until: offset) { _ in }
    if let fault = scan.fault {
      throw LogError(
        .dataLoss, "damaged at byte \(scan.position): \(fault); run cowbird fsck", file: wanted.path,
        offset: scan.offset)
    }
    position = scan.position
    bytes = mapped
    segment = wanted
  }

  // hot: checks each record once, so that going over the batch needs no further check.
  private func mappedBatch(
    _ segment: Segment, limit: UInt64, usedBytes: Int, maxBytes: Int
  ) throws(LogError) -> RecordBatch {
    let bytes = bytes!
    // Never beyond what the file holds: a sealed segment is shorter than its mapping may be.
    let readable = min(bytes.count, usedBytes)
    let start = position
    let first = offset
    while offset < limit && position - start < maxBytes {
      do throws(RecordFault) {
        let record = try LogRecord.verify(
          at: bytes.base + position, available: readable - position, offset: offset)
        position += record.length
        offset += 1
      } catch {
        if offset > first { break }
        throw LogError(
          .dataLoss, "damaged at byte \(position): \(error); run cowbird fsck", file: segment.path,
          offset: offset)
      }
    }
    return RecordBatch(
      start: bytes.base + start, byteCount: position - start, keeper: bytes, firstOffset: first,
      count: Int(offset - first))
  }
}

extension EventLog {
  /// A reader of records that are at least so durable, from an offset on. An offset beyond the end is waited for.
  package func reader(from offset: UInt64, durability: Durability = .written) -> LogReader {
    LogReader(log: self, offset: offset, durability: durability)
  }

  /// A reader from the first record whose time is at or after `timeNanos`. Times are the events' own and need not
  /// grow: earlier ones may follow.
  package func reader(
    fromTime timeNanos: Int64, durability: Durability = .written
  ) throws(LogError) -> LogReader {
    reader(from: try offset(ofTime: timeNanos), durability: durability)
  }

  /// Offset of the first record whose time is at or after `timeNanos`; the end, if there is none.
  package func offset(ofTime timeNanos: Int64) throws(LogError) -> UInt64 {
    let (segments, end) = withState { ($0.segments, $0.writtenEnd) }
    for (index, segment) in segments.enumerated() {
      guard withState({ _ in segment.index.latest }) >= timeNanos else { continue }
      _ = try indexEntry(of: segment, before: segment.firstOffset)
      let entry = withState { _ in segment.index.entry(beforeTime: timeNanos) }
      let limit = index + 1 < segments.count ? segments[index + 1].firstOffset : end
      let reader = reader(from: entry?.offset ?? segment.firstOffset)
      while reader.offset < limit, let batch = try reader.next() {
        for record in batch where record.timeNanos >= timeNanos { return record.offset }
      }
    }
    return end
  }

  /// Calls `body` with one record; the bytes are valid only inside. Throws OUT_OF_RANGE if there is none.
  package func withRecord<R>(at offset: UInt64, _ body: (LogRecord) -> R) throws(LogError) -> R {
    guard offset < withState({ $0.writtenEnd }), let batch = try reader(from: offset).next(maxBytes: 1) else {
      throw LogError(.outOfRange, "there is no such record yet", offset: offset)
    }
    return withExtendedLifetime(batch.keeper) { body(LogRecord(base: batch.start)) }
  }

  func map(_ segment: Segment) throws(LogError) -> MappedBytes {
    if let mapping = withState({ _ in segment.mapping }) { return mapping }
    do throws(FileError) {
      var file = withState { _ in segment.file }
      if file == nil { file = try fileSystem.open(segment.path, .read) }
      guard let file else { preconditionFailure("a file was opened or an error thrown") }
      let mapping = try file.map(try file.size())
      withState { _ in segment.mapping = mapping }
      return mapping
    } catch {
      throw LogError(error, doing: "cannot read the log")
    }
  }

  /// Where to begin looking for an offset in a segment.
  func indexEntry(
    of segment: Segment, before offset: UInt64
  ) throws(LogError) -> (offset: UInt64, position: Int) {
    if !withState({ _ in segment.hasWholeIndex }) {
      let read = try? fileSystem.open(segment.indexPath, .read).readAll()
      if let index = read.flatMap({ SparseIndex.decoded($0, firstOffset: segment.firstOffset) }) {
        withState { _ in
          segment.index = index
          segment.hasWholeIndex = true
        }
      }
    }
    let entry = withState { _ in segment.index.entry(before: offset) }
    return entry.map { ($0.offset, Int($0.position)) } ?? (segment.firstOffset, SegmentHeader.bytes)
  }
}
