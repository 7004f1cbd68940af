// What the daemon counts of its own work, for Metrics: relaxed atomics, one line each.

package import Primitives
internal import Synchronization

/// A number that only grows.
package final class Count: Sendable {
  private let number = Atomic<UInt64>(0)

  package init() {}

  package func add(_ amount: UInt64 = 1) { number.wrappingAdd(amount, ordering: .relaxed) }
  package var value: UInt64 { number.load(ordering: .relaxed) }
}

/// Times in powers of two from 1 us to 8 s: bounds that OpenMetrics shows as they are.
package final class LatencyHistogram: Sendable {
  /// Upper bound of bucket i is 2^i us; the last takes the rest.
  static let bucketCount = 24
  private let buckets: [Count] = (0..<bucketCount).map { _ in Count() }
  private let total = Count()

  // hot: two relaxed additions.
  package func add(nanos: UInt64) {
    let micros = nanos / 1_000
    let place = micros <= 1 ? 0 : UInt64.bitWidth - (micros - 1).leadingZeroBitCount
    buckets[min(place, Self.bucketCount - 1)].add()
    total.add(nanos)
  }

  var counts: [UInt64] { buckets.map(\.value) }
  var sumSeconds: Double { Double(total.value) / 1e9 }
}

/// Events by reason and source, since the start. For at most 1,000 sources; those that come later are counted
/// together under the name `other`.
package struct SourceCounts: Sendable {
  private static let maxSources = 1_000
  private var counts: [String: [String: UInt64]] = [:]

  mutating func add(_ reason: String, source: String) {
    let isRoom = counts[source] != nil || counts.count < Self.maxSources
    counts[isRoom ? source : "other", default: [:]][reason, default: 0] += 1
  }

  package var total: UInt64 { counts.values.reduce(0) { $0 + $1.values.reduce(0, +) } }

  /// Every count above 0, by source and then by reason.
  package var all: [(source: String, reason: String, count: UInt64)] {
    counts.sorted { $0.key < $1.key }.flatMap { source, counts in
      counts.sorted { $0.key < $1.key }.map { (source, $0.key, $0.value) }
    }
  }
}

package final class Tally: Sendable {
  package let scores = LatencyHistogram()
  package let recommendations = LatencyHistogram()
  package let explanations = LatencyHistogram()
  package let candidates = Count()
  package let degraded = Count()
  package let refusedRequests = Count()
  package let eventsAccepted = Count()
  /// By `IngestRule`.
  package let refusals = Guarded(SourceCounts())
  package let duplicates = Guarded(SourceCounts())
  package let impressions = Count()
  package let impressionsLost = Count()
  package let versionFailures = Count()
  package let driftSignals = Count()
  package let shadowScores = Count()
}
