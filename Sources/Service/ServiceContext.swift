// What the services share: the log, the learner, the versions, and the configuration in force. Made once, when the
// daemon has recovered; lives until it has stopped.

package import Configuration
package import EventLog
package import Features
package import Learning
package import Logging
internal import Primitives
package import Transport
package import Versions
package import Wire

package final class ServiceContext: Sendable {
  package let log: EventLog
  package let control: ControlPlane
  package let keeper: Keeper
  package let learner: Learner
  package let plan: FeaturePlan
  /// For what waits: the log's answers, control records, loading. Reactors and the learner never do.
  package let workers: Workers
  /// For the commands of versions, which write and load models: requests and learning go first.
  package let versionWorkers = Workers(count: 2, name: "versions", isBackground: true)
  /// For what takes minutes: candidates, rebuilds.
  package let longWorkers: Workers
  /// For what waits for a peer that sends or reads: versions on their way in and out.
  package let transfers = Workers(count: 2, name: "transfer")
  package let health: HealthState
  package let logger: Logger
  package let tally = Tally()
  package let rollbacks = RollbackWatch()
  package let startedNanos = MonotonicClock.nanos()
  package let limits: Publication<RequestLimits>
  private let configurationInForce: Guarded<Configuration>
  private let configuredSettings: Guarded<ConfiguredSettings>
  /// One configuration is put in force at a time, so that an older one never comes after a newer.
  private let applying = Lock()
  /// The file as it was read last.
  let file: Guarded<Configuration>
  private let runs = Guarded<[ReplayProgress]>([])
  package let lag = LagMarks()
  /// How the versions and the arms do on the events that came since.
  package let served: ServedMetrics
  private let putInForce = Guarded<(@Sendable (Configuration) -> Void)?>(nil)

  package init(
    log: EventLog, control: ControlPlane, keeper: Keeper, learner: Learner, plan: FeaturePlan,
    file: Configuration, workers: Workers, longWorkers: Workers, health: HealthState, logger: Logger
  ) {
    self.log = log
    self.control = control
    self.keeper = keeper
    self.learner = learner
    self.plan = plan
    self.workers = workers
    self.longWorkers = longWorkers
    self.health = health
    self.logger = logger
    self.file = Guarded(file)
    // While learning is paused, what was configured since is not in the head.
    let settings = ConfiguredSettings(
      head: learner.model.settings, from: learner.offset,
      changes: Self.changes(in: log, from: learner.offset))
    configuredSettings = Guarded(settings)
    let configuration = Self.inForce(file, settings.all, control.registry.settings)
    learner.controls.set(configuration)
    limits = Publication(RequestLimits(configuration), offset: 0)
    served = ServedMetrics(keeper.serving, path: configuration.data + "/served")
    configurationInForce = Guarded(configuration)
    // What the head's detectors said before this process's life.
    tally.driftSignals.add(learner.model.driftPlaces.count)
  }

  /// The file's settings with what `Configure` and reloads changed.
  package var configuration: Configuration {
    get { configurationInForce.withLock { $0 } }
    set {
      configurationInForce.withLock { $0 = newValue }
      limits.publish(RequestLimits(newValue), offset: 0)
    }
  }

  /// Puts settings in force that need no restart.
  package func apply(_ configuration: Configuration) {
    self.configuration = configuration
    learner.controls.set(configuration)
    putInForce.withLock { $0 }?(configuration)
  }

  /// The file with what the head was told, and with what was configured last of all that is in force at once: that is
  /// no matter of a model, and holds whatever the head is.
  private static func inForce(
    _ file: Configuration, _ settings: [Setting], _ last: [Setting]
  ) -> Configuration {
    func adding(_ settings: [Setting], to base: Configuration) -> Configuration {
      (try? base.setting(settings.map { (path: $0.path, value: $0.value) })) ?? base
    }
    let head = adding(settings, to: file)
    return head.takingOperation(from: adding(last, to: head))
  }

  /// Puts the file in force, with what was configured.
  func applyFile() {
    applying.withLock { apply(Self.inForce(file.withLock { $0 }, configured, control.registry.settings)) }
  }

  /// Paths of what is in force because it was configured.
  package var configuredPaths: Set<String> {
    let last = Set(control.registry.settings.map(\.path))
    let live = configuration.fields.filter { $0.effect == .live && last.contains($0.path) }
    return Set(configured.map(\.path)).union(live.map(\.path))
  }

  /// What else is to be done when settings change.
  func onApply(_ body: @escaping @Sendable (Configuration) -> Void) { putInForce.withLock { $0 = body } }

  /// What `Configure` changed and is in force, in order: what the head has learned of, and what comes after it in the
  /// log.
  package var configured: [Setting] { configuredSettings.withLock { $0.all } }

  /// The record at `offset` changes settings: they are in force from now on, unless the head went back behind it.
  package func putConfiguredInForce(_ settings: [Setting], at offset: UInt64) {
    configuredSettings.withLock { $0.note(settings, at: offset) }
    applyFile()
  }

  /// The head went back: the settings are those that it has, and what was changed since.
  package func restoreSettings(of head: [Setting], from offset: UInt64) {
    let changes = Self.changes(in: log, from: offset)
    configuredSettings.withLock { $0.restore(head: head, from: offset, changes: changes) }
    applyFile()
  }

  /// What the log's records from `offset` on configure.
  private static func changes(in log: EventLog, from offset: UInt64) -> [ConfiguredSettings.Change] {
    var changes: [ConfiguredSettings.Change] = []
    let reader = log.reader(from: max(offset, log.firstOffset))
    // What cannot be read stops the learner, which says so.
    while let batch = try? reader.next() {
      for record in batch where record.kind == RecordKind.firstControl {
        guard let control = try? ControlRecord(decoding: Array(record.payload)) else { continue }
        if case .configure(let settings) = control.command { changes.append((record.offset, settings)) }
      }
    }
    return changes
  }

  // MARK: Commands

  /// Carries out a command and publishes what it changes for requests. Blocks; not for reactors nor the learner.
  /// - Returns: the record's offset.
  @discardableResult
  package func commit(_ record: ControlRecord) throws(Status) -> UInt64 {
    // Also where the disk failed: the command may be in force.
    defer { keeper.publishServing() }
    return try control.commit(record)
  }

  /// A whole copy of the head with its offset, handed to `body` on a worker.
  package func withHead(_ body: @escaping @Sendable (Model, UInt64) -> Void) {
    learner.perform { [versionWorkers] learner in
      let (model, offset) = (learner.model, learner.offset)
      versionWorkers.perform { body(model, offset) }
    }
  }

  /// A whole copy of the head with its offset. Blocks, for a minute at most; not for reactors nor the learner.
  /// - Throws: UNAVAILABLE while the learner is busy with a rollback, FAILED_PRECONDITION when learning stands still.
  package func copyOfHead() throws(Status) -> (Model, UInt64) {
    let head = Guarded<(Model, UInt64)?>(nil)
    let isThere = Signal()
    let seen = isThere.count
    learner.perform { learner in
      head.withLock { $0 = (learner.model, learner.offset) }
      isThere.raise()
    }
    isThere.wait(after: seen, nanos: 60_000_000_000)
    // It may be half of a replay then.
    if let failure = learner.status.failure {
      throw Status(.failedPrecondition, "learning stands still: \(failure)")
    }
    guard let copy = head.withLock({ $0 }) else {
      throw Status(.unavailable, "the learner is busy with a rollback; nothing was changed, try again later")
    }
    return copy
  }

  /// Makes a version of the head; `body` is called on a worker when it is listed, or could not be made.
  package func createVersion(
    _ order: VersionOrder, _ body: @escaping @Sendable (Result<VersionRecord, Status>) -> Void
  ) {
    withHead { [self] model, offset in
      body(Result { () throws(Status) in try createVersion(of: model, offset: offset, order) })
    }
  }

  /// Makes a version of a copy of the head, then lets the policy clear away what it need not keep. Blocks.
  package func createVersion(
    of model: Model, offset: UInt64, _ order: VersionOrder
  ) throws(Status) -> VersionRecord {
    let record: VersionRecord
    do throws(Status) {
      record = try keeper.create(model, offset: offset, order)
    } catch {
      if error.code == .aborted {
        logger.info("no version was made", metadata: ["why": "\(error.message)"])
      } else {
        tally.versionFailures.add()
        logger.error("no version was made", metadata: ["error": "\(error)"])
      }
      throw error
    }
    logger.info(
      "version made",
      metadata: ["version": "\(record.id)", "offset": "\(offset)", "bytes": "\(record.fileBytes)"])
    applyRetention()
    served.save(control.registry)
    return record
  }

  /// Clears away versions, and the log's segments, that the policies let go. Blocks.
  package func applyRetention() {
    let deleted = keeper.retain(RetentionPolicy(configuration.versions, nowNanos: WallClock.nanos()))
    if !deleted.isEmpty {
      logger.info(
        "versions deleted", metadata: ["versions": "\(deleted.map(\.description).joined(separator: " "))"])
    }
    do {
      let report = try log.applyRetention()
      if report.segmentsDeleted > 0 {
        logger.info("log segments deleted", metadata: ["segments": "\(report.segmentsDeleted)"])
      }
    } catch {
      logger.warning("the log's retention failed", metadata: ["error": "\(error)"])
    }
  }
}

