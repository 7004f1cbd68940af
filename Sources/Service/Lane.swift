// Work for the workers' threads that has to be done in the order in which it came.

internal import Primitives

/// One piece of work at a time, in order.
final class Lane: Sendable {
  private let workers: Workers
  /// What waits, and first what is being done.
  private let queue = Guarded<[@Sendable () -> Void]>([])

  init(_ workers: Workers) { self.workers = workers }

  func perform(_ body: @escaping @Sendable () -> Void) {
    let isFirst = queue.withLock { queue in
      queue.append(body)
      return queue.count == 1
    }
    if isFirst { workers.perform { [self] in run() } }
  }

  /// - Returns: false when nothing is under way: then it is the caller's to do.
  func performIfBusy(_ body: @escaping @Sendable () -> Void) -> Bool {
    queue.withLock { queue in
      guard !queue.isEmpty else { return false }
      queue.append(body)
      return true
    }
  }

  private func run() {
    while let body = queue.withLock({ $0.first }) {
      body()
      queue.withLock { _ = $0.removeFirst() }
    }
  }
}
