// How well retrieval ranks what comes next, by the online protocol: before each test event all items that the user
// has not seen are ranked (or all items, where repeats are allowed), then the event is learned.
//
// Ties count against the item. An item that was never met cannot be recommended: its rank is past the last.
// Figures are kept for the blend and for each of its features alone.
//
// Source: He et al., Fast Matrix Factorization for Online Recommendation, SIGIR 2016, section 5 (protocol).

internal import Primitives
package import Statistics

package struct RankEvaluator {
  /// Figures of one way to rank.
  package struct Figures: Sendable {
    package let name: String
    private var atTen = RankingSums()
    private var atHundred = RankingSums()
    private var whole = RankingSums()

    init(name: String) { self.name = name }

    mutating func add(rank: Int) {
      atTen.add(RankingOutcome(rank: rank, k: 10))
      atHundred.add(RankingOutcome(rank: rank, k: 100))
      whole.add(RankingOutcome(rank: rank, k: .max))
    }

    package var count: Int { Int(whole.count) }

    /// `hr@10`, `hr@100`, `ndcg@10`, `ndcg@100`, `mrr`, in this order; none before the first event.
    package var values: [(name: String, value: Double)] {
      let values: [(String, Double?)] = [
        ("hr@10", atTen.hitRate), ("hr@100", atHundred.hitRate), ("ndcg@10", atTen.ndcg),
        ("ndcg@100", atHundred.ndcg), ("mrr", whole.mrr),
      ]
      return values.compactMap { name, value in value.map { (name, $0) } }
    }

    package subscript(_ name: String) -> Double? { values.first { $0.name == name }?.value }
  }

  package private(set) var blend = Figures(name: "blend")
  package private(set) var retrievers: [Figures]
  package private(set) var coverage = CatalogueCoverage()
  package private(set) var novelty = Novelty()
  package private(set) var diversity = ListDiversity()
  /// Items that there were at the last test event.
  private var catalogueSize = 0
  private let allowsRepeats: Bool
  /// How many of the best the ranking model sees.
  private let candidates: Int
  private var seen: [UInt64: Set<UInt64>] = [:]
  private let scratch: RetrievalScratch
  private var scores: [Float] = []

  package init(
    _ plan: RetrievalPlan, candidates: Int = 300, scratch: RetrievalScratch = RetrievalScratch()
  ) {
    allowsRepeats = plan.repeats
    self.candidates = candidates
    retrievers = plan.features.filter { $0 != .rank }.map { Figures(name: plan.name(of: $0)) }
    self.scratch = scratch
  }

  /// Ranks the event's item if it is a test event, then learns it.
  package mutating func take(
    _ event: RetrievalEvent, isTest: Bool, into state: inout RetrievalState, rank: RankScorer? = nil
  ) {
    if isTest { judge(event, state, rank: rank) }
    state.learn(event, scratch, rank: rank)
    note(event)
  }

  /// The event has happened: from now on its user has seen its item.
  package mutating func note(_ event: RetrievalEvent) {
    if !allowsRepeats, let user = event.user { seen[user, default: []].insert(event.item) }
  }

  /// Of the blend's lists of ten, whoever asks for them: the share of the catalogue that stood in any, the mean
  /// surprise of an item in bits, one less the mean likeness (Jaccard, by attributes) of a list's pairs.
  package var lists: [(name: String, value: Double)] {
    let values = [
      ("catalogue_coverage@10", coverage.value(catalogueSize: catalogueSize)), ("novelty@10", novelty.value),
      ("intra_list_diversity@10", diversity.value),
    ]
    return values.compactMap { name, value in value.map { (name, $0) } }
  }

  /// Ranks the event's item before the event is learned.
  /// - Parameter rank: the ranking model's scores, added to the blend's for the best by the retrievers.
  package mutating func judge(_ event: RetrievalEvent, _ state: RetrievalState, rank: RankScorer? = nil) {
    catalogueSize = state.itemCount
    let ring = state.prepare(
      user: event.user, now: RetrievalState.seconds(event.nanos), segments: event.segments, scratch)
    var candidates = recommendable(event, state)
    let target = state.items.find(event.item)
    let features = state.plan.features
    var weights = [Float](repeating: 0, count: features.count)
    var place = 0
    for index in features.indices where features[index] != .rank {
      weights[index] = 1
      score(weights, state)
      retrievers[place].add(rank: position(target, candidates))
      weights[index] = 0
      place += 1
    }
    score(state.blend.weights(ofBucket: state.blend.bucket(ring.total)), state)
    if state.plan.rank, let rank {
      // The rest stands behind these, in the order that it had.
      let position = position(target, candidates)
      sort(&candidates)
      var best = Array(candidates.prefix(self.candidates))
      addRank(ring.total, best, state, rank)
      blend.add(rank: target.map { best.contains($0) } == true ? self.position(target, best) : position)
      sort(&best)
      candidates = best
    } else {
      blend.add(rank: position(target, candidates))
      sort(&candidates)
    }
    state.describe(min(10, candidates.count), { candidates[$0] }, &coverage, &novelty, &diversity)
  }

  /// As `Recommend` orders them.
  private func sort(_ rows: inout [Int]) {
    rows.sort { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
  }

  /// Rows that may be recommended to the event's user, ascending.
  private func recommendable(_ event: RetrievalEvent, _ state: RetrievalState) -> [Int] {
    var seenRows = Set<Int>()
    if let user = event.user, let keys = seen[user] {
      for key in keys where key != event.item { if let row = state.items.find(key) { seenRows.insert(row) } }
    }
    return (0..<state.items.limit).filter { state.items.isLive($0) && !seenRows.contains($0) }
  }

  /// Scores of all rows by these weights.
  private mutating func score(_ weights: [Float], _ state: RetrievalState) {
    let pageCount = (state.items.limit + 31) / 32
    if scores.count < pageCount * 32 { scores = Array(repeating: 0, count: pageCount * 32) }
    weights.withUnsafeBufferPointer { weights in
      let scan = state.scan(weights.baseAddress!, scratch)
      scores.withUnsafeMutableBufferPointer { scores in
        for page in 0..<pageCount { scan.score(page, then: page, into: scores.baseAddress! + page * 32) }
      }
    }
  }

  private mutating func addRank(
    _ events: Int, _ candidates: [Int], _ state: RetrievalState, _ rank: RankScorer
  ) {
    let weight = state.blend.weights(ofBucket: state.blend.bucket(events)).last ?? 0
    let keys = candidates.map { state.items.key(of: $0) }
    var ranks = [Float](repeating: 0, count: keys.count)
    keys.withUnsafeBufferPointer { keys in ranks.withUnsafeMutableBufferPointer { rank(keys, $0) } }
    for (place, row) in candidates.enumerated() where ranks[place].isFinite {
      scores[row] += weight * ranks[place]
    }
  }

  private func position(_ target: Int?, _ candidates: [Int]) -> Int {
    guard let target else { return candidates.count + 1 }
    let score = scores[target]
    return 1 + candidates.count { $0 != target && scores[$0] >= score }
  }
}
