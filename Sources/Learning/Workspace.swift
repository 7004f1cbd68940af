// What one thread needs to make, score and learn examples: buffers that are made once and used for every event.

internal import Configuration
package import Features
package import Models
package import Retrieval

/// Belongs to one thread at a time.
package final class Workspace {
  package let plan: FeaturePlan
  package let example: Example
  package let scratch: EnsembleScratch
  package let retrieval = RetrievalScratch()
  /// By event type: the retrievers that learn from it.
  let retrievers: [RetrieverSet]
  /// Numbers of an event, for the anomaly rule.
  var numbers: [Double]
  /// UTF-8 of the names of numeric context attributes, in the order of the configuration.
  let numericNames: [[UInt8]]

  package init(_ plan: FeaturePlan, _ ensemble: Ensemble) {
    self.plan = plan
    example = Example(plan)
    scratch = EnsembleScratch(ensemble)
    retrievers = plan.configuration.events.map { RetrieverSet(plan.configuration, type: $0.name) }
    numericNames = plan.configuration.features.context.filter { $0.type == .number }.map {
      Array($0.name.utf8)
    }
    numbers = Array(repeating: .nan, count: numericNames.count + 1)
  }
}
