// The daemon's life: recover, listen, say ready; drain, keep a version, stop. Each step in the order in which it
// must happen.
//
//   configuration ─▶ lock ─▶ log ─▶ registry ─▶ newest sound version ─▶ replay ─▶ learner ─▶ socket ─▶ READY
//   STOPPING ─▶ drain calls ─▶ policies ─▶ learner ─▶ version ─▶ workers ─▶ log

package import Configuration
package import EventLog
internal import Features
internal import Glibc
internal import Learning
internal import Logging
internal import Primitives
internal import Synchronization
package import Transport
internal import Versions
package import Wire

package struct DaemonOptions {
  package var configuration: Configuration
  /// Reads the configuration again, for SIGHUP; throws what is wrong with it.
  package var reload: @Sendable () throws -> Configuration
  /// Sockets that somebody else made; none: the configuration's is made.
  package var listeners: [Listener] = []
  /// Learn the log anew where the versions were made with another configuration.
  package var mayRebuild = false
  /// Where versions and the registry's checkpoint are kept.
  package var files: any FileSystem = PosixFileSystem()
  /// Where the log is kept.
  package var logFiles: any FileSystem = PosixFileSystem()

  package init(
    _ configuration: Configuration, reload: @escaping @Sendable () throws -> Configuration
  ) {
    self.configuration = configuration
    self.reload = reload
  }
}

