// Recommend, as the tests ask it: what was seen may come again, unless the request says otherwise.

import CMessages
import Transport
import Wire

struct Recommendation: Equatable {
  var items: [String]
  var scores: [Float]
  var reasons: [String]
  var chain: String
  var considered: UInt64
}

extension Client {
  func recommend(
    _ user: String, k: UInt32, at nanos: Int64,
    _ fill: (inout Cowbird__V1__RecommendRequest, MessageArena) -> Void
  ) throws -> Recommendation {
    try ask(
      "Predict", "Recommend", Cowbird__V1__RecommendRequest.self, Cowbird__V1__RecommendResponse.self
    ) { request, arena in
      request.user = arena.text(user)
      request.k = k
      request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE
      request.time_nanos = nanos
      fill(&request, arena)
    } _: { answer in
      Recommendation(
        items: (0..<answer.n_items).map { String(cString: answer.items[$0]!.pointee.item) },
        scores: (0..<answer.n_items).map { answer.items[$0]!.pointee.score },
        reasons: (0..<answer.n_items).map { String(cString: answer.items[$0]!.pointee.reason) },
        chain: String(cString: answer.chain), considered: answer.considered)
    }
  }
}
