// How other threads reach a reactor: work is left in the mailbox, and an eventfd wakes the reactor if the box
// was empty.

internal import CSystem
internal import Glibc
internal import Primitives

package final class Mailbox: @unchecked Sendable {
  package typealias Work = @Sendable (Reactor) -> Void

  private let lock = Lock()
  private var waiting: [Work] = []
  private var isClosed = false
  package let wakeDescriptor: Int32

  package init?() {
    wakeDescriptor = cowbird_eventfd_create()
    guard wakeDescriptor >= 0 else { return nil }
  }

  deinit { close(wakeDescriptor) }

  /// Leaves work. Returns false, and drops it, when the reactor has ended.
  @discardableResult
  package func post(_ work: @escaping Work) -> Bool {
    let (isAccepted, wasEmpty) = lock.withLock {
      guard !isClosed else { return (false, false) }
      let wasEmpty = waiting.isEmpty
      waiting.append(work)
      return (true, wasEmpty)
    }
    if wasEmpty { cowbird_eventfd_signal(wakeDescriptor) }
    return isAccepted
  }

  /// Takes all work that waits.
  package func take(into box: inout [Work]) {
    cowbird_eventfd_drain(wakeDescriptor)
    lock.withLock { swap(&box, &waiting) }
  }

  /// No more work is taken.
  package func shut() -> [Work] {
    lock.withLock {
      isClosed = true
      defer { waiting = [] }
      return waiting
    }
  }
}
