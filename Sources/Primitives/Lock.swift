// A mutex and a condition at fixed addresses: what everything that threads share is built on. They are pthread's,
// because the thread sanitizer knows those; the standard library's Mutex waits by futex, which it takes for a race.

internal import Glibc

/// Held by one thread at a time; not recursive.
package struct Lock: ~Copyable, @unchecked Sendable {
  // Sound because: a pthread mutex may be used from any thread, and this one never moves.
  fileprivate let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  package init() {
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func lock() { pthread_mutex_lock(mutex) }
  package func unlock() { pthread_mutex_unlock(mutex) }

  @inlinable @inline(__always)
  package func withLock<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// Something that threads wait for, with a lock in hand. Waiting is by the monotonic clock; nobody polls.
package struct Condition: ~Copyable, @unchecked Sendable {
  // Sound because: a pthread condition may be used from any thread, and this one never moves.
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }

  package func broadcast() { pthread_cond_broadcast(condition) }

  /// May return without a reason: look again at what is waited for.
  package func wait(_ lock: borrowing Lock) { pthread_cond_wait(condition, lock.mutex) }

  /// The same, at most until a moment of the monotonic clock. False: the time came first.
  package func wait(_ lock: borrowing Lock, untilNanos deadline: UInt64) -> Bool {
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(condition, lock.mutex, &time) != ETIMEDOUT
  }
}
