// Plain threads, for work that blocks or must not be delayed by other work.

internal import CSystem
internal import Glibc

/// The system gives no thread.
package struct ThreadRefused: Error {
  package let errno: Int32
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
  package init(
    trying name: String, isBackground: Bool = false, _ body: @escaping @Sendable () -> Void
  ) throws(ThreadRefused) {
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
    guard failure == 0 else {
      box.release()
      throw ThreadRefused(errno: failure)
    }
    cowbird_name_thread(thread, String(name.prefix(15)))
  }

  /// For threads without which nothing goes on.
  package convenience init(
    name: String, isBackground: Bool = false, _ body: @escaping @Sendable () -> Void
  ) {
    do throws(ThreadRefused) {
      try self.init(trying: name, isBackground: isBackground, body)
    } catch {
      fatalError("the system gives no thread for \(name): \(String(cString: strerror(error.errno)))")
    }
  }

  /// Waits for its end; once.
  package func join() { pthread_join(thread, nil) }
}
