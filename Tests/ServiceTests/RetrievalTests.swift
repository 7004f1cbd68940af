import CMessages
import Configuration
import Foundation
import Testing
import Transport
import Wire

@Suite(.serialized)
struct RetrievalTests {
  /// A shop of 40 items in two groups; users keep to one of them.
  private func shop() throws -> (TestDaemon, Client) {
    let daemon = try TestDaemon(.clicks)
    let client = try daemon.client()
    let attribute = try #require(daemon.configuration.entities.item.first { $0.type == .categories })
    let start: Int64 = 1_700_000_000_000_000_000
    try client.append(
      (0..<40).map { item in
        EventBuilder(
          timeNanos: start,
          .entity(
            .item, id: "i\(item)", .set,
            attributes: [NamedAttribute(attribute.name, .texts([item % 2 == 0 ? "even" : "odd"]))]))
      })
    try client.append(
      (0..<600).map { place in
        let user = place % 20
        let item = (place * 37 / 20 % 20) * 2 + user % 2
        return EventBuilder(
          timeNanos: start + Int64(place) * 1_000_000_000,
          .interaction(type: "click", user: "u\(user)", item: "i\(item)"))
      })
    try client.flush()
    return (daemon, client)
  }

  private func recommend(
    _ client: Client, _ user: String, k: UInt32 = 10,
    _ fill: (inout Cowbird__V1__RecommendRequest, MessageArena) -> Void = { _, _ in }
  ) throws -> Recommendation {
    try client.recommend(user, k: k, at: 1_700_000_700_000_000_000, fill)
  }

  private func isOdd(_ item: String) -> Bool { Int(item.dropFirst())! % 2 == 1 }

  @Test("a user's own group comes first, and the answer says what it rests on")
  func personal() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let odd = try recommend(client, "u1")
    #expect(odd.chain == "personal")
    #expect(odd.items.count == 10)
    #expect(odd.items.count(where: isOdd) >= 8)
    #expect(odd.scores == odd.scores.sorted(by: >))
    #expect(try recommend(client, "u0").items.count(where: isOdd) <= 2)
    #expect(try recommend(client, "nobody knows").chain == "popularity")
    #expect(try recommend(client, "").chain == "popularity")
  }

  @Test("seen items are left out, or the only ones, as asked")
  func seen() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let only = try recommend(client, "u1", k: 40) { request, _ in
      request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY
    }
    let rest = try recommend(client, "u1", k: 40) { request, _ in
      request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_EXCLUDE
    }
    #expect(!only.items.isEmpty)
    #expect(only.items.allSatisfy(isOdd))
    #expect(Set(only.items).isDisjoint(with: rest.items))
    #expect(Set(only.items).union(rest.items).count == 40)
  }

  @Test("filters, limits and boosts hold; the same request is answered the same")
  func rules() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let attribute = try #require(daemon.configuration.entities.item.first { $0.type == .categories }).name
    let even = try recommend(client, "u1", k: 40) { request, arena in
      var filter = Cowbird__V1__Filter.empty
      var among = Cowbird__V1__Filter__In.empty
      among.attribute = arena.text(attribute)
      (among.n_values, among.values) = arena.texts(["even"])
      filter.kind_case = COWBIRD__V1__FILTER__KIND_IN
      filter.in = arena.message(among)
      request.filter = arena.message(filter)
    }
    #expect(even.items.count == 20)
    #expect(even.considered == 20)
    #expect(!even.items.contains(where: isOdd))

    let limited = try recommend(client, "u1", k: 10) { request, arena in
      var limit = Cowbird__V1__AttributeLimit.empty
      limit.attribute = arena.text(attribute)
      limit.limit = 3
      (request.n_limits, request.limits) = arena.messages([limit])
    }
    #expect(limited.items.count == 6)
    #expect(limited.items.count(where: isOdd) == 3)

    func boosted(_ expression: String) throws -> Recommendation {
      try recommend(client, "u1", k: 10) { request, arena in
        var boost = Cowbird__V1__Boost.empty
        boost.expression = arena.text(expression)
        (request.n_boosts, request.boosts) = arena.messages([boost])
      }
    }
    #expect(!(try boosted("\(attribute) == \"even\" * 100000000").items.contains(where: isOdd)))
    #expect(refusal { _ = try boosted("colour == \"red\" * 2") }?.code == .invalidArgument)

    func explored(_ epsilon: Float) throws -> Recommendation {
      try recommend(client, "u1", k: 10) { request, arena in
        var exploration = Cowbird__V1__Exploration.empty
        exploration.kind = COWBIRD__V1__EXPLORATION__KIND__KIND_EPSILON
        exploration.epsilon = epsilon
        request.exploration = arena.message(exploration)
      }
    }
    #expect(try explored(0.9) == explored(0.9))
    #expect(try explored(0.9).items != recommend(client, "u1").items)
    #expect(refusal { _ = try explored(1.5) }?.code == .invalidArgument)
  }

  @Test(
    "boosts move what is told to somebody of whom nothing but attributes is known, and where nobody did anything"
  )
  func boostsForStrangers() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let attribute = try #require(daemon.configuration.entities.item.first { $0.type == .categories }).name
    let own = try #require(daemon.configuration.entities.user.first { $0.type == .category }).name
    func stranger(_ client: Client, _ group: String) throws -> Recommendation {
      try recommend(client, "stranger", k: 10) { request, arena in
        var boost = Cowbird__V1__Boost.empty
        boost.expression = arena.text("\(attribute) == \"\(group)\" * 1000000")
        (request.n_boosts, request.boosts) = arena.messages([boost])
        var attribute = Cowbird__V1__Attribute.empty
        attribute.name = arena.text(own)
        attribute.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT
        attribute.text = arena.text("x")
        (request.n_user_attributes, request.user_attributes) = arena.messages([attribute])
      }
    }
    for group in ["odd", "even"] {
      let answer = try stranger(client, group)
      #expect(answer.chain == "attributes")
      #expect(answer.items.allSatisfy { isOdd($0) == (group == "odd") })
    }
    let untouched = try TestDaemon(.clicks)
    let other = try untouched.client()
    try other.append(
      (0..<40).map { item in
        EventBuilder(
          timeNanos: 1_700_000_000_000_000_000,
          .entity(
            .item, id: "i\(item)", .set,
            attributes: [NamedAttribute(attribute, .texts([item % 2 == 0 ? "even" : "odd"]))]))
      })
    try other.flush()
    let newest = try recommend(other, "", k: 6) { request, arena in
      var boost = Cowbird__V1__Boost.empty
      boost.expression = arena.text("\(attribute) == \"even\" * 2.5")
      (request.n_boosts, request.boosts) = arena.messages([boost])
    }
    #expect(newest.chain == "recency")
    // Odds 1, 1/2, 1/3 … from the newest on, those of even ones 2.5 times as high.
    #expect(newest.items == ["i38", "i39", "i36", "i34", "i37", "i32"])
  }

  @Test("a restart from a version recommends the same")
  func restart() throws {
    let (daemon, client) = try shop()
    let before = try recommend(client, "u3")
    let digest = try client.flush()
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
    #expect(try recommend(try daemon.client(), "u3") == before)
  }
}
