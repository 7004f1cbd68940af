// A value behind a lock. The standard library's Mutex waits by futex, which the thread sanitizer does not see and
// takes for a race; a pthread mutex costs the same here and is seen.

internal import Glibc

/// Touched through `withLock` only, by one thread at a time.
package final class Guarded<Value>: @unchecked Sendable {
  // Sound because: `value` is touched under the mutex only, which never moves.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  @exclusivity(unchecked) private var value: Value

  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
