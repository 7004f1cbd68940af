// What one thread needs to make, score and learn examples: buffers that are made once and used for every event.

internal import Configuration
package import Features
package import Models
package import Retrieval

/// Belongs to one thread at a time.
package final class Workspace {
  package let plan: FeaturePlan
  package let example: Example
  /// Of what waited, made and learned while an event's own example stands.
  lazy var waited = Example(plan)
  package let scratch: EnsembleScratch
  let ahead: EventsAhead
  package let retrieval = RetrievalScratch()
  /// Nil: the ranking model takes no part in the blend.
  let ranking: ItemRanking?
  /// Its scores for the items that the blend tells the event's from.
  @exclusivity(unchecked) var ranks: [Float] = []
  /// Some event type waits for what may answer it.
  let waits: Bool
  /// Some event type has items drawn beside it.
  let draws: Bool
  /// Some retriever is on.
  let retrieves: Bool
  /// By event type.
  let types: UnsafeMutablePointer<TypeRules>
  /// Predictions of events that waited, made when they were learned; nil: nobody asks.
  @exclusivity(unchecked) package var late: [LatePrediction]?
  /// What those predictions come from; nil: from the model that learns.
  package var answering: Model?
  /// Numbers of an event, for the anomaly rule.
  var numbers: [Double]
  /// Numbers of an event that are judged like its value.
  var watched: [Double]
  /// Places of the context's numbers among its attributes, in the order of the configuration; and of those watched.
  let numericPlaces: [Int]
  let watchedPlaces: [Int]

  package init(_ plan: FeaturePlan, _ ensemble: Ensemble) {
    self.plan = plan
    example = Example(plan)
    scratch = EnsembleScratch(ensemble)
    ahead = EventsAhead(plan, scratch.ahead)
    let section = plan.configuration.retrieval
    waits = plan.configuration.events.contains { $0.delay > 0 }
    draws = plan.configuration.events.contains { $0.negatives > 0 }
    retrieves = section.retrievers.contains(where: \.isOn)
    ranking =
      section.rank && retrieves
      ? ItemRanking(example: Example(plan), batch: CandidateBatch(ensemble.plan)) : nil
    types = .allocate(capacity: max(1, plan.configuration.events.count))
    for (place, event) in plan.configuration.events.enumerated() {
      (types + place).initialize(to: TypeRules(event, plan.configuration))
    }
    let context = plan.configuration.features.context
    numericPlaces = context.indices.filter { context[$0].type == .number }
    numbers = Array(repeating: .nan, count: numericPlaces.count + 1)
    watchedPlaces = plan.configuration.hygiene.outlier.context.compactMap { name in
      context.firstIndex { $0.name == name }
    }
    watched = Array(repeating: .nan, count: watchedPlaces.count)
  }

  deinit { types.deallocate() }
}

package struct LatePrediction: BitwiseCopyable, Sendable {
  package var prediction: Float
  package var label: Float
  package var weight: Float
}

/// What items are scored with beside an event's own example.
struct ItemRanking {
  let example: Example
  let batch: CandidateBatch
}

/// What the configuration says of an event type, as it is asked for each event.
struct TypeRules {
  /// Retrievers that learn from it.
  let retrievers: RetrieverSet
  let isInteraction: Bool
  /// Its label is made from a value that it must bring.
  let needsValue: Bool
  /// It waits for what may answer it.
  let waits: Bool
  /// It may answer another that waits.
  let answers: Bool
  /// Items drawn to be learned beside it.
  let negatives: Int

  init(_ event: EventTypeSection, _ configuration: Configuration) {
    retrievers = RetrieverSet(configuration, type: event.name)
    isInteraction = event.isInteraction
    needsValue = configuration.needsValue(event)
    waits = event.delay > 0
    answers = configuration.events.contains { $0.delay > 0 && $0.answeredBy.contains(event.name) }
    negatives = event.negatives
  }
}
