// Rollback: head and serving become an older version at once, and, if asked, what came after is learned again
// without what the filter matches, while the old version answers. The stream tells how far it is.

internal import CMessages
internal import EventLog
internal import Learning
internal import Primitives
internal import Statistics
internal import Transport
internal import Versions
internal import Wire

final class RollbackStream: StreamHandler, @unchecked Sendable {
  // Sound because: `running` is under its mutex; the rest is touched on the stream's reactor only.

  /// A rollback whose record is in the log.
  private struct Running: Sendable {
    var offset: UInt64
    var plan: Plan
    var progress: ReplayProgress
    var hasEnded = false
    /// Why it could not be carried out.
    var failure: Status?
  }

  private let service: VersionService
  private let running = Guarded<Running?>(nil)
  private var pauseNanos: UInt64 = 1_000_000

  init(_ service: VersionService) { self.service = service }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__RollbackRequest.self, message).pointee
    let registry = service.control.registry
    let plan = Plan(
      author: try Caller(uid: stream.peer.uid).author(request.author),
      reason: try Field.reason(request.reason),
      rollback: Rollback(
        to: try VersionChoice.required(request.to, "RollbackRequest.to")
          .keptVersion(in: registry, "RollbackRequest.to"),
        replays: request.replay != 0 || request.exclude != nil || request.n_readmit > 0,
        exclude: try EventFilter(request.exclude), readmit: Field.numbers(request.readmit, request.n_readmit)),
      isDryRun: request.dry_run != 0)
    service.context.workers.perform { [self] in
      do throws(Status) {
        if plan.isDryRun {
          try dryRun(plan, stream)
        } else {
          try begin(plan, stream)
        }
      } catch {
        stream.fail(error)
      }
    }
  }

  private struct Plan: Sendable {
    var author: Author
    var reason: String
    var rollback: Rollback
    var isDryRun: Bool
  }

  // MARK: Beginning

  private func dryRun(_ plan: Plan, _ stream: ServerStream) throws(Status) {
    let count = try count(plan)
    send(stream, stage: "planned", count) { message in
      // As fast as the head learns while it has something to do; nothing is known before it has learned anything.
      let rate = service.learner.status.busyEventsPerSecond
      message.events_per_second = rate
      message.eta_seconds = rate > 0 ? Double(count.replayed) / rate : 0
    }
    stream.finish()
  }

  /// How many events would be learned and left out.
  private func count(_ plan: Plan) throws(Status) -> ReplayProgress.Values {
    let (log, learner) = (service.log, service.learner)
    var registry = service.control.registry
    let end = log.endOffset
    guard let entry = registry[plan.rollback.to] else {
      throw Status(.notFound, Registry.noVersion(plan.rollback.to))
    }
    do throws(RegistryError) {
      try registry.apply(
        ControlRecord(author: plan.author, reason: plan.reason, command: .rollback(plan.rollback)), at: end)
    } catch {
      throw Status(error)
    }
    let first = max(entry.record.offset, log.firstOffset)
    let model = learner.publication.current.model
    let replay = Replay(
      RecordLearner(log: log, workspace: Workspace(model.plan, model.ensemble)), first..<max(first, end),
      leavingOut: registry.exclusions.clauses(at: end))
    var values = ReplayProgress.Values()
    do throws(LogError) {
      let (replayed, excluded) = try replay.count()
      values.replayed = plan.rollback.replays ? replayed : 0
      values.excluded = plan.rollback.replays ? excluded : replayed + excluded
    } catch {
      throw Status(error)
    }
    values.total = values.replayed + values.excluded
    return values
  }

  /// How many events a plain rollback dropped, as far as they can be read: it is not undone for that.
  private func droppedEvents(_ plan: Plan, before end: UInt64) -> UInt64 {
    guard let first = service.control.registry[plan.rollback.to]?.record.offset else { return 0 }
    let reader = service.log.reader(from: max(first, service.log.firstOffset), durability: .received)
    var count: UInt64 = 0
    while reader.offset < end, let batch = try? reader.next() {
      for record in batch where record.offset < end && record.kind == RecordKind.event { count += 1 }
    }
    return count
  }

  private func begin(_ plan: Plan, _ stream: ServerStream) throws(Status) {
    let order = VersionOrder(author: plan.author, reason: plan.reason)
    let (offset, progress) = try service.beginRollback(
      plan.rollback, order, whenSound: { self.send(stream, stage: "planned", ReplayProgress.Values()) })
    let begun = Running(offset: offset, plan: plan, progress: progress)
    if !plan.rollback.replays {
      // What was dropped is counted when it is gone: the bad head answers no longer than it must.
      let dropped = droppedEvents(plan, before: begun.offset)
      begun.progress.update { $0.excluded = dropped }
    }
    running.withLock { $0 = begun }
    stream.wake()
    service.context.rollbacks.whenDone(begun.offset) { [running] failure in
      running.withLock {
        $0?.hasEnded = true
        $0?.failure = failure
      }
      stream.wake()
    }
  }

  // MARK: Going on

  func woken(_ stream: ServerStream) throws(Status) {
    guard let running = running.withLock({ $0 }) else { return }
    if let failure = running.failure { throw failure }
    if running.hasEnded { return finish(stream, running) }
    if let failure = service.learner.status.failure { throw Status(.internal, failure) }
    let values = running.progress.current
    if values.total > 0, stream.mayWrite {
      send(stream, stage: "replaying", values) { message in
        message.events_per_second = values.eventsPerSecond
        message.eta_seconds = values.secondsLeft
      }
    }
    stream.wake(after: pauseNanos)
    pauseNanos = min(pauseNanos * 2, 200_000_000)
  }

  private func finish(_ stream: ServerStream, _ running: Running) {
    let revision = service.learner.publication.current
    let values = running.progress.current
    let arena = MessageArena(capacity: 4096)
    send(stream, stage: "done", values, arena) { message in
      message.offset = running.offset
      var model = Cowbird__V1__ModelReference.empty
      model.revision = revision.number
      model.offset = revision.offset
      message.model = arena.message(model)
      (message.n_metrics, message.metrics) = arena.metrics(revision.model.figures)
    }
    stream.finish()
  }

  private func send(
    _ stream: ServerStream, stage: String, _ values: ReplayProgress.Values,
    _ arena: MessageArena = MessageArena(capacity: 1024),
    _ fill: (inout Cowbird__V1__RollbackProgress) -> Void = { _ in }
  ) {
    var message = Cowbird__V1__RollbackProgress.empty
    message.stage = arena.text(stage)
    message.events_replayed = values.replayed
    message.events_excluded = values.excluded
    message.events_total = values.total
    fill(&message)
    stream.send(&message)
  }
}

