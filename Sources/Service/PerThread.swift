// One value for each thread that asks: what a reactor keeps for its own requests.

internal import Glibc

/// The value of a thread lives until the thread ends.
final class PerThread<Value: AnyObject>: @unchecked Sendable {
  // Sound because: the key is set once, and what it finds belongs to the calling thread.
  private var key = pthread_key_t()
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) {
    self.make = make
    let failure = pthread_key_create(&key) { raw in
      if let raw { Unmanaged<AnyObject>.fromOpaque(raw).release() }
    }
    precondition(failure == 0, "the system gives no key for threads' values")
  }

  deinit { pthread_key_delete(key) }

  // hot: one look-up.
  var value: Value {
    if let raw = pthread_getspecific(key) {
      return Unmanaged<Value>.fromOpaque(raw).takeUnretainedValue()
    }
    let made = make()
    pthread_setspecific(key, Unmanaged.passRetained(made).toOpaque())
    return made
  }
}
