// Where a file of events is in time: for events that say none, and for labels that come later.

internal import Wire

/// Times of a file's events, of which a few wrong ones move nothing.
///
/// A time before 1980 or after 2100 is never believed. One more than a day after the newest is believed when the next
/// event is ahead, too, and then up to the earlier of both.
struct TimeOfOrder {
  static let dayNanos: Int64 = 86_400_000_000_000

  private let plausible: ClosedRange<Int64>
  /// Of the event before that could be believed. Where a file begins that says no times: 2020-01-01.
  private var nanos: Int64 = 1_577_836_800_000_000_000
  /// Nil: none is believed yet.
  private(set) var newestNanos: Int64?
  private var aheadNanos: Int64?

  init(_ rules: HygieneRules = HygieneRules()) {
    plausible = rules.earliestNanos...rules.latestNanos
  }

  func canBe(_ time: Int64) -> Bool { plausible.contains(time) }

  /// The event's own time, whatever it is; for one that says none, a second after the one before.
  mutating func time(of event: EventView) -> Int64 {
    let time = event.timeNanos != 0 ? event.timeNanos : nanos + 1_000_000_000
    guard canBe(time) else { return time }
    observe(time)
    if time <= newestNanos ?? time { nanos = time }
    return time
  }

  private mutating func observe(_ time: Int64) {
    if isAhead(time), let other = aheadNanos { newestNanos = max(newestNanos ?? .min, min(other, time)) }
    guard !isAhead(time) else {
      aheadNanos = time
      return
    }
    aheadNanos = nil
    newestNanos = max(newestNanos ?? time, time)
  }

  private func isAhead(_ time: Int64) -> Bool {
    guard let newestNanos else { return true }
    return time - newestNanos > Self.dayNanos
  }
}
