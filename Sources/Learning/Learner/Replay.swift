// Learning a stretch of the log into a copy of a model: what a rollback around bad events does, and what a batch
// update (Update.Run) does, each on a thread of its own choosing.

package import EventLog
internal import Primitives
internal import Synchronization
internal import Wire

/// How far a replay is; written by its thread, read by others.
package final class ReplayProgress: Sendable {
  package struct Values: Sendable {
    /// Events that were learned, and that were left out.
    package var replayed: UInt64 = 0
    package var excluded: UInt64 = 0
    /// Records that were gone through, of any kind, and that there are over all epochs.
    package var passed: UInt64 = 0
    package var total: UInt64 = 0
    package var epoch: UInt32 = 0
    package var startedNanos = MonotonicClock.nanos()

    package init() {}

    package var eventsPerSecond: Double {
      let seconds = Double(MonotonicClock.nanos() - startedNanos) / 1e9
      return seconds > 0 ? Double(passed) / seconds : 0
    }

    package var secondsLeft: Double {
      let rate = eventsPerSecond
      return rate > 0 ? Double(total - min(total, passed)) / rate : 0
    }
  }

  private let values = Guarded(Values())
  private let cancelled = Atomic(false)

  package init() {}

  package var current: Values { values.withLock { $0 } }
  package func update(_ body: (inout Values) -> Void) { values.withLock { body(&$0) } }
  /// Asks the replay to stop at the next batch.
  package func cancel() { cancelled.store(true, ordering: .releasing) }
  package var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
}

package struct Replay {
  let learner: RecordLearner
  /// Records that are left out.
  let matcher: EventMatcher
  let range: Range<UInt64>
  private let omitted: [Omissions.Clause]
  /// Nothing of the range is learned, and nothing read.
  private let isDrop: Bool
  /// Records of the range that retract and that are retracted; nil: they were not looked for yet.
  private var retracted: Retracted?

  private struct Retracted {
    var records: Set<UInt64> = []
    /// Of these, those that are taken back.
    var events: [UInt64] = []
  }

  /// - Parameters:
  ///   - omitted: what is left out, and noted in the model.
  ///   - forgotten: what is left out without a word.
  package init(
    _ learner: RecordLearner, _ range: Range<UInt64>, leavingOut omitted: [Omissions.Clause] = [],
    forgetting forgotten: EventFilter? = nil
  ) {
    self.learner = learner
    self.range = range
    self.omitted = omitted
    isDrop = false
    matcher = EventMatcher(omitted + (forgotten.map { [Omissions.Clause(0..<UInt64.max, $0)] } ?? []))
  }

  /// None of the range's records.
  package init(_ learner: RecordLearner, dropping range: Range<UInt64>) {
    self.learner = learner
    self.range = range
    omitted = [Omissions.Clause(range)]
    isDrop = true
    matcher = EventMatcher(omitted)
  }

  /// Reads all that `run` is going to read: what cannot be read is found before anything is changed.
  package mutating func prepare() throws(LogError) { if !isDrop { retracted = try retractions() } }

  /// Learns the records of the range, in order. Retracted events are skipped, and so are their retractions.
  /// - Returns: false when it was cancelled; the model is then half-way and of no use.
  /// - Throws: `LogError` when a record cannot be read.
  package func run(
    into model: inout Model, epochs: Int = 1, progress: ReplayProgress? = nil
  ) throws(LogError) -> Bool {
    model.omissions.replace(in: range, with: omitted)
    if isDrop { return true }
    let found = if let retracted { retracted } else { try retractions() }
    for offset in found.events { _ = model.omissions.takeBack(offset) }
    let retracted = found.records
    let filter = matcher.isEmpty ? nil : matcher
    progress?.update { $0.total = UInt64(range.count) * UInt64(epochs) }
    for epoch in 0..<epochs {
      progress?.update { $0.epoch = UInt32(epoch) }
      let reader = learner.log.reader(from: range.lowerBound, durability: .received)
      while reader.offset < range.upperBound, let batch = try reader.next(maxBytes: 64 << 10) {
        if progress?.isCancelled == true { return false }
        var (replayed, excluded, passed) = (UInt64(0), UInt64(0), UInt64(0))
        learner.begin(batch)
        defer { learner.end() }
        for record in batch where record.offset < range.upperBound {
          passed += 1
          if !retracted.isEmpty, retracted.contains(record.offset) {
            excluded += 1
          } else if record.kind == RecordKind.firstControl {
            take(record, into: &model)
          } else if learner.learn(record, into: &model, leavingOut: filter) == nil {
            excluded += 1
          } else if record.kind == RecordKind.event {
            replayed += 1
          }
        }
        progress?.update {
          $0.replayed += replayed
          $0.excluded += excluded
          $0.passed += passed
        }
      }
    }
    return true
  }

  private func take(_ record: LogRecord, into model: inout Model) {
    guard let control = try? ControlRecord(decoding: Array(record.payload)) else { return }
    learner.apply(control.command, at: record.offset, to: &model, leavingOut: matcher)
  }

  /// How many records would be learned and left out, without learning any.
  package func count() throws(LogError) -> (replayed: UInt64, excluded: UInt64) {
    let retracted = try retractions().records
    var (replayed, excluded) = (UInt64(0), UInt64(0))
    let reader = learner.log.reader(from: range.lowerBound, durability: .received)
    while reader.offset < range.upperBound, let batch = try reader.next() {
      for record in batch where record.offset < range.upperBound && record.kind == RecordKind.event {
        if matcher.matches(record) || retracted.contains(record.offset) {
          excluded += 1
        } else {
          replayed += 1
        }
      }
    }
    return (replayed, excluded)
  }

  /// The interactions in the range that a later record of the range takes back, and those records. A retraction that is
  /// left out takes nothing back.
  private func retractions() throws(LogError) -> Retracted {
    var retracted = Retracted()
    let reader = learner.log.reader(from: range.lowerBound, durability: .received)
    while reader.offset < range.upperBound, let batch = try reader.next() {
      for record in batch where record.offset < range.upperBound && record.kind == RecordKind.event {
        guard EventView.isRetraction(record.payload), !matcher.matches(record),
          let event = try? EventView(record.payload), event.kind == .retraction,
          event.retractedOffset < record.offset, range.contains(event.retractedOffset),
          // Older builds logged retractions of anything; those without the event are as old.
          RetractedView(event).map({ (try? EventView($0.event))?.kind == .interaction }) ?? true
        else { continue }
        if retracted.records.insert(event.retractedOffset).inserted {
          retracted.events.append(event.retractedOffset)
        }
        retracted.records.insert(record.offset)
      }
    }
    return retracted
  }
}
