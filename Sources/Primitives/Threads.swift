// Plain threads and a signal that they wait for, by the monotonic clock. Nobody polls.

internal import CSystem
internal import Glibc

/// A count that goes up and can be waited for: whoever saw `count` before looking for work misses nothing that
/// is raised while it looks.
package final class Signal: @unchecked Sendable {
  // Sound because: `value` is touched under the mutex only; the pthread objects never move.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var value: UInt64 = 0

  package init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package var count: UInt64 {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return value
  }

  package func raise() {
    pthread_mutex_lock(mutex)
    value &+= 1
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Returns when the count is no longer `seen`, or after `nanos`.
  /// - Returns: false when the time came first.
  @discardableResult
  package func wait(after seen: UInt64, nanos: UInt64? = nil) -> Bool {
    let deadline = nanos.map { MonotonicClock.nanos() &+ $0 }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while value == seen {
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
      if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return value != seen }
    }
    return true
  }
}

package enum MonotonicClock {
  /// Nanoseconds since some moment; never goes back.
  package static func nanos() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

package enum WallClock {
  /// Unix time in nanoseconds. Model state never depends on it.
  package static func nanos() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// A thread that runs `body` and ends.
package final class PlainThread: @unchecked Sendable {
  // Sound because: `thread` is set by `init` and read after.
  private var thread = pthread_t()

  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  /// - Parameters:
  ///   - name: for people who look with `top -H`; the first 15 bytes count.
  ///   - isBackground: others go first where cores are few (nice 10).
  package init(name: String, isBackground: Bool = false, _ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(
      Body {
        // Of this thread: on Linux each has its own.
        if isBackground { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
        body()
      })
    let failure = pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    precondition(failure == 0, "the system gives no thread: \(String(cString: strerror(failure)))")
    cowbird_name_thread(thread, String(name.prefix(15)))
  }

  /// Waits for its end; once.
  package func join() { pthread_join(thread, nil) }
}
