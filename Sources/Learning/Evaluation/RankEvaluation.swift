// How well the catalogue is ranked, without a daemon: the first part of a stream is learned, each event of the rest is
// ranked among all that the user has not seen and then learned. Where the ranking model takes part in the blend it is
// learned as the daemon learns it; otherwise retrieval alone is.

internal import Configuration
package import Features
package import Retrieval
internal import Wire

package struct RankEvaluation {
  /// An interaction; its bytes where the ranking model learns it.
  private struct Interaction {
    var event: RetrievalEvent
    var bytes: [UInt8]
  }

  private var model: Model
  private let workspace: Workspace
  private var interactions: [Interaction] = []
  private var clock = TimeOfOrder()
  package private(set) var evaluator: RankEvaluator
  package private(set) var tested = 0

  /// Nil: the configuration has no retriever.
  package init?(_ plan: FeaturePlan) throws {
    model = try Model(plan)
    guard let retrieval = model.retrieval else { return nil }
    workspace = Workspace(plan, model.ensemble)
    evaluator = RankEvaluator(retrieval.plan, candidates: plan.configuration.retrieval.candidates)
  }

  /// Takes the bytes of one event; what is known of items is learned at once, interactions wait for `run`.
  package mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
    let event = try EventView(bytes)
    let time = clock.time(of: event)
    guard event.kind == .interaction else {
      model.learn(event, timeNanos: time, offset: 0, in: workspace)
      return
    }
    guard let type = model.plan.typeIndex(of: event.type.string), !event.item.isEmpty,
      model.configuration.events[type].isInteraction
    else { return }
    model.features.makeExample(event, timeNanos: time, into: workspace.example)
    interactions.append(
      Interaction(
        event: RetrievalEvent(
          user: event.user.isEmpty ? nil : model.plan.userKey(event.user),
          item: model.plan.itemKey(event.item), nanos: time,
          segments: workspace.example.segments, retrievers: workspace.types[type].retrievers),
        bytes: workspace.ranking == nil ? [] : Array(bytes)))
  }

  /// Learns the first `trainShare` of the interactions, then ranks and learns the rest.
  package mutating func run(trainShare: Double, progress: (_ done: Int, _ total: Int) -> Void) throws {
    let first = Int(Double(interactions.count) * trainShare)
    if workspace.ranking != nil {
      try runRanked(first, progress)
    } else if var retrieval = model.retrieval {
      model.retrieval = nil
      for (place, interaction) in interactions.enumerated() {
        evaluator.take(interaction.event, isTest: place >= first, into: &retrieval)
        if place & 63 == 0 { progress(place, interactions.count) }
      }
      model.retrieval = retrieval
    }
    tested = interactions.count - first
  }

  private mutating func runRanked(_ first: Int, _ progress: (_ done: Int, _ total: Int) -> Void) throws {
    for (place, interaction) in interactions.enumerated() {
      try interaction.bytes.withUnsafeBytes { bytes in
        let event = try EventView(bytes)
        if place >= first { judge(interaction.event, event) }
        model.learn(
          event, encoded: bytes, timeNanos: interaction.event.nanos, offset: 0, in: workspace)
        evaluator.note(interaction.event)
      }
      if place & 63 == 0 { progress(place, interactions.count) }
    }
  }

  private mutating func judge(_ interaction: RetrievalEvent, _ event: EventView) {
    guard let retrieval = model.retrieval, let ranking = workspace.ranking else { return }
    ranking.example.resetBuffers()
    for attribute in event.attributes { ranking.example.addContext(attribute) }
    model.features.beginRequest(
      userKey: interaction.user ?? 0, timeNanos: interaction.nanos, into: ranking.example)
    let (model, scratch) = (model, workspace.scratch)
    evaluator.judge(interaction, retrieval) { keys, scores in
      model.score(keys, into: scores, ranking.example, ranking.batch, scratch)
    }
  }
}
