// Every statistic against a plain recount of all the events before.
import Testing
import Wire

@testable import Features

@Suite struct StatisticsTests {
  private struct Past {
    var user: Int
    var item: Int
    var value: Double
    var time: Double
    var type: String
  }

  private static let yaml = """
    label: {minimum: 0, maximum: 10}
    events: {rating: value, view: none}
    entities: {item: {genres: categories}}
    features:
      values:
        count: {statistic: count, of: user, types: [rating, view]}
        views: {statistic: count, of: item, types: view}
        decayed: {statistic: decayed, of: user, types: rating, half_life: 100s}
        rate: {statistic: rate, of: item, numerator: rating, types: [rating, view], prior: 0.2, shrinkage: 5}
        mean: {statistic: mean, of: item, shrinkage: 3, prior: 4}
        plain: {statistic: mean, of: user, missing: -1}
        value: {statistic: mean, of: user, types: view, target: value, shrinkage: 1}
        square: {statistic: square, of: user, shrinkage: 1}
        ew: {statistic: ew_mean, of: user, rate: 0.2, warmup: 2}
        last: {statistic: last, of: user, missing: 0}
        recency: {statistic: recency, of: user, types: rating, missing: -1}
        age: {statistic: age, of: item, types: rating, missing: -1}
        interval: {statistic: interval, of: item, types: rating, missing: -1}
        genre: {statistic: mean, of: [user, item.genres], shrinkage: 2}
        all: {statistic: mean, shrinkage: 1}
        session: {statistic: count, of: user, types: rating, gap: 50s}
      dense: [count, views, decayed, rate, mean, plain, value, square, ew, last, recency, age, interval, genre, all, session]
    """

