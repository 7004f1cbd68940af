// What examples are made of: templates, transforms, requests, and what each is read from.
import Configuration
import Primitives
import Testing
import Wire

@testable import Features

@Suite struct ExampleTests {
  private static let yaml = """
    events: {click: positive, rating: {label: value}, view: none}
    entities:
      user: {age: {type: number, missing: 40}, gender: category}
      item: {title: {type: text, minimum_token: 3}, genres: categories, year: number, v: {type: vector, dimension: 3}}
    features:
      context: {device: category, price: number, tags: {type: categories, maximum_values: 2}}
      histories: {clicks: {types: click, length: 3}}
      values:
        band: {from: user.age, bucketise: [18, 30]}
        decade: {from: item.year, step: 10}
        genre_set: {from: item.genres, set: true}
        price_log: {from: context.price, clip: [0, 100], log1p: true, offset: -1, scale: 2}
        cheap: {from: context.price, within: [0, 10]}
        price_standard: {from: context.price, standardise: true}
        count: {statistic: count, of: user}
        page: {statistic: session, of: user, gap: 10s}
      sparse:
        user: user
        item: item
        cross: {of: [user, item.genres]}
        three: {of: [user.gender, item.genres, context.device], normalise: count}
        words: {of: item.title, normalise: none}
        by_count: {of: item, times: count}
        band: band
        decade: decade
        set: genre_set
        history: {of: [history.clicks, item]}
        hour: time.hour
        weekday: time.weekday
        page: {of: [user, page]}
        tags: context.tags
      dense: [price_log, cheap, price_standard, item.v, user.age, price_log * cheap]
    """

  private func fixture() throws -> Fixture {
    var fixture = try Fixture(Self.yaml)
    try fixture.set(.user, "u", .set, [.init("age", .number(25)), .init("gender", .text("F"))])
    try fixture.set(
      .item, "i", .set,
      [
        .init("title", .text("The Usual Suspects, of 1995")), .init("genres", .texts(["Crime", "Thriller"])),
        .init("year", .number(1995)), .init("v", .numbers([1, 2, 3])),
      ])
    return fixture
  }

  @Test("templates take one feature for each tuple of values, which share a weight by the rule")
  func templates() throws {
    let fixture = try fixture()
    try fixture.make(
      Fixture.rating(
        "u", "i", at: 0, type: "click",
        context: [.init("device", .text("phone")), .init("tags", .texts(["a", "b", "c"]))]))
    #expect(fixture.features("user") == [1] && fixture.features("item") == [1])
    #expect(fixture.features("cross") == [1 / Float(2).squareRoot(), 1 / Float(2).squareRoot()])
    #expect(fixture.features("three") == [0.5, 0.5])
    #expect(fixture.features("words") == [1, 1, 1, 1])  // the, usual, suspects, 1995; "of" is too short
    #expect(fixture.features("by_count") == [])  // 0 times
    #expect(fixture.features("band") == [1] && fixture.features("decade") == [1])
    #expect(fixture.features("set") == [1] && fixture.features("history") == [])
    #expect(fixture.features("tags").count == 2)  // at most maximum_values
    #expect(fixture.dense("item.v[0]") == 1 && fixture.dense("item.v[2]") == 3)
    #expect(fixture.dense("user.age") == 25 && fixture.example.dense[0] == 1)
    #expect(Set(fixture.example.features.map(\.key)).count == fixture.example.count)
  }

  @Test(
    "what an attribute or a history has twice is one feature: members learn each as if no other had its key")
  func repeated() throws {
    var fixture = try fixture()
    try fixture.set(
      .item, "i", .set,
      [
        .init("title", .text("spam " + String(repeating: "spam ", count: 64))),
        .init("genres", .texts(["Crime", "Drama", "Crime"])),
      ])
    for second in 0..<3 { try fixture.learn(Fixture.rating("u", "i", at: Double(second), type: "click")) }
    try fixture.make(
      Fixture.rating(
        "u", "i", at: 9, type: "click", context: [.init("tags", .texts(["a", "a", "b"]))]))
    #expect(fixture.features("words").count == 1 && fixture.features("cross").count == 2)
    #expect(fixture.features("history").count == 1 && fixture.features("tags").count == 2)
    #expect(Set(fixture.example.features.map(\.key)).count == fixture.example.count)
  }

  @Test("an example says in words what it is made of")
  func description() throws {
    let fixture = try fixture()
    fixture.example.isDescribed = true
    try fixture.make(
      Fixture.rating("u", "i", at: 0, type: "click", context: [.init("device", .text("phone"))]))
    let description = fixture.state.describe(fixture.example, user: "u", item: "i")
    let lines = description.features.map { "\($0.name)=\($0.value)" }
    #expect(lines.contains("cross=u x Crime") && lines.contains("three=F x Thriller x phone"))
    #expect(lines.contains("band=1") && lines.contains("decade=199") && lines.contains("hour=0"))
    #expect(lines.contains("weekday=3") && lines.contains("words=suspects"))
    #expect(description.features.count == fixture.example.count)
    #expect(description.description.contains("user.age=25.0"))
  }

