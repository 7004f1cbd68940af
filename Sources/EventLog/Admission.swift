// The one ordered place that decides what is a duplicate. A group's decisions are staged and come into force when
// the group is in the log, so that a write that fails leaves no trace.

internal import Primitives

struct Admission {
  private(set) var producers: ProducerTable
  private(set) var identifiers: IdentifierWindow
  private var stagedProducers: [String: (highest: UInt64, offset: UInt64)] = [:]
  private var stagedIdentifiers: [Digest: UInt64] = [:]
  private var stagedOrder: [(Digest, UInt64)] = []
  /// First sequence of each producer's records that could not be written. What the producer has sent behind them is
  /// refused too: logged, it would raise the highest sequence, and the repetition of what is missing would pass for a
  /// duplicate.
  private var missing: [String: UInt64] = [:]

  init(producers: ProducerTable, identifiers: IdentifierWindow) {
    self.producers = producers
    self.identifiers = identifiers
  }

  func highest(_ producer: String) -> UInt64 {
    stagedProducers[producer]?.highest ?? producers.highest(producer)
  }

  /// Decides a batch whose first accepted record gets the offset `next`, and seals what it accepts.
  // hot: once per record; a hash look-up for ids, none for sequences.
  mutating func decide(_ submission: Submission, next: UInt64, durableEnd: UInt64, nowNanos: Int64) {
    let batch = submission.batch
    let isProduced = !batch.producer.isEmpty
    var highest = isProduced ? highest(batch.producer) : 0
    var receipt = AppendReceipt(firstOffset: next, durability: submission.durability)
    var runs: [Range<Int>] = []
    var offset = next
    for index in 0..<batch.count {
      let start = batch.starts[index]
      let base = batch.memory + start
      let record = LogRecord(base: base)
      let sequence = record.sequence
      if sequence > 0 {
        if sequence <= highest {
          receipt.duplicates.append(.init(index: index, offset: known(record.eventID)))
          continue
        }
        if sequence > highest + 1 { receipt.gaps.append(highest + 1...sequence - 1) }
        highest = sequence
      }
      if let id = record.eventID, identifiers.capacity > 0 {
        if let original = known(id) {
          receipt.duplicates.append(.init(index: index, offset: original))
          continue
        }
        stagedIdentifiers[id] = offset
        stagedOrder.append((id, offset))
      }
      if record.timeNanos == 0 { RecordLayout.store(base, RecordLayout.time, nowNanos) }
      RecordLayout.seal(base, offset: offset, durableEnd: durableEnd)
      offset += 1
      let end = start + record.length
      if let last = runs.last, last.upperBound == start {
        runs[runs.count - 1] = last.lowerBound..<end
      } else {
        runs.append(start..<end)
      }
    }
    receipt.accepted = Int(offset - next)
    receipt.producerSequence = highest
    if isProduced && highest > 0 {
      stagedProducers[batch.producer] = (highest, max(next, offset &- 1))
    }
    submission.receipt = receipt
    submission.runs = runs
  }

  /// The batch was refused: its producer goes on with its first new sequence.
  mutating func refuse(_ batch: LogBatch) {
    guard !batch.producer.isEmpty else { return }
    let highest = producers.highest(batch.producer)
    guard let first = batch.firstSequence(above: highest) else { return }
    missing[batch.producer] = min(first, missing[batch.producer] ?? .max)
  }

  /// The sequence that the producer has to go on with before it can send this; nil: none, and nothing is missing once
  /// this is in the log.
  mutating func missing(before batch: LogBatch) -> UInt64? {
    guard !missing.isEmpty, let wanted = missing[batch.producer],
      let first = batch.firstSequence(above: producers.highest(batch.producer))
    else { return nil }
    if first > wanted { return wanted }
    missing[batch.producer] = nil
    return nil
  }

  private func known(_ id: Digest?) -> UInt64? {
    guard let id else { return nil }
    return stagedIdentifiers[id] ?? identifiers.offset(of: id)
  }

  mutating func commit() {
    // The order in which two producers are noted decides nothing but who is forgotten first among equals.
    for (name, state) in stagedProducers.sorted(by: { $0.key < $1.key }) {
      producers.note(name, sequence: state.highest, offset: state.offset)
    }
    for (id, offset) in stagedOrder { identifiers.insert(id, offset: offset) }
    discard()
  }

  mutating func discard() {
    stagedProducers.removeAll(keepingCapacity: true)
    stagedIdentifiers.removeAll(keepingCapacity: true)
    stagedOrder.removeAll(keepingCapacity: true)
  }

  /// Takes up a record that the log holds already, when it is read at the start.
  mutating func replay(_ record: LogRecord) {
    if record.sequence > 0 {
      producers.note(
        String(decoding: record.producer, as: UTF8.self), sequence: record.sequence, offset: record.offset)
    }
    if let id = record.eventID, identifiers.offset(of: id) == nil {
      identifiers.insert(id, offset: record.offset)
    }
  }
}
