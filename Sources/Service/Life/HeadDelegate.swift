// What the learner asks of those who keep versions, and tells to those who wait and watch.

internal import EventLog
internal import Features
internal import Glibc
internal import Learning
internal import Logging
internal import Primitives
internal import Synchronization
internal import Versions
internal import Wire

final class HeadDelegate: LearnerDelegate {
  private let keeper: Keeper
  private let rebuild: HeadRebuild
  private let logger: Logger
  private let context = Guarded<ServiceContext?>(nil)
  /// What the rollback that is being carried out goes back to, if its file is the next version's parent.
  private let base = Guarded<VersionRecord?>(nil)
  /// Events in the head, and the offset that it stands at.
  let events = Atomic<UInt64>(0)
  /// Raised when so many events came that a version is due.
  let versionDue = Signal()
  let everyEvents = Atomic<UInt64>(0)
  let eventsAtVersion = Atomic<UInt64>(0)

  init(keeper: Keeper, rebuild: HeadRebuild, logger: Logger) {
    self.keeper = keeper
    self.rebuild = rebuild
    self.logger = logger
  }

  /// Recovery is over: what happens from now on is news.
  func goLive(_ context: ServiceContext) { self.context.withLock { $0 = context } }

  func model(of version: VersionID) throws -> (model: Model, offset: UInt64) {
    base.withLock { $0 = nil }
    guard let entry = keeper.control.registry[version] else { return try rebuild.model(of: version) }
    do {
      let model = try keeper.takeModel(version)
      base.withLock { $0 = entry.record }
      return (model, entry.record.offset)
    } catch {
      logger.warning(
        "a version cannot be loaded; it is learned anew from the log",
        metadata: ["version": "\(version)", "error": "\(error)"])
      return try rebuild.model(of: version)
    }
  }

  var exclusions: [Exclusion] { keeper.control.settledRegistry.exclusions }

  func isAbandoned(_ offset: UInt64) -> Bool {
    keeper.control.settledRegistry.abandoned.contains(offset)
  }

  func newestHead() throws -> (model: Model, offset: UInt64) {
    try Recovery(
      log: rebuild.log, control: keeper.control, keeper: keeper, plan: rebuild.plan, logger: logger,
      mayRebuild: true
    ).start()
  }

  func abandon(_ offset: UInt64, because reason: String) throws {
    let record = ControlRecord(
      author: Author(uid: getuid(), name: "cowbird"), reason: reason, command: .abandon(offset))
    try keeper.control.commit(record)
    // What is served is what was before.
    keeper.publishServing()
  }

  func driftDetected(_ place: DriftPlaces.Place) {
    guard let context = context.withLock({ $0 }) else { return }
    context.tally.driftSignals.add()
    logger.notice("drift", metadata: ["detector": "\(place.detector)", "offset": "\(place.offset)"])
    context.workers.perform { context.control.tell(RegistryChange(drift: place)) }
  }

  func rolledBack(at offset: UInt64, error: (any Error)?) {
    // What is learned from here on grows from it.
    if error == nil, let base = base.withLock({ $0 }) { keeper.begin(at: base) }
    guard let context = context.withLock({ $0 }) else { return }
    if let error {
      logger.error("a rollback failed", metadata: ["offset": "\(offset)", "error": "\(error)"])
    } else {
      logger.notice("rolled back", metadata: ["offset": "\(offset)"])
      // Who hears that it is over finds its settings in force.
      context.restoreSettings(of: context.learner.model.settings, from: offset + 1)
    }
    let still = context.learner.status.failure
    context.rollbacks.finish(
      offset,
      error: error.map { error in
        let status = (error as? Status) ?? (error as? LogError).map { Status($0) }
        return Status(
          status?.code ?? .internal,
          "the rollback by the record at offset \(offset) failed: \(status?.message ?? "\(error)"); "
            + (still.map { "learning stands still: \($0)" }
              ?? "head and serving are as they were before it, and learning goes on"))
      })
  }

  func learned(events: UInt64, offset: UInt64) {
    self.events.store(events, ordering: .relaxed)
    let every = everyEvents.load(ordering: .relaxed)
    guard every > 0 else { return }
    let last = eventsAtVersion.load(ordering: .relaxed)
    // After a rollback there are fewer than there were.
    guard events >= last &+ every || events < last else { return }
    eventsAtVersion.store(events, ordering: .relaxed)
    if events > last { versionDue.raise() }
  }
}
