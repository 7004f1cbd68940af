// A seeded stream of advertising clicks: ids by a Zipf-like law, eight categories of context, a rate of clicks that
// depends on what is shown.

import Primitives
import Wire

struct ClickStream {
  /// Every count divided by 100: what is learned fits the processor's nearest caches, and what is left is the cost of
  /// instructions.
  nonisolated(unsafe) static var isSmall = false
  static var share: Int { isSmall ? 100 : 1 }
  static let categories: [(name: String, count: Int)] = [
    ("site", 20_000), ("page", 5_000), ("campaign", 2_000), ("country", 200), ("city", 10_000),
    ("browser", 50),
    ("system", 20), ("position", 10),
  ]
  static var users: Int { 200_000 / share }
  static var items: Int { 50_000 / share }

  /// The bytes of event number `index`.
  static func encode(_ index: Int, into bytes: inout [UInt8]) {
    var draw = 0
    func uniform() -> Double {
      draw += 1
      return CounterRandom.uniform(seed: 11, counter: UInt64(index * 16 + draw))
    }
    /// Inverse of a Zipf-like distribution with exponent 1.
    func rank(_ count: Int) -> Int {
      Int(DeterministicMath.exp(uniform() * DeterministicMath.log(Double(count))))
    }
    let item = rank(items)
    let context = categories.map {
      NamedAttribute($0.name, .text("\($0.name)-\(rank(max(10, $0.count / share)))"))
    }
    let isClick = uniform() < (CounterRandom.mix(UInt64(item)) & 7 == 0 ? 0.4 : 0.15)
    EventBuilder(
      timeNanos: 1_700_000_000_000_000_000 + Int64(index) * 1_000_000,
      .interaction(
        type: isClick ? "click" : "view", user: "user-\(rank(users))", item: "item-\(item)",
        context: context)
    ).encode(into: &bytes)
  }

  /// Ten categorical features and three dynamic ones.
  static func configuration(_ member: String) -> String {
    """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events:
      click: {label: positive}
      view: {label: negative}
    features:
      context: {\(categories.map { "\($0.name): category" }.joined(separator: ", "))}
      values:
        user_rate: {statistic: rate, of: user, numerator: [click], types: [click, view], prior: 0.2, shrinkage: 10, half_life: 1d}
        item_rate: {statistic: rate, of: item, numerator: [click], types: [click, view], prior: 0.2, shrinkage: 20, half_life: 1h}
        user_recency: {statistic: recency, of: user, missing: 86400, log1p: true, scale: 0.1}
      sparse:
        user: {of: user}
        item: {of: item}
    \(categories.map { "    \($0.name): {of: context.\($0.name)}" }.joined(separator: "\n"))
      dense: [user_rate, item_rate, user_recency]
    model:
      loss: logistic
      members:
        member: \(member)
      stack: {by: first}
    """
  }
}
