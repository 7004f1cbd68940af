// The two clocks. What is learned depends on neither.

internal import Glibc

package enum MonotonicClock {
  /// Nanoseconds since some moment; never goes back.
  package static func nanos() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}

package enum WallClock {
  /// Unix time in nanoseconds.
  package static func nanos() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

package enum UTCText {
  /// 2026-01-01 12:00:00 UTC; fractions of a second are left out.
  package static func of(nanos: Int64) -> String {
    var seconds = time_t((Double(nanos) / 1e9).rounded(.down))
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
  }
}
