// Everything that learning changes, in one value. Copying it is a snapshot; two models that came from the same
// records are equal, bit for bit, whatever happened around them.
//
//   event ─▶ hygiene ─▶ example (features as they are) ─▶ predict ─▶ score the prediction ─▶ learn ─▶ features
//
// Nothing here reads the clock, and nothing depends on log offsets: a log without the excluded events gives the
// same model as a rollback around them.

package import Configuration
package import Features
package import Models
package import Primitives
package import Retrieval
package import Statistics
package import Tables

/// How much a model has seen.
package struct ModelCounters: Equatable, Sendable {
  /// Events that changed anything: interactions, entity changes, retractions.
  package var events: UInt64 = 0
  /// Examples that were learned.
  package var examples: UInt64 = 0
  /// Events that hygiene kept from being learned.
  package var quarantined: UInt64 = 0
  /// Examples that could not be learned: a number in them was not finite.
  package var refused: UInt64 = 0
  /// Records that are no event of this configuration.
  package var ignored: UInt64 = 0
  /// Time of the newest event.
  package var eventTimeNanos: Int64 = 0

  package init() {}
}

package struct Model: Sendable {
  package let plan: FeaturePlan
  /// As it is in force: what was read from the file, and what `Configure` changed.
  package internal(set) var configuration: Configuration
  /// What `Configure` changed, in order.
  package internal(set) var settings: [Setting] = []
  package internal(set) var features: FeatureState
  package internal(set) var ensemble: Ensemble
  /// Events that wait for what may answer them; nil: no event type waits.
  package internal(set) var pending: ImpressionJoin?
  /// Impressions that wait for what comes of them; nil: none has come yet.
  package internal(set) var shown: ImpressionJoin?
  /// Nil: no retriever is on.
  package internal(set) var retrieval: RetrievalState?
  package internal(set) var metrics: MetricSet
  /// How well retrieval ranks what comes next; nil: no retriever is on, or nothing is judged.
  package internal(set) var ranking: RankingMetricSet?
  package internal(set) var drift: DriftLog
  package internal(set) var driftPlaces = DriftPlaces()
  package internal(set) var hygiene: Hygiene
  package internal(set) var hygieneCounts: HygieneCounts
  package internal(set) var quarantine: Quarantine
  /// Events that were learned with a smaller weight and entered nothing that takes in whole events: there is nothing
  /// there to take back.
  var uncounted = Quarantine()
  package var omissions = Omissions()
  package internal(set) var counters = ModelCounters()

  /// A model that has seen nothing.
  /// - Throws: `EnsemblePlanError` or `RetrievalPlanError` when the members or the retrievers do not fit together.
  package init(_ plan: FeaturePlan) throws {
    self.plan = plan
    configuration = plan.configuration
    features = FeatureState(plan)
    ensemble = Ensemble(try EnsemblePlan(plan))
    pending = ImpressionJoin(plan.configuration)
    retrieval = try RetrievalPlan(model: plan.configuration).map { RetrievalState($0) }
    metrics = Self.emptyMetrics(plan.configuration, isLogistic: ensemble.plan.objective.isLogistic)
    if retrieval != nil && plan.configuration.retrieval.judgeEvery > 0 { ranking = RankingMetricSet() }
    drift = DriftLog(isBinary: ensemble.plan.objective.isLogistic)
    hygiene = Hygiene(
      HygieneRules(plan.configuration), eventTypes: plan.configuration.events.count)
    hygieneCounts = HygieneCounts()
    quarantine = Quarantine()
  }

  static func emptyMetrics(_ configuration: Configuration, isLogistic: Bool) -> MetricSet {
    MetricSet(
      task: isLogistic ? .binary : .regression, window: configuration.learning.window,
      halfLife: -DeterministicMath.log(2) / DeterministicMath.log(configuration.learning.decay))
  }

  /// Of predictions and of rankings, before each was learned from.
  package var figures: [MetricValue] {
    metrics.values() + (ranking?.values(catalogueSize: retrieval?.itemCount ?? 0) ?? [])
  }

  /// Metrics of this model's task and windows that have seen nothing.
  package var emptyMetrics: MetricSet {
    Self.emptyMetrics(plan.configuration, isLogistic: ensemble.plan.objective.isLogistic)
  }

  /// What readers need: the same without the optimizers' state, so that the head's next writes copy less.
  package var revision: Model {
    var copy = self
    copy.ensemble = ensemble.weightsOnly()
    copy.retrieval = retrieval?.weightsOnly()
    return copy
  }

  /// Rows over all tables.
  package var rowCount: Int {
    features.rowCount + ensemble.rowCount + (retrieval.map { $0.itemCount + $0.userCount } ?? 0)
  }
  package var memory: MemoryUse {
    let both = features.memory + ensemble.memory
    var memory = both
    memory.liveBytes += (retrieval?.bytes ?? 0) + (pending?.bytes ?? 0) + (shown?.bytes ?? 0)
    return memory
  }

  /// Of everything but what speaks of offsets: the quarantine's list, that of what was not counted, the omissions and
  /// the drift's places. O(pages changed since the last call).
  package var digest: Digest {
    var digest = Digest(low: plan.configuration.learnedHash)
    digest.append(features.digest)
    digest.append(ensemble.digest)
    if let retrieval { digest.append(retrieval.digest) }
    if let pending { digest.append(pending.digest) }
    if let shown { digest.append(shown.digest) }
    var writer = ByteWriter()
    encodeSmallState(to: &writer)
    digest.append(Digest(of: writer.bytes))
    return digest
  }

  /// Metrics, detectors, hygiene and counters.
  func encodeSmallState(to writer: inout ByteWriter) {
    // First: the rest is read under the settings that it was made under.
    writer.write(settings) { $0.write($1) }
    metrics.encode(to: &writer)
    ranking?.encode(to: &writer)
    drift.encode(to: &writer)
    hygiene.encode(to: &writer)
    hygieneCounts.encode(to: &writer)
    writer.write(counters.events)
    writer.write(counters.examples)
    writer.write(counters.quarantined)
    writer.write(counters.refused)
    writer.write(counters.ignored)
    writer.write(counters.eventTimeNanos)
  }

  mutating func decodeSmallState(from reader: inout ByteReader) throws(ByteCodecError) {
    let settings = try reader.readArray(limit: 1_000_000) { reader throws(ByteCodecError) in
      try reader.read(Setting.self)
    }
    self.settings = []
    configuration = plan.configuration
    if !settings.isEmpty { configure(settings) }
    metrics = try MetricSet(from: &reader)
    if ranking != nil { ranking = try RankingMetricSet(from: &reader) }
    drift = try DriftLog(from: &reader)
    hygiene = try Hygiene(
      rules: hygiene.rules, eventTypes: plan.configuration.events.count, from: &reader)
    hygieneCounts = try HygieneCounts(from: &reader)
    counters.events = try reader.read()
    counters.examples = try reader.read()
    counters.quarantined = try reader.read()
    counters.refused = try reader.read()
    counters.ignored = try reader.read()
    counters.eventTimeNanos = try reader.read()
  }
}
