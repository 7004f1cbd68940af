// Group commit: one fdatasync for everything written before it began, then the answers.
//
// One sync at a time: Linux reports a failed write-back once per open file, so of two syncs at the same moment
// one could be told that all is well. After a failure the pages may be gone although a second sync succeeds
// (PostgreSQL's "fsyncgate"): the segment is never synced again but replaced (see Replacement).

internal import Primitives

extension EventLog {
  func runSyncer() {
    while true {
      stateLock.lock()
      while !state.needsSync(options) && !state.isWriterGone {
        if state.unsynced.isEmpty || state.isSuspect {
          mustSync.wait(stateLock)
        } else {
          let deadline = state.oldestUnsyncedNanos + options.syncAfterNanos
          if MonotonicClock.nanos() >= deadline { break }
          _ = mustSync.wait(stateLock, untilNanos: deadline)
        }
      }
      let isDone = state.isWriterGone
      stateLock.unlock()
      if isDone { return }
      try? syncNow()
    }
  }

  /// Syncs all that is written. Throws what makes the segment suspect.
  func syncNow() throws(LogError) {
    syncTurn.lock()
    var answers: [Submission] = []
    let result = Result { () throws(LogError) in answers = try syncInTurn() }
    syncTurn.unlock()
    for submission in answers { submission.completion(.success(submission.receipt)) }
    try result.get()
  }

  private func syncInTurn() throws(LogError) -> [Submission] {
    let (file, end, position, failure) = withState {
      ($0.active.file, $0.writtenEnd, $0.writtenPosition, $0.isSuspect ? $0.failure : nil)
    }
    if let failure { throw failure }
    guard let file else { return [] }
    if withState({ $0.durableEnd < end }) {
      let isLinked: Bool
      do throws(FileError) {
        try file.sync()
        isLinked = try file.isLinked()
      } catch {
        let failure = LogError(error, doing: "cannot sync the log")
        suspect(failure)
        throw failure
      }
      guard isLinked else {
        let failure = LogError(
          .unavailable,
          "the log's file was deleted while it was in use; put the directory back and start again",
          file: file.path, offset: end)
        suspect(failure, isLost: true)
        throw failure
      }
    }
    return publishDurable(end: end, position: position)
  }

  /// Moves the durable end and takes out the waiters that it answers.
  func publishDurable(end: UInt64, position: Int) -> [Submission] {
    let (answers, hooks) = withState { state in
      if state.durableEnd < end { state.syncs += 1 }
      state.durableEnd = max(state.durableEnd, end)
      state.durablePosition = max(state.durablePosition, position)
      let synced = state.unsynced.prefix { $0.endOffset <= end }
      state.unsyncedBytes -= synced.reduce(0) { $0 + $1.acceptedBytes }
      state.unsynced.removeFirst(synced.count)
      state.oldestUnsyncedNanos = MonotonicClock.nanos()
      let answered = state.waiters.prefix { $0.target <= end }.map(\.submission)
      state.waiters.removeFirst(answered.count)
      return (answered, state.hooks.filter { $0.durability == .durable })
    }
    tailMoved.broadcast()
    for hook in hooks { hook.call(end) }
    return answers
  }
}
