// Labels that have not come yet, in the order in which they are due: a heap, so that one with a wrong time keeps no
// other waiting.

struct LateLabels {
  struct Label {
    var dueNanos: Int64
    /// Of its event; earlier ones go first among those that are due at once.
    var offset: UInt64
    var timeNanos: Int64
    var bytes: [UInt8]
    /// What was predicted when the event came; nil: there was nothing to predict.
    var answer: Float?

    fileprivate func isBefore(_ other: Label) -> Bool {
      dueNanos != other.dueNanos ? dueNanos < other.dueNanos : offset < other.offset
    }
  }

  /// Each is due no later than its children, at 2 i + 1 and 2 i + 2.
  private var heap: [Label] = []

  var count: Int { heap.count }

  mutating func insert(_ label: Label) {
    var place = heap.count
    heap.append(label)
    while place > 0, heap[place].isBefore(heap[(place - 1) / 2]) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// Takes the earliest, if it is due at `nanos`.
  mutating func takeNext(at nanos: Int64) -> Label? {
    guard let first = heap.first, first.dueNanos <= nanos else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && heap[child].isBefore(heap[least]) {
        least = child
      }
      guard least != place else { return first }
      heap.swapAt(place, least)
      place = least
    }
  }
}
