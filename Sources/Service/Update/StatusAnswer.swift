// How the daemon is doing, on one screen.

package import CMessages
internal import Configuration
internal import EventLog
internal import Features
internal import Glibc
internal import Learning
internal import Models
internal import Primitives
internal import Retrieval
package import Statistics
internal import Versions
package import Wire

struct StatusAnswer {
  let bytes: [UInt8]

  init(_ context: ServiceContext) {
    let arena = MessageArena()
    let log = context.log.status
    let learner = context.learner.status
    let head = context.learner.publication.current
    let configuration = context.configuration
    var answer = Cowbird__V1__StatusResponse.empty
    answer.log_end_offset = log.endOffset
    answer.durable_offset = log.durableOffset
    answer.learned_offset = learner.learnedOffset
    answer.published_offset = learner.publishedOffset
    answer.lag_events = log.endOffset - min(log.endOffset, learner.publishedOffset)
    answer.lag_ms = context.lag.milliseconds(published: learner.publishedOffset)
    answer.events_per_second = learner.eventsPerSecond
    (answer.n_metrics, answer.metrics) = arena.messages(head.model.figures.map { $0.message(arena) })
    (answer.n_drift, answer.drift) = arena.messages(
      head.model.drift.signals.map { signal in
        var message = Cowbird__V1__DriftSignal.empty
        message.detector = arena.text(signal.detector)
        message.offset = head.model.driftPlaces.last(of: signal.detector)?.offset ?? 0
        message.time_nanos = signal.timeNanos
        message.count = signal.count
        return message
      })
    (answer.n_hygiene, answer.hygiene) = arena.messages(
      (Self.counters(head.model) + Self.leftOut(context.tally)).map { counter in
        var message = Cowbird__V1__Counter.empty
        message.name = arena.text(counter.name)
        message.source = arena.text(counter.source)
        message.value = counter.value
        return message
      })
    answer.learning_rate = configuration.learning.rate
    answer.publish_interval_nanos = UInt64(configuration.publish.every)
    answer.paused = learner.isPaused ? 1 : 0
    answer.model_bytes = UInt64(learner.modelBytes)
    answer.model_rows = UInt64(head.model.rowCount)
    answer.resident_bytes = Self.residentBytes
    answer.head = arena.message(Source(revision: head, arm: "").message(arena))
    answer.serving = arena.message(Self.serving(context, head, arena))
    answer.server_version = arena.text(Daemon.version)
    answer.uptime_seconds = Double(MonotonicClock.nanos() - context.startedNanos) / 1e9
    answer.configuration_hash = arena.text(hexadecimal(configuration.learnedHash))
    answer.log_state = arena.text(learner.failure.map { "learning stands still: \($0)" } ?? log.state)
    answer.log_bytes = UInt64(log.bytes)
    answer.quarantined = UInt64(head.model.quarantine.count)
    answer.users = UInt64(head.model.features.userCount)
    answer.items = UInt64(head.model.features.itemCount)
    bytes = Wire.bytes(&answer)
  }

  /// What a caller who names nothing, and falls into the first arm, is answered from.
  private static func serving(
    _ context: ServiceContext, _ head: Revision, _ arena: MessageArena
  ) -> Cowbird__V1__ModelReference {
    let arm = context.keeper.serving.current.arms[0]
    return Source(revision: arm.revision ?? head, arm: arm.name).message(arena)
  }

  /// What hygiene, features and the model counted.
  static func counters(_ model: Model) -> [(name: String, source: String, value: UInt64)] {
    var counters: [(name: String, source: String, value: UInt64)] = [
      ("events", "", model.counters.events), ("examples", "", model.counters.examples),
      ("quarantined", "", model.counters.quarantined), ("refused", "", model.counters.refused),
      ("ignored", "", model.counters.ignored), ("quarantine.unlisted", "", model.quarantine.unlisted),
      ("attributes.unknown", "", model.features.counters.unknownAttributes),
      ("attributes.mistyped", "", model.features.counters.mistypedAttributes),
      ("features.omitted", "", model.features.counters.omittedFeatures),
      ("records.oversized", "", model.features.counters.oversizedRecords),
    ]
    let evicted = model.features.evictions
    counters += [
      ("evicted.users", "", evicted.users), ("evicted.items", "", evicted.items),
      ("evicted.features", "", evicted.others), ("evicted.weights", "", model.ensemble.evictions),
    ]
    if let retrieval = model.retrieval?.counters {
      counters += [
        ("evicted.retrieval_users", "", retrieval.evictedUsers),
        ("evicted.retrieval_items", "", retrieval.evictedItems),
        ("evicted.retrieval_segments", "", retrieval.evictedSegments),
      ]
    }
    let shown = model.impressions
    counters += [
      ("impressions.remembered", "", shown.remembered), ("impressions.joined", "", shown.joined),
      ("impressions.joined_late", "", shown.joinedLate), ("impressions.expired", "", shown.expired),
      ("impressions.dropped", "", shown.dropped), ("impressions.unknown", "", shown.unknown),
      ("impressions.repeated", "", shown.repeated), ("impressions.refused", "", shown.refused),
    ]
    if let delayed = model.pending?.counters {
      counters += [
        ("delayed.waited", "", delayed.remembered), ("delayed.answered", "", delayed.joined),
        ("delayed.expired", "", delayed.expired), ("delayed.cut_short", "", delayed.dropped),
        ("delayed.repeated", "", delayed.repeated), ("delayed.refused", "", delayed.refused),
      ]
    }
    for count in model.hygieneCounts.all {
      counters.append(("hygiene.\(count.reason.name)", count.source, count.count))
    }
    return counters
  }

  /// What did not come into the log since the daemon's start, and so into no model: refused, or there already.
  private static func leftOut(_ tally: Tally) -> [(name: String, source: String, value: UInt64)] {
    tally.refusals.withLock { $0.all }.map { ("refused.\($0.reason)", $0.source, $0.count) }
      + tally.duplicates.withLock { $0.all }.map { ($0.reason, $0.source, $0.count) }
  }

  /// Pages of the process that are in memory, by /proc/self/statm.
  static var residentBytes: UInt64 {
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 128)
    let count = read(descriptor, &buffer, buffer.count)
    let fields = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    guard fields.count > 1, let pages = UInt64(fields[1]) else { return 0 }
    return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
  }
}

extension MetricValue {
  package func message(_ arena: MessageArena) -> Cowbird__V1__Metric {
    var message = Cowbird__V1__Metric.empty
    message.name = arena.text(name)
    message.scope = arena.text(scope.rawValue)
    message.value = value
    message.count = count
    return message
  }
}

/// 16 hexadecimal digits.
package func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
