// Threads for what takes long or waits: loading, exporting, rebuilding, asking the log. Reactors never do.

internal import Primitives

/// A few threads and a queue. Work that is handed in after `stop` is dropped.
package final class Workers: Sendable {
  private struct State {
    var queue: [@Sendable () -> Void] = []
    var isStopped = false
  }

  private let monitor = Signal()
  private let state = Guarded(State())
  private let threads: Guarded<[PlainThread]>

  /// - Parameter isBackground: requests and learning go first where cores are few.
  package init(count: Int, name: String, isBackground: Bool = false) {
    threads = Guarded([])
    for index in 0..<count {
      let thread = PlainThread(name: "\(name) \(index)", isBackground: isBackground) { [self] in run() }
      threads.withLock { $0.append(thread) }
    }
  }

  package func perform(_ body: @escaping @Sendable () -> Void) {
    let isTaken = state.withLock { state in
      if state.isStopped { return false }
      state.queue.append(body)
      return true
    }
    if isTaken { monitor.raise() }
  }

  /// Finishes what has begun and forgets what has not.
  package func stop() {
    state.withLock {
      $0.isStopped = true
      $0.queue = []
    }
    monitor.raise()
    for thread in threads.withLock({ $0 }) { thread.join() }
  }

  private func run() {
    while true {
      let seen = monitor.count
      var isStopped = false
      let body: (@Sendable () -> Void)? = state.withLock { state in
        isStopped = state.isStopped
        return state.queue.isEmpty ? nil : state.queue.removeFirst()
      }
      if let body {
        body()
      } else if isStopped {
        return
      } else {
        monitor.wait(after: seen)
      }
    }
  }
}
