// A count that goes up and can be waited for.

/// Whoever saw `count` before looking for work misses nothing that is raised while it looks.
package final class Signal: @unchecked Sendable {
  // Sound because: `value` is touched under the lock only.
  private let lock = Lock()
  private let raised = Condition()
  private var value: UInt64 = 0

  package init() {}

  package var count: UInt64 { lock.withLock { value } }

  package func raise() {
    lock.withLock {
      value &+= 1
      raised.broadcast()
    }
  }

  /// Returns when the count is no longer `seen`, or after `nanos`.
  /// - Returns: false when the time came first.
  @discardableResult
  package func wait(after seen: UInt64, nanos: UInt64? = nil) -> Bool {
    let deadline = nanos.map { MonotonicClock.nanos() &+ $0 }
    return lock.withLock {
      while value == seen {
        guard let deadline else {
          raised.wait(lock)
          continue
        }
        if !raised.wait(lock, untilNanos: deadline) { return value != seen }
      }
      return true
    }
  }
}
