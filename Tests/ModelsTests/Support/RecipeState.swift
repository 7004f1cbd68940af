// The features that the joint model was tuned with, made in the plainest way, so that the ensemble can be checked
// against figures of an independent implementation (in C++, same formulas, libm's functions): running means with
// shrinkage per user, item, user x genre and user x five years; sessions and pages by gaps in a user's events.

import Configuration
import Features
import Models
import Primitives

struct RecipeState {
  struct Mean {
    var count: Float = 0
    var sum: Float = 0
    func shrunk(_ k: Float) -> Float { sum / (count + k) }
    mutating func add(_ x: Float) { (count, sum) = (count + 1, sum + x) }
  }
  struct User {
    var offset = Mean()
    var recent: Float = 0
    var last: Int64 = 0
    var page = 0
    var session = Mean()
    var count: Float = 0
  }
  struct Item {
    var mean = Mean()
    var offset = Mean()
    var count: Float = 0
  }

  let data: MovieLens
  let hasSide: Bool
  let isBinary: Bool
  var users = [User](repeating: User(), count: 1_000)
  var items = [Item](repeating: Item(), count: 2_000)
  var crosses: [UInt64: Mean] = [:]
  var prior: Float
  var priorCount: Float = 20
  // The example.
  var keys: [UInt64] = []
  var values: [Float] = []
  var slots: [UInt16] = []
  var dense: [Float] = []

  init(_ data: MovieLens, hasSide: Bool, isBinary: Bool) {
    self.data = data
    self.hasSide = hasSide
    self.isBinary = isBinary
    prior = isBinary ? 0.5 : 3
  }

  func plan(factors: Int = 8, members: [String] = ["joint", "neighbours", "pooled"]) throws -> EnsemblePlan {
    var templates = [
      Template("user", variance: 0.1, factor: .user, factorVariance: 0.1, factorInit: 0),
      Template("page", variance: 0.2),
      Template("item", variance: 0.05, factor: .item, factorVariance: 0.8, factorInit: 0.05),
      Template("user_by_item_offset", variance: 0.4),
      Template("user_by_item_count", variance: 0.57),
    ]
    var names = [
      "constant", "item_mean", "item_offset", "user_offset", "user_recent", "session_offset", "item_count",
    ]
    if hasSide {
      templates += [
        Template("user_genre", variance: 0.1),
        Template("genre", variance: 0.07, factor: .item, factorVariance: 0.1, factorInit: 0.05),
        Template("user_word", variance: 0.28),
        Template("user_by_year", variance: 0.14),
        Template("item_by_age", variance: 0.1),
      ]
      names += ["user_genre_mean", "user_year_mean", "year"]
    }
    let sections = members.map { name in
      var section = MemberSection()
      section.name = name
      switch name {
      case "joint":
        section.kind = .joint
        section.factors = factors
      case "neighbours": section.kind = .neighbours
      case "items":
        section.kind = .neighbours
        section.of = .item
      default:
        section.kind = .pooled
        section.length = 50
        section.rate = 0.1
        section.initScale = 0.025
      }
      if name != "joint" { section.residualOf = "joint" }
      return section
    }
    return try EnsemblePlan(
      templates: templates, denseNames: names,
      objective: Objective(isLogistic: isBinary, minimum: 1, maximum: 5), members: sections)
  }

  static func popularity(_ count: Float) -> Float { Float(0.2 * DeterministicMath.log(Double(1 + count))) }

  func label(_ event: MovieLens.Event) -> Float { isBinary ? (event.rating >= 4 ? 1 : 0) : event.rating }

  private func key(_ template: Int, _ a: Int, _ b: Int = 0) -> UInt64 {
    StableHash.combine(StableHash.combine(UInt64(template), UInt64(a)), UInt64(b))
  }

  /// Time passes: sessions and pages begin.
  mutating func touch(_ event: MovieLens.Event) {
    var user = users[event.user]
    if user.count == 0 { user.last = event.time }
    if event.time - user.last > 7200 { user.session = Mean() }
    if event.time - user.last > 15 { user.page += 1 }
    user.last = max(user.last, event.time)
    users[event.user] = user
  }

  private func year(_ item: MovieLens.Item) -> Float { item.year > 0 ? Float(item.year - 1990) * 0.05 : 0 }

  mutating func make(_ event: MovieLens.Event) {
    keys.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    dense.removeAll(keepingCapacity: true)
    let user = users[event.user]
    let item = items[event.item]
    let about = data.items[event.item]
    func add(_ slot: UInt16, _ key: UInt64, _ x: Float = 1) {
      keys.append(key)
      values.append(x)
      slots.append(slot)
    }
    add(0, key(10, event.user))
    add(1, key(11, event.user, user.page))
    add(2, key(12, event.item))
    add(3, key(13, event.user), item.offset.shrunk(14))
    add(4, key(14, event.user), Self.popularity(item.count) - 0.8)
    if hasSide {
      let share = 1 / Float(max(1, about.genres.count)).squareRoot()
      for genre in about.genres {
        add(5, key(15, event.user, genre), share)
        add(6, key(16, genre), share)
      }
      for word in about.words { add(7, key(17, event.user, word)) }
      add(8, key(18, event.user), year(about))
      add(9, key(19, event.item), Float(data.ages[event.user] - 32) * 0.05)
    }
    dense += [
      1, item.mean.shrunk(2.5), item.offset.shrunk(14), user.offset.shrunk(20), user.recent,
      user.session.shrunk(3), Self.popularity(item.count),
    ]
    if hasSide {
      var sum: Float = 0
      for genre in about.genres { sum += crosses[key(1, event.user, genre)]?.shrunk(5) ?? 0 }
      dense.append(sum / Float(max(1, about.genres.count)))
      dense.append(crosses[key(2, event.user, about.year / 5)]?.shrunk(5) ?? 0)
      dense.append(year(about))
    }
  }

  /// The example that `make` made.
  func withView<Result>(_ event: MovieLens.Event, _ body: (FeatureView) throws -> Result) rethrows -> Result {
    try keys.withUnsafeBufferPointer { keys in
      try values.withUnsafeBufferPointer { values in
        try slots.withUnsafeBufferPointer { slots in
          try dense.withUnsafeBufferPointer { dense in
            try body(
              FeatureView(
                keys: keys.baseAddress!, values: values.baseAddress!, slots: slots.baseAddress!,
                count: keys.count, sharedCount: 0, dense: dense.baseAddress!, denseCount: dense.count,
                user: key(20, event.user), item: key(21, event.item), seconds: UInt32(event.time),
                label: label(event)))
          }
        }
      }
    }
  }

  mutating func learn(_ event: MovieLens.Event) {
    let about = data.items[event.item]
    let y = label(event) - prior
    let ia = items[event.item].offset.shrunk(14)
    let ua = users[event.user].offset.shrunk(20)
    var user = users[event.user]
    user.offset.add(y - ia)
    user.session.add(y - ia)
    user.recent += max(0.14, 1 / (user.count + 3)) * (y - ia - user.recent)
    user.count += 1
    users[event.user] = user
    items[event.item].mean.add(y)
    items[event.item].offset.add(y - ua)
    items[event.item].count += 1
    if hasSide {
      for genre in about.genres { crosses[key(1, event.user, genre), default: Mean()].add(y - ia - ua) }
      crosses[key(2, event.user, about.year / 5), default: Mean()].add(y - ia - ua)
    }
    priorCount += 1
    prior += (label(event) - prior) / priorCount
  }
}
