// The stream that the table is measured with: ten categorical features, Zipf keys, as in design/TARGETS.md.

import Glibc
import Primitives

struct Random {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return CounterRandom.mix(state)
  }

  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// Draws from 0..<n with probability proportional to (i + 1)^-s.
struct Zipf {
  private var cumulative: [Double]

  init(_ n: Int, _ s: Double) {
    var total = 0.0
    cumulative = (0..<n).map { index in
      total += pow(Double(index + 1), -s)
      return total
    }
    for index in cumulative.indices { cumulative[index] /= total }
  }

  func draw(_ u: Double) -> Int {
    var low = 0
    var high = cumulative.count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] < u { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

final class Workload: @unchecked Sendable {
  static let features = 10
  let count: Int
  let keys: UnsafeMutablePointer<UInt64>
  let labels: UnsafeMutablePointer<Float>
  let items = Zipf(100_000, 1.0)

  static func key(_ field: Int, _ value: Int) -> UInt64 {
    CounterRandom.mix(UInt64(field) << 40 | UInt64(value) &+ 0x9E37_79B9_7F4A_7C15)
  }

  /// `count` is a power of two: the stream wraps around.
  init(count: Int) {
    self.count = count
    keys = .allocate(capacity: count * Self.features)
    labels = .allocate(capacity: count)
    let users = Zipf(500_000, 0.9)
    let contexts = [24, 7, 12, 50, 100, 300, 1000, 5].map { Zipf($0, 0.7) }
    var random = Random(7)
    for example in 0..<count {
      let row = keys + example * Self.features
      let user = users.draw(random.uniform())
      let item = items.draw(random.uniform())
      row[0] = Self.key(0, user)
      row[1] = Self.key(1, item)
      for (field, context) in contexts.enumerated() {
        row[2 + field] = Self.key(2 + field, context.draw(random.uniform()))
      }
      let taste = Double(Int64(bitPattern: CounterRandom.mix(row[0])) >> 32) * 0x1p-31
      let appeal = Double(Int64(bitPattern: CounterRandom.mix(row[1])) >> 32) * 0x1p-31
      labels[example] = random.uniform() < 1 / (1 + exp(-(1.5 * taste + 2 * appeal - 0.5))) ? 1 : 0
    }
  }
}

func cpuNanos() -> UInt64 { nanos(CLOCK_THREAD_CPUTIME_ID) }
func wallNanos() -> UInt64 { nanos(CLOCK_MONOTONIC) }

private func nanos(_ clock: clockid_t) -> UInt64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

extension [Double] {
  func quantile(_ q: Double) -> Double {
    let ordered = sorted()
    return ordered.isEmpty ? .nan : ordered[Swift.min(ordered.count - 1, Int(Double(ordered.count) * q))]
  }
}

func text(_ value: Double, _ digits: Int = 1) -> String {
  let scale = pow(10, Double(digits))
  let whole = (abs(value) * scale).rounded()
  guard whole < 1e15 else { return "\(value)" }
  let front = Int(whole) / Int(scale)
  let back = String(Int(whole) % Int(scale))
  let sign = value < 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(front)" }
  return "\(sign)\(front)." + String(repeating: "0", count: digits - back.count) + back
}

/// Prints at once, so that a run that is cut short has said what it found.
func print(_ parts: String...) {
  Swift.print(parts.joined(separator: " "))
  fflush(nil)
}
