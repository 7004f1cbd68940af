// How long requests take, one after the other on one connection, while something else goes on.

import CMessages
import Primitives
import Transport
import Wire

/// Requests for scores of 100 candidates, of users and items all over the model.
struct ScoreRequests {
  private let requests: [[UInt8]]

  init(users: Int, items: Int, count: Int = 2_048) {
    requests = (0..<count).map { number in
      func index(_ bound: Int, _ seed: UInt64, _ place: Int = 0) -> Int {
        CounterRandom.index(below: bound, seed: seed, counter: UInt64(number * 100 + place))
      }
      let arena = MessageArena(capacity: 16 << 10)
      var request = Cowbird__V1__ScoreRequest.empty
      request.user = arena.text("u\(index(users, 1))")
      (request.n_candidates, request.candidates) = arena.messages(
        (0..<100).map { place in
          var candidate = Cowbird__V1__Candidate.empty
          candidate.item = arena.text("i\(index(items, 2, place))")
          return candidate
        })
      return Wire.bytes(&request)
    }
  }

  subscript(number: Int) -> [UInt8] { requests[number % requests.count] }
}

struct Latencies {
  private(set) var nanos: [UInt64] = []

  /// Asks without a pause for so long.
  mutating func measure(_ client: Client, _ requests: ScoreRequests, seconds: Double) throws {
    let end = MonotonicClock.nanos() + UInt64(seconds * 1e9)
    var begin = MonotonicClock.nanos()
    while begin < end {
      let request = requests[nanos.count]
      begin = MonotonicClock.nanos()
      _ = try client.call("cowbird.v1.Predict", "Score", request)
      nanos.append(MonotonicClock.nanos() - begin)
    }
  }

  /// Asks once.
  mutating func ask(_ client: Client, _ request: [UInt8]) throws {
    let begin = MonotonicClock.nanos()
    _ = try client.call("cowbird.v1.Predict", "Score", request)
    nanos.append(MonotonicClock.nanos() - begin)
  }

  /// The share of requests that took longer.
  func share(above limit: Double) -> Double {
    Double(nanos.count { Double($0) / 1e3 > limit }) / Double(max(nanos.count, 1))
  }

  func microseconds(_ share: Double) -> Double {
    let sorted = nanos.sorted()
    return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1e3
  }

  var text: String {
    "p50 \(fixed(microseconds(0.5), 1)) us, p99 \(fixed(microseconds(0.99), 1)) us, p99.9 "
      + "\(fixed(microseconds(0.999), 1)) us (\(nanos.count) requests)"
  }
}

func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  return "\((value * scale).rounded() / scale)"
}
