// Times for the events of a file that says none: in its order, a second apart.

internal import Wire

struct TimeOfOrder {
  /// Where such a file begins: 2020-01-01.
  private var nanos: Int64 = 1_577_836_800_000_000_000

  mutating func time(of event: EventView) -> Int64 {
    nanos = event.timeNanos != 0 ? event.timeNanos : nanos + 1_000_000_000
    return nanos
  }
}
