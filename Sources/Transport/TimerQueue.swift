// When must somebody be looked at again? A binary heap of times, one for each reactor.

/// What is due.
package struct Timer: Equatable {
  package enum Kind: UInt8 {
    /// A call's or stream's deadline.
    case deadline
    /// A connection's own times: idle, write, frame.
    case connection
    /// A piece of work that waits for its time.
    case work
    /// Accepting goes on.
    case accept
  }

  package var time: UInt64
  /// The connection, or the number of the work.
  package var token: UInt64
  package var streamID: UInt32
  package var kind: Kind
}

/// The earliest timer first. What was settled in the meantime stays until its time or until `compact`.
package struct TimerQueue {
  private var heap: [Timer] = []
  /// Timers whose call was settled before they were due; the owner of the queue counts them.
  package var settled = 0

  package init() {}

  package var count: Int { heap.count }
  /// The earliest time; the end of time when there is none.
  package private(set) var next = UInt64.max

  /// Complexity: O(log n).
  package mutating func push(_ timer: Timer) {
    next = min(next, timer.time)
    heap.append(timer)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].time < heap[parent].time else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The earliest timer, if it is due at `now`. Complexity: O(log n).
  package mutating func pop(dueAt now: UInt64) -> Timer? {
    guard let first = heap.first, first.time <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink(0)
    }
    next = heap.first?.time ?? .max
    return first
  }

  /// Drops the timers that `isLive` disowns, when more than half of many are settled. Complexity: O(n), paid
  /// for by the calls that settled them.
  package mutating func compact(_ isLive: (Timer) -> Bool) {
    guard settled > 1_024, settled > heap.count / 2 else { return }
    heap.removeAll { !isLive($0) }
    settled = 0
    for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(parent) }
    next = heap.first?.time ?? .max
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var child = parent * 2 + 1
      guard child < heap.count else { return }
      if child + 1 < heap.count, heap[child + 1].time < heap[child].time { child += 1 }
      guard heap[child].time < heap[parent].time else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}
