// What the daemon counts of its own work, for Metrics: relaxed atomics, one line each.

internal import Primitives
internal import Synchronization

/// A number that only grows.
package final class Count: Sendable {
  private let number = Atomic<UInt64>(0)

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

package final class Tally: Sendable {
  package let scores = LatencyHistogram()
  package let recommendations = LatencyHistogram()
  package let explanations = LatencyHistogram()
  package let candidates = Count()
  package let degraded = Count()
  package let refusedRequests = Count()
  package let eventsAccepted = Count()
  package let eventsRefused = Count()
  package let eventsDuplicate = Count()
  package let impressions = Count()
  package let impressionsLost = Count()
  package let versionFailures = Count()
  package let driftSignals = Count()
  package let shadowScores = Count()
}
