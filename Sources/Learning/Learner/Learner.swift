// The one thread that follows the log and trains the head. All that changes the head happens here, between two
// records; everybody else reads what it publishes.

package import Configuration
package import EventLog
package import Primitives
internal import Synchronization
internal import Tables
internal import Wire

/// What requests read: a model that nobody writes, and where it stands.
package final class Revision: Sendable {
  package let model: Model
  /// Grows with every publication; of a kept version, its number.
  package let number: UInt64
  /// All log records below this offset are in the model.
  package let offset: UInt64
  /// The kept version that this is; nil: a revision of the head.
  package let version: VersionID?
  /// When it was made, by the monotonic clock.
  package let madeNanos = MonotonicClock.nanos()

  package init(_ model: Model, number: UInt64, offset: UInt64, version: VersionID? = nil) {
    self.model = model
    self.number = number
    self.offset = offset
    self.version = version
  }
}

package final class Learner: @unchecked Sendable {
  // Sound because: `model`, `offset` and `pace` are touched by the learner's thread only, once it runs.
  private let log: EventLog
  private let signal = Signal()
  private let commands = Guarded<[@Sendable (Learner) -> Void]>([])
  /// Records from here on wait; `max`: none do.
  private let limit: Atomic<UInt64>
  private let isStopping = Atomic(false)
  private let shown = Guarded(LearnerStatus())
  private let recordLearner: RecordLearner
  private weak var delegate: (any LearnerDelegate)?
  private var thread: PlainThread?
  private var hook = 0
  private var observer: (any LearnerObserver)?

  /// On the learner's thread only (see `perform`).
  package private(set) var model: Model
  /// All records below are in `model`.
  package private(set) var offset: UInt64
  /// Where learning goes on instead of at `offset`: at the record of a rollback.
  private var jump: UInt64?
  private var failure: String?
  private var isRecovering = false
  /// How long `recover` took.
  package private(set) var recoveryNanos: UInt64 = 0
  private var revisionNumber: UInt64
  private var publishedOffset: UInt64
  private var lastPublishNanos: UInt64 = 0
  private var eventsSincePublish = 0
  private var lastMeasureNanos: UInt64 = 0
  private var memory = MemoryUse()
  private var pace = Pace()
  /// Of the head's drift signals, those that were told.
  private var driftTold: UInt64
  /// The file as it was loaded again; nil: as the model's plan has it.
  private var file: Configuration?

  package let controls: LearnerControls
  package let publication: Publication<Revision>
  /// Progress of the rollback that is being carried out.
  package let rebuild = Guarded<ReplayProgress?>(nil)

  /// - Parameters:
  ///   - offset: all records below are in `model`.
  ///   - isRecovering: nobody asks before `recover` is done: until then an empty model is shown, so that recovery
  ///     changes the pages of `model` where they are.
  package init(
    log: EventLog, model: Model, offset: UInt64, firstRevision: UInt64 = 1, isRecovering: Bool = false,
    delegate: any LearnerDelegate
  ) {
    self.log = log
    self.model = model
    self.offset = offset
    limit = Atomic(.max)
    self.delegate = delegate
    recordLearner = RecordLearner(log: log, workspace: Workspace(model.plan, model.ensemble))
    controls = LearnerControls(model.configuration)
    revisionNumber = firstRevision
    publishedOffset = offset
    driftTold = model.driftPlaces.count
    let shown = isRecovering ? (try? Model(model.plan)) ?? model : model
    publication = Publication(
      Revision(shown.revision, number: firstRevision, offset: offset), offset: offset)
  }

  // MARK: Life

  /// Learns what the log holds up to `end` on the caller's thread: recovery, before anybody is served.
  package func recover(to end: UInt64) {
    isRecovering = true
    defer { isRecovering = false }
    let begin = MonotonicClock.nanos()
    let reader = log.reader(from: offset)
    while offset < end, failure == nil, advance(reader, to: end) {
      if reader.offset != offset { reader.seek(to: offset) }
    }
    publish()
    recoveryNanos = MonotonicClock.nanos() - begin
  }

  package func start() {
    hook = log.onAdvance(.written) { [signal] _ in signal.raise() }
    thread = PlainThread(name: "learner") { [self] in run() }
  }

  /// Ends the thread after the record that it is at. The head is as it was left.
  package func stop() {
    isStopping.store(true, ordering: .releasing)
    rebuild.withLock { $0?.cancel() }
    signal.raise()
    controls.changed.raise()
    thread?.join()
    thread = nil
    log.removeHook(hook)
  }

  /// Ends the thread when all records below `end` are learned, or after `nanos`.
  package func stop(after end: UInt64, within nanos: UInt64) {
    let arrived = Signal()
    let seen = arrived.count
    let isIdle = status.isPaused || status.failure != nil
    if !isIdle, end > 0, publication.whenPublished(end - 1, { _ in arrived.raise() }) != nil {
      arrived.wait(after: seen, nanos: nanos)
    }
    stop()
  }

  /// Runs `body` on the learner's thread between two records.
  package func perform(_ body: @escaping @Sendable (Learner) -> Void) {
    commands.withLock { $0.append(body) }
    signal.raise()
  }

  /// Shows every event to `observer` from now on.
  package func observe(with observer: any LearnerObserver) { perform { $0.observer = observer } }

  /// Goes straight to the rollback whose record stands at `offset`, paused or not: what comes before it is not
  /// learned first, because the rollback puts another model in the head's place.
  package func hasten(to offset: UInt64) {
    perform { learner in
      // It may have been there already, and have given it up.
      guard learner.offset <= offset, learner.failure == nil,
        learner.delegate?.isAbandoned(offset) == false
      else { return }
      learner.jump = offset
    }
  }

  package var status: LearnerStatus { shown.withLock { $0 } }

  private func run() {
    let reader = log.reader(from: offset)
    while !isStopping.load(ordering: .acquiring) {
      let seen = signal.count
      runCommands()
      let place = jump ?? offset
      if reader.offset != place { reader.seek(to: place) }
      // A rollback is carried out whether or not a pause came meanwhile.
      let end = max(limit.load(ordering: .acquiring), jump.map { $0 + 1 } ?? 0)
      if place >= end || failure != nil || !advance(reader, to: end) {
        // Nothing more to do for now: what was learned is shown at once.
        if publishedOffset != offset { publish() }
        show()
        signal.wait(after: seen)
      }
    }
    runCommands()
    if publishedOffset != offset { publish() }
  }

  private func runCommands() {
    let due = commands.withLock { commands in
      defer { commands = [] }
      return commands
    }
    for command in due { command(self) }
  }

  // MARK: Records

  /// Learns the next batch; false: there is none.
  private func advance(_ reader: LogReader, to end: UInt64) -> Bool {
    let begin = MonotonicClock.nanos()
    let batch: RecordBatch
    do throws(LogError) {
      guard let next = try reader.next(maxBytes: 64 << 10) else { return false }
      batch = next
    } catch {
      fail("the log cannot be read: \(error)")
      return false
    }
    recordLearner.begin(batch)
    defer { recordLearner.end() }
    for record in batch where record.offset < end {
      take(record)
      if failure != nil || limit.load(ordering: .relaxed) <= offset { break }
      // After a rollback that was given up it goes on from where the head was.
      if offset != record.offset + 1 { break }
      if isPublicationDue { publish() }
      if isStopping.load(ordering: .relaxed) { break }
    }
    pace.noteBusy(since: begin)
    delegate?.learned(events: model.counters.events, offset: offset)
    // Nobody is served before recovery is done.
    if !isRecovering {
      pace.rest(busySince: begin, controls, isStopping: { self.isStopping.load(ordering: .relaxed) })
    }
    return true
  }

  private func take(_ record: LogRecord) {
    jump = nil
    if record.kind == RecordKind.firstControl {
      takeControl(record)
    } else {
      // Lending the head copies all its references, which costs as much as a cheap example.
      if let observer, observer.isWatching { observer.willLearn(record, head: model) }
      recordLearner.learn(record, into: &model)
      offset = record.offset + 1
      if model.driftPlaces.count != driftTold { tellDrift() }
    }
    eventsSincePublish += 1
    pace.count += 1
  }

  private func tellDrift() {
    let places = model.driftPlaces
    for place in places.newest.suffix(Int(places.count - driftTold)) { delegate?.driftDetected(place) }
    driftTold = places.count
  }

  private func takeControl(_ record: LogRecord) {
    let control: ControlRecord
    do throws(ControlRecordError) {
      control = try ControlRecord(decoding: Array(record.payload))
    } catch {
      return fail("\(error) (offset \(record.offset))")
    }
    switch control.command {
    case .rollback(let rollback): rollBack(rollback, at: record.offset)
    default:
      recordLearner.apply(control.command, at: record.offset, to: &model)
      offset = record.offset + 1
    }
  }

  // MARK: Rollback

  private func rollBack(_ rollback: Rollback, at recordOffset: UInt64) {
    guard let delegate else { return fail("a rollback came before versions could be read") }
    if delegate.isAbandoned(recordOffset) {
      offset = recordOffset + 1
      return
    }
    let progress = rebuild.withLock { current in
      let progress = current ?? ReplayProgress()
      current = progress
      return progress
    }
    if isStopping.load(ordering: .acquiring) { progress.cancel() }
    var isHeadGone = false
    do {
      let (base, start) = try delegate.model(of: rollback.to)
      // The good old model answers from here on.
      publish(base, at: start)
      var replay = rollback.replay(
        over: start..<recordOffset, exclusions: delegate.exclusions, recordLearner)
      // What cannot be read is found while the head is whole.
      try replay.prepare()
      // The bad head goes before the replay: its memory is the replay's.
      isHeadGone = true
      offset = start
      model = consume base
      shown.withLock { $0.isRebuilding = rollback.replays }
      defer { shown.withLock { $0.isRebuilding = false } }
      guard try replay.run(into: &model, progress: progress) else {
        fail("it was stopped in the midst of the rollback at offset \(recordOffset)")
        return delegate.rolledBack(
          at: recordOffset, error: Status(.unavailable, "it was stopped; the next start carries it out"))
      }
      pace.replayed += progress.current.passed
      goOn(at: recordOffset + 1)
      delegate.rolledBack(at: recordOffset, error: nil)
    } catch {
      giveUp(rollback, at: recordOffset, error, isHeadGone, delegate)
    }
  }

  /// All is as it was before the rollback, and a record says so: a start must not carry out what could not be now.
  private func giveUp(
    _ rollback: Rollback, at recordOffset: UInt64, _ error: any Error, _ isHeadGone: Bool,
    _ delegate: any LearnerDelegate
  ) {
    let reason = "the rollback at offset \(recordOffset) to \(rollback.to) failed: \(error)"
    // A start that fails is repeated.
    if isRecovering { return fail(reason) }
    do {
      // As after a restart: from there on the log is learned again.
      if isHeadGone { (model, offset) = try delegate.newestHead() }
      try delegate.abandon(recordOffset, because: reason)
      goOn(at: offset)
    } catch {
      rebuild.withLock { $0 = nil }
      fail("\(reason); nor can it be undone before a restart: \(error)")
    }
    delegate.rolledBack(at: recordOffset, error: error)
  }

  /// The head is another than it was.
  private func goOn(at offset: UInt64) {
    self.offset = offset
    // What was read ahead was looked for in the model that has gone.
    recordLearner.end()
    if let file { model.reload(file) }
    driftTold = model.driftPlaces.count
    // Before anybody sees that it is over, and asks for another.
    rebuild.withLock { $0 = nil }
    publish()
  }

  /// Puts what changed in the file in force, as far as it is no matter of what is learned.
  package func reload(_ file: Configuration) {
    self.file = file
    model.reload(file)
  }

  private func fail(_ reason: String) {
    failure = reason
    show()
  }

  // MARK: Pausing

  /// Learns nothing of what stands at `offset` or behind, but for the record that it is at. Any thread.
  package func pause(at offset: UInt64) {
    limit.store(offset, ordering: .releasing)
    shown.withLock { $0.isPaused = true }
    perform { $0.show() }
  }

  /// Goes on where it stopped. Any thread.
  package func resume() {
    limit.store(.max, ordering: .releasing)
    shown.withLock { $0.isPaused = false }
    perform { $0.show() }
  }

  // MARK: Publishing

  private var isPublicationDue: Bool {
    // Nobody reads what is not served yet.
    if isRecovering { return false }
    let count = controls.publishCount
    if count > 0, eventsSincePublish >= count { return true }
    // The clock is read for every 16th record: reading it costs as much as a cheap example.
    guard eventsSincePublish & 15 == 0 else { return false }
    return MonotonicClock.nanos() - lastPublishNanos >= controls.publishNanos
  }

  private func publish() { publish(model, at: offset) }

  private func publish(_ model: Model, at offset: UInt64) {
    revisionNumber += 1
    publishedOffset = offset
    eventsSincePublish = 0
    lastPublishNanos = MonotonicClock.nanos()
    publication.publish(Revision(model.revision, number: revisionNumber, offset: offset), offset: offset)
    show()
  }

  private func show() {
    let rate = pace.eventsPerSecond()
    let now = MonotonicClock.nanos()
    if now - lastMeasureNanos > 1_000_000_000 {
      lastMeasureNanos = now
      memory = model.memory
    }
    shown.withLock { status in
      status.learnedOffset = offset
      status.publishedOffset = publishedOffset
      status.isPaused = limit.load(ordering: .relaxed) != .max
      status.failure = failure
      status.eventsPerSecond = rate
      status.busyEventsPerSecond = pace.busyEventsPerSecond
      status.modelBytes = memory.liveBytes
      status.rowBytes = memory.rowBytes
    }
  }
}