extension EventFilter {
  /// Nothing set: an empty filter.
  init(_ message: UnsafeMutablePointer<Cowbird__V1__EventFilter>?) throws(Status) {
    self.init()
    guard let message = message?.pointee else { return }
    sources = Field.texts(message.sources, message.n_sources)
    producers = Field.texts(message.producers, message.n_producers)
    users = Field.texts(message.users, message.n_users)
    items = Field.texts(message.items, message.n_items)
    types = Field.texts(message.types, message.n_types)
    if message.from_nanos_presence_case == COWBIRD__V1__EVENT_FILTER__FROM_NANOS_PRESENCE_FROM_NANOS {
      fromNanos = message.from_nanos
    }
    if message.until_nanos_presence_case == COWBIRD__V1__EVENT_FILTER__UNTIL_NANOS_PRESENCE_UNTIL_NANOS {
      untilNanos = message.until_nanos
    }
    if message.first_offset_presence_case == COWBIRD__V1__EVENT_FILTER__FIRST_OFFSET_PRESENCE_FIRST_OFFSET {
      firstOffset = message.first_offset
    }
    if message.end_offset_presence_case == COWBIRD__V1__EVENT_FILTER__END_OFFSET_PRESENCE_END_OFFSET {
      endOffset = message.end_offset
    }
    if let from = fromNanos, let until = untilNanos, from >= until {
      throw Status(
        .invalidArgument,
        "RollbackRequest.exclude: from_nanos \(from) is not before until_nanos \(until): nothing would match")
    }
    if let first = firstOffset, let end = endOffset, first >= end {
      throw Status(
        .invalidArgument,
        "RollbackRequest.exclude: first_offset \(first) is not before end_offset \(end): nothing would match")
    }
  }
}
