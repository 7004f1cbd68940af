// The pieces: histories in chunks, slots of pairs, first vectors, the label's mean.

import Configuration
import Primitives
import Tables
import Testing

@testable import Models

@Suite("Parts")
struct PartsTests {
  @Test("a history holds the last N, whatever N", arguments: [1, 15, 16, 17, 50, 200])
  func histories(length: Int) {
    var history = HistoryTable(length: length, bounds: TableBounds())
    var plain: [UInt64: [(UInt64, Float)]] = [:]
    let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: length)
    let numbers = UnsafeMutablePointer<Float>.allocate(capacity: length)
    defer {
      keys.deallocate()
      numbers.deallocate()
    }
    for index in 0..<(3 * length + 40) {
      let owner = UInt64(index % 3 + 1)
      let entry = (UInt64(1000 + index), Float(index))
      history.append(owner, entry.0, entry.1, seconds: UInt32(index + 1))
      plain[owner, default: []].append(entry)
      let wanted = plain[owner]!.suffix(length)
      let count = history.read(owner, keys, numbers)
      let found = (0..<count).map { (keys[$0], numbers[$0]) }.sorted { $0.0 < $1.0 }
      #expect(found.map(\.0) == wanted.map(\.0) && found.map(\.1) == wanted.map(\.1))
    }
    #expect(history.read(99, keys, numbers) == 0 && history.read(0, keys, numbers) == 0)
  }

  @Test("a pair's slot is taken over only when the newcomer has outlasted it")
  func pairs() {
    var pairs = PairTable(count: 1024)
    // Two pairs of one slot.
    let first = PairTable.hash(1, 2)
    let second = first ^ 1 << 40
    #expect(pairs.place(first) == pairs.place(second))
    func meet(_ hash: UInt64, _ number: Float, _ residual: Float) {
      var (hash, number) = (hash, number)
      pairs.meet(&hash, &number, 1, residual: residual)
    }
    for _ in 0..<3 { meet(first, 2, 0.5) }
    var slot = pairs[pairs.place(first)]
    #expect(slot.holds(first) && slot.products == 3 && slot.squares == 12 && slot.meetings == 3)
    meet(second, 1, 1)
    meet(second, 1, 1)
    #expect(pairs[pairs.place(first)].holds(first))
    meet(second, 1, 1)
    slot = pairs[pairs.place(first)]
    #expect(slot.holds(second) && slot.meetings == 1 && slot.products == 1)
    #expect(PairTable.hash(1, 2) == PairTable.hash(2, 1))
  }

  @Test("a pair's counts stay within 16 bits")
  func pairOverflow() {
    var slot = PairSlot()
    for _ in 0..<200_000 { slot.add(product: 1, square: 2) }
    #expect(slot.meetings <= .max && slot.meetings > 30_000)
    #expect(abs(slot.products / Float(slot.meetings) - 1) < 0.01)
  }

  @Test("first vectors have mean 0 and variance 1, and depend on seed and key alone")
  func initialVectors() {
    var (sum, squares) = (0.0, 0.0)
    for index in 0..<20_000 {
      let value = Double(InitialVector.value(seed: 3, key: UInt64(index / 8), place: index % 8, scale: 1))
      sum += value
      squares += value * value
    }
    #expect(abs(sum / 20_000) < 0.03 && abs(squares / 20_000 - 1) < 0.03)
    var forward = Ensemble(try! TestPlans.plan(TestPlans.everyMember))
    var backward = forward
    let scratch = EnsembleScratch(forward)
    let stream = TestPlans.stream(20)
    for example in stream { _ = try! example.withView { try forward.predict(learning: $0, scratch) } }
    for example in stream.reversed() {
      _ = try! example.withView { try backward.predict(learning: $0, scratch) }
    }
    for example in stream {
      let key = example.features[2].key
      #expect(forward.machines[0].rows.weights(of: key) == backward.machines[0].rows.weights(of: key))
      #expect(forward.joints[0].factors.weights(of: key) == backward.joints[0].factors.weights(of: key))
    }
  }

  @Test("the label's mean begins at the middle of its range with the weight of twenty")
  func prior() {
    var prior = LabelPrior(Objective(isLogistic: false, minimum: 1, maximum: 5))
    #expect(prior.mean == 3)
    for _ in 0..<20 { prior.add(5, weight: 1) }
    #expect(abs(prior.mean - 4) < 1e-5)
    var weighted = LabelPrior(Objective(isLogistic: true))
    weighted.add(1, weight: 20)
    #expect(abs(weighted.mean - 0.75) < 1e-6)
  }

  @Test("under a bound of rows the least recently seen go, and learning goes on")
  func bounds() throws {
    let plan = try EnsemblePlan(
      templates: TestPlans.templates, denseNames: ["one", "two", "three"],
      objective: Objective(isLogistic: false, minimum: 1, maximum: 5), members: TestPlans.everyMember,
      bounds: TableBounds(maximumRows: 12))
    var ensemble = Ensemble(plan)
    let scratch = EnsembleScratch(ensemble)
    for example in TestPlans.stream(150) {
      #expect(try ensemble.learn(example, scratch).logit.isFinite)
      ensemble.forEachTable { #expect($1.rowCount <= 12) }
    }
    ensemble.expectFinite()
    let before = ensemble.rowCount
    #expect(ensemble.expire(olderThan: 145) > 0)
    #expect(ensemble.rowCount < before)
  }

  @Test("a feature that is not admitted yet predicts as a new one, and has no row")
  func admission() throws {
    let plan = try EnsemblePlan(
      templates: TestPlans.templates, denseNames: ["one", "two", "three"],
      objective: Objective(isLogistic: false, minimum: 1, maximum: 5), members: TestPlans.everyMember,
      bounds: TableBounds(admissionCount: 3, admissionCells: 4096))
    var ensemble = Ensemble(plan)
    let scratch = EnsembleScratch(ensemble)
    let reading = EnsembleScratch(ensemble)
    let example = TestPlans.stream(1)[0]
    for round in 1...4 {
      let served = try ensemble.score(example, reading)
      let learned = try ensemble.learn(example, scratch)
      #expect(abs(served.logit - learned.logit) < 1e-4)
      #expect(ensemble.linears[0].sparse.rowCount == (round < 3 ? 0 : 4))
    }
  }
}
