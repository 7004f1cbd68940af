// A second version scores the same requests on a worker; what it would have said is compared, never sent.

internal import Features
internal import Learning
internal import Primitives
internal import Synchronization
internal import Versions
internal import Wire

/// How the shadow's answers differ from those that were sent.
package struct ShadowComparison: Equatable, Sendable {
  package var target = ""
  package var requests: UInt64 = 0
  package var candidates: UInt64 = 0
  /// Requests that were left out because the workers were busy.
  package var skipped: UInt64 = 0
  package var meanDifference: Double { candidates > 0 ? sum / Double(candidates) : 0 }
  package var meanAbsoluteDifference: Double { candidates > 0 ? absolute / Double(candidates) : 0 }
  package var largestDifference = 0.0
  private var sum = 0.0
  private var absolute = 0.0

  mutating func add(_ served: Float, _ shadow: Float) {
    let difference = Double(shadow) - Double(served)
    candidates += 1
    sum += difference
    absolute += abs(difference)
    largestDifference = max(largestDifference, abs(difference))
  }
}

package final class ShadowScorer: Sendable {
  private static let waiting = 256

  private let context: ServiceContext
  private let readers: PerThread<PredictReader>
  private let comparison = Guarded(ShadowComparison())
  private let inFlight = Atomic(0)

  init(_ context: ServiceContext) {
    self.context = context
    readers = PerThread { PredictReader(context) }
  }

  package var current: ShadowComparison { comparison.withLock { $0 } }

  /// Hands a request that was answered to a worker.
  func compare(
    _ request: PredictRequestView, _ source: Source, _ shadow: Serving.Arm, _ nanos: Int64,
    _ reader: PredictReader
  ) {
    let target = shadow.target.description
    let revision: Revision?
    if case .head = shadow.target { revision = reader.head } else { revision = shadow.revision }
    guard let revision, inFlight.load(ordering: .relaxed) < Self.waiting else {
      comparison.withLock { $0.skipped += 1 }
      return
    }
    inFlight.wrappingAdd(1, ordering: .relaxed)
    let bytes = request.copy
    let served = Array(UnsafeBufferPointer(start: reader.scores, count: request.candidateCount))
    context.workers.perform { [self] in
      defer { inFlight.wrappingSubtract(1, ordering: .relaxed) }
      score(bytes, served, revision, target, nanos)
    }
  }

  private func score(
    _ bytes: [UInt8], _ served: [Float], _ revision: Revision, _ target: String, _ nanos: Int64
  ) {
    let reader = readers.value
    reader.reserve(served.count)
    let isScored = bytes.withUnsafeBytes { bytes in
      guard let request = try? PredictRequestView(bytes, .score) else { return false }
      let user = revision.model.plan.userKey(request.user)
      return (try? CandidateScorer.fill(reader.scores, request, user, revision.model, nanos, reader)) != nil
    }
    guard isScored else { return }
    context.tally.shadowScores.add(UInt64(served.count))
    comparison.withLock { comparison in
      if comparison.target != target { comparison = ShadowComparison() }
      comparison.target = target
      comparison.requests += 1
      for (index, score) in served.enumerated() { comparison.add(score, reader.scores[index]) }
    }
  }
}
