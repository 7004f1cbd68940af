// Something that happens once, whoever comes first.

internal import Synchronization

/// Taken by the first who asks.
final class OnceFlag: Sendable {
  private let isTaken = Atomic(false)

  func take() -> Bool {
    isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
  }
}
