// eALS: a step against the sums written out, bounds, and the same bits after a restart.

import Configuration
import Primitives
import Tables
import Testing

@testable import Retrieval

@Suite("eALS")
struct ElementwiseTests {
  private func plan(
    factors: Int = 8, reach: Int = 1_024, bounds: RetrievalBounds = RetrievalBounds()
  ) throws -> RetrievalPlan {
    var section = Preset.clicks.configuration.retrieval
    for index in section.retrievers.indices where section.retrievers[index].kind == .factors {
      section.retrievers[index].method = .eals
      section.retrievers[index].factors = factors
      section.retrievers[index].reach = reach
    }
    return try RetrievalPlan(section, bounds: bounds)
  }

  @Test("the kept matrices are the sums over all items and users")
  func sums() throws {
    let plan = try plan()
    var state = RetrievalState(plan)
    let scratch = RetrievalScratch()
    let shop = Shop(items: 40, users: 15)
    shop.learn(0..<300, into: &state, scratch)
    state.remove(item: 3)
    state.remove(user: 1_004)
    let factors = try #require(plan.factors)
    let model = try #require(state.elementwise)
    var items = [Double](repeating: 0, count: 64)
    var weight = 0.0
    for row in 0..<state.items.limit where state.items.isLive(row) {
      let a = DeterministicMath.exp(
        factors.missingPower * DeterministicMath.log(Double(state.counts(of: row).interactions)))
      weight += a
      ElementwiseALS.add(state.layout.vector(state.pages.reader.page(row >> 5), row & 31), a, to: &items, 8)
    }
    var users = [Double](repeating: 0, count: 64)
    for row in 0..<state.users.limit where state.users.isLive(row) {
      ElementwiseALS.add(
        state.people.reader.row(row).assumingMemoryBound(to: Float.self), 1, to: &users, 8)
    }
    #expect(abs(weight - model.itemWeight) < 1e-6 * weight)
    for cell in 0..<64 {
      #expect(abs(items[cell] - model.itemGram[cell]) < 1e-6 * max(1, abs(items[cell])))
      #expect(abs(users[cell] - model.userGram[cell]) < 1e-6 * max(1, abs(users[cell])))
    }
  }

  @Test("a user's coordinate is where the loss is least")
  func minimum() throws {
    let plan = try plan()
    var state = RetrievalState(plan)
    let scratch = RetrievalScratch()
    let shop = Shop(items: 30, users: 6)
    shop.learn(0..<200, into: &state, scratch)
    let factors = try #require(plan.factors)
    // The last coordinate of the last event's item was solved last of all: moving it either way costs.
    let event = shop.event(199)
    let row = try #require(state.items.find(event.item))
    let model = try #require(state.elementwise)
    let own = try #require(state.users.find(event.user!))
    func vector(user: Int) -> [Double] {
      (0..<8).map { Double(state.people.reader.row(user).load(fromByteOffset: $0 * 4, as: Float.self)) }
    }
    let q = (0..<8).map { Double(state.layout.vector(state.pages.reader.page(row >> 5), row & 31)[$0]) }
    let interactions = Double(state.counts(of: row).interactions)
    let a = DeterministicMath.exp(factors.missingPower * DeterministicMath.log(interactions))
    let c = factors.missingWeight * a / model.itemWeight
    var audience: [Int] = []
    model.audience(of: row) {
      if let user = state.users.row(of: $0), !audience.contains(user) { audience.append(user) }
    }
    func loss(_ q: [Double]) -> Double {
      var loss = factors.regularization * q.reduce(0) { $0 + $1 * $1 }
      for user in 0..<state.users.limit {
        let dot = zip(vector(user: user), q).reduce(0) { $0 + $1.0 * $1.1 }
        let isSeen = user == own || audience.contains(user)
        let weight = user == own ? factors.newWeight : 1
        loss += isSeen ? weight * (1 - dot) * (1 - dot) : c * dot * dot
      }
      return loss
    }
    var (less, more) = (q, q)
    less[7] -= 0.02
    more[7] += 0.02
    #expect(loss(q) <= loss(less))
    #expect(loss(q) <= loss(more))
  }

  @Test(
    "never stopped, restored whole and restored from changes learn on to the same digest, within the bounds")
  func restore() throws {
    var bounds = RetrievalBounds()
    (bounds.items, bounds.users) = (64, 32)
    let plan = try plan(reach: 16, bounds: bounds)
    var state = RetrievalState(plan)
    let scratch = RetrievalScratch()
    let shop = Shop(items: 100, users: 50)
    shop.learn(0..<400, into: &state, scratch)
    let parent = state
    shop.learn(400..<700, into: &state, scratch)
    #expect(state.counters.evictedItems > 0 && state.counters.evictedUsers > 0)
    #expect(state.bytes <= state.bytesBound)
    var whole = PageBuffer()
    try state.write(to: &whole, name: "r")
    var restored = try RetrievalState(plan, from: &whole, name: "r")
    var changes = PageBuffer()
    try state.write(to: &changes, name: "r", since: parent)
    var patched = parent
    try patched.apply(from: &changes, name: "r")
    shop.learn(700..<900, into: &state, scratch)
    shop.learn(700..<900, into: &restored, scratch)
    shop.learn(700..<900, into: &patched, RetrievalScratch(level: 0))
    #expect(restored.digest == state.digest)
    #expect(patched.digest == state.digest)
  }

  @Test("it learns to rank")
  func ranks() throws {
    let plan = try plan(factors: 16)
    var state = RetrievalState(plan)
    var evaluator = RankEvaluator(plan)
    let shop = Shop(items: 200)
    for number in 0..<3_000 { evaluator.take(shop.event(number), isTest: number >= 2_500, into: &state) }
    let factors = try #require(evaluator.retrievers.first { $0.name == "factors" })
    // Of 200 items, half are among the first hundred at random.
    #expect(factors["hr@100"]! > 0.7)
  }
}
