import Primitives
import Testing

@testable import Statistics

@Suite struct MetricSetTests {
  private func example(_ k: Int) -> (p: Double, isPositive: Bool, weight: Double) {
    let p = (CounterRandom.uniform(seed: 1, counter: UInt64(k)) * 50).rounded(.down) / 50
    let isPositive = CounterRandom.uniform(seed: 2, counter: UInt64(k)) < p
    return (p, isPositive, 1 + Double(k % 3))
  }

  @Test("the window's metrics are those of a fresh count of its examples, all along the stream")
  func window() throws {
    var set = MetricSet(task: .binary, window: 64, halfLife: 20)
    for k in 0..<500 {
      let next = example(k)
      set.update(prediction: next.p, label: next.isPositive ? 1 : 0, weight: next.weight)
      guard k % 37 == 0 else { continue }
      var fresh = BinarySums()
      var pairs: [ScoredLabel] = []
      for index in max(0, k - 63)...k {
        let old = example(index)
        fresh.add(BinaryOutcome(probability: old.p, isPositive: old.isPositive, weight: old.weight))
        pairs.append(ScoredLabel(score: old.p, isPositive: old.isPositive, weight: old.weight))
      }
      for (name, figure) in [
        ("logloss", fresh.logloss), ("rmse", fresh.rmse), ("precision", fresh.precision),
        ("recall", fresh.recall),
        ("calibration", fresh.calibration), ("normalized_entropy", fresh.normalizedEntropy),
        ("auc", ROCAUC.exact(&pairs)),
      ] {
        let value = set.value(name, .window)
        #expect((value == nil) == (figure == nil), "\(name) at \(k)")
        #expect(agrees(value ?? 0, figure ?? 0, 1e-11), "\(name) at \(k)")
      }
    }
  }

  @Test("decayed metrics are those of examples weighted by their age")
  func decayed() throws {
    var set = MetricSet(task: .regression, window: 8, halfLife: 5)
    var (squares, weights) = (0.0, 0.0)
    for k in 0..<100 {
      let error = CounterRandom.gauss(seed: 3, counter: UInt64(k))
      set.update(prediction: 3 + error, label: 3)
      let weight = DeterministicMath.exp2(-Double(99 - k) / 5)
      squares += weight * error * error
      weights += weight
    }
    #expect(try agrees(#require(set.value("rmse", .decayed)), (squares / weights).squareRoot(), 1e-10))
  }

  @Test("the streaming AUC is as close to the exact one as it says, decayed too")
  func auc() throws {
    var histogram = HistogramROCAUC(halfLife: 50)
    var (pairs, recent): ([ScoredLabel], [ScoredLabel]) = ([], [])
    for k in 0..<4000 {
      let p = CounterRandom.uniform(seed: 5, counter: UInt64(k)) * (k % 5 == 0 ? 1e-4 : 1)
      let isPositive = CounterRandom.uniform(seed: 6, counter: UInt64(k)) < p
      histogram.update(probability: p, isPositive: isPositive)
      pairs.append(ScoredLabel(score: p, isPositive: isPositive))
      let weight = DeterministicMath.exp2(-Double(3999 - k) / 50)
      recent.append(ScoredLabel(score: p, isPositive: isPositive, weight: weight))
    }
    let total = try #require(histogram.total)
    #expect(total.uncertainty < 0.003)
    #expect(try abs(total.value - #require(ROCAUC.exact(&pairs))) <= total.uncertainty)
    let decayed = try #require(histogram.decayed)
    #expect(try abs(decayed.value - #require(ROCAUC.exact(&recent))) <= decayed.uncertainty + 1e-9)
  }

  @Test("a model that knows only the base rate has normalised entropy 1, AUC 1/2 and calibration 1")
  func baseRate() throws {
    var set = MetricSet(task: .binary, window: 100)
    for k in 0..<1000 { set.update(prediction: 0.25, label: k % 4 == 0 ? 1 : 0) }
    for scope in [MetricScope.total, .window] {
      #expect(try agrees(#require(set.value("normalized_entropy", scope)), 1, 1e-12))
      #expect(set.value("auc", scope) == 0.5)
      #expect(set.value("calibration", scope) == 1)
    }
    #expect(set.count == 1000)
    #expect(set.values().first { $0.name == "auc" && $0.scope == .window }?.count == 100)
  }

