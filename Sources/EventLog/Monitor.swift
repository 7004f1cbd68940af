// A mutex with the conditions that the log's threads wait for, and a plain thread. Waiting is by the monotonic
// clock; nobody polls.

internal import CSystem
internal import Glibc

final class Monitor: @unchecked Sendable {
  enum Condition: Int, CaseIterable {
    /// Something is queued for the writer thread.
    case work
    /// Something is to be synced.
    case sync
    /// The end of the log moved, or its state changed.
    case tail
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let conditions = UnsafeMutablePointer<pthread_cond_t>.allocate(
    capacity: Condition.allCases.count)

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    for condition in Condition.allCases { pthread_cond_init(conditions + condition.rawValue, &attributes) }
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    for condition in Condition.allCases { pthread_cond_destroy(conditions + condition.rawValue) }
    pthread_mutex_destroy(mutex)
    conditions.deallocate()
    mutex.deallocate()
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }

  func broadcast(_ condition: Condition) { pthread_cond_broadcast(conditions + condition.rawValue) }

  func wait(_ condition: Condition) { pthread_cond_wait(conditions + condition.rawValue, mutex) }

  /// False: the time came first.
  func wait(_ condition: Condition, untilNanos deadline: UInt64) -> Bool {
    var time = timespec(
      tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(conditions + condition.rawValue, mutex, &time) != ETIMEDOUT
  }
}

/// Nanoseconds of the monotonic clock.
func monotonicNanos() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// A thread that runs `body` and ends; `join` waits for it.
final class LogThread: @unchecked Sendable {
  private var thread = pthread_t()
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  init(name: String, _ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Body(body))
    let failure = pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    precondition(failure == 0, "no thread for the log: \(String(cString: strerror(failure)))")
    cowbird_name_thread(thread, name)
  }

  func join() { pthread_join(thread, nil) }
}
