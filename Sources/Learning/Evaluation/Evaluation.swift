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

  private struct Waiting {
    var bytes: [UInt8]
    var timeNanos: Int64
    var offset: UInt64
  }

  package private(set) var model: Model
  package private(set) var scored: [Scored] = []
  /// Records taken, of any kind.
  package private(set) var records: UInt64 = 0
  private let options: EvaluationOptions
  private let workspace: Workspace
  /// What answers come from, where that is not the newest.
  private var revision: Model?
  private var sinceRevision = 0
  /// Labels that have not come yet, oldest first from `nextWaiting` on.
  private var waiting: [Waiting] = []
  private var nextWaiting = 0
  private var newestNanos = Int64.min
  /// For events that say no time: a second after the one before.
  private var clock = TimeOfOrder()

  package init(_ plan: FeaturePlan, options: EvaluationOptions = EvaluationOptions()) throws {
    model = try Model(plan)
    self.options = options
    workspace = Workspace(plan, model.ensemble)
    workspace.late = []
  }

  /// Takes the bytes of one `cowbird.v1.Event`. Events that say no time are a second apart.
  /// - Throws: `WireFormatError` when the bytes are no event.
  package mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
    let event = try EventView(bytes)
    let time = clock.time(of: event)
    let offset = records
    records += 1
    newestNanos = max(newestNanos, time)
    guard options.publishEvery > 1 || options.delayNanos > 0 else {
      let outcome = model.learn(event, encoded: bytes, timeNanos: time, offset: offset, in: workspace)
      noteLate()
      if case .learned(let prediction, _) = outcome { note(prediction) }
      return
    }
    learnDue()
    if options.publishEvery > 1, revision == nil || sinceRevision >= options.publishEvery {
      revision = model.revision
      sinceRevision = 0
    }
    sinceRevision += 1
    let answer = (revision ?? model).score(event, timeNanos: time, in: workspace)
    guard options.delayNanos > 0, event.kind == .interaction else {
      // What waits for an answer is scored when it is learned, from the newest model.
      let isScored = answer != nil && !model.waits(event, in: workspace)
      let (label, weight) = (workspace.example.label, workspace.example.weight)
      model.learn(event, encoded: bytes, timeNanos: time, offset: offset, in: workspace)
      noteLate()
      if isScored, let answer {
        scored.append(Scored(prediction: answer.value, label: label, weight: weight))
      }
      return
    }
    if let answer { note(answer.value) }
    waiting.append(Waiting(bytes: Array(bytes), timeNanos: time, offset: offset))
  }

  private mutating func noteLate() {
    guard let late = workspace.late, !late.isEmpty else { return }
    scored += late
    workspace.late?.removeAll(keepingCapacity: true)
  }

  private mutating func note(_ prediction: Float) {
    let example = workspace.example
    scored.append(Scored(prediction: prediction, label: example.label, weight: example.weight))
  }

  /// Learns the labels whose time has come.
  private mutating func learnDue() {
    while nextWaiting < waiting.count, waiting[nextWaiting].timeNanos + options.delayNanos <= newestNanos {
      let due = waiting[nextWaiting]
      nextWaiting += 1
      due.bytes.withUnsafeBytes { bytes in
        guard let event = try? EventView(bytes) else { return }
        model.learn(event, timeNanos: due.timeNanos, offset: due.offset, in: workspace)
      }
    }
    if nextWaiting > 4_096, nextWaiting * 2 > waiting.count {
      waiting.removeFirst(nextWaiting)
      nextWaiting = 0
    }
  }

  /// Events that still wait for what may answer them.
  package var waitingCount: Int {
    let counters = model.pending?.counters ?? ImpressionCounters()
    let settled = counters.joined + counters.expired + counters.dropped
    return Int(counters.remembered) - Int(settled) + waiting.count - nextWaiting
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
    return metrics.values().filter { $0.scope == .total }
  }
}
