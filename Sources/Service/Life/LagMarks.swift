// When records came into the log, roughly, so that the age of what is not yet visible can be told.

internal import Primitives

package final class LagMarks: Sendable {
  private static let most = 4_096
  private static let apartNanos: UInt64 = 1_000_000

  private let marks = Guarded<[(end: UInt64, nanos: UInt64)]>([])

  /// The log ends at `end` now. At most one mark a millisecond is kept.
  func note(end: UInt64) {
    marks.withLock { marks in
      let now = MonotonicClock.nanos()
      if let last = marks.last, now - last.nanos < Self.apartNanos {
        marks[marks.count - 1].end = end
        return
      }
      if marks.count == Self.most { marks.removeFirst(Self.most / 2) }
      marks.append((end, now))
    }
  }

  /// Age of the oldest record at or after `published`; 0: there is none.
  func milliseconds(published: UInt64) -> Double {
    marks.withLock { marks in
      let now = MonotonicClock.nanos()
      marks.removeAll { $0.end <= published }
      return marks.first.map { Double(now - $0.nanos) / 1e6 } ?? 0
    }
  }
}
