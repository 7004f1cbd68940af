import CMessages
import Configuration
import Foundation
import Testing
import Transport
import Wire

@Suite(.serialized)
struct RecommendTests {
  private static let years = (0..<31).map { 1980 + $0 }
  private static let genres = (0..<31).map { $0 % 2 == 0 ? ["Drama"] : ["Comedy", "Crime"] }

  private func shop() throws -> (TestDaemon, Client) {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(
      (0..<31).map { item in
        EventBuilder(
          timeNanos: 1_600_000_000_000_000_000,
          .entity(
            .item, id: "i\(item)", .set,
            attributes: [
              NamedAttribute("genres", .texts(Self.genres[item])),
              NamedAttribute("year", .number(Double(Self.years[item]))),
            ]))
      })
    try client.append(Shop.ratings(0..<400))
    try client.flush()
    return (daemon, client)
  }

  private func recommend(
    _ client: Client, _ user: String, k: UInt32 = 31,
    _ fill: (inout Cowbird__V1__RecommendRequest, MessageArena) -> Void = { _, _ in }
  ) throws -> Recommendation {
    try client.recommend(user, k: k, at: 1_000_000_000_000_000_000, fill)
  }

  private func filter(
    _ arena: MessageArena, _ fill: (inout Cowbird__V1__Filter) -> Void
  ) -> UnsafeMutablePointer<Cowbird__V1__Filter> {
    var filter = Cowbird__V1__Filter.empty
    fill(&filter)
    return arena.message(filter)
  }

  private func isIn(_ arena: MessageArena, _ attribute: String, _ values: [String])
    -> UnsafeMutablePointer<Cowbird__V1__Filter>
  {
    filter(arena) { filter in
      var among = Cowbird__V1__Filter__In.empty
      among.attribute = arena.text(attribute)
      (among.n_values, among.values) = arena.texts(values)
      filter.kind_case = COWBIRD__V1__FILTER__KIND_IN
      filter.in = arena.message(among)
    }
  }

