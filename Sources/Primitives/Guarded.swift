// A value behind a lock. For turns without a value take a `Lock`: the thread sanitizer takes the use of a value of no
// size for one of the object's first word.

/// Touched through `withLock` only, by one thread at a time.
package final class Guarded<Value>: @unchecked Sendable {
  // Sound because: `value` is touched under the lock only.
  @usableFromInline internal let lock = Lock()
  @usableFromInline @exclusivity(unchecked) internal var value: Value

  package init(_ value: Value) { self.value = value }

  @inlinable
  package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
