// A shop that does not exist, for the demo and for load: users and items with tastes, Zipf popularity, new
// items, trends that come and go, a holiday, and a bot that lies about what it likes.
//
// Every event is a function of the seed and its number, so that two runs see the same shop. Because the
// simulator knows the probability of each click, it knows the loss that a perfect model would have.

import Glibc
import Primitives

struct ShopSimulator {
  struct Event {
    var number: Int
    var timeNanos: Int64
    var user: String
    var item: String
    var category: String
    var device: String
    var source: String
    var clicked: Bool
    /// The true probability of a click; for the bot, of what a person would have done.
    var probability: Double
  }

  struct Item {
    var id: String
    var category: Int
    var price: Double
    var appeal: Double
    var taste: [Double]
    /// Number of the event from which on it is sold.
    var since: Int
  }

  struct User {
    var id: String
    var taste: [Double]
    var favourite: Int
  }

  static let categories = [
    "books", "music", "games", "garden", "kitchen", "sports", "toys", "beauty", "tools", "travel", "gifts",
    "shoes",
  ]
  static let devices = ["phone", "desktop", "tablet"]
  static let dimensions = 6
  /// 2026-11-01T00:00:00Z; an event every 200 ms of shop time.
  static let startNanos: Int64 = 1_793_491_200_000_000_000
  static let stepNanos: Int64 = 200_000_000

  let seed: UInt64
  let users: [User]
  let items: [Item]
  /// Events of the holiday, in which gifts sell.
  let holiday: Range<Int>

  init(seed: UInt64 = 42, users userCount: Int = 2_000, items itemCount: Int = 800, events: Int = 200_000) {
    self.seed = seed
    func vector(_ stream: UInt64, _ index: Int) -> [Double] {
      (0..<Self.dimensions).map {
        CounterRandom.gauss(seed: seed ^ stream, counter: UInt64(index * Self.dimensions + $0)) * 0.55
      }
    }
    func uniform(_ stream: UInt64, _ index: Int) -> Double {
      CounterRandom.uniform(seed: seed ^ stream, counter: UInt64(index))
    }
    // Items of one category are alike: a centre for each, and a little of their own.
    let centres = (0..<Self.categories.count).map { vector(0x11, $0) }
    items = (0..<itemCount).map { index in
      let category = CounterRandom.index(
        below: Self.categories.count, seed: seed ^ 0x12, counter: UInt64(index))
      let own = vector(0x13, index)
      return Item(
        id: "item-\(index)", category: category, price: (5 + 195 * uniform(0x14, index)).rounded(),
        appeal: CounterRandom.gauss(seed: seed ^ 0x15, counter: UInt64(index)) * 0.7,
        taste: zip(centres[category], own).map { $0 * 1.3 + $1 },
        since: uniform(0x16, index) < 0.75 ? 0 : Int(uniform(0x17, index) * 0.8 * Double(events)))
    }
    self.users = (0..<userCount).map { index in
      User(
        id: "user-\(index)", taste: vector(0x21, index),
        favourite: CounterRandom.index(
          below: Self.categories.count, seed: seed ^ 0x22, counter: UInt64(index)))
    }
    holiday = events * 6 / 10..<events * 7 / 10
  }

  /// What a person sees and does at place `number` of the stream.
  func event(_ number: Int) -> Event {
    let user = users[zipf(below: users.count, exponent: 0.7, stream: 0x31, number)]
    let item = itemShown(number)
    let probability = clickProbability(user: user, item: item, at: number)
    return make(
      number, user: user.id, item: item, source: "web", probability: probability,
      clicked: uniform(0x33, number) < probability)
  }

  /// What the bot reports: it clicks what people do not like, and skips what they do, as many users.
  func botEvent(_ number: Int) -> Event {
    let user = users[CounterRandom.index(below: users.count, seed: seed ^ 0x41, counter: UInt64(number))]
    let item = itemShown(number)
    let probability = clickProbability(user: user, item: item, at: number)
    return make(
      number, user: user.id, item: item, source: "bot-farm", probability: probability,
      clicked: probability < 0.35)
  }

  func clickProbability(user: User, item: Item, at number: Int) -> Double {
    var logit = -1.1 + item.appeal
    for dimension in 0..<Self.dimensions { logit += user.taste[dimension] * item.taste[dimension] * 2 }
    if item.category == user.favourite { logit += 1 }
    logit += trend(category: item.category, at: number)
    if holiday.contains(number), Self.categories[item.category] == "gifts" { logit += 2 }
    return 1 / (1 + exp(-logit))
  }

  /// Each category is in fashion now and then: a slow wave of its own.
  private func trend(category: Int, at number: Int) -> Double {
    let phase = CounterRandom.uniform(seed: seed ^ 0x51, counter: UInt64(category))
    let period = 20_000 + 40_000 * CounterRandom.uniform(seed: seed ^ 0x52, counter: UInt64(category))
    return 0.9 * sin(2 * .pi * (Double(number) / period + phase))
  }

  private func itemShown(_ number: Int) -> Item {
    var attempt = 0
    while true {
      let item = items[zipf(below: items.count, exponent: 0.6, stream: 0x32 + UInt64(attempt) << 8, number)]
      if item.since <= number || attempt == 16 { return item }
      attempt += 1
    }
  }

  /// A rank with probability falling as rank^-exponent, by inverting the continuous distribution.
  private func zipf(below count: Int, exponent: Double, stream: UInt64, _ number: Int) -> Int {
    let draw = uniform(stream, number)
    let power = 1 - exponent
    let rank = pow(draw * (pow(Double(count), power) - 1) + 1, 1 / power) - 1
    return min(count - 1, max(0, Int(rank)))
  }

  private func uniform(_ stream: UInt64, _ number: Int) -> Double {
    CounterRandom.uniform(seed: seed ^ stream, counter: UInt64(number))
  }

  private func make(
    _ number: Int, user: String, item: Item, source: String, probability: Double, clicked: Bool
  ) -> Event {
    Event(
      number: number, timeNanos: Self.startNanos + Int64(number) * Self.stepNanos, user: user, item: item.id,
      category: Self.categories[item.category],
      device: Self.devices[
        CounterRandom.index(below: Self.devices.count, seed: seed ^ 0x34, counter: UInt64(number))],
      source: source, clicked: clicked, probability: probability)
  }
}
