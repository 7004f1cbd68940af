// How a rollback begins, whoever asks for one: found sound, logged, and put before what the learner would learn next.

internal import Learning
internal import Primitives
internal import Versions
internal import Wire

extension VersionService {
  /// Returns when the rollback's record is in the log; the learner carries it out.
  /// - Parameter whenSound: called when the version was loaded, and nothing is changed yet.
  /// - Throws: FAILED_PRECONDITION while another one is carried out, or learning stands still; what the loading and the
  ///   registry refuse.
  func beginRollback(
    _ rollback: Rollback, _ order: VersionOrder, whenSound: () -> Void = {}
  ) throws(Status) -> (offset: UInt64, progress: ReplayProgress) {
    let result = rollbackTurn.withLock { last in
      Result { () throws(Status) -> (UInt64, ReplayProgress) in
        let status = learner.status
        if let failure = status.failure {
          throw Status(.failedPrecondition, "learning stands still: \(failure)")
        }
        if let last, !context.rollbacks.hasEnded(last) {
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
            ControlRecord(author: order.author, reason: order.reason, command: .rollback(rollback)))
          last = offset
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
}
