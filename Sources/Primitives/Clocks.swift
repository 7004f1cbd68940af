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
