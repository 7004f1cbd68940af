// Where commands become records: checked against the registry, logged, applied, told to those who watch. One at a
// time, so that the log's order is the registry's.

package import EventLog
package import Learning
internal import Primitives
package import Wire

/// A change of the registry, for those who watch.
package struct RegistryChange: Sendable {
  package var offset: UInt64
  package var timeNanos: Int64
  package var kind: String
  package var summary: String
  package var version: VersionID?
  package var author: Author
  package var reason: String

  package init(
    offset: UInt64, timeNanos: Int64, kind: String, summary: String, version: VersionID? = nil,
    author: Author = Author(uid: 0), reason: String = ""
  ) {
    self.offset = offset
    self.timeNanos = timeNanos
    self.kind = kind
    self.summary = summary
    self.version = version
    self.author = author
    self.reason = reason
  }
}

package final class ControlPlane: Sendable {
  private struct State: Sendable {
    var registry: Registry
    var watchers: [(id: Int, body: @Sendable (RegistryChange) -> Void)] = []
    var nextWatcher = 0
    /// All control records below are in the checkpoint on the disk.
    var checkpointOffset: UInt64
    var commandsSinceCheckpoint = 0
  }

  /// Commands after which the checkpoint is written anew, so that a start reads little of the log for them.
  private static let checkpointEvery = 64

  private let log: EventLog
  private let learnedHash: UInt64?
  private let path: String
  private let files: any FileSystem
  private let state: Guarded<State>
  /// Held through the append: the order of records is the order of changes.
  private let turn = Lock()

  /// Reads the checkpoint in `directory` and the control records that the log holds beyond it.
  /// - Parameter learnedHash: of the configuration that a start learns with; nil: whatever it is.
  /// - Throws: `Status` DATA_LOSS or FAILED_PRECONDITION, with what to do.
  package init(
    log: EventLog, directory: String, learnedHash: UInt64? = nil, files: any FileSystem = PosixFileSystem()
  ) throws {
    self.log = log
    self.learnedHash = learnedHash
    self.files = files
    path = directory + "/registry"
    var registry = try Self.readCheckpoint(path, files)
    let checkpointOffset = registry.endOffset
    let reader = log.reader(from: max(registry.endOffset, log.firstOffset))
    while let batch = try reader.next() {
      for record in batch where record.kind == RecordKind.firstControl {
        let control = try ControlRecord(decoding: Array(record.payload))
        // It was checked when it was written; what is refused now was refused then.
        do { try registry.apply(control, at: record.offset) } catch { registry.skip(record.offset) }
      }
    }
    state = Guarded(State(registry: registry, checkpointOffset: checkpointOffset))
  }

  package var registry: Registry { state.withLock { $0.registry } }

  /// What a version must be now for a start to begin with it. What lies before the pin may go at any moment.
  package var startCondition: StartCondition {
    StartCondition(
      configurationHash: learnedHash,
      firstOffset: max(log.firstOffset, log.pinned(StartCondition.pin) ?? 0))
  }

  /// The registry with every control record in it that anybody can read in the log: a record is written before it
  /// is in force, so a reader of the log asks here. Waits for the command that is being carried out, if there is one.
  package var settledRegistry: Registry { turn.withLock { registry } }

  /// Carries out a command: returns when it is on the disk and in force. Blocks; not for reactors.
  /// - Parameter check: a condition on the registry, asked when nothing else can change it any more.
  /// - Throws: NOT_FOUND, FAILED_PRECONDITION or INVALID_ARGUMENT for what the registry refuses, what `check` throws,
  ///   and what the log says when it cannot be written; nothing has changed then, unless the error says that the
  ///   command is in force.
  @discardableResult
  package func commit(
    _ record: ControlRecord,
    if check: (Registry) throws(Status) -> Void = { (_: Registry) throws(Status) in }
  ) throws(Status) -> UInt64 {
    let result = turn.withLock {
      Result { () throws(Status) in
        try check(registry)
        return try commitInTurn(record)
      }
    }
    return try result.get()
  }

  private func commitInTurn(_ record: ControlRecord) throws(Status) -> UInt64 {
    var registry = registry
    do throws(RegistryError) {
      var trial = registry
      try trial.carryOut(record, at: log.endOffset, startCondition)
    } catch {
      throw Status(error)
    }
    let now = WallClock.nanos()
    let offset: UInt64
    do throws(LogError) {
      let batch = LogBatch()
      try batch.add(kind: RecordKind.firstControl, timeNanos: now, payload: record.encoded())
      offset = try log.append(batch).firstOffset
    } catch {
      // It has an offset, and whoever reads the log may have read it: it holds, though the disk has it not yet.
      let isInForce = error.outcomeIsUnknown && (try? catchUp()) == true
      throw Status(
        Status.Code(rawValue: error.code.rawValue),
        error.description
          + (isInForce ? "; the command is in force, and is written as soon as the disk takes it" : ""))
    }
    do throws(RegistryError) {
      try registry.apply(record, at: offset)
    } catch {
      throw Status(.internal, "a command that was checked does not apply: \(error.message)")
    }
    let isCheckpointDue = state.withLock { state in
      state.registry = registry
      state.commandsSinceCheckpoint += 1
      return state.commandsSinceCheckpoint >= Self.checkpointEvery
    }
    if isCheckpointDue { save(registry) }
    tell(
      RegistryChange(
        offset: offset, timeNanos: now, kind: record.command.kind, summary: record.command.summary,
        version: record.command.version, author: record.author, reason: record.reason))
    return offset
  }

  /// Applies the control records that the log holds beyond the registry.
  /// - Returns: whether there were any.
  private func catchUp() throws -> Bool {
    var registry = registry
    let missed = try changes(from: registry.endOffset) { control, offset in
      do { try registry.apply(control, at: offset) } catch { registry.skip(offset) }
    }
    guard !missed.isEmpty else { return false }
    let caughtUp = registry
    state.withLock { state in
      state.registry = caughtUp
      state.commandsSinceCheckpoint += missed.count
    }
    for change in missed { tell(change) }
    return true
  }

  // MARK: Watching

  /// Calls `body` with each change from now on, on the thread that makes it.
  /// - Returns: a number for `unwatch`.
  package func watch(_ body: @escaping @Sendable (RegistryChange) -> Void) -> Int {
    state.withLock { state in
      state.nextWatcher += 1
      state.watchers.append((state.nextWatcher, body))
      return state.nextWatcher
    }
  }

  package func unwatch(_ id: Int) { state.withLock { $0.watchers.removeAll { $0.id == id } } }

  /// Tells the watchers of something that is no record, such as drift.
  package func tell(_ change: RegistryChange) {
    let watchers = state.withLock { $0.watchers }
    for watcher in watchers { watcher.body(change) }
  }

  /// The changes that the log holds after a record.
  /// - Throws: OUT_OF_RANGE where the log has not come to yet; `LogError` when it cannot be read.
  package func changes(after offset: UInt64) throws -> [RegistryChange] {
    guard offset < log.endOffset else {
      throw Status(
        .outOfRange, "offset \(offset): the log ends at \(log.endOffset); an offset below is needed")
    }
    return try changes(from: offset + 1)
  }

  private func changes(
    from offset: UInt64, _ body: (ControlRecord, UInt64) -> Void = { _, _ in }
  ) throws -> [RegistryChange] {
    var changes: [RegistryChange] = []
    let reader = log.reader(from: max(offset, log.firstOffset), durability: .received)
    while let batch = try reader.next() {
      for record in batch where record.kind == RecordKind.firstControl {
        let control = try ControlRecord(decoding: Array(record.payload))
        body(control, record.offset)
        changes.append(
          RegistryChange(
            offset: record.offset, timeNanos: record.timeNanos, kind: control.command.kind,
            summary: control.command.summary, version: control.command.version, author: control.author,
            reason: control.reason))
      }
    }
    return changes
  }

  // MARK: Checkpoint

  /// Writes the checkpoint if a command came since the last one. Blocks.
  /// - Returns: where the control records begin that only the log holds: it must not be cut beyond.
  package func checkpoint() -> UInt64 {
    turn.withLock {
      if state.withLock({ $0.commandsSinceCheckpoint > 0 || $0.registry.endOffset > $0.checkpointOffset }) {
        save(registry)
      }
      return state.withLock { $0.checkpointOffset }
    }
  }

  /// The registry's bytes and their digest. A checkpoint that cannot be written costs nothing but a longer read at the
  /// next start, and segments of the log that stay.
  private func save(_ registry: Registry) {
    // What the disk may yet lose must not be in it.
    guard registry.endOffset <= log.durableOffset else { return }
    do {
      try ChecksummedFile.write(registry, to: path, on: files)
    } catch {
      // The one before is still whole.
      return
    }
    state.withLock { state in
      state.checkpointOffset = registry.endOffset
      state.commandsSinceCheckpoint = 0
    }
  }

  private static func readCheckpoint(_ path: String, _ files: any FileSystem) throws -> Registry {
    do {
      return try ChecksummedFile.read(from: path, on: files) ?? Registry()
    } catch is ChecksummedFile.Damaged {
      throw damaged(path)
    }
  }

  private static func damaged(_ path: String) -> Status {
    Status(
      .dataLoss,
      "\(path) is damaged; remove it to rebuild the registry from the log, if the log still holds every control record"
    )
  }
}

extension Status {
  package init(_ error: RegistryError) {
    switch error {
    case .notFound(let text): self.init(.notFound, text)
    case .conflict(let text): self.init(.failedPrecondition, text)
    case .invalid(let text): self.init(.invalidArgument, text)
    }
  }
}
