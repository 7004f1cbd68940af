// Prequential evaluation without a daemon: each event is predicted, the prediction is scored, then it is learned;
// with labels that come late, or answers from a model that is so many events old, if asked for.
//
// Source of the second: Monolith (arXiv 2209.07663), Algorithm 1.

internal import Configuration
package import Features
internal import Models
internal import Retrieval
package import Statistics
internal import Wire

package struct EvaluationOptions: Sendable {
  /// Answers come from a revision up to so many events old; 1: from the newest.
  package var publishEvery = 1
  /// A label is learned so much later than its event, by the events' time.
  package var delayNanos: Int64 = 0

  package init() {}
}

package struct Evaluation {
  /// One prediction that was scored.
  package typealias Scored = LatePrediction

  package private(set) var model: Model
  package private(set) var scored: [Scored] = []
  /// Records taken, of any kind.
  package private(set) var records: UInt64 = 0
  private let options: EvaluationOptions
  private let workspace: Workspace
  /// What answers come from, where that is not the newest.
  private var revision: Model?
  private var sinceRevision = 0
  private var late = LateLabels()
  private var clock: TimeOfOrder

  package init(_ plan: FeaturePlan, options: EvaluationOptions = EvaluationOptions()) throws {
    model = try Model(plan)
    self.options = options
    workspace = Workspace(plan, model.ensemble)
    workspace.late = []
    clock = TimeOfOrder(model.hygiene.rules)
  }

  /// Takes the bytes of one `cowbird.v1.Event`. Events that say no time are a second apart.
  /// - Throws: `WireFormatError` when the bytes are no event.
  package mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
    let event = try EventView(bytes)
    let time = clock.time(of: event)
    let offset = records
    records += 1
    while let now = clock.newestNanos, let due = late.takeNext(at: now) { try learn(due) }
    guard options.publishEvery > 1 || options.delayNanos > 0 else {
      return learn(event, bytes, timeNanos: time, offset: offset, answer: nil)
    }
    publishIfDue()
    let answer = (revision ?? model).score(event, timeNanos: time, in: workspace)?.value
    guard options.delayNanos > 0, event.kind == .interaction else {
      return learn(event, bytes, timeNanos: time, offset: offset, answer: answer)
    }
    // A time that cannot be says nothing about when its label comes.
    let due = (clock.canBe(time) ? time : clock.newestNanos ?? 0).addingReportingOverflow(options.delayNanos)
    late.insert(
      LateLabels.Label(
        dueNanos: due.overflow ? .max : due.partialValue, offset: offset, timeNanos: time,
        bytes: Array(bytes),
        answer: answer))
  }

  /// The stream is over: the labels that are still to come are learned.
  package mutating func finish() throws {
    while let due = late.takeNext(at: .max) { try learn(due) }
  }

  private mutating func publishIfDue() {
    guard options.publishEvery > 1 else { return }
    if revision == nil || sinceRevision >= options.publishEvery {
      revision = model.revision
      workspace.answering = revision
      sinceRevision = 0
    }
    sinceRevision += 1
  }

  private mutating func learn(_ due: LateLabels.Label) throws {
    try due.bytes.withUnsafeBytes { bytes in
      learn(
        try EventView(bytes), bytes, timeNanos: due.timeNanos, offset: due.offset, answer: due.answer)
    }
  }

  /// Learns an event and scores what was predicted, if hygiene lets it in: with the label and the weight that are
  /// learned.
  /// - Parameter answer: what was predicted when the event came; nil: by the model as it is.
  private mutating func learn(
    _ event: EventView, _ bytes: UnsafeRawBufferPointer, timeNanos: Int64, offset: UInt64, answer: Float?
  ) {
    let outcome = model.learn(event, encoded: bytes, timeNanos: timeNanos, offset: offset, in: workspace)
    if let late = workspace.late, !late.isEmpty {
      scored += late
      workspace.late?.removeAll(keepingCapacity: true)
    }
    guard case .learned(let prediction, let label) = outcome else { return }
    scored.append(
      Scored(prediction: answer ?? prediction, label: label, weight: workspace.example.weight))
  }

  /// Events that still wait for what may answer them.
  package var waitingCount: Int {
    let counters = model.pending?.counters ?? ImpressionCounters()
    let settled = counters.joined + counters.expired + counters.dropped
    return Int(counters.remembered) - Int(settled) + late.count
  }

  /// The only label that was scored, where there is one: nothing can be learned from it.
  package var onlyLabel: Float? {
    guard scored.count > 1, let first = scored.first, scored.allSatisfy({ $0.label == first.label }) else {
      return nil
    }
    return first.label
  }

  /// The metrics over a part of what was scored, from `first` to before `end`, each a share of it.
  package func metrics(from first: Double = 0, to end: Double = 1) -> [MetricValue] {
    let range = Int(Double(scored.count) * first)..<Int(Double(scored.count) * end)
    var metrics = Model.emptyMetrics(
      model.plan.configuration, isLogistic: model.ensemble.plan.objective.isLogistic)
    for entry in scored[range] {
      metrics.update(
        prediction: Double(entry.prediction), label: Double(entry.label), weight: Double(entry.weight))
    }
    return metrics.values().filter { $0.scope == .total }.map { figure in
      guard figure.name == "auc" else { return figure }
      // All predictions are at hand, so nothing need be estimated.
      var exact = figure
      exact.value = auc(of: range) ?? figure.value
      return exact
    }
  }

  private func auc(of range: Range<Int>) -> Double? {
    let examples = scored[range].sorted { $0.prediction < $1.prediction }
    return ROCAUC.exact(
      ascending: examples.lazy.map {
        ScoredLabel(score: Double($0.prediction), isPositive: $0.label > 0.5, weight: Double($0.weight))
      })
  }
}
