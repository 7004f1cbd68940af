// The best k are the best k, and the rules of a request hold.

import Configuration
import Primitives
import Retrieval
import Testing

@Suite("The best k")
struct TopKTests {
  private func learned(_ shop: Shop, events: Int = 1_500) throws -> (RetrievalState, RetrievalScratch) {
    var state = RetrievalState(try shop.plan())
    let scratch = RetrievalScratch()
    // Some items that nobody has met yet.
    for item in 0..<UInt64(shop.items) { shop.describe(item + 10_000, in: &state) }
    shop.learn(0..<events, into: &state, scratch)
    return (state, scratch)
  }

  private func request(_ user: UInt64?, k: Int = 10) -> TopKRequest {
    var request = TopKRequest(user: user, k: k, nanos: 1_500 * Shop.second)
    request.segments = [1]
    return request
  }

  @Test("equal scoring every item one by one and sorting", arguments: [UInt64(1), 2, 3, 4])
  func exactness(seed: UInt64) throws {
    let shop = Shop(seed: seed, vectorDimension: seed % 2 == 0 ? 20 : 0)
    let (state, scratch) = try learned(shop)
    let keys = (0..<UInt64(shop.items)).flatMap { [$0, $0 + 10_000] }
    for user in [1_000, 1_007, 1_033, 5_555] as [UInt64] {
      let history = (0..<1_500).map { shop.event($0) }.filter { $0.user == user }
      let seen = Set(history.suffix(256).map(\.item))
      let weights = state.blendWeights(events: history.count)
      let rows = state.features(
        of: keys, user: user, nanos: 1_500 * Shop.second, segments: [1], scratch)
      let scores = rows.filter { !seen.contains($0.item) }.map { row in
        (row.item, zip(row.features, weights).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
      }.sorted { $0.1 > $1.1 }
      for k in [1, 10, 100] {
        let answer = state.topK(request(user, k: k), scratch)
        #expect(answer.items.count == k)
        for (place, item) in answer.items.enumerated() {
          // Items as good as each other, but for rounding, may change places.
          let expected = scores[place].1
          #expect(abs(Double(item.score) - expected) <= 1e-4 * max(1, abs(expected)))
          let own = scores.first { $0.0 == item.item }!.1
          #expect(abs(own - expected) <= 1e-4 * max(1, abs(expected)))
        }
      }
    }
  }

  @Test("pages are passed over without changing the answer, at every level")
  func skipping() throws {
    var state = RetrievalState(try clicksPlan())
    let scratch = RetrievalScratch()
    for item in 0..<20_000 { state.describe(item: UInt64(item) + 1_000, attributes: []) }
    let shop = Shop()
    shop.learn(0..<800, into: &state, scratch)
    let nanos = 800 * Shop.second
    let few = state.topK(TopKRequest(user: 1_003, k: 5, nanos: nanos), scratch)
    #expect(few.skippedPages > 100)
    let all = state.topK(TopKRequest(user: 1_003, k: 50_000, nanos: nanos), scratch)
    #expect(all.skippedPages == 0)
    #expect(Array(all.items.prefix(5)) == few.items)
    for level in 0...2 {
      let other = state.topK(TopKRequest(user: 1_003, k: 5, nanos: nanos), RetrievalScratch(level: level))
      #expect(other == few)
    }
  }

  @Test("what was seen is left out, allowed, or all there is, as asked")
  func seen() throws {
    let shop = Shop()
    let (state, scratch) = try learned(shop)
    let seen = Set((0..<1_500).map { shop.event($0) }.filter { $0.user == 1_007 }.map(\.item))
    var request = request(1_007, k: 1_000)
    let without = Set(state.topK(request, scratch).items.map(\.item))
    #expect(without.isDisjoint(with: seen))
    request.seen = .include
    #expect(Set(state.topK(request, scratch).items.map(\.item)) == without.union(seen))
    request.seen = .only
    #expect(Set(state.topK(request, scratch).items.map(\.item)) == seen)
    request.exclude = [seen.min()!]
    #expect(Set(state.topK(request, scratch).items.map(\.item)) == seen.subtracting([seen.min()!]))
  }

  @Test("a filter, a set and an exclude list give what sorting all and filtering gives")
  func filters() throws {
    let (state, scratch) = try learned(Shop())
    let all = state.topK(request(1_007, k: 5_000), scratch).items
    var filtered = request(1_007)
    filtered.filter = { $0 % 3 == 0 }
    #expect(state.topK(filtered, scratch).items == Array(all.filter { $0.item % 3 == 0 }.prefix(10)))
    var among = request(1_007)
    among.among = state.itemSet { $0 % 3 == 0 }
    #expect(state.topK(among, scratch).items == Array(all.filter { $0.item % 3 == 0 }.prefix(10)))
    var excluding = request(1_007)
    excluding.exclude = Array(all.prefix(4).map(\.item))
    #expect(state.topK(excluding, scratch).items == Array(all[4..<14]))
  }

  @Test("boosts move scores by the logarithm of their factor, exactly")
  func boosts() throws {
    let (state, scratch) = try learned(Shop())
    var boosted = request(1_007, k: 10)
    boosted.boosts = [try Boost("group == 3 * 5"), try Boost("group == 4 * 0.2")]
    boosted.attribute = { item, field in field == "group" ? .number(Double(item % 7)) : .missing }
    let plain = state.topK(request(1_007, k: 5_000), scratch).items
    let moved = plain.map { item in
      let factor = item.item % 7 == 3 ? 5.0 : item.item % 7 == 4 ? 0.2 : 1
      return (item.item, item.score + Float(DeterministicMath.log(factor)))
    }
    let expected = moved.sorted { $0.1 > $1.1 }.prefix(10)
    let answer = state.topK(boosted, scratch).items
    #expect(answer.map(\.item) == expected.map(\.0))
    #expect(answer.map(\.score) == expected.map(\.1))
  }

  @Test("caps hold however deep they make the search go")
  func caps() throws {
    let (state, scratch) = try learned(Shop())
    var capped = request(1_007, k: 12)
    capped.candidates = 12
    capped.caps = [GroupCap(limit: 2) { $0 % 7 }]
    let items = state.topK(capped, scratch).items
    #expect(items.count == 12)
    for group in 0..<7 { #expect(items.count { $0.item % 7 == UInt64(group) } <= 2) }
    // Greedy by score.
    var counts: [UInt64: Int] = [:]
    let greedy = state.topK(request(1_007, k: 5_000), scratch).items.filter {
      counts[$0.item % 7, default: 0] += 1
      return counts[$0.item % 7]! <= 2
    }
    #expect(items == Array(greedy.prefix(12)))
    capped.caps = [GroupCap(limit: 1) { _ in 1 }]
    #expect(state.topK(capped, scratch).items.count == 1)
  }

  @Test("diversity makes lists more different")
  func diversity() throws {
    let shop = Shop(vectorDimension: 20)
    let (state, scratch) = try learned(shop)
    func likeness(_ items: [RecommendedItem]) -> Double {
      var sum = 0.0
      for a in items {
        for b in items where a.item < b.item {
          let (x, y) = (shop.vector(a.item), shop.vector(b.item))
          func dot(_ p: [Float], _ q: [Float]) -> Double { zip(p, q).reduce(0) { $0 + Double($1.0 * $1.1) } }
          sum += max(0, dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot())
        }
      }
      return sum
    }
    var diverse = request(1_007)
    diverse.diversity = 0.7
    let (plain, varied) = (state.topK(request(1_007), scratch).items, state.topK(diverse, scratch).items)
    #expect(likeness(varied) < likeness(plain))
    #expect(varied[0].item == plain[0].item)
  }

  @Test("epsilon's propensities are the frequencies of what is shown")
  func epsilon() throws {
    let (state, scratch) = try learned(Shop())
    var request = request(1_007, k: 1)
    request.candidates = 10
    request.exploration = .epsilon(0.5)
    var shown: [UInt64: Int] = [:]
    var propensities: [UInt64: Float] = [:]
    for seed in 0..<2_000 {
      request.seed = UInt64(seed)
      let item = state.topK(request, scratch).items[0]
      shown[item.item, default: 0] += 1
      propensities[item.item] = item.propensity
    }
    #expect(shown.count == 10)
    for (item, count) in shown { #expect(abs(Float(count) / 2_000 - propensities[item]!) < 0.04) }
    request.seed = 5
    #expect(state.topK(request, scratch) == state.topK(request, scratch))
  }

  @Test("Thompson sampling explores what was shown little, and says how likely a list was")
  func thompson() throws {
    var (state, scratch) = try learned(Shop())
    for _ in 0..<500 { state.countImpression(of: 10_000) }
    var request = request(1_007)
    request.exploration = .thompson(1)
    var lists = Set<[UInt64]>()
    for seed in 0..<20 {
      request.seed = UInt64(seed)
      let items = state.topK(request, scratch).items
      lists.insert(items.map(\.item))
      #expect(items.allSatisfy { $0.propensity > 0 && $0.propensity <= 1 })
    }
    #expect(lists.count > 10)
  }

  @Test("an answer says what it rests on: history, segment, popularity, recency")
  func steps() throws {
    let shop = Shop()
    let (state, scratch) = try learned(shop)
    #expect(state.topK(request(1_007), scratch).step == .history)
    #expect(state.topK(request(77), scratch).step == .segment)
    #expect(state.topK(request(nil), scratch).step == .segment)
    let unknown = TopKRequest(user: 77, k: 10, nanos: 1_500 * Shop.second)
    #expect(state.topK(unknown, scratch).step == .popularity)
    var empty = RetrievalState(try shop.plan())
    #expect(empty.topK(request(1), scratch).items.isEmpty)
    for item in 0..<20 { empty.describe(item: UInt64(item), attributes: []) }
    let newest = empty.topK(request(1, k: 3), scratch)
    #expect(newest.step == .recency)
    #expect(newest.items.map(\.item) == [19, 18, 17])
  }

  @Test("the reason is the largest part of the score")
  func reasons() throws {
    let scratch = RetrievalScratch()
    let plan = try clicksPlan { $0.retrievers.removeAll { $0.kind != .neighbours } }
    var state = RetrievalState(plan)
    for user in 0..<30 {
      for (step, item) in [5, 6].enumerated() {
        state.learn(
          RetrievalEvent(
            user: UInt64(user), item: UInt64(item), nanos: Int64(user * 10 + step) * Shop.second),
          scratch)
      }
    }
    state.learn(RetrievalEvent(user: 99, item: 5, nanos: 400 * Shop.second), scratch)
    let item = state.topK(TopKRequest(user: 99, k: 1, nanos: 401 * Shop.second), scratch).items[0]
    #expect(item.item == 6)
    #expect(item.reason == .forward)
  }

  @Test("the ranking model's score takes part, and the blend learns how much it is worth")
  func rank() throws {
    let scratch = RetrievalScratch()
    let plan = try clicksPlan { $0.rank = true }
    var state = RetrievalState(plan)
    let shop = Shop()
    // A model that knows what comes next.
    for number in 0..<1_500 {
      let event = shop.event(number)
      state.learn(event, scratch) { items, scores in
        for place in items.indices { scores[place] = items[place] == event.item ? 3 : 0 }
      }
    }
    #expect(state.blendWeights(events: 20).last! > 0.5)
    var request = TopKRequest(user: 1_007, k: 5, nanos: 1_500 * Shop.second)
    request.seen = .include
    request.rank = { items, scores in
      for place in items.indices { scores[place] = items[place] == 42 ? 1_000 : .nan }
    }
    #expect(state.topK(request, scratch).items[0].item == 42)
  }
}
