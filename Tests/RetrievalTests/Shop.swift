// A made-up shop: users with tastes who follow items from one to the next. Same seed, same events.

import Configuration
import Primitives
import Retrieval

struct Shop {
  var seed: UInt64 = 1
  var items = 300
  var users = 60
  var vectorDimension = 0

  static let second: Int64 = 1_000_000_000

  func event(_ number: Int) -> RetrievalEvent {
    let counter = UInt64(number)
    let user = CounterRandom.index(below: users, seed: seed, counter: counter)
    // A user's items lie close together, and walk.
    let spread = CounterRandom.index(below: 40, seed: seed &+ 1, counter: counter)
    let item = (user * 7 + spread + number / 50) % items
    return RetrievalEvent(
      user: UInt64(user + 1_000), item: UInt64(item), nanos: Int64(number) * Self.second,
      segments: [UInt64(user % 3)])
  }

  func attributes(_ item: UInt64) -> [UInt64] { [item % 7, 100 + item % 11] }

  func vector(_ item: UInt64) -> [Float] {
    (0..<vectorDimension).map {
      Float(CounterRandom.uniform(seed: seed &+ 9, counter: item &* 64 &+ UInt64($0)) - 0.5)
    }
  }

  func learn(_ range: Range<Int>, into state: inout RetrievalState, _ scratch: RetrievalScratch) {
    for number in range {
      let event = event(number)
      if !state.contains(item: event.item) { describe(event.item, in: &state) }
      state.learn(event, scratch)
    }
  }

  func describe(_ item: UInt64, in state: inout RetrievalState) {
    let vector = vector(item)
    vector.withUnsafeBufferPointer {
      _ = state.describe(
        item: item, attributes: attributes(item), vector: vectorDimension > 0 ? $0 : nil)
    }
  }

  /// A plan with everything on: segments, content, and vectors if the shop has them.
  func plan(
    bounds: RetrievalBounds = RetrievalBounds(), _ change: (inout RetrievalSection) -> Void = { _ in }
  ) throws -> RetrievalPlan {
    var section = Preset.clicks.configuration.retrieval
    var segment = RetrieverSection()
    segment.name = "country"
    segment.kind = .popularity
    segment.segment = "user.country"
    section.retrievers.append(segment)
    change(&section)
    return try RetrievalPlan(section, vectorDimension: vectorDimension, bounds: bounds)
  }
}
