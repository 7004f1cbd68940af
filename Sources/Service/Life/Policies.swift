// What happens by itself: versions every so often and every so many events, and the clearing away of old ones.

internal import Configuration
internal import Glibc
internal import Learning
internal import Primitives
internal import Synchronization
internal import Versions

final class Policies: Sendable {
  private let context: ServiceContext
  private let delegate: HeadDelegate
  private let isStopping = Atomic(false)
  private let thread = Mutex<PlainThread?>(nil)

  init(_ context: ServiceContext, _ delegate: HeadDelegate) {
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
    var eventsSeen = delegate.eventsAtVersion.load(ordering: .relaxed)
    var seen = delegate.versionDue.count
    while !isStopping.load(ordering: .acquiring) {
      let every = UInt64(context.configuration.versions.every)
      let now = MonotonicClock.nanos()
      // At least once a minute, for the log's retention by age.
      let left = every == 0 ? UInt64.max : every &- min(every, now &- last)
      delegate.versionDue.wait(after: seen, nanos: min(left, 60_000_000_000))
      seen = delegate.versionDue.count
      if isStopping.load(ordering: .acquiring) { return }

      let events = delegate.eventsAtVersion.load(ordering: .relaxed)
      let isDueByEvents = events != eventsSeen && delegate.everyEvents.load(ordering: .relaxed) > 0
      let isDueByTime = every > 0 && MonotonicClock.nanos() &- last >= every
      eventsSeen = events
      if isDueByEvents || isDueByTime {
        last = MonotonicClock.nanos()
        makeVersion(isDueByEvents ? "every \(context.configuration.versions.everyEvents) events" : "schedule")
      } else {
        context.applyRetention()
      }
    }
  }

  private func makeVersion(_ reason: String) {
    let newest = context.control.registry.entries.last { $0.record.isOfHead }?.record.digest
    let order = VersionOrder(author: Author(uid: getuid(), name: "cowbird"), reason: reason)
    context.withHead { [context] model, offset in
      guard model.digest != newest else { return }
      _ = try? context.createVersion(of: model, offset: offset, order)
    }
  }
}