  @Test("items come best first, each once; excluded ones do not come")
  func order() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let all = try recommend(client, "u1")
    #expect(Set(all.items).count == 31)
    #expect(all.scores == all.scores.sorted(by: >))
    #expect(all.considered == 31)
    #expect(try recommend(client, "u1", k: 4).items == Array(all.items.prefix(4)))
    let rest = try recommend(client, "u1", k: 5) { request, arena in
      (request.n_exclude, request.exclude) = arena.texts(Array(all.items.prefix(3)))
    }
    #expect(rest.items == Array(all.items[3..<8]))
  }

  @Test("filters give what going over all items would give")
  func filters() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let all = try recommend(client, "u1").items
    func place(_ item: String) -> Int { Int(item.dropFirst())! }

    let comedy = try recommend(client, "u1") { $0.filter = isIn($1, "genres", ["Comedy", "War"]) }
    #expect(Set(comedy.items) == Set(all.filter { Self.genres[place($0)].contains("Comedy") }))
    let notComedy = try recommend(client, "u1") { request, arena in
      request.filter = filter(arena) {
        $0.kind_case = COWBIRD__V1__FILTER__KIND_NOT
        $0.not_ = isIn(arena, "genres", ["Comedy"])
      }
    }
    #expect(Set(notComedy.items) == Set(all.filter { Self.genres[place($0)] == ["Drama"] }))
    let nineties = try recommend(client, "u1") { request, arena in
      request.filter = filter(arena) {
        var range = Cowbird__V1__Filter__Range.empty
        range.attribute = arena.text("year")
        range.at_least_presence_case = COWBIRD__V1__FILTER__RANGE__AT_LEAST_PRESENCE_AT_LEAST
        range.at_least = 1990
        range.at_most_presence_case = COWBIRD__V1__FILTER__RANGE__AT_MOST_PRESENCE_AT_MOST
        range.at_most = 1999
        $0.kind_case = COWBIRD__V1__FILTER__KIND_RANGE
        $0.range = arena.message(range)
      }
    }
    #expect(Set(nineties.items) == Set(all.filter { (1990...1999).contains(Self.years[place($0)]) }))
  }

  @Test("a limit holds back items that share a value")
  func limits() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let limited = try recommend(client, "u1", k: 10) { request, arena in
      var limit = Cowbird__V1__AttributeLimit.empty
      limit.attribute = arena.text("genres")
      limit.limit = 2
      (request.n_limits, request.limits) = arena.messages([limit])
    }
    let drama = limited.items.filter { Int($0.dropFirst())! % 2 == 0 }
    #expect(drama.count == 2)
    #expect(limited.items.count == 4)
  }

  @Test("bad requests are refused by name")
  func refused() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    #expect(refusal { _ = try recommend(client, "u1", k: 0) }?.code == .invalidArgument)
    #expect(refusal { _ = try recommend(client, "u1", k: 1_001) }?.code == .invalidArgument)
    let unknown = refusal { _ = try recommend(client, "u1") { $0.filter = isIn($1, "genre", ["x"]) } }
    #expect(unknown?.message.contains("did you mean \"genres\"") == true)
    let empty = refusal {
      _ = try recommend(client, "u1") { request, arena in request.filter = filter(arena) { _ in } }
    }
    #expect(empty?.code == .invalidArgument)
  }

  @Test("conditions that an attribute's type cannot meet are refused with what can")
  func types() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    let range = refusal {
      _ = try recommend(client, "u1") { request, arena in
        request.filter = filter(arena) {
          var range = Cowbird__V1__Filter__Range.empty
          range.attribute = arena.text("genres")
          range.at_least_presence_case = COWBIRD__V1__FILTER__RANGE__AT_LEAST_PRESENCE_AT_LEAST
          range.at_least = 3
          $0.kind_case = COWBIRD__V1__FILTER__KIND_RANGE
          $0.range = arena.message(range)
        }
      }
    }
    #expect(range?.code == .invalidArgument)
    #expect(
      range?.message
        == "RecommendRequest.filter.range.attribute: \"genres\" is of type categories, and a range is of numbers; "
        + "allowed: year")
    let word = refusal { _ = try recommend(client, "u1") { $0.filter = isIn($1, "year", ["1990", "old"]) } }
    #expect(word?.code == .invalidArgument)
    #expect(word?.message.contains("filter.in.values: \"old\"") == true)
    #expect(
      try recommend(client, "u1") { $0.filter = isIn($1, "year", ["1990", "1991"]) }.items.count == 2)
    func boosted(_ expression: String) throws {
      _ = try recommend(client, "u1") { request, arena in
        var boost = Cowbird__V1__Boost.empty
        boost.expression = arena.text(expression)
        (request.n_boosts, request.boosts) = arena.messages([boost])
      }
    }
    #expect(refusal { try boosted("genres > 3 * 2") }?.message.contains("a text in quotes") == true)
    #expect(refusal { try boosted("year == \"old\" * 2") }?.message.contains("a number") == true)
    try boosted("year > 1990 * 2")
  }

  @Test(
    "without retrievers a policy for seen items is refused where nothing remembers them, and held where it is"
  )
  func seenWithoutRetrievers() throws {
    let daemon = try TestDaemon(.ads)
    let client = try daemon.client()
    try client.append(
      (0..<40).map {
        EventBuilder(
          timeNanos: 1_600_000_000_000_000_000,
          .interaction(type: "click", user: "u\($0 % 4)", item: "i\($0 % 8)"))
      })
    try client.flush()
    #expect(try recommend(client, "u1").items.count == 8)
    let only = refusal {
      _ = try recommend(client, "u1") { request, _ in
        request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY
      }
    }
    #expect(only?.code == .failedPrecondition)
    #expect(only?.message.contains("RecommendRequest.seen: only") == true)
    #expect(only?.message.contains("retrieval.retrievers") == true)
  }

  @Test("somebody of whom nothing is known gets what is popular")
  func fallback() throws {
    let (daemon, client) = try shop()
    defer { withExtendedLifetime(daemon) {} }
    #expect(try recommend(client, "").chain == "popularity")
    #expect(try recommend(client, "u1").chain == "personal")
    let empty = try TestDaemon()
    let nothing = try recommend(try empty.client(), "u1")
    #expect(nothing.items.isEmpty)
    #expect(nothing.chain == "recency")
  }
}
