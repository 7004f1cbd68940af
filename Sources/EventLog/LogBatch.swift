// Records on their way into the log. A payload is copied once, from the caller into the bytes that will be
// written; the writer thread fills in what it alone knows (offset, checksum).

internal import Primitives

/// A batch to append: built by one thread, then given away to `EventLog.append`.
package final class LogBatch: @unchecked Sendable {
  /// The largest record, its header included.
  package static let maxRecordBytes = 16 << 20

  /// Who numbers these records; empty: nobody.
  package let producer: String
  private let producerBytes: [UInt8]
  private(set) var memory: UnsafeMutableRawPointer
  private(set) var used = 0
  private var capacity: Int
  /// Position of each record in `memory`.
  private(set) var starts: [Int] = []
  /// Set when the batch is given to a log: it can be given once.
  var isSubmitted = false

  package init(producer: String = "", reservingBytes: Int = 4096) {
    self.producer = producer
    producerBytes = Array(producer.utf8)
    capacity = max(reservingBytes, 256)
    memory = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  package var count: Int { starts.count }
  package var isEmpty: Bool { starts.isEmpty }
  package var byteCount: Int { used }

  /// Adds a record. `timeNanos` 0: the time at which the log takes it. `sequence` 0: not numbered. `eventID`
  /// empty: none. Throws INVALID_ARGUMENT, and adds nothing, if a field is out of bounds.
  // hot: once per event; allocates only when the batch outgrows its memory.
  package func add(
    kind: UInt8 = RecordKind.event, format: UInt16 = LogRecord.newestFormat, timeNanos: Int64 = 0,
    sequence: UInt64 = 0, eventID: UnsafeRawBufferPointer? = nil, payload: UnsafeRawBufferPointer
  ) throws(LogError) {
    precondition(!isSubmitted, "a batch that was given to a log cannot grow")
    var flags: RecordFlags = []
    var length = RecordLayout.headerBytes + payload.count
    if !producerBytes.isEmpty {
      flags.insert(.produced)
      length += RecordLayout.producerPrefixBytes + producerBytes.count
    }
    if let eventID, !eventID.isEmpty {
      flags.insert(.identified)
      length += RecordLayout.identifierBytes
    }
    try check(sequence: sequence, length: length, format: format)
    reserve(length)

    let record = memory + used
    RecordLayout.store(record, RecordLayout.length, UInt32(length))
    RecordLayout.store(record, RecordLayout.time, timeNanos)
    RecordLayout.store(record, RecordLayout.kind, kind)
    RecordLayout.store(record, RecordLayout.flags, flags.rawValue)
    RecordLayout.store(record, RecordLayout.format, format)
    var at = RecordLayout.headerBytes
    if flags.contains(.produced) {
      RecordLayout.store(record, at, sequence)
      RecordLayout.store(record, at + 8, UInt16(producerBytes.count))
      producerBytes.withUnsafeBytes {
        (record + at + 10).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
      }
      at += RecordLayout.producerPrefixBytes + producerBytes.count
    }
    if flags.contains(.identified), let eventID {
      let digest = Digest(of: eventID)
      RecordLayout.store(record, at, digest.low)
      RecordLayout.store(record, at + 8, digest.high)
      at += RecordLayout.identifierBytes
    }
    if let source = payload.baseAddress {
      (record + at).copyMemory(from: source, byteCount: payload.count)
    }
    starts.append(used)
    used += length
  }

  package func add(
    kind: UInt8 = RecordKind.event, timeNanos: Int64 = 0, sequence: UInt64 = 0, eventID: String = "",
    payload: [UInt8]
  ) throws(LogError) {
    let id = Array(eventID.utf8)
    let result = id.withUnsafeBytes { id in
      payload.withUnsafeBytes { payload in
        Result { () throws(LogError) in
          try add(kind: kind, timeNanos: timeNanos, sequence: sequence, eventID: id, payload: payload)
        }
      }
    }
    try result.get()
  }

  private func check(sequence: UInt64, length: Int, format: UInt16) throws(LogError) {
    guard producerBytes.count <= RecordLayout.maxProducerBytes else {
      throw LogError(
        .invalidArgument,
        "producer: \(producerBytes.count) bytes; at most \(RecordLayout.maxProducerBytes) are allowed")
    }
    guard sequence == 0 || !producerBytes.isEmpty else {
      throw LogError(.invalidArgument, "sequence: \(sequence), but no producer is named; name one or send 0")
    }
    guard length <= Self.maxRecordBytes else {
      throw LogError(
        .invalidArgument, "record: \(length) bytes; at most \(Self.maxRecordBytes) are allowed")
    }
    guard format <= LogRecord.newestFormat else {
      throw LogError(.invalidArgument, "format: \(format); this build writes up to \(LogRecord.newestFormat)")
    }
  }

  private func reserve(_ length: Int) {
    guard used + length > capacity else { return }
    capacity = max(capacity * 2, used + length)
    let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    grown.copyMemory(from: memory, byteCount: used)
    memory.deallocate()
    memory = grown
  }

  /// The bytes of a record's event, as long as the batch is there.
  package func payload(_ index: Int) -> UnsafeRawBufferPointer { record(index).payload }

  func record(_ index: Int) -> LogRecord { LogRecord(base: memory + starts[index]) }

  /// The first sequence that is higher; nil: there is none.
  func firstSequence(above highest: UInt64) -> UInt64? {
    for index in 0..<count where record(index).sequence > highest { return record(index).sequence }
    return nil
  }
}

/// The answer to an append.
package struct AppendReceipt: Sendable, Equatable {
  package struct Duplicate: Sendable, Equatable {
    /// Place in the batch.
    package var index: Int
    /// Where the record is that the log already holds, if that is known without a search (by event id).
    package var offset: UInt64?
  }

  /// Offset of the first record that was accepted; accepted records have consecutive offsets.
  package var firstOffset: UInt64
  package var accepted = 0
  /// In the order of the batch.
  package var duplicates: [Duplicate] = []
  /// Sequences that the producer skipped within this batch.
  package var gaps: [ClosedRange<UInt64>] = []
  /// The producer's highest sequence, this batch included; 0: it does not number.
  package var producerSequence: UInt64 = 0
  /// The durability that accepted records and duplicates have.
  package var durability: Durability

  /// Offset of the last accepted record; nil: none was accepted.
  package var lastOffset: UInt64? { accepted > 0 ? firstOffset + UInt64(accepted) - 1 : nil }

  /// Offset of the record at a place in the batch; nil: a duplicate whose offset is not known.
  package func offset(at index: Int) -> UInt64? {
    var before = 0
    for duplicate in duplicates {
      if duplicate.index == index { return duplicate.offset }
      if duplicate.index > index { break }
      before += 1
    }
    return firstOffset + UInt64(index - before)
  }
}

/// A batch in the log's hands.
final class Submission: @unchecked Sendable {
  typealias Completion = @Sendable (Result<AppendReceipt, LogError>) -> Void

  let batch: LogBatch
  let durability: Durability
  let completion: Completion
  /// Set by the writer when it decides; read by others only after.
  var receipt: AppendReceipt
  /// Stretches of the batch's memory that were accepted, in order.
  var runs: [Range<Int>] = []

  init(batch: LogBatch, durability: Durability, completion: @escaping Completion) {
    self.batch = batch
    self.durability = durability
    self.completion = completion
    receipt = AppendReceipt(firstOffset: 0, durability: durability)
  }

  var endOffset: UInt64 { receipt.firstOffset + UInt64(receipt.accepted) }
  var acceptedBytes: Int { runs.reduce(0) { $0 + $1.count } }

  var buffers: [UnsafeRawBufferPointer] {
    runs.map { UnsafeRawBufferPointer(start: batch.memory + $0.lowerBound, count: $0.count) }
  }

  func forEachAccepted(_ body: (LogRecord) -> Void) {
    for run in runs {
      var at = run.lowerBound
      while at < run.upperBound {
        let record = LogRecord(base: batch.memory + at)
        body(record)
        at += record.length
      }
    }
  }
}
