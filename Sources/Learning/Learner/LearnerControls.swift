// How fast the learner may go and how often it shows what it learned. No matter of any model: in force from the moment
// at which they are set, whatever is being learned.

package import Configuration
internal import Primitives
internal import Synchronization

package final class LearnerControls: Sendable {
  private let budget: Atomic<UInt64>
  private let every: Atomic<UInt64>
  private let count: Atomic<Int>
  /// Ends a pause that another budget asked for.
  let changed = Signal()

  init(_ configuration: Configuration) {
    budget = Atomic(configuration.learning.cpuBudget.bitPattern)
    every = Atomic(UInt64(configuration.publish.every))
    count = Atomic(configuration.publish.count)
  }

  /// Any thread.
  package func set(_ configuration: Configuration) {
    budget.store(configuration.learning.cpuBudget.bitPattern, ordering: .relaxed)
    every.store(UInt64(configuration.publish.every), ordering: .relaxed)
    count.store(configuration.publish.count, ordering: .relaxed)
    changed.raise()
  }

  /// Share of one core that learning may take.
  package var cpuBudget: Double { Double(bitPattern: budget.load(ordering: .relaxed)) }
  /// Longest time between two revisions while there is something to learn.
  package var publishNanos: UInt64 { every.load(ordering: .relaxed) }
  /// Events between two revisions; 0: by time only.
  package var publishCount: Int { count.load(ordering: .relaxed) }
}
