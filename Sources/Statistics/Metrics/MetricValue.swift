// A figure with its name, as the protocol's Metric carries it.

/// Over which part of the stream a metric runs.
package enum MetricScope: String, Sendable, CaseIterable {
  /// Every example since the model began.
  case total
  /// The last `window` examples.
  case window
  /// All examples, each older one counting less, by half after `halfLife` examples.
  case decayed
}

package struct MetricValue: Sendable, Equatable {
  package var name: String
  package var scope: MetricScope
  /// Finite.
  package var value: Double
  /// Number of examples that it covers; with decay the effective number, rounded.
  package var count: UInt64

  package init(name: String, scope: MetricScope, value: Double, count: UInt64) {
    self.name = name
    self.scope = scope
    self.value = value
    self.count = count
  }
}