package final class Daemon: Sendable {
  package static let version = "0.1.0"

  package let context: ServiceContext
  private let server: Server
  private let ingest: IngestService
  private let delegate: HeadDelegate
  private let policies: Policies
  private let endpoint: MetricsEndpoint?
  private let style: MessageStyle
  private let readAgain: @Sendable () throws -> Configuration
  private let isStopped = OnceFlag()

  // MARK: Start

  /// Serves when it returns.
  /// - Throws: why not, with what to do; the data are as they were.
  package init(_ options: DaemonOptions) throws(Status) {
    let configuration = options.configuration
    style = MessageStyle(configuration.logging)
    let logger = style.logger()
    readAgain = options.reload
    let plan = FeaturePlan(configuration)
    let (log, control, keeper) = try Self.open(configuration, plan, options, logger)

    let rebuild = HeadRebuild(log: log, control: control, plan: plan)
    delegate = HeadDelegate(keeper: keeper, rebuild: rebuild, logger: logger)
    let learner: Learner
    do throws(Status) {
      learner = try Self.recover(
        log, control, keeper, plan, delegate, logger, mayRebuild: options.mayRebuild)
    } catch {
      log.close()
      throw error
    }

    context = ServiceContext(
      log: log, control: control, keeper: keeper, learner: learner, plan: plan, file: configuration,
      workers: Workers(count: 2, name: "worker"),
      longWorkers: Workers(count: 1, name: "long worker"),
      health: HealthState(Self.healthOfAll), logger: logger)
    delegate.goLive(context)
    delegate.events.store(learner.model.counters.events, ordering: .relaxed)
    delegate.eventsAtVersion.store(learner.model.counters.events, ordering: .relaxed)
    ingest = IngestService(
      log: log, workers: context.workers, rules: IngestRules(context.configuration), tally: context.tally)
    policies = Policies(context, delegate) { [ingest] in ingest.refuseAll($0) }

    do throws(Status) {
      let listeners =
        try options.listeners.isEmpty ? [Self.listener(configuration.server)] : options.listeners
      server = try Server(
        Self.registry(context, ingest), listeners: listeners,
        permissions: try Permissions.table(configuration.server), options: Self.options(configuration))
      endpoint = try MetricsEndpoint(configuration.server.metricsAddress, context)
    } catch {
      context.workers.stop()
      context.versionWorkers.stop()
      context.longWorkers.stop()
      context.transfers.stop()
      log.close()
      throw error
    }
    context.onApply { [unowned self] in putInForce($0) }
    _ = log.onAdvance(.written) { [lag = context.lag] in lag.note(end: $0) }
    learner.start()
    policies.start()
    context.health.setAll(.serving)
    Systemd.notify("READY=1\nSTATUS=serving")
    logger.notice(
      "serving",
      metadata: [
        "version": "\(Self.version)", "socket": "\(configuration.server.socket)",
        "offset": "\(learner.offset)", "pid": "\(getpid())",
      ])
  }

  private static func open(
    _ configuration: Configuration, _ plan: FeaturePlan, _ options: DaemonOptions, _ logger: Logger
  ) throws(Status) -> (EventLog, ControlPlane, Keeper) {
    try makeDirectory(configuration.data)
    let log: EventLog
    do throws(LogError) {
      log = try EventLog.open(
        directory: configuration.data + "/log", options: LogOptions(configuration),
        fileSystem: options.logFiles)
    } catch {
      throw Status(error)
    }
    if let cut = log.recovery.cut {
      logger.notice(
        "a torn end of the log was cut",
        metadata: ["file": "\(cut.file)", "bytes": "\(cut.bytes)", "offset": "\(cut.offset)"])
    }
    for note in log.recovery.notes { logger.notice("log: \(note)") }
    do {
      let control = try ControlPlane(
        log: log, directory: configuration.data, learnedHash: plan.configuration.learnedHash,
        files: options.files)
      let store = try VersionStore(
        directory: configuration.data + "/versions", plan: plan, files: options.files)
      let keeper = Keeper(
        store: store, control: control, log: log, fullEvery: configuration.versions.fullEvery,
        residentLimit: configuration.versions.inMemory,
        report: { [logger] in logger.warning("\($0)") })
      return (log, control, keeper)
    } catch let error as Status {
      log.close()
      throw error
    } catch {
      log.close()
      throw Status(.dataLoss, "\(configuration.data) cannot be opened: \(error)")
    }
  }

  private static func recover(
    _ log: EventLog, _ control: ControlPlane, _ keeper: Keeper, _ plan: FeaturePlan,
    _ delegate: HeadDelegate, _ logger: Logger, mayRebuild: Bool
  ) throws(Status) -> Learner {
    let recovery = Recovery(
      log: log, control: control, keeper: keeper, plan: plan, logger: logger, mayRebuild: mayRebuild)
    let (model, offset) = try recovery.start()
    // The learner alone has it, so that recovery copies no page.
    let learner = Learner(
      log: log, model: consume model, offset: offset, isRecovering: true, delegate: delegate)
    let registry = control.registry
    let end = min(log.endOffset, registry.pausedAt ?? .max)
    Systemd.notify("STATUS=replaying the log")
    learner.recover(to: end)
    if let failure = learner.status.failure {
      throw Status(.dataLoss, "the log cannot be replayed: \(failure)")
    }
    if let offset = registry.pausedAt { learner.pause(at: offset) }
    keeper.follow(learner.publication)
    keeper.publishServing()
    for arm in keeper.serving.current.arms {
      if case .head = arm.target { continue }
      guard arm.revision == nil else { continue }
      logger.error(
        "what is served cannot be loaded; the head answers instead, and says so in `degraded`",
        metadata: [
          "served": "\(arm.target)",
          "next": "cowbird version list, then cowbird version switch to a version that is sound, or to head",
        ])
    }
    keeper.clear()
    logger.info(
      "recovered",
      metadata: [
        "from": "\(offset)", "to": "\(end)",
        "seconds": "\(Double(learner.recoveryNanos / 1_000_000) / 1000)",
      ])
    return learner
  }

  private static func registry(_ context: ServiceContext, _ ingest: IngestService) -> ServiceRegistry {
    var registry = ServiceRegistry()
    registry.addHealth(context.health)
    registry.addEcho()
    ingest.register(in: &registry)
    PredictService(context).register(in: &registry)
    UpdateService(context).register(in: &registry)
    VersionService(context).register(in: &registry)
    return registry
  }

  private static var healthOfAll: [String: HealthState.Serving] {
    var states: [String: HealthState.Serving] = [:]
    for name in ["", "cowbird.v1.Ingest", "cowbird.v1.Predict", "cowbird.v1.Update", "cowbird.v1.Version"] {
      states[name] = .notServing(reason: "starting")
    }
    return states
  }

  // MARK: Reload

  /// Reads the configuration again and puts in force what can be without a restart; says what cannot, and why.
  package func reload() {
    let logger = context.logger
    let new: Configuration
    do {
      new = try readAgain()
    } catch {
      logger.error(
        "the configuration cannot be loaded again; the old one stays", metadata: ["error": "\(error)"])
      return
    }
    let changes = context.file.withLock { $0 }.changes(to: new)
    var accepted = context.file.withLock { $0 }
    for change in changes {
      switch change.effect {
      case .live: logger.notice("setting changed", metadata: ["setting": "\(change.path)"])
      case .restart:
        logger.warning("setting needs a restart", metadata: ["setting": "\(change.path)"])
      case .learning:
        logger.warning(
          "setting is changed by `cowbird update configure`, so that the log knows from when on it holds",
          metadata: ["setting": "\(change.path)"])
      case .model:
        logger.warning(
          "setting changes what is learned: restart with --rebuild, or with another data directory",
          metadata: ["setting": "\(change.path)"])
      }
    }
    accepted = accepted.takingOperation(from: new)
    context.file.withLock { $0 = accepted }
    context.applyFile()
    let model = accepted
    context.learner.perform { $0.reload(model) }
  }

  private func putInForce(_ configuration: Configuration) {
    style.current = configuration.logging
    ingest.rules = IngestRules(configuration)
    context.log.setRetention(LogRetention(configuration.log))
    policies.changed()
    do throws(Status) {
      server.permissions.current = try Permissions.table(configuration.server)
    } catch {
      context.logger.error("permissions stay as they were", metadata: ["error": "\(error.message)"])
    }
  }

  // MARK: Stop

  package var stopTimeoutNanos: UInt64 { UInt64(context.configuration.server.stopTimeout) }

  /// Stops within `server.stop_timeout`: answers what was asked, makes a version if something was learned, closes
  /// the log.
  package func stop() {
    guard isStopped.take() else { return }
    let logger = context.logger
    let timeout = UInt64(context.configuration.server.stopTimeout)
    let end = MonotonicClock.nanos() &+ timeout
    logger.notice("stopping")
    Systemd.notify("STOPPING=1")
    context.health.setAll(.notServing(reason: "stopping"))
    policies.stop()
    endpoint?.stop()
    context.cancelRuns()
    let cut = server.stop(within: min(UInt64(context.configuration.server.drainTimeout), timeout / 2))
    if cut > 0 { logger.warning("connections cut", metadata: ["connections": "\(cut)"]) }
    context.learner.stop(after: context.log.endOffset, within: timeout / 5)
    if context.configuration.versions.atStop, MonotonicClock.nanos() < end { keepVersion() }
    context.served.save(context.control.registry)
    context.workers.stop()
    context.versionWorkers.stop()
    context.longWorkers.stop()
    context.transfers.stop()
    context.log.close()
    logger.notice("stopped", metadata: ["offset": "\(context.learner.offset)"])
  }

  /// A version of the head as the learner left it, unless the newest one is the same.
  private func keepVersion() {
    // Half a rollback is no version.
    guard context.learner.status.failure == nil else { return }
    let model = context.learner.model
    if context.control.registry.heads.first?.digest == model.digest { return }
    let order = VersionOrder(author: Author(uid: getuid(), name: "cowbird"), reason: "stop")
    _ = try? context.createVersion(of: model, offset: context.learner.offset, order)
  }
}
