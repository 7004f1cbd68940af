// The writer thread: takes what is queued, decides, writes, answers. The only place where offsets are given.

internal import CSystem
internal import Primitives

extension EventLog {
  /// Time between attempts to replace a suspect segment that nobody waits for.
  private static var retryNanos: UInt64 { 200_000_000 }
  /// For so long after an append that need not be durable, no other such append shall wait for a sync.
  private static var weakAppendNanos: UInt64 { 1_000_000_000 }

  func runWriter() {
    while true {
      stateLock.lock()
      while state.queue.isEmpty && state.commands.isEmpty && !state.isClosing {
        if state.isSuspect && !state.isLost {
          if !hasWork.wait(stateLock, untilNanos: MonotonicClock.nanos() + Self.retryNanos) { break }
        } else {
          hasWork.wait(stateLock)
        }
      }
      let isDone = state.isClosing && state.queue.isEmpty && state.commands.isEmpty
      stateLock.unlock()
      if isDone { return }
      writeQueued()
      leaveToSync()
    }
  }

  /// With nothing more to write and nobody who asked for less, the writer syncs by itself, which saves waking
  /// another thread. Otherwise the sync thread does, and the writer goes on.
  private func leaveToSync() {
    let isIdle = withState { state in
      state.needsSync(options) && state.queue.isEmpty && state.commands.isEmpty
        && MonotonicClock.nanos() - state.lastWeakAppendNanos > Self.weakAppendNanos
    }
    if isIdle {
      try? syncNow()
    } else {
      mustSync.broadcast()
    }
  }

  /// All that the threads would do for what is queued now (for tests, which have no threads).
  func step() {
    writeQueued()
    if withState({ $0.needsSync(options) || $0.isClosing }) { try? syncNow() }
  }

  /// Runs `body` on the writer thread, after all that is queued now, and waits for it.
  func onWriter<R: Sendable>(_ body: @escaping @Sendable () -> R) throws(LogError) -> R {
    guard isThreaded else {
      writeQueued()
      return body()
    }
    let answer = Answer<R>()
    stateLock.lock()
    guard !state.isClosing else {
      stateLock.unlock()
      throw LogError(.failedPrecondition, "the log is closed")
    }
    state.commands.append { answer.set(.success(body())) }
    hasWork.broadcast()
    stateLock.unlock()
    return try answer.wait()
  }

  private func writeQueued() {
    stateLock.lock()
    let queue = state.queue
    let commands = state.commands
    state.queue.removeAll()
    state.commands.removeAll()
    state.queuedBytes = 0
    let mustReplace = state.isSuspect && !state.isLost
    stateLock.unlock()

    if mustReplace { replaceActive() }
    var group: [Submission] = []
    var groupBytes = 0
    for submission in queue {
      let bytes = submission.batch.byteCount
      let isAlike =
        group.isEmpty || (group[0].durability == .received) == (submission.durability == .received)
      if !isAlike || !hasRoom(groupBytes + bytes) {
        write(group)
        group.removeAll()
        groupBytes = 0
      }
      if !hasRoom(bytes) {
        do throws(LogError) {
          try roll(forBytes: bytes)
        } catch {
          refuse(submission, error)
          continue
        }
      }
      group.append(submission)
      groupBytes += bytes
    }
    write(group)
    for command in commands { command() }
  }

  private func hasRoom(_ bytes: Int) -> Bool {
    withState { $0.writtenPosition + bytes <= $0.active.header.capacity }
  }

  /// Fails a submission of which nothing was written.
  private func refuse(_ submission: Submission, _ error: LogError) {
    admission.refuse(submission.batch)
    submission.completion(.failure(error))
  }

  /// The submissions of a group without those that stand behind records that were refused.
  private func contiguous(_ group: [Submission]) -> [Submission] {
    group.filter { submission in
      guard let wanted = admission.missing(before: submission.batch) else { return true }
      let error = LogError(
        .failedPrecondition,
        "the records of producer \"\(submission.batch.producer)\" from sequence \(wanted) on could not be written; "
          + "send them again first")
      submission.completion(.failure(error))
      return false
    }
  }

