// How a rollback begins, whoever asks for one: found sound, logged, and put before what the learner would learn next.

internal import Learning
internal import Primitives
internal import Versions
internal import Wire

extension VersionService {
  /// Who may roll back.
  struct RollbackTurn: Sendable {
    /// Offset of the last rollback's record.
    var last: UInt64?
    /// Nobody, while versions go that know a user who is being forgotten.
    var isHeld = false
  }

  /// Returns when the rollback's record is in the log; the learner carries it out.
  /// - Parameters:
  ///   - holdsTurn: no other may follow before `releaseTurn`.
  ///   - check: a condition on the registry, asked when nothing else can change it any more.
  ///   - whenSound: called when the version was loaded, and nothing is changed yet.
  /// - Throws: FAILED_PRECONDITION while another one is carried out, or learning stands still; what the loading and the
  ///   registry refuse.
  func beginRollback(
    _ rollback: Rollback, _ order: VersionOrder, holdsTurn: Bool = false,
    if check: (Registry) throws(Status) -> Void = { (_: Registry) throws(Status) in },
    whenSound: () -> Void = {}
  ) throws(Status) -> (offset: UInt64, progress: ReplayProgress) {
    let result = rollbackTurn.withLock { turn in
      Result { () throws(Status) -> (UInt64, ReplayProgress) in
        let status = learner.status
        if let failure = status.failure {
          throw Status(.failedPrecondition, "learning stands still: \(failure)")
        }
        if turn.isHeld {
          throw Status(
            .failedPrecondition,
            "a user is being forgotten, and the versions that know the user are about to go; wait for its end"
          )
        }
        if let last = turn.last, !context.rollbacks.hasEnded(last) {
          throw Status(
            .failedPrecondition,
            "the rollback at offset \(last) is still going on; wait for its end (`cowbird version wait`)")
        }
        // Loaded and found sound before anything is changed.
        try keeper.prepareRollback(to: rollback.to)
        whenSound()
        let progress = ReplayProgress()
        learner.rebuild.withLock { $0 = progress }
        do throws(Status) {
          let offset = try control.commit(
            ControlRecord(author: order.author, reason: order.reason, command: .rollback(rollback)), if: check
          )
          turn = RollbackTurn(last: offset, isHeld: holdsTurn)
          return (offset, progress)
        } catch {
          learner.rebuild.withLock { $0 = nil }
          keeper.cancelRollback()
          throw error
        }
      }
    }
    let (offset, progress) = try result.get()
    learner.hasten(to: offset)
    // Requests go to the head, which is the old version from now on.
    keeper.publishServing()
    return (offset, progress)
  }

  /// Others may roll back again.
  func releaseTurn() { rollbackTurn.withLock { $0.isHeld = false } }
}
