// Rules of a request together, on random models; and what a user has seen, however long ago.

import Configuration
import Primitives
import Retrieval
import Tables
import Testing

@Suite("Rules of a request")
struct RuleTests {
  @Test(
    "give together what ranking everything and then applying them one after the other gives",
    arguments: [UInt64(1), 2, 3, 4, 5, 6])
  func together(seed: UInt64) throws {
    func random(_ bound: Int, _ counter: Int) -> Int {
      CounterRandom.index(below: bound, seed: seed &+ 70, counter: UInt64(counter))
    }
    let shop = Shop(seed: seed, items: 150 + random(400, 0), vectorDimension: seed % 3 == 0 ? 12 : 0)
    var state = RetrievalState(try shop.plan { $0.repeats = seed % 2 == 0 })
    let scratch = RetrievalScratch()
    for item in 0..<UInt64(2_000) { shop.describe(item + 10_000, in: &state) }
    shop.learn(0..<600 + random(800, 1), into: &state, scratch)
    // Some leave, so that rows are used again.
    for item in stride(from: UInt64(3), to: 100, by: 11) { state.remove(item: item) }
    shop.learn(1_500..<1_600, into: &state, scratch)
    for round in 0..<12 {
      let user = round == 11 ? nil : UInt64(1_000 + random(70, 10 + round * 9))
      var plain = TopKRequest(user: user, k: 10_000, nanos: 1_700 * Shop.second)
      plain.segments = [UInt64(1 + random(3, 11 + round * 9))]
      plain.seen = [.exclude, .include, .only][random(3, 12 + round * 9)]
      let all = state.topK(plain, scratch)
      #expect(all.skippedPages == 0)
      #expect(all.items.map(\.score) == all.items.map(\.score).sorted(by: >))
      var ruled = plain
      ruled.k = 1 + random(40, 13 + round * 9)
      let (modulus, rest) = (UInt64(2 + random(4, 14 + round * 9)), UInt64(random(2, 15 + round * 9)))
      let isFiltered = random(2, 16 + round * 9) == 0
      if isFiltered {
        ruled.filter = { $0 % modulus != rest }
      } else {
        ruled.among = state.itemSet { $0 % modulus != rest }
      }
      ruled.exclude = all.items.enumerated().filter { $0.offset % 5 == 2 }.map(\.element.item)
      let limit = 1 + random(6, 17 + round * 9)
      ruled.caps = [GroupCap(limit: limit) { $0 % 9 }]
      let excluded = Set(ruled.exclude)
      var counts: [UInt64: Int] = [:]
      let expected = all.items.filter { entry in
        guard entry.item % modulus != rest, !excluded.contains(entry.item),
          counts[entry.item % 9, default: 0] < limit
        else { return false }
        counts[entry.item % 9, default: 0] += 1
        return true
      }
      let answer = state.topK(ruled, scratch).items
      #expect(answer.map(\.item) == expected.prefix(ruled.k).map(\.item))
      #expect(answer.map(\.score) == expected.prefix(ruled.k).map(\.score))
    }
  }

  @Test(
    "what a user has seen stays known beyond the history, up to the bound, and after a restart",
    arguments: [64, 0])
  func seen(bound: Int) throws {
    let plan = try clicksPlan {
      $0.history = 16
      $0.seenItems = bound
    }
    var state = RetrievalState(plan)
    let scratch = RetrievalScratch()
    func click(_ item: Int, _ second: Int) {
      state.learn(RetrievalEvent(user: 7, item: UInt64(item), nanos: Int64(second) * Shop.second), scratch)
    }
    for item in 0..<300 { state.describe(item: UInt64(item), attributes: []) }
    // Each twice: an item counts once.
    for second in 0..<120 { click(second / 2, second) }
    func items(_ policy: SeenDefault) -> Set<UInt64> {
      var request = TopKRequest(user: 7, k: 1_000, nanos: 1_000 * Shop.second)
      request.seen = policy
      return Set(state.topK(request, scratch).items.map(\.item))
    }
    let known = Set((bound == 0 ? 52..<60 : 0..<60).map { UInt64($0) })
    #expect(items(.only) == known)
    #expect(items(.exclude) == Set((0..<300).map { UInt64($0) }).subtracting(known))
    var buffer = PageBuffer()
    try state.write(to: &buffer, name: "retrieval")
    state = try RetrievalState(plan, from: &buffer, name: "retrieval")
    #expect(items(.only) == known)
    // A full list lets the oldest go: 16 of the ring and 64 from before it.
    for second in 120..<320 { click(second - 60, second) }
    #expect(items(.only) == Set(((260 - 16 - bound)..<260).map { UInt64($0) }))
    #expect(state.bytes <= state.bytesBound)
  }
}