  private func write(_ group: [Submission]) {
    let group = contiguous(group)
    guard !group.isEmpty else { return }
    waitForRoomToSync()
    let (durableEnd, active, position, refusal) = withState {
      ($0.durableEnd, $0.active, $0.writtenPosition, $0.isSuspect ? $0.failure : nil)
    }
    guard refusal == nil, let file = active.file else {
      let error = refusal ?? LogError(.failedPrecondition, "the log is closed")
      for submission in group { refuse(submission, error) }
      return
    }
    let firstOffset = nextOffset
    let nowNanos = options.clock()
    var targets: [UInt64] = []
    for submission in group {
      admission.decide(submission, next: nextOffset, durableEnd: durableEnd, nowNanos: nowNanos)
      nextOffset = submission.endOffset
      targets.append(nextOffset)
    }
    let isReceived = group[0].durability == .received
    if isReceived {
      // Answered from memory; from here on the records are kept until they are synced, whatever happens.
      admission.commit()
      publishReceived(group)
      for submission in group { submission.completion(.success(submission.receipt)) }
    }
    do throws(FileError) {
      try file.writeAll(group.flatMap(\.buffers), at: position)
    } catch {
      let failure = LogError(error, doing: "cannot write to the log")
      if isReceived {
        suspect(failure)
      } else {
        admission.discard()
        nextOffset = firstOffset
        refuse(group, failure, eraseFrom: position, file: file)
      }
      return
    }
    if !isReceived { admission.commit() }
    publishWritten(group, targets)
    // A sync that failed meanwhile for good answers nobody any more.
    if let failure = withState({ $0.isLost ? $0.failure : nil }) { suspect(failure) }
    if !isReceived {
      for submission in group where submission.durability == .written {
        submission.completion(.success(submission.receipt))
      }
    }
  }

  /// Undoes a write that failed, so that what was refused does not come back at the next start.
  private func refuse(
    _ group: [Submission], _ failure: LogError, eraseFrom position: Int, file: any LogFile
  ) {
    var failure = failure
    do throws(FileError) {
      // Only what was written is erased: on a full disk, zeros may have no room where nothing stands.
      var reached = [UInt8](repeating: 0, count: group.reduce(0) { $0 + $1.acceptedBytes })
      let got = reached.withUnsafeMutableBytes { raw in
        Result { () throws(FileError) in try file.read(into: raw, at: position) }
      }
      let written = cowbird_used_bytes(reached, try got.get())
      try file.writeAll([UInt8](repeating: 0, count: written), at: position)
      withState { $0.failure = failure }
    } catch {
      failure.outcomeIsUnknown = true
      suspect(failure)
    }
    for submission in group { refuse(submission, failure) }
  }

  /// Marks what is not yet synced as untrustworthy and fails those who wait for it.
  func suspect(_ failure: LogError, isLost: Bool = false) {
    var failure = failure
    let failed = withState { state in
      state.isSuspect = true
      state.isLost = state.isLost || isLost
      state.failure = failure
      defer { state.waiters.removeAll() }
      return state.waiters
    }
    hasWork.broadcast()
    tailMoved.broadcast()
    failure.outcomeIsUnknown = true
    for waiter in failed { waiter.submission.completion(.failure(failure)) }
  }

  private func publishReceived(_ group: [Submission]) {
    let end = nextOffset
    let hooks = withState { state in
      state.keepUnsynced(group)
      state.receivedEnd = end
      return state.hooks.filter { $0.durability == .received }
    }
    tailMoved.broadcast()
    for hook in hooks { hook.call(end) }
  }

  private func publishWritten(_ group: [Submission], _ targets: [UInt64]) {
    let end = nextOffset
    let isReceived = group[0].durability == .received
    let hooks = withState { state in
      if !isReceived { state.keepUnsynced(group) }
      let active = state.active
      for submission in group {
        submission.forEachAccepted { record in
          active.index.add(offset: record.offset, timeNanos: record.timeNanos, length: record.length)
        }
      }
      bytesSinceCheckpoint += active.index.usedBytes - state.writtenPosition
      state.writtenPosition = active.index.usedBytes
      state.receivedEnd = end
      state.writtenEnd = end
      state.producers = admission.producers.states.count
      state.eventIDs = admission.identifiers.count
      if !state.isSuspect { state.failure = nil }
      for (submission, target) in zip(group, targets) where submission.durability == .durable {
        state.waiters.append((target, submission))
      }
      if group.contains(where: { $0.durability < .durable }) {
        state.lastWeakAppendNanos = MonotonicClock.nanos()
      }
      return state.hooks.filter { $0.durability <= .written && !(isReceived && $0.durability == .received) }
    }
    tailMoved.broadcast()
    for hook in hooks { hook.call(end) }
  }

  /// Memory is bounded: when the disk cannot follow, the writer waits for it.
  private func waitForRoomToSync() {
    guard withState({ $0.unsyncedBytes > options.maxUnsyncedBytes && !$0.isSuspect }) else { return }
    try? syncNow()
  }
}

extension LogState {
  mutating func keepUnsynced(_ group: [Submission]) {
    for submission in group where submission.receipt.accepted > 0 {
      if unsynced.isEmpty { oldestUnsyncedNanos = MonotonicClock.nanos() }
      unsynced.append(submission)
      unsyncedBytes += submission.acceptedBytes
    }
  }

  /// Somebody waits for a sync, or enough bytes do.
  func needsSync(_ options: LogOptions) -> Bool {
    !isSuspect && (!waiters.isEmpty || unsyncedBytes >= options.syncAfterBytes)
  }
}
