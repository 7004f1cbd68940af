// How well the catalogue is ranked, without a daemon: the first part of a stream is learned, each event of the rest is
// ranked among all that the user has not seen and then learned.

internal import Configuration
package import Features
package import Retrieval
internal import Wire

package struct RankEvaluation {
  private var model: Model
  private let workspace: Workspace
  private var events: [RetrievalEvent] = []
  private var clock = TimeOfOrder()
  package private(set) var evaluator: RankEvaluator
  package private(set) var tested = 0

  /// Nil: the configuration has no retriever.
  package init?(_ plan: FeaturePlan) throws {
    model = try Model(plan)
    guard let retrieval = model.retrieval else { return nil }
    workspace = Workspace(plan, model.ensemble)
    evaluator = RankEvaluator(retrieval.plan)
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
    events.append(
      RetrievalEvent(
        user: event.user.isEmpty ? nil : model.plan.userKey(event.user),
        item: model.plan.itemKey(event.item), nanos: time,
        segments: workspace.example.segments, retrievers: workspace.types[type].retrievers))
  }

  /// Learns the first `trainShare` of the interactions, then ranks and learns the rest.
  package mutating func run(trainShare: Double, progress: (_ done: Int, _ total: Int) -> Void) {
    guard var retrieval = model.retrieval else { return }
    model.retrieval = nil
    let first = Int(Double(events.count) * trainShare)
    for (place, event) in events.enumerated() {
      evaluator.take(event, isTest: place >= first, into: &retrieval)
      if place & 63 == 0 { progress(place, events.count) }
    }
    tested = events.count - first
    model.retrieval = retrieval
  }
}
