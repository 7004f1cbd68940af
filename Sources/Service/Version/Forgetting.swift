// Forgetting a user: the head is learned anew without the user's events, in the background, the versions that learned
// from them are deleted, and the log's records of them are emptied.
//
//   version before the user's first event ─▶ replay without the user ─▶ candidate ─▶ rollback to the candidate, which
//   learns what came meanwhile ─▶ a version of the new head ─▶ versions that knew the user deleted ─▶ log emptied
//
// The log tells what there is to do until all else is done, so a command that was cut short is given again. From the
// rollback on no other may come between, and no copy of the head from before it becomes a version (`Keeper.create`). No
// record names the user.

internal import Configuration
internal import EventLog
internal import Features
internal import Learning
internal import Logging
internal import Primitives
internal import Versions
internal import Wire

struct Forgetting: Sendable {
  /// The log's events of the user, and what they reach.
  struct Plan: Sendable {
    var events: UInt64 = 0
    /// Offset of the first.
    var first: UInt64?
    /// All records below are looked at; what the user does later is new.
    var end: UInt64
    /// Nil: the replay begins with nothing.
    var base: VersionRecord?
    /// Offset of the last rollback that the replay takes into account.
    var lastRollback: UInt64?
  }

  let service: VersionService
  let user: String
  let author: Author
  let reason: String
  let progress: ReplayProgress

  private var context: ServiceContext { service.context }
  private var log: EventLog { service.log }

  // MARK: Looking

  /// - Throws: FAILED_PRECONDITION when the head cannot be learned without the user's events.
  func plan() throws(Status) -> Plan {
    let registry = service.control.registry
    var plan = Plan(end: log.endOffset, lastRollback: registry.returns.last?.offset)
    let reader = log.reader(from: log.firstOffset, durability: .received)
    do throws(LogError) {
      while reader.offset < plan.end, let batch = try reader.next() {
        for record in batch where record.offset < plan.end && concerns(record) {
          plan.events += 1
          plan.first = plan.first ?? record.offset
        }
      }
    } catch {
      throw Status(error)
    }
    guard let first = plan.first else {
      if knows(service.learner.publication.current.model) {
        throw cannot("the log holds none of them any more")
      }
      return plan
    }
    let lineage = try lineage(registry)
    let learnedHash = context.plan.configuration.learnedHash
    for version in lineage.versions
    where version.configurationHash == learnedHash && version.offset >= log.firstOffset {
      // What the log did not teach is asked whether it knows the user.
      let isOfLog = version.isOfHead || version.isWithoutUser
      guard try isOfLog ? version.offset > first : knows(version.id) else {
        plan.base = version
        break
      }
    }
    if log.firstOffset > EventLog.firstOffset { try checkBase(plan.base) }
    if plan.base == nil, let origin = lineage.origin {
      throw cannot(
        "it grew from \(origin), which this log did not teach, and no version since is from before them")
    }
    return plan
  }

  private func lineage(_ registry: Registry) throws(Status) -> HeadLineage {
    let rebuild = HeadRebuild(log: log, control: service.control, plan: context.plan)
    do {
      return try registry.lineage { try rebuild.record(of: $0) }
    } catch {
      throw (error as? LogError).map { Status($0) } ?? Status(.internal, "the log cannot be read: \(error)")
    }
  }

  /// The log's first records are gone: what they taught is in the oldest version, for good.
  private func checkBase(_ base: VersionRecord?) throws(Status) {
    guard let base else {
      throw cannot("the log begins at offset \(log.firstOffset), and no version is from before them")
    }
    guard try knows(base.id) else { return }
    throw cannot(
      "\(base.id), the oldest that the log reaches back to, learned from some that the log does not hold any more"
    )
  }

  private func cannot(_ reason: String) -> Status {
    Status(.failedPrecondition, "the head cannot be learned anew without the user's events: \(reason)")
  }

  private func knows(_ model: Model) -> Bool {
    model.features.userOrdinal(FeatureState.userKey(user)) != nil
  }

  private func knows(_ id: VersionID) throws(Status) -> Bool {
    knows(try service.keeper.loadModel(id))
  }

  /// Whether the record is of the user: an interaction, impressions, the attributes, or the retraction of one.
  private func concerns(_ record: LogRecord) -> Bool {
    guard record.kind == RecordKind.event, !record.isTombstone, let event = try? EventView(record.payload)
    else { return false }
    if let retracted = RetractedView(event) {
      guard let earlier = try? EventView(retracted.event) else { return false }
      return concerns(earlier)
    }
    return concerns(event)
  }

  private func concerns(_ event: EventView) -> Bool { event.user.bytes.elementsEqual(user.utf8) }

