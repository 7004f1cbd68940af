// The log: every event and every command that changes state, durable, in one order, exactly once in effect.
//
//   append ──▶ queue ──▶ writer thread: decide duplicates, give offsets, write ──▶ WRITTEN answers
//                                            │
//                                            └──▶ sync thread: one fdatasync for all written ──▶ DURABLE answers
//
//   readers ◀── segments mapped into memory, up to the end that they asked for
//
// Who may touch what: `state` under `stateLock`; `admission` and `nextOffset` by the writer thread alone; one sync
// at a time, under `syncTurn` (see Sync).

internal import Primitives

package final class EventLog: @unchecked Sendable {
  /// Offset of the first record of a new log. 0 stands for "none" in messages, so no record has it.
  package static let firstOffset: UInt64 = 1

  package let directory: String
  let options: LogOptions
  /// How much of the log is kept; may change while it is open.
  let retention: Guarded<LogRetention>
  let fileSystem: any FileSystem
  /// What a start found and did.
  package let recovery: RecoveryReport

  let stateLock = Lock()
  /// Something is queued for the writer thread.
  let hasWork = Condition()
  /// Something is to be synced.
  let mustSync = Condition()
  /// The end of the log moved, or its state changed.
  let tailMoved = Condition()
  var state: LogState

  // The writer's own.
  var admission: Admission
  var nextOffset: UInt64
  var bytesSinceCheckpoint = 0
  var checkpointer: PlainThread?
  /// Files of deleted segments that could not be removed yet.
  var givenUp: [String] = []

  let syncTurn = Lock()
  let housekeeping = Lock()
  private var lock: (any FileLock)?
  private var writer: PlainThread?
  private var syncer: PlainThread?
  let isThreaded: Bool

  /// Opens the log in a directory, or makes it: takes the lock, cuts a torn tail, reads what the checkpoint does
  /// not cover. Throws DATA_LOSS where something is damaged that `LogCheck.repair` would mend,
  /// FAILED_PRECONDITION if another process has the directory.
  package static func open(
    directory: String, options: LogOptions = LogOptions(),
    fileSystem: any FileSystem = PosixFileSystem()
  ) throws(LogError) -> EventLog {
    try open(directory: directory, options: options, fileSystem: fileSystem, isThreaded: true)
  }

  /// Without threads (for tests), nothing happens but in `step`.
  static func open(
    directory: String, options: LogOptions, fileSystem: any FileSystem, isThreaded: Bool
  ) throws(LogError) -> EventLog {
    try options.check()
    let lock = try takeLock(directory, fileSystem)
    var recovery = Recovery(directory: directory, options: options, fileSystem: fileSystem)
    let recovered = try recovery.run()
    let log = EventLog(
      directory: directory, options: options, fileSystem: fileSystem, recovered: recovered, lock: lock,
      isThreaded: isThreaded)
    if isThreaded { log.start() }
    return log
  }

  private init(
    directory: String, options: LogOptions, fileSystem: any FileSystem, recovered: Recovered,
    lock: any FileLock, isThreaded: Bool
  ) {
    self.directory = directory
    self.options = options
    retention = Guarded(options.retention)
    self.fileSystem = fileSystem
    self.lock = lock
    self.isThreaded = isThreaded
    recovery = recovered.report
    admission = recovered.admission
    nextOffset = recovered.endOffset
    state = LogState(segments: recovered.segments, endOffset: recovered.endOffset, pins: recovered.pins)
    state.producers = admission.producers.states.count
    state.eventIDs = admission.identifiers.count
  }

  private func start() {
    // The threads hold the log until `close`.
    writer = PlainThread(name: "log-writer") { self.runWriter() }
    syncer = PlainThread(name: "log-sync") { self.runSyncer() }
  }

  static func takeLock(
    _ directory: String, _ fileSystem: any FileSystem
  ) throws(LogError) -> any FileLock {
    do throws(FileError) {
      try fileSystem.makeDirectory(directory)
      if let lock = try fileSystem.lock(directory + "/lock") { return lock }
    } catch {
      throw LogError(error, doing: "cannot lock the log")
    }
    throw LogError(
      .failedPrecondition,
      "another process has the log \(directory) open; stop it, or choose another directory",
      file: directory + "/lock")
  }

  /// Gives a batch to the log and returns at once. `completion` is called once, on one of the log's threads, when
  /// the batch is as durable as asked, or has failed; it must not block. Throws, and calls nothing, if the batch
  /// cannot be queued: RESOURCE_EXHAUSTED (too much is waiting) or FAILED_PRECONDITION (the log is closed).
  package func append(
    _ batch: LogBatch, durability: Durability = .durable,
    completion: @escaping @Sendable (Result<AppendReceipt, LogError>) -> Void
  ) throws(LogError) {
    precondition(!batch.isSubmitted, "a batch is appended once")
    stateLock.lock()
    defer { stateLock.unlock() }
    guard !state.isClosing else { throw LogError(.failedPrecondition, "the log is closed") }
    guard state.queuedBytes == 0 || state.queuedBytes + batch.byteCount <= options.maxQueuedBytes else {
      throw LogError(
        .resourceExhausted,
        "\(state.queuedBytes) bytes wait to be written (bound: \(options.maxQueuedBytes)); try again later")
    }
    batch.isSubmitted = true
    state.queue.append(Submission(batch: batch, durability: durability, completion: completion))
    state.queuedBytes += batch.byteCount
    hasWork.broadcast()
  }

  /// The same, waiting for the answer.
  package func append(
    _ batch: LogBatch, durability: Durability = .durable
  ) throws(LogError) -> AppendReceipt {
    let answer = Answer<AppendReceipt>()
    try append(batch, durability: durability) { answer.set($0) }
    if !isThreaded { step() }
    return try answer.wait()
  }

  /// Highest known sequence of a producer; 0: none.
  package func highestSequence(of producer: String) throws(LogError) -> UInt64 {
    try onWriter { self.admission.producers.highest(producer) }
  }

  /// Offset of the record with this event id, if it is among the last (`eventIDWindow`).
  package func offset(ofEventID id: UnsafeRawBufferPointer) throws(LogError) -> UInt64? {
    let digest = Digest(of: id)
    return try onWriter { self.admission.identifiers.offset(of: digest) }
  }

  package var firstOffset: UInt64 { withState { $0.segments[0].firstOffset } }
  /// The offset that the next record will get.
  package var endOffset: UInt64 { withState { $0.receivedEnd } }
  /// All records before this offset are synced.
  package var durableOffset: UInt64 { withState { $0.durableEnd } }

  package var status: LogStatus {
    withState { state in
      LogStatus(
        firstOffset: state.segments[0].firstOffset, endOffset: state.receivedEnd,
        writtenOffset: state.writtenEnd, durableOffset: state.durableEnd, segments: state.segments.count,
        bytes: state.segments.reduce(0) { $0 + $1.index.usedBytes }, syncs: state.syncs,
        producers: state.producers, eventIDs: state.eventIDs, pins: state.pins, failure: state.failure,
        warning: state.warning)
    }
  }

  /// Calls `hook` with the new end whenever the end of records so durable has moved: on one of the log's
  /// threads, so it must be short and must not call the log. Good for writing to an eventfd.
  package func onAdvance(_ durability: Durability, _ hook: @escaping @Sendable (UInt64) -> Void) -> Int {
    withState { state in
      state.lastHook += 1
      state.hooks.append((state.lastHook, durability, hook))
      return state.lastHook
    }
  }

  package func removeHook(_ number: Int) {
    withState { state in state.hooks.removeAll { $0.number == number } }
  }

  /// Waits until everything queued before is written and synced. Answers may still be on their way on another thread.
  package func flush() throws(LogError) {
    let result = try onWriter { () -> Result<Void, LogError> in
      Result { () throws(LogError) in
        if let failure = self.withState({ $0.isSuspect ? $0.failure : nil }) { throw failure }
        try self.syncNow()
      }
    }
    try result.get()
  }

  /// Answers all that was queued, syncs, writes a checkpoint and lets go of the directory. Readers that wait are
  /// woken and end. Calling it again does nothing.
  package func close() {
    stateLock.lock()
    let isFirst = !state.isClosing
    state.isClosing = true
    hasWork.broadcast()
    mustSync.broadcast()
    tailMoved.broadcast()
    stateLock.unlock()
    guard isFirst else { return }
    if isThreaded { writer?.join() } else { step() }
    withState { $0.isWriterGone = true }
    mustSync.broadcast()
    if isThreaded { syncer?.join() }
    if withState({ $0.isSuspect && !$0.isLost }) { replaceActive() }
    do throws(LogError) { try syncNow() } catch { suspect(error) }
    finishHousekeeping()
    writeCheckpoint(inBackground: false)
    withState { state in
      state.isClosed = true
      state.segments[state.segments.count - 1].file = nil
    }
    tailMoved.broadcast()
    lock = nil
  }

  /// Ends the waiting of every reader that waits now: its call answers nil.
  package func wakeReaders() {
    withState { $0.wakeUps += 1 }
    tailMoved.broadcast()
  }

  func withState<R, E: Error>(_ body: (inout LogState) throws(E) -> R) throws(E) -> R {
    stateLock.lock()
    defer { stateLock.unlock() }
    return try body(&state)
  }
}

/// What a thread waits for that asked another for an answer.
final class Answer<Value: Sendable>: @unchecked Sendable {
  private let lock = Lock()
  private let given = Condition()
  private var result: Result<Value, LogError>?

  func set(_ result: Result<Value, LogError>) {
    lock.lock()
    self.result = result
    given.broadcast()
    lock.unlock()
  }

  func wait() throws(LogError) -> Value {
    lock.lock()
    defer { lock.unlock() }
    while result == nil { given.wait(lock) }
    return try result!.get()
  }
}
