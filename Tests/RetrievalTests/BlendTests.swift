// Streams in each of which another retriever knows best: nobody has to choose, because the blend is as good.

import Configuration
import Primitives
import Retrieval
import Testing

@Suite("The blend")
struct BlendTests {
  /// A stream of events, and of items that are described before the event at the same place.
  private struct Stream {
    var events: [RetrievalEvent] = []
    /// By number of the event before which the item comes.
    var described: [Int: [(item: UInt64, attributes: [UInt64])]] = [:]

    mutating func append(user: Int, item: Int) {
      events.append(
        RetrievalEvent(
          user: UInt64(user), item: UInt64(item), nanos: Int64(events.count) * 2_000_000_000))
    }
  }

  private static func uniform(_ number: Int, _ stream: UInt64) -> Double {
    CounterRandom.uniform(seed: 11 &+ stream, counter: UInt64(number))
  }

  private static func index(_ bound: Int, _ number: Int, _ stream: UInt64) -> Int {
    CounterRandom.index(below: bound, seed: 11 &+ stream, counter: UInt64(number))
  }

  /// News: items are born, are hot for some hundred events and die; what is read next is what all read now.
  private static func news(_ count: Int) -> Stream {
    var stream = Stream()
    for number in 0..<count {
      // One is born every twelve events; the younger the hotter, some for longer than others.
      let newest = number / 12
      let age = Int(-DeterministicMath.log(max(1e-9, uniform(number, 0))) * 12)
      let item = newest - min(newest, age - age % (1 + newest % 3))
      stream.append(user: Int(uniform(number, 1) * 400), item: item)
    }
    return stream
  }

  /// Series: after each part comes the next, four times in five.
  private static func series(_ count: Int) -> Stream {
    var stream = Stream()
    var last = [Int](repeating: 0, count: 60)
    for number in 0..<count {
      let user = index(60, number, 2)
      let follows = uniform(number, 3) < 0.8
      last[user] = follows ? (last[user] * 7 + 3) % 300 : index(300, number, 4)
      stream.append(user: user, item: last[user])
    }
    return stream
  }

  /// Niches: each user comes for five things of one kind. There are 150 kinds of ten items, most of which few have met.
  private static func niches(_ count: Int) -> Stream {
    var stream = Stream()
    var all: [(item: UInt64, attributes: [UInt64])] = []
    for item in UInt64(0)..<1_500 { all.append((item, [10_000 + item / 10, 20_000 + item % 4])) }
    stream.described[0] = all
    for number in 0..<count {
      let user = number / 50 * 10 + number % 10
      let (kind, first) = (index(150, user, 5), index(10, user, 6))
      let step = number % 50 / 10
      stream.append(user: user, item: kind * 10 + (first + step * 3) % 10)
    }
    return stream
  }

  /// Tastes: users keep to one of ten shelves of forty items, in no order.
  private static func tastes(_ count: Int) -> Stream {
    var stream = Stream()
    for number in 0..<count {
      let user = index(200, number, 9)
      let shelf = uniform(number, 10) < 0.9 ? user % 10 : index(10, number, 12)
      stream.append(user: user, item: shelf * 40 + index(40, number, 13))
    }
    return stream
  }

  private func evaluate(_ stream: Stream, repeats: Bool) throws -> RankEvaluator {
    let plan = try clicksPlan { $0.repeats = repeats }
    let scratch = RetrievalScratch()
    var state = RetrievalState(plan)
    var evaluator = RankEvaluator(plan, scratch: scratch)
    for (number, event) in stream.events.enumerated() {
      for (item, attributes) in stream.described[number] ?? [] {
        state.describe(item: item, attributes: attributes)
      }
      evaluator.take(event, isTest: number >= stream.events.count * 2 / 3, into: &state)
    }
    return evaluator
  }

  enum Case: String, CaseIterable { case news, series, niches, tastes }

  @Test("is as good as its best member, whichever of them that is", arguments: Case.allCases)
  func best(_ name: Case) throws {
    let (stream, repeats, expected) =
      switch name {
      case .news: (Self.news(4_500), true, "popularity.200")
      case .series: (Self.series(3_000), true, "neighbours.after")
      case .niches: (Self.niches(3_000), false, "content")
      case .tastes: (Self.tastes(4_000), true, "factors")
      }
    let evaluator = try evaluate(stream, repeats: repeats)
    let members = evaluator.retrievers
    let table = members.map { "\($0.name) \($0["ndcg@10"]!)" }.joined(separator: ", ")
    // The stream is what it says: the one that should know best is far above most others.
    let known = try #require(members.first { $0.name == expected })
    #expect(members.count { $0["ndcg@10"]! < known["ndcg@10"]! * 0.8 } >= 3, "\(table)")
    for metric in ["hr@10", "ndcg@10", "mrr"] {
      let best = members.max { $0[metric]! < $1[metric]! }!
      let (value, blend): (Double, Double) = (best[metric]!, evaluator.blend[metric]!)
      // Two standard errors of a mean over so many events, each between 0 and 1.
      let variance: Double = value * (1 - value) / Double(best.count)
      let noise: Double = 2 * variance.squareRoot()
      #expect(blend >= value - noise, "\(metric) \(blend) against \(best.name) \(value); \(table)")
    }
  }
}
