// How fast learning goes, and how much of a core it may take.

internal import Primitives

struct Pace {
  var count: UInt64 = 0
  private var marks: [(nanos: UInt64, count: UInt64)] = []

  /// Of the newest work, the older counting half.
  private var busy = (count: 0.0, nanos: 0.0)
  private var noted: UInt64 = 0
  /// Records of rollbacks' replays.
  var replayed: UInt64 = 0

  /// What was learned since the last call took from `begin` until now.
  mutating func noteBusy(since begin: UInt64) {
    busy.count += Double(count + replayed - noted)
    busy.nanos += Double(MonotonicClock.nanos() - begin)
    noted = count + replayed
    if busy.nanos > 10e9 { busy = (busy.count / 2, busy.nanos / 2) }
  }

  var busyEventsPerSecond: Double { busy.nanos > 0 ? busy.count * 1e9 / busy.nanos : 0 }

  /// Over the last ten seconds.
  mutating func eventsPerSecond() -> Double {
    let now = MonotonicClock.nanos()
    if marks.last.map({ now - $0.nanos > 200_000_000 }) ?? true { marks.append((now, count)) }
    marks.removeAll { now - $0.nanos > 10_000_000_000 }
    guard let first = marks.first, now > first.nanos else { return 0 }
    return Double(count - first.count) * 1e9 / Double(now - first.nanos)
  }

  /// Sleeps as long as the budget asks after the work since `begin`, or until it is another.
  func rest(busySince begin: UInt64, _ controls: LearnerControls, isStopping: () -> Bool) {
    guard controls.cpuBudget < 1 else { return }
    let seen = controls.changed.count
    let pause = Self.pauseNanos(after: MonotonicClock.nanos() - begin, budget: controls.cpuBudget)
    guard pause > 0, !isStopping() else { return }
    controls.changed.wait(after: seen, nanos: pause)
  }

  /// How long to sleep after work of `busy` nanoseconds, so that work is the share `budget` of the time; at most a
  /// second, so that a stop is not kept waiting.
  static func pauseNanos(after busy: UInt64, budget: Double) -> UInt64 {
    budget < 1 ? UInt64(min(Double(busy) * (1 / budget - 1), 1e9)) : 0
  }
}