  @Test("NaN, infinities, huge numbers and bad weights are counted and change no figure")
  func poison() {
    var set = MetricSet(task: .binary, window: 10)
    set.update(prediction: 0.7, label: 1)
    let before = set.values()
    set.update(prediction: .nan, label: 1)
    set.update(prediction: 0.5, label: .infinity)
    set.update(prediction: 1.5, label: 1)
    set.update(prediction: 0.5, label: 1, weight: -1)
    set.update(prediction: 0.5, label: 1, weight: .nan)
    #expect(set.rejected == 5)
    #expect(set.values() == before)
    var regression = MetricSet(task: .regression, window: 10)
    regression.update(prediction: 1e200, label: 1)
    regression.update(prediction: 1e38, label: 1)
    #expect(regression.rejected == 1)
    #expect(regression.values().allSatisfy { $0.value.isFinite })
  }

  @Test("coverage is the share of examples with a prediction")
  func coverage() {
    var set = MetricSet(task: .regression, window: 4)
    for k in 0..<10 {
      if k < 5 { set.updateUncovered() } else { set.update(prediction: 1, label: 1) }
    }
    #expect(set.value("coverage", .total) == 0.5)
    #expect(set.value("coverage", .window) == 1)
  }

  @Test("a copy keeps its figures while the original goes on")
  func snapshot() {
    var set = MetricSet(task: .binary, window: 2000)
    for k in 0..<1500 {
      let next = example(k)
      set.update(prediction: next.p, label: next.isPositive ? 1 : 0)
    }
    let copy = set
    let before = copy.values()
    for _ in 0..<1500 { set.update(prediction: 0.1, label: 1) }
    #expect(copy.values() == before)
    #expect(set.values() != before)
  }

  @Test("ranking metrics have their textbook values")
  func ranking() throws {
    var set = RankingMetricSet(k: 10, window: 2)
    set.update(rank: 1)
    set.update(rank: 3)
    set.update(rank: 11)
    set.update(rank: nil)
    let values = Dictionary(
      uniqueKeysWithValues: set.values(catalogueSize: 1).map { ("\($0.name) \($0.scope.rawValue)", $0.value) }
    )
    #expect(values["hr@10 total"] == 0.5)
    #expect(try agrees(#require(values["ndcg@10 total"]), (1 + 0.5) / 4, 1e-12))
    #expect(try agrees(#require(values["mrr@10 total"]), (1 + 1.0 / 3) / 4, 1e-12))
    #expect(values["hr@10 window"] == 0)
    // Two of three relevant items, at 2 and 1: DCG = 1 + 1/log2(3); ideal = 1 + 1/log2(3) + 1/2.
    let outcome = RankingOutcome(ranks: [2, 1], relevant: 3, k: 10)
    let second = 1 / DeterministicMath.log2(3)
    #expect(agrees(outcome.ndcg, (1 + second) / (1.5 + second), 1e-12))
    #expect(agrees(outcome.recall, 2.0 / 3, 1e-12))
    #expect(outcome.reciprocalRank == 1)
  }

  @Test("coverage, novelty and diversity have their textbook values")
  func lists() throws {
    var coverage = CatalogueCoverage()
    for ordinal in [5, 5, 70_000, 3] as [UInt32] { coverage.update(ordinal: ordinal) }
    #expect(coverage.value(catalogueSize: 12) == 0.25)
    #expect(coverage.value(catalogueSize: 0) == nil)
    var novelty = Novelty()
    novelty.update(interactions: 1, of: 1024)
    novelty.update(interactions: 1024, of: 1024)
    #expect(try agrees(#require(novelty.value), 5, 1e-12))
    // Two alike and one orthogonal to both: mean similarity 1/3.
    let diversity = ListDiversity.diversity(count: 3) { $0 == 0 && $1 == 1 ? 1 : 0 }
    #expect(try agrees(#require(diversity), 2.0 / 3, 1e-12))
    #expect(ListDiversity.diversity(count: 1) { _, _ in 1 } == nil)
  }
}
