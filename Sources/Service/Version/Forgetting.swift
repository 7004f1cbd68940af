// Forgetting a user: the head is learned anew without the user's events, in the background, the log's records of them
// are emptied, and the versions that learned from them are deleted.
//
//   version before the user's first event ─▶ replay without the user ─▶ candidate ─▶ log emptied ─▶ rollback to the
//   candidate, which learns what came meanwhile ─▶ a version of the new head ─▶ versions that knew the user deleted
//
// Every step may be done again, so a command that was cut short is given again. No record names the user.

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
  }

  let service: VersionService
  let user: String
  let author: Author
  let reason: String
  let progress: ReplayProgress

  private var context: ServiceContext { service.context }
  private var log: EventLog { service.log }

  // MARK: Looking

  /// - Throws: FAILED_PRECONDITION when the log does not reach back to where the user came.
  func plan() throws(Status) -> Plan {
    var plan = Plan(end: log.endOffset)
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
    guard let first = plan.first else { return plan }
    let learnedHash = context.plan.configuration.learnedHash
    plan.base =
      service.control.registry.heads.first {
        $0.configurationHash == learnedHash && $0.offset <= first && $0.offset >= log.firstOffset
      }
    if log.firstOffset > EventLog.firstOffset { try checkBase(plan.base) }
    return plan
  }

  /// The log's first records are gone: what they taught is in the oldest version, for good.
  private func checkBase(_ base: VersionRecord?) throws(Status) {
    guard let base else {
      throw Status(
        .failedPrecondition,
        "the log begins at offset \(log.firstOffset), and no version is from before the user's events: the head cannot "
          + "be learned anew without them")
    }
    guard try knows(base.id) else { return }
    throw Status(
      .failedPrecondition,
      "\(base.id), the oldest that the log reaches back to, learned from events of the user that the log does not hold "
        + "any more: the head cannot be learned anew without them")
  }

  private func knows(_ id: VersionID) throws(Status) -> Bool {
    try service.keeper.loadModel(id).features.userOrdinal(FeatureState.userKey(user)) != nil
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
    do throws(LogError) {
      let end = plan.end
      _ = try log.redact(from: plan.first) { $0.offset < end && concerns($0) }
    } catch {
      throw Status(error)
    }
    try rollBack(to: candidate)
    let (model, offset) = try context.copyOfHead()
    let version = try context.createVersion(of: model, offset: offset, order("the head without a user")).id
    let (deleted, held) = deleteVersions(plan, but: [candidate, version])
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
      model, offset: plan.end, isOfHead: false, order("learned without a user")
    ).id
  }

  /// The candidate becomes the head, and learns what the log has got since.
  private func rollBack(to candidate: VersionID) throws(Status) {
    let rollback = Rollback(to: candidate, replays: true)
    let begun = try service.beginRollback(rollback, order("forgotten"))
    let failure = Guarded<Status?>(nil)
    let isDone = Signal()
    let seen = isDone.count
    context.rollbacks.whenDone(begun.offset) { error in
      failure.withLock { $0 = error }
      isDone.raise()
    }
    isDone.wait(after: seen)
    if let failure = failure.withLock({ $0 }) { throw failure }
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
