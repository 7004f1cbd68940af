// Answers where little is known: nobody has done anything yet, or nothing is known of the user.

import Configuration
import Primitives
import Retrieval
import Testing

@Suite struct StrangerTests {
  private static let nanos = 1_500 * Shop.second

  /// A catalogue that nobody has touched: item n came as the n-th.
  private func untouched(_ count: Int) throws -> RetrievalState {
    var state = RetrievalState(try Shop().plan())
    for item in 0..<count { state.describe(item: UInt64(item), attributes: []) }
    return state
  }

  private func boosted(_ rule: String, k: Int) throws -> TopKRequest {
    var request = TopKRequest(user: nil, k: k, nanos: Self.nanos)
    request.boosts = [try Boost(rule)]
    request.attribute = { item, _ in .number(Double(item)) }
    return request
  }

  @Test("without any event a boost lifts an item over the newer ones, up to its factor times as many")
  func boostOfTheNewest() throws {
    let (state, scratch) = (try untouched(5_000), RetrievalScratch())
    // Item 4,979 is the 21st newest, so its odds are 1 / 21; six times that is 1 / 3.5: after the third.
    let answer = state.topK(try boosted("n == 4979 * 6", k: 6), scratch)
    #expect(answer.step == .recency)
    #expect(answer.items.map(\.item) == [4_999, 4_998, 4_997, 4_979, 4_996, 4_995])
    let demoted = state.topK(try boosted("n == 4999 * 0.4", k: 3), scratch)
    #expect(demoted.items.map(\.item) == [4_998, 4_999, 4_997])
    let old = state.topK(try boosted("n < 10 * 100000", k: 2), scratch)
    #expect(old.items.map(\.item) == [9, 8])
  }

  @Test("a stranger's best are in the order of the ranking model, moved by boosts")
  func rankOfStrangers() throws {
    let scratch = RetrievalScratch()
    var state = RetrievalState(try Shop().plan())
    for number in 0..<400 {
      state.learn(
        RetrievalEvent(
          user: UInt64(number % 40), item: UInt64(number % 23), nanos: Int64(number) * Shop.second),
        scratch)
    }
    var request = try boosted("n == 3 * 2.7182818284590452", k: 5)
    request.user = 9_999
    request.rankOfStrangers = { items, scores in
      for place in items.indices { scores[place] = Float(items[place]) * 0.25 }
    }
    let answer = state.topK(request, scratch)
    #expect(answer.step == .attributes)
    #expect(answer.items.map(\.item) == [22, 21, 20, 19, 18])
    request.boosts = [try Boost("n == 3 * 99.48431564193378")]
    let lifted = state.topK(request, scratch)
    #expect(lifted.items.map(\.item) == [22, 3, 21, 20, 19])
    #expect(abs(lifted.items[1].score - (0.75 + 4.6)) < 1e-4)
    // Someone with a history is answered by the blend.
    request.user = 3
    #expect(state.topK(request, scratch).step == .history)
  }

  @Test("exploration among a stranger's best tells the propensity of the order that is answered")
  func exploration() throws {
    let scratch = RetrievalScratch()
    let state = try untouched(50)
    var request = TopKRequest(user: nil, k: 3, nanos: Self.nanos)
    request.candidates = 50
    request.rankOfStrangers = { items, scores in
      for place in items.indices { scores[place] = -Float(items[place]) }
    }
    request.exploration = .epsilon(0.5)
    var explored = 0
    for seed in 1...400 as ClosedRange<UInt64> {
      request.seed = seed
      let first = state.topK(request, scratch).items[0]
      if first.item == 0 {
        #expect(abs(first.propensity - (0.5 + 0.5 / 50)) < 1e-5)
      } else {
        #expect(abs(first.propensity - 0.5 / 50) < 1e-5)
        explored += 1
      }
    }
    // Binomial: 400 draws at 0.49.
    #expect((150...245).contains(explored))
  }
}
