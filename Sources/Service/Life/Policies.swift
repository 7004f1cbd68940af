// What happens by itself: versions every so often and every so many events, and the clearing away of old ones.

internal import Configuration
internal import Glibc
internal import Learning
internal import Logging
internal import Primitives
internal import Synchronization
internal import Versions
internal import Wire

final class Policies: Sendable {
  private let context: ServiceContext
  private let delegate: HeadDelegate
  private let refuse: @Sendable (Status?) -> Void
  private let isStopping = Atomic(false)
  private let wasFull = Atomic(false)
  private let thread = Guarded<PlainThread?>(nil)

  /// - Parameter refuse: refuses all events with this status; nil: takes them again.
  init(
    _ context: ServiceContext, _ delegate: HeadDelegate, refuse: @escaping @Sendable (Status?) -> Void
  ) {
    self.refuse = refuse
    self.context = context
    self.delegate = delegate
    takeOver()
  }

  func start() {
    thread.withLock { $0 = PlainThread(name: "policies") { [self] in run() } }
  }

  /// The configuration changed.
  func changed() {
    takeOver()
    delegate.versionDue.raise()
  }

  func stop() {
    isStopping.store(true, ordering: .releasing)
    delegate.versionDue.raise()
    thread.withLock { $0 }?.join()
  }

  private func takeOver() {
    delegate.everyEvents.store(UInt64(context.configuration.versions.everyEvents), ordering: .relaxed)
  }

  private func run() {
    var last = MonotonicClock.nanos()
    var lastRetention = last
    var eventsSeen = delegate.eventsAtVersion.load(ordering: .relaxed)
    var seen = delegate.versionDue.count
    while !isStopping.load(ordering: .acquiring) {
      let every = UInt64(context.configuration.versions.every)
      let now = MonotonicClock.nanos()
      // At least every five seconds, for the bound on memory and for what requests have moved on from.
      let left = every == 0 ? UInt64.max : every &- min(every, now &- last)
      delegate.versionDue.wait(after: seen, nanos: min(left, 5_000_000_000))
      seen = delegate.versionDue.count
      if isStopping.load(ordering: .acquiring) { return }

      context.learner.publication.sweep()
      context.keeper.serving.sweep()
      checkMemory()
      let events = delegate.eventsAtVersion.load(ordering: .relaxed)
      let isDueByEvents = events != eventsSeen && delegate.everyEvents.load(ordering: .relaxed) > 0
      let isDueByTime = every > 0 && MonotonicClock.nanos() &- last >= every
      eventsSeen = events
      if isDueByEvents || isDueByTime {
        last = MonotonicClock.nanos()
        makeVersion(isDueByEvents ? "every \(context.configuration.versions.everyEvents) events" : "schedule")
      }
      if MonotonicClock.nanos() &- lastRetention > 60_000_000_000 {
        // For segments that have become too old, or that nothing holds any more.
        lastRetention = MonotonicClock.nanos()
        context.applyRetention()
      }
    }
  }

  /// Refuses events while the model is larger than it may be; predictions go on.
  private func checkMemory() {
    let bytes = context.learner.status.modelBytes
    let limit = context.configuration.limits.memory
    let isFull = Int64(bytes) > limit
    guard isFull != wasFull.exchange(isFull, ordering: .relaxed) else { return }
    if isFull {
      context.logger.error(
        "the model is larger than limits.memory: events are refused",
        metadata: ["bytes": "\(bytes)", "limit": "\(limit)"])
      refuse(
        Status(
          .resourceExhausted,
          "the model has \(bytes) bytes, more than limits.memory (\(limit)) allows; raise it, or lower limits.rows"
        ))
    } else {
      context.logger.notice("events are taken again", metadata: ["bytes": "\(bytes)"])
      refuse(nil)
    }
  }

  private func makeVersion(_ reason: String) {
    let newest = context.control.registry.heads.first?.digest
    let order = VersionOrder(author: Author(uid: getuid(), name: "cowbird"), reason: reason)
    context.withHead { [context] model, offset in
      guard model.digest != newest, context.learner.status.failure == nil else { return }
      _ = try? context.createVersion(of: model, offset: offset, order)
    }
  }
}
