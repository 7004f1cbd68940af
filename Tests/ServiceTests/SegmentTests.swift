import CMessages
import Configuration
import Foundation
import Testing
import Transport
import Wire

@Suite(.serialized)
struct SegmentTests {
  private let start: Int64 = 1_700_000_000_000_000_000

  /// Users of two countries who read different papers; half of them say where they are from.
  private func papers() throws -> (TestDaemon, Client) {
    let daemon = try TestDaemon(.clicks) { configuration in
      var country = RetrieverSection()
      country.name = "country"
      country.kind = .popularity
      country.segment = "user.country"
      configuration.retrieval.retrievers.append(country)
    }
    let client = try daemon.client()
    func countryOf(_ user: Int) -> String { user % 2 == 0 ? "fi" : "pt" }
    try client.append(
      (0..<40).map { user in
        EventBuilder(
          timeNanos: start,
          .entity(
            .user, id: "u\(user)", .set, attributes: [NamedAttribute("country", .text(countryOf(user)))]))
      })
    try client.append(
      (0..<800).map { place in
        let user = place * 7 % 30
        return EventBuilder(
          timeNanos: start + Int64(place) * 1_000_000_000,
          .interaction(type: "click", user: "u\(user)", item: "\(countryOf(user))-\(place * 13 % 12)"))
      })
    try client.flush()
    return (daemon, client)
  }

  private func recommend(
    _ client: Client, _ user: String, country: String? = nil
  ) throws -> (items: [String], chain: String) {
    try client.ask(
      "Predict", "Recommend", Cowbird__V1__RecommendRequest.self, Cowbird__V1__RecommendResponse.self
    ) { request, arena in
      request.user = arena.text(user)
      // There are six of each country.
      request.k = 6
      request.time_nanos = start + 900_000_000_000
      if let country {
        var attribute = Cowbird__V1__Attribute.empty
        attribute.name = arena.text("country")
        attribute.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT
        attribute.text = arena.text(country)
        (request.n_user_attributes, request.user_attributes) = arena.messages([attribute])
      }
    } _: { answer in
      (
        (0..<answer.n_items).map { String(cString: answer.items[$0]!.pointee.item) },
        String(cString: answer.chain)
      )
    }
  }

  @Test("a user of whom only the segment is known gets what is popular there, and the answer says so")
  func segments() throws {
    let (daemon, client) = try papers()
    // Known to the catalogue of users, without an event.
    for (user, country) in [("u30", "fi"), ("u31", "pt")] {
      let answer = try recommend(client, user)
      #expect(answer.chain == "attributes")
      #expect(answer.items.count { $0.hasPrefix(country) } == 6, "\(answer.items)")
    }
    // Known by what the request says.
    for country in ["fi", "pt"] {
      let answer = try recommend(client, "stranger", country: country)
      #expect(answer.chain == "attributes")
      #expect(answer.items.count { $0.hasPrefix(country) } == 6, "\(answer.items)")
    }
    // Not known at all.
    #expect(try recommend(client, "nobody").chain == "popularity")
    #expect(try recommend(client, "u4").chain == "personal")
    let digest = try client.flush()
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
    #expect(try recommend(try daemon.client(), "u31").items.count { $0.hasPrefix("pt") } == 6)
  }
}