  @Test("each statistic is what a recount of all events before gives, sessions and several values included")
  func recount() throws {
    var fixture = try Fixture(Self.yaml)
    for item in 0..<6 {
      try fixture.set(
        .item, "i\(item)", .set, [.init("genres", .texts((0...(item % 3)).map { "g\($0)" }))])
    }
    var random = Generator(state: 7)
    var past: [Past] = []
    var time = 1_000.0
    for step in 0..<1_500 {
      time += Double(Int.random(in: 0...60, using: &random))
      let event = Past(
        user: .random(in: 0..<5, using: &random), item: .random(in: 0..<6, using: &random),
        value: Double(Int.random(in: 0...10, using: &random)), time: time,
        type: Int.random(in: 0..<3, using: &random) == 0 ? "view" : "rating")
      let builder = Fixture.rating(
        "u\(event.user)", "i\(event.item)", event.value, at: event.time, type: event.type)
      if event.type == "rating" {
        try fixture.make(builder)
        for (name, expected) in Self.expected(event, past) {
          let got = Double(fixture.dense(name))
          try #require(
            abs(got - expected) <= 1e-5 * max(1, abs(expected)), "\(name) at \(step): \(got), \(expected)")
        }
      }
      try fixture.learn(builder)
      past.append(event)
    }
  }

  private static func expected(_ now: Past, _ past: [Past]) -> [(String, Double)] {
    let mine = past.filter { $0.user == now.user }
    let its = past.filter { $0.item == now.item }
    let ratings = mine.filter { $0.type == "rating" }
    let itsRatings = its.filter { $0.type == "rating" }
    func mean(_ values: [Double], _ prior: Double, _ weight: Double) -> Double {
      (values.reduce(0, +) + prior * weight) / (Double(values.count) + weight)
    }
    let views = mine.filter { $0.type == "view" }.map(\.value)
    var ew = 0.0
    for (n, event) in ratings.enumerated() {
      ew += max(0.2, min(1, 1 / (Double(n) + 2))) * (event.value - ew)
    }
    let genres = (0...(now.item % 3)).map { genre in
      mean(ratings.filter { $0.item % 3 >= genre }.map(\.value), 0, 2)
    }
    var session = 0
    for (n, event) in ratings.enumerated() {
      session = n > 0 && event.time - ratings[n - 1].time > 50 ? 1 : session + 1
    }
    if let last = ratings.last, now.time - last.time > 50 { session = 0 }
    let first = itsRatings.first.map { now.time - $0.time }
    return [
      ("count", Double(mine.count)), ("views", Double(its.count { $0.type == "view" })),
      ("decayed", ratings.reduce(0) { $0 + exp2((($1.time - now.time) / 100)) }),
      ("rate", mean(its.map { $0.type == "rating" ? 1 : 0 }, 0.2, 5)),
      ("mean", mean(itsRatings.map(\.value), 4, 3)),
      ("plain", ratings.isEmpty ? -1 : mean(ratings.map(\.value), 0, 0)), ("value", mean(views, 0, 1)),
      ("square", mean(ratings.map { $0.value * $0.value }, 0, 1)), ("ew", ew),
      ("last", ratings.last?.value ?? 0), ("recency", ratings.last.map { now.time - $0.time } ?? -1),
      ("age", first ?? -1), ("interval", first.map { $0 / Double(itsRatings.count) } ?? -1),
      ("genre", mean(genres, 0, 0)), ("session", Double(session)),
      ("all", mean(past.filter { $0.type == "rating" }.map(\.value), 0, 1)),
    ]
  }

  private static func exp2(_ x: Double) -> Double { Numerics.exp2(x) }

  @Test("a residual is taken with the values from before the event")
  func residuals() throws {
    var fixture = try Fixture(
      """
      label: {minimum: 0, maximum: 10, center: 5}
      events: {rating: value}
      features:
        values:
          user_offset: {statistic: mean, of: user, minus: item_offset, shrinkage: 1}
          item_offset: {statistic: mean, of: item, minus: user_offset, shrinkage: 1}
        dense: [user_offset, item_offset]
      """)
    var users: [Int: (Double, Double)] = [:]
    var items: [Int: (Double, Double)] = [:]
    var random = Generator(state: 3)
    for step in 0..<400 {
      let (user, item) = (Int.random(in: 0..<4, using: &random), Int.random(in: 0..<4, using: &random))
      let value = Double(Int.random(in: 0...10, using: &random))
      let (u, i) = (users[user] ?? (0, 0), items[item] ?? (0, 0))
      let (userOffset, itemOffset) = (u.0 / (u.1 + 1), i.0 / (i.1 + 1))
      let dense = try fixture.learn(Fixture.rating("u\(user)", "i\(item)", value, at: Double(step + 1)))
      #expect(abs(Double(dense[1]) - userOffset) < 1e-4 && abs(Double(dense[2]) - itemOffset) < 1e-4)
      users[user] = (u.0 + value - 5 - itemOffset, u.1 + 1)
      items[item] = (i.0 + value - 5 - userOffset, i.1 + 1)
    }
  }

  @Test("late events change decayed counts as if they had come in time, and move no clock back")
  func late() throws {
    let times: [Double] = [100, 400, 250, 900, 300]
    var values: [Float] = []
    for order in [times, times.sorted(), times.reversed()] {
      var fixture = try Fixture(Self.yaml)
      for time in order { try fixture.learn(Fixture.rating("u", "i", 5, at: time)) }
      try fixture.make(Fixture.rating("u", "i", 5, at: 1_000))
      values.append(fixture.dense("decayed"))
      #expect(fixture.dense("recency") == 100)
      #expect(fixture.dense("age") == 900)
      try fixture.make(Fixture.rating("u", "i", 5, at: 10))
      #expect(fixture.dense("recency") == 0 && fixture.dense("age") == 0)
    }
    #expect(abs(values[0] - values[1]) < 1e-6 && abs(values[1] - values[2]) < 1e-6)
  }

  @Test("a retraction takes counts, sums and histories back")
  func retraction() throws {
    var fixture = try Fixture(Self.yaml)
    try fixture.learn(Fixture.rating("u", "i", 5, at: 100))
    try fixture.learn(Fixture.rating("u", "i", 9, at: 200))
    try fixture.make(Fixture.rating("u", "i", 0, at: 300))
    let before = fixture.example.denseArray
    let taken = Fixture.rating("u", "i", 3, at: 300)
    try fixture.learn(taken)
    try fixture.retract(taken)
    try fixture.make(Fixture.rating("u", "i", 0, at: 300))
    for name in ["count", "decayed", "rate", "mean", "plain", "square", "genre", "all"] {
      let place = fixture.plan.denseNames.firstIndex(of: name)!
      #expect(abs(fixture.dense(name) - before[place]) < 1e-6, "\(name)")
    }
  }

  @Test("ln(1 + x) and 2^x are right to float precision, from the smallest to the largest")
  func numerics() {
    // From the series, computed by hand: ln 2, ln 11, ln(1 + 1e9), 2^-0.5, 2^-10.
    #expect(abs(Numerics.log1p(1) - 0.6931471805599453) < 1e-10)
    #expect(abs(Numerics.log1p(10) - 2.3978952727983707) < 1e-10)
    #expect(abs(Numerics.log1p(1e9) - 20.72326583794641) < 1e-9)
    #expect(Numerics.log1p(0) == 0)
    #expect(abs(Numerics.exp2(-0.5) - 0.7071067811865476) < 1e-12)
    #expect(Numerics.exp2(-10) == 1.0 / 1024)
    #expect(Numerics.exp2(0) == 1 && Numerics.exp2(-2000) == 0)
  }
}

@Suite struct StandardiserTests {
  @Test("one huge number moves a standardiser little, and numbers that stay large are followed")
  func robust() {
    var moments = Moments()
    for index in 0..<1_000 { moments.add(Double(index % 11)) }
    let before = moments
    moments.add(1e17)
    #expect(abs(moments.mean - before.mean) < 0.1)
    #expect(abs(moments.standardised(10) - before.standardised(10)) < 0.2)
    #expect(moments.standardised(1e17) == Moments.most && moments.standardised(-1e17) == -Moments.most)
    for index in 0..<1_000 { moments.add(1e6 + Double(index % 11)) }
    #expect(abs(moments.standardised(1e6)) < 3)
    #expect(moments.mean > 2e5)
  }

  @Test("usual numbers are standardised as Welford would")
  func plain() {
    let numbers = (0..<500).map { Double($0 * $0 % 37) - 12 }
    var moments = Moments()
    for number in numbers { moments.add(number) }
    let mean = numbers.reduce(0, +) / 500
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 500
    #expect(abs(moments.mean - mean) < 1e-9 && abs(moments.squares / 500 - variance) < 1e-6)
  }
}
