// What was learned: the same on every machine, after every kind of stop, within its bounds.

import Configuration
import Primitives
import Retrieval
import Tables
import Testing

@Suite("The state of retrieval")
struct StateTests {
  private let shop = Shop(vectorDimension: 20)

  @Test("the same events give the same digest at every level of kernels", arguments: [0, 1, 2])
  func levels(level: Int) throws {
    let plan = try shop.plan()
    var (first, second) = (RetrievalState(plan), RetrievalState(plan))
    shop.learn(0..<700, into: &first, RetrievalScratch(level: 0))
    shop.learn(0..<700, into: &second, RetrievalScratch(level: level))
    #expect(first.digest == second.digest)
  }

  @Test("a snapshot keeps its digest and answers while the original learns, and a fork learns the same")
  func snapshots() throws {
    let scratch = RetrievalScratch()
    var state = RetrievalState(try shop.plan())
    shop.learn(0..<400, into: &state, scratch)
    let snapshot = state
    let digest = snapshot.digest
    let request = TopKRequest(user: 1_003, k: 10, nanos: 400 * Shop.second)
    let answer = snapshot.topK(request, scratch)
    let revision = state.weightsOnly()
    shop.learn(400..<800, into: &state, scratch)
    #expect(snapshot.digest == digest)
    #expect(state.digest != digest)
    #expect(snapshot.topK(request, scratch) == answer)
    #expect(revision.topK(request, scratch) == answer)
    var fork = snapshot
    shop.learn(400..<800, into: &fork, scratch)
    #expect(fork.digest == state.digest)
  }

  @Test("never stopped, restored whole and restored from changes learn on to the same digest")
  func restore() throws {
    let scratch = RetrievalScratch()
    let plan = try shop.plan()
    var state = RetrievalState(plan)
    shop.learn(0..<300, into: &state, scratch)
    var whole = PageBuffer()
    try state.write(to: &whole, name: "retrieval")
    let parent = state
    shop.learn(300..<500, into: &state, scratch)
    var changes = PageBuffer()
    try state.write(to: &changes, name: "retrieval", since: parent)
    #expect(changes.bytes.count < whole.bytes.count * 2)

    var restored = try RetrievalState(plan, from: &whole, name: "retrieval")
    #expect(restored.digest == parent.digest)
    try restored.apply(from: &changes, name: "retrieval")
    #expect(restored.digest == state.digest)
    shop.learn(500..<700, into: &state, scratch)
    shop.learn(500..<700, into: &restored, scratch)
    #expect(restored.digest == state.digest)
  }

  @Test("bytes that were cut or changed are refused and leave the state as it was")
  func damage() throws {
    let scratch = RetrievalScratch()
    let plan = try shop.plan()
    var state = RetrievalState(plan)
    shop.learn(0..<60, into: &state, scratch)
    var buffer = PageBuffer()
    try state.write(to: &buffer, name: "retrieval")
    let bytes = buffer.bytes
    for cut in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 37)) {
      var part = PageBuffer(bytes: Array(bytes[..<cut]))
      #expect(throws: (any Error).self) { try RetrievalState(plan, from: &part, name: "retrieval") }
      var changed = bytes
      changed[cut] ^= 0x40
      var source = PageBuffer(bytes: changed)
      var target = state
      // A changed byte fails a checksum, or the page's number: never a state that is something else.
      if (try? target.apply(from: &source, name: "retrieval")) != nil {
        #expect(target.digest == state.digest)
      }
    }
  }

  @Test("a stream of new items and users stays within the bounds, and stale places in histories are no items")
  func bounded() throws {
    let scratch = RetrievalScratch()
    var bounds = RetrievalBounds()
    bounds.items = 100
    bounds.users = 40
    bounds.attributeValues = 50
    bounds.segments = 16
    let plan = try shop.plan(bounds: bounds)
    var state = RetrievalState(plan)
    for number in 0..<3_000 {
      let item = UInt64(number / 2)
      state.describe(item: item, attributes: [item, item + 1])
      state.learn(
        RetrievalEvent(
          user: UInt64(number % 97), item: item, nanos: Int64(number) * Shop.second,
          segments: [UInt64(number % 23)]), scratch)
    }
    #expect(state.itemCount == 100)
    #expect(state.userCount == 40)
    #expect(state.counters.evictedItems == 1_400)
    #expect(state.bytes <= state.bytesBound)
    let answer = state.topK(TopKRequest(user: 96, k: 1_000, nanos: 3_000 * Shop.second), scratch)
    #expect(Set(answer.items.map(\.item)).count == answer.items.count)
    #expect(answer.items.allSatisfy { state.contains(item: $0.item) && $0.score.isFinite })
    #expect(!answer.items.isEmpty)
    // And it goes on after a restart.
    var buffer = PageBuffer()
    try state.write(to: &buffer, name: "r")
    let restored = try RetrievalState(plan, from: &buffer, name: "r")
    #expect(restored.digest == state.digest)
  }

  @Test("who is removed is gone, and what comes in its place is new")
  func removal() throws {
    let scratch = RetrievalScratch()
    var state = RetrievalState(try shop.plan())
    shop.learn(0..<300, into: &state, scratch)
    let removed = (state.remove(item: 20), state.remove(item: 20), state.remove(user: 1_004))
    #expect(removed == (true, false, true))
    #expect(!state.contains(user: 1_004))
    state.describe(item: 99_999, attributes: [])
    #expect(state.interactions(with: 99_999) == 0)
    let request = TopKRequest(user: 1_003, k: 1_000, nanos: 300 * Shop.second)
    #expect(!state.topK(request, scratch).items.contains { $0.item == 20 })
    let cold = state.topK(TopKRequest(user: 1_004, k: 5, nanos: 300 * Shop.second), scratch)
    #expect(cold.step == .popularity)
    shop.learn(300..<500, into: &state, scratch)
    #expect(state.contains(user: 1_004))
  }

  @Test("a vector of the wrong length or with NaN is refused and changes nothing")
  func vectors() throws {
    var state = RetrievalState(try shop.plan())
    let digest = state.digest
    for vector in [[Float](repeating: 1, count: 19), [Float](repeating: .nan, count: 20)] {
      let accepted = vector.withUnsafeBufferPointer { state.describe(item: 1, attributes: [], vector: $0) }
      #expect(!accepted)
    }
    #expect(state.digest == digest)
  }

  @Test("BPR learns to rank, too")
  func bpr() throws {
    let scratch = RetrievalScratch()
    let plan = try clicksPlan { section in
      section.retrievers.removeAll { $0.kind != .factors }
      section.retrievers[0].method = .bpr
    }
    var (state, evaluator) = (RetrievalState(plan), RankEvaluator(plan, scratch: scratch))
    for number in 0..<2_000 { evaluator.take(shop.event(number), isTest: number > 1_500, into: &state) }
    // By chance: 10 of about 300.
    #expect(evaluator.blend["hr@10"]! > 0.1)
  }

  @Test("a plan that cannot be run says where and why")
  func plans() throws {
    #expect(throws: RetrievalPlanError.self) { try clicksPlan { $0.retrievers = [] } }
    do {
      _ = try clicksPlan { $0.blend.start = [1] }
      Issue.record("one weight for several scores was taken")
    } catch let error as RetrievalPlanError {
      #expect(error.path == "retrieval.blend.start")
      #expect(error.reason.hasPrefix("1 weights for "))
    }
  }
}