  // MARK: Forgetting

  /// Takes as long as a replay from `plan.base`.
  /// - Returns: the version of the new head, those that were deleted, and those that something holds.
  func perform(_ plan: Plan) throws(Status) -> (version: VersionID, deleted: [VersionID], held: [VersionID]) {
    let candidate = try learnAnew(plan)
    try rollBack(to: candidate, plan)
    defer { service.releaseTurn() }
    let (model, offset) = try context.copyOfHead()
    let version = try context.createVersion(of: model, offset: offset, order("the head without a user")).id
    let (deleted, held) = deleteVersions(plan, but: [candidate, version])
    do throws(LogError) {
      let end = plan.end
      _ = try log.redact(from: plan.first) { $0.offset < end && concerns($0) }
    } catch {
      throw Status(error)
    }
    context.logger.notice(
      "a user was forgotten",
      metadata: ["events": "\(plan.events)", "version": "\(version)", "deleted": "\(deleted.count)"])
    return (version, deleted, held)
  }

  private func order(_ what: String) -> VersionOrder {
    VersionOrder(author: author, reason: reason.isEmpty ? what : reason)
  }

  /// A candidate that has all that the log holds, but for the user.
  private func learnAnew(_ plan: Plan) throws(Status) -> VersionID {
    var filter = EventFilter()
    filter.users = [user]
    var model: Model
    if let base = plan.base {
      model = try service.keeper.loadModel(base.id, isShared: false)
    } else {
      do { model = try Model(context.plan) } catch {
        throw Status(.internal, "an empty model cannot be made: \(error)")
      }
    }
    let learner = RecordLearner(log: log, workspace: Workspace(context.plan, model.ensemble))
    let start = plan.base?.offset ?? EventLog.firstOffset
    let replay = Replay(
      learner, start..<max(start, plan.end),
      leavingOut: context.control.registry.exclusions.clauses(at: plan.end), forgetting: filter)
    let isDone: Bool
    do throws(LogError) { isDone = try replay.run(into: &model, progress: progress) } catch {
      throw Status(error)
    }
    guard isDone else { throw Status(.cancelled, "it was ended before it was done; nothing was changed") }
    return try context.keeper.create(
      model, offset: plan.end, as: .withoutUser, order("learned without a user")
    ).id
  }

  /// The candidate becomes the head, and learns what the log has got since. Others have to wait for `releaseTurn`.
  private func rollBack(to candidate: VersionID, _ plan: Plan) throws(Status) {
    let begun: (offset: UInt64, progress: ReplayProgress)
    do throws(Status) {
      begun = try service.beginRollback(
        Rollback(to: candidate, replays: true), order("forgotten"), holdsTurn: true,
        if: { (registry: Registry) throws(Status) in
          guard registry.returns.last?.offset != plan.lastRollback else { return }
          throw Status(
            .aborted,
            "a rollback came while the head was learned anew; nothing was changed, give the command again")
        })
    } catch {
      // Nobody needs it.
      _ = try? context.commit(
        ControlRecord(author: author, reason: order("not needed").reason, command: .delete(candidate)))
      context.keeper.clear()
      throw error
    }
    do throws(Status) {
      try waitForRollback(at: begun.offset)
    } catch {
      service.releaseTurn()
      throw error
    }
  }

  private func waitForRollback(at offset: UInt64) throws(Status) {
    let outcome = Guarded<Status??>(nil)
    let isDone = Signal()
    context.rollbacks.whenDone(offset) { error in
      outcome.withLock { $0 = .some(error) }
      isDone.raise()
    }
    while true {
      let seen = isDone.count
      if let outcome = outcome.withLock({ $0 }) {
        if let failure = outcome { throw failure }
        return
      }
      if let failure = service.learner.status.failure {
        throw Status(.failedPrecondition, "learning stands still: \(failure)")
      }
      isDone.wait(after: seen, nanos: 200_000_000)
    }
  }

  private func deleteVersions(
    _ plan: Plan, but kept: [VersionID]
  ) -> (deleted: [VersionID], held: [VersionID]) {
    guard let first = plan.first else { return ([], []) }
    var (deleted, held): ([VersionID], [VersionID]) = ([], [])
    for entry in service.control.registry.entries where !kept.contains(entry.record.id) {
      let id = entry.record.id
      // What came from elsewhere is asked whether it knows the user.
      guard entry.record.isImported ? (try? knows(id)) ?? true : entry.record.offset > first else { continue }
      let record = ControlRecord(author: author, reason: order("forgotten").reason, command: .delete(id))
      if (try? context.commit(record)) != nil { deleted.append(id) } else { held.append(id) }
    }
    context.keeper.clear()
    return (deleted, held)
  }
}