  @Test("a bucket of any size, a set and a session are said as what they are, not as their hash")
  func describedCategories() throws {
    var fixture = try Fixture(
      """
      events: {click: positive}
      entities: {item: {genres: categories}}
      features:
        context: {price: number}
        values:
          cents: {from: context.price, step: 1}
          kind: {from: item.genres, set: true}
          visit: {statistic: session, of: user, gap: 10s}
        sparse: {cents: cents, kind: kind, both: {of: [kind, cents]}, visit: visit}
      """)
    try fixture.set(.item, "i", .set, [.init("genres", .texts(["War", "Crime"]))])
    func lines(_ price: Double) throws -> [String] {
      try fixture.make(
        Fixture.rating("u", "i", at: 0, type: "click", context: [.init("price", .number(price))]))
      return fixture.state.describe(fixture.example, user: "u", item: "i").features.map {
        "\($0.name)=\($0.value)"
      }
    }
    #expect(
      try Set(lines(12_345))
        == ["cents=12345", "kind={Crime, War}", "both={Crime, War} x 12345", "visit=0"])
    #expect(try lines(-5e12).contains("cents=-4999999913984"))
  }

  @Test("tokens are of one spelling by the rule, and have their names, of one text and of several")
  func tokens() throws {
    func words(_ title: AttributeValue, rule: String) throws -> [String] {
      var fixture = try Fixture(
        """
        events: {click: {label: positive}}
        label: {minimum: 0, maximum: 1}
        entities: {item: {title: text}}
        features: {sparse: {words: {of: item.title}}}
        hygiene: {normalise: {categories: \(rule)}}
        """)
      try fixture.set(.item, "i", .set, [.init("title", title)])
      try fixture.make(Fixture.rating("u", "i", at: 0, type: "click"))
      return fixture.state.describe(fixture.example, user: "u", item: "i").features.map(\.value)
    }
    // Compared by bytes: Swift's == takes composed and decomposed for the same.
    func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
    let folded = try words(.text("Ame\u{301}lie E\u{301}T\u{C9}"), rule: "{compose: true, fold_case: true}")
    #expect(bytes(folded) == bytes(["am\u{E9}lie", "\u{E9}t\u{E9}"]))
    let plain = try words(.text("Ame\u{301}lie \u{C9}T\u{C9}"), rule: "{}")
    #expect(bytes(plain) == bytes(["ame\u{301}lie", "\u{C9}t\u{C9}"]))
    #expect(try words(.texts(["Heat wave", "Alien"]), rule: "{}") == ["heat", "wave", "alien"])
    // Readers of files take a title of digits for a number.
    #expect(try words(.number(187), rule: "{}") == ["187"])
  }

  @Test("transforms are applied in the order of the reference, and what is absent is 0 or the missing rule's")
  func transforms() throws {
    var fixture = try fixture()
    func price(_ value: Double?) throws {
      try fixture.make(
        Fixture.rating(
          "x", "i", at: 0, type: "click", context: value.map { [.init("price", .number($0))] } ?? []))
    }
    try price(9)
    #expect(abs(fixture.dense("price_log") - (Float(2.302585093) - 1) * 2) < 1e-5)
    #expect(fixture.dense("cheap") == 1 && fixture.dense("user.age") == 40)
    try price(1e17)
    #expect(abs(fixture.dense("price_log") - (Float(4.615120517) - 1) * 2) < 1e-5)
    #expect(fixture.dense("cheap") == 0)
    try price(nil)
    #expect(fixture.dense("price_log") == 0 && fixture.dense("cheap") == 0)
    #expect(fixture.dense("price_log * cheap") == 0)
    for value in [1.0, 2, 3, 10] {
      try fixture.learn(
        Fixture.rating("u", "i", at: 1, type: "view", context: [.init("price", .number(value))]))
    }
    try price(10)
    #expect(abs(fixture.dense("price_standard") - Float(6 / 12.5.squareRoot())) < 1e-5)
  }

  @Test("poison in attributes makes no feature that is not finite")
  func poison() throws {
    var fixture = try fixture()
    for value in [Double.nan, .infinity, -.infinity, 1e308, -1e308, 1e38, .leastNonzeroMagnitude] {
      for type in ["click", "rating", "view"] {
        try fixture.learn(
          Fixture.rating("u", "i", value, at: 1, type: type, context: [.init("price", .number(value))]))
        #expect(fixture.example.denseArray.allSatisfy { $0.isFinite })
        #expect(fixture.example.features.allSatisfy { $0.value.isFinite })
        #expect(fixture.example.label.isFinite && fixture.example.weight.isFinite)
      }
    }
  }

  @Test("hour and weekday are UTC, before 1970 too")
  func calendar() {
    #expect(Moment.hour(874_724_710_000_000_000) == 3)  // 1997-09-20 03:05:10 UTC, a Saturday
    #expect(Moment.weekday(874_724_710_000_000_000) == 5)
    #expect(Moment.hour(-1) == 23 && Moment.weekday(-1) == 2)
  }

  @Test("a request's features are those of the event that would follow, for each candidate in any order")
  func request() throws {
    var fixture = try fixture()
    for (place, item) in ["a", "b", "i", "a"].enumerated() {
      try fixture.learn(Fixture.rating("u", item, at: Double(place * 7 + 1), type: "click"))
    }
    let context = [NamedAttribute("device", .text("tv")), .init("price", .number(3))]
    let plain: [NamedAttribute] = []
    func features() -> [[UInt64]] {
      [
        fixture.example.features.map { $0.key ^ UInt64($0.value.bitPattern) },
        fixture.example.denseArray.map { UInt64($0.bitPattern) },
      ]
    }
    var expected: [String: [[UInt64]]] = [:]
    for item in ["a", "b", "i", "new"] {
      try fixture.make(Fixture.rating("u", item, at: 40, type: "click", context: context))
      expected[item] = features()
    }
    try fixture.make(
      Fixture.rating(
        "u", "i", at: 40, type: "click", context: [.init("device", .text("tv")), .init("price", .number(8))]))
    let own = features()
    func views(_ attributes: [NamedAttribute], _ body: (EventView) throws -> Void) throws {
      try Fixture.rating("u", "", at: 0, context: attributes).encoded().withUnsafeBytes {
        try body(try EventView($0))
      }
    }
    try views(context) { request in
      try views([.init("price", .number(8))]) { candidate in
        try views(plain) { none in
          fixture.state.beginRequest(
            user: request.user, timeNanos: 40_000_000_000, context: request.attributes, into: fixture.example)
          for item in ["i", "a", "own", "new", "i", "own", "b"] {
            var id = Array((item == "own" ? "i" : item).utf8)
            id.withUnsafeMutableBytes { bytes in
              fixture.state.makeCandidate(
                ByteView(base: UnsafeRawPointer(bytes.baseAddress!), count: bytes.count),
                context: item == "own" ? candidate.attributes : none.attributes, into: fixture.example)
            }
            #expect(features() == (item == "own" ? own : expected[item]!), "\(item)")
          }
        }
      }
    }
  }

  @Test("a snapshot answers as it did, whatever is learned after")
  func snapshot() throws {
    var fixture = try fixture()
    for step in 1...20 {
      try fixture.learn(Fixture.rating("u", "i\(step % 3)", at: Double(step), type: "click"))
    }
    let snapshot = fixture.state
    let digest = snapshot.digest
    let event = Fixture.rating("u", "i", at: 100, type: "click").encoded()
    func keys(_ state: FeatureState) throws -> [UInt64] {
      try event.withUnsafeBytes { bytes in
        state.makeExample(try EventView(bytes), timeNanos: 100_000_000_000, into: fixture.example)
        return fixture.example.features.map { $0.key ^ UInt64($0.value.bitPattern) }
      }
    }
    let before = try keys(snapshot)
    for step in 21...200 {
      try fixture.learn(Fixture.rating("u", "i\(step % 50)", at: Double(step), type: "click"))
    }
    try fixture.set(.user, "u", .delete)
    #expect(try keys(snapshot) == before)
    #expect(try keys(fixture.state) != before)
    #expect(snapshot.digest == digest)
  }

  @Test("more features than an example may have are left out and counted")
  func bound() throws {
    var fixture = try Fixture(
      """
      events: {click: positive}
      features:
        context: {tags: {type: categories, maximum_values: 1000}}
        sparse: {tags: context.tags, pairs: {of: [context.tags, context.tags]}}
        maximum_per_example: 64
      """)
    let tags = (0..<50).map { "t\($0)" }
    try fixture.learn(Fixture.rating("u", "i", at: 1, type: "click", context: [.init("tags", .texts(tags))]))
    #expect(fixture.example.count == 64)
    #expect(fixture.state.counters.omittedFeatures > 0)
  }

  @Test("unknown names and values of another kind are counted, and do no harm")
  func counted() throws {
    var fixture = try fixture()
    try fixture.learn(
      Fixture.rating(
        "u", "i", at: 1, type: "click",
        context: [
          .init("colour", .text("red")), .init("price", .texts(["x"])), .init("device", .numbers([1])),
        ]))
    #expect(fixture.state.counters.unknownAttributes == 1 && fixture.state.counters.mistypedAttributes == 2)
  }
}