// MARK: Long work

extension ServiceContext {
  /// Remembers a replay on a worker, so that a stop can end it.
  package func addRun(_ progress: ReplayProgress) { runs.withLock { $0.append(progress) } }
  package func removeRun(_ progress: ReplayProgress) { runs.withLock { $0.removeAll { $0 === progress } } }
  package func cancelRuns() { for run in runs.withLock({ $0 }) { run.cancel() } }
}

/// Who waits for a rollback's end.
package final class RollbackWatch: Sendable {
  private struct State: Sendable {
    var done: [(offset: UInt64, error: Status?)] = []
    var waiters: [(offset: UInt64, body: @Sendable (Status?) -> Void)] = []
  }

  private let state = Guarded(State())

  /// Calls `body` once, when the rollback whose record stands at `offset` is carried out (nil) or has failed (why).
  package func whenDone(_ offset: UInt64, _ body: @escaping @Sendable (Status?) -> Void) {
    let past: (offset: UInt64, error: Status?)? = state.withLock { state in
      if let past = state.done.last(where: { $0.offset == offset }) { return past }
      state.waiters.append((offset, body))
      return nil
    }
    if let past { body(past.error) }
  }

  /// Whether the rollback was carried out or has failed, in this process's life.
  func hasEnded(_ offset: UInt64) -> Bool { state.withLock { $0.done.contains { $0.offset == offset } } }

  func finish(_ offset: UInt64, error: Status?) {
    let due = state.withLock { state in
      state.done.append((offset, error))
      if state.done.count > 64 { state.done.removeFirst() }
      defer { state.waiters.removeAll { $0.offset == offset } }
      return state.waiters.filter { $0.offset == offset }
    }
    for waiter in due { waiter.body(error) }
  }
}
