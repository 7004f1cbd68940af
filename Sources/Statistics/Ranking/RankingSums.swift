// What hit rate, NDCG, MRR and recall are made of.

package import Primitives

/// How well one list of recommendations held what the user turned out to want.
///
/// With ranks from 1 and the relevant items at ranks r (those outside of the list have none):
/// hit = some r ≤ k; recall = |{r ≤ k}| / relevant; reciprocal rank = 1 / min r, 0 beyond k;
/// NDCG = Σ_{r ≤ k} 1 / log2(r + 1) over the same sum for ranks 1...min(k, relevant).
///
/// - Complexity: O(|ranks|).
/// - Source: Järvelin and Kekäläinen, ACM TOIS 20(4), 2002 (NDCG); Voorhees, TREC-8, 1999 (MRR).
package struct RankingOutcome: Sendable, Equatable {
  package var hit: Double
  package var ndcg: Double
  package var reciprocalRank: Double
  package var recall: Double

  /// One relevant item at `rank`, or outside of the list.
  package init(rank: Int?, k: Int) {
    precondition(k > 0 && rank ?? 1 > 0)
    guard let rank, rank <= k else {
      self.init(hit: 0, ndcg: 0, reciprocalRank: 0, recall: 0)
      return
    }
    // The best gain is that of the first place, 1.
    self.init(hit: 1, ndcg: Self.discount(rank), reciprocalRank: 1 / Double(rank), recall: 1)
  }

  /// - Parameters:
  ///   - ranks: distinct, from 1, in any order.
  ///   - relevant: how many items were relevant in all, at least as many as `ranks`, at least 1.
  package init(ranks: [Int], relevant: Int, k: Int) {
    precondition(k > 0 && relevant >= max(1, ranks.count))
    var (found, gain, ideal, best) = (0.0, 0.0, 0.0, 0)
    // Ascending, so that the sum does not depend on the order of `ranks`.
    for rank in ranks.count > 1 ? ranks.sorted() : ranks where rank <= k {
      precondition(rank > 0)
      found += 1
      gain += Self.discount(rank)
      if best == 0 { best = rank }
    }
    for rank in 1...min(k, relevant) { ideal += Self.discount(rank) }
    hit = found > 0 ? 1 : 0
    ndcg = gain / ideal
    reciprocalRank = best > 0 ? 1 / Double(best) : 0
    recall = found / Double(relevant)
  }

  fileprivate init(hit: Double, ndcg: Double, reciprocalRank: Double, recall: Double) {
    (self.hit, self.ndcg, self.reciprocalRank, self.recall) = (hit, ndcg, reciprocalRank, recall)
  }

  private static func discount(_ rank: Int) -> Double { 1 / DeterministicMath.log2(Double(rank + 1)) }
}

/// Sums of ranking outcomes; their means are the metrics.
package struct RankingSums: MetricSums {
  package private(set) var count = 0.0
  private var hits = 0.0
  private var gains = 0.0
  private var reciprocals = 0.0
  private var recalls = 0.0

  package init() {}

  package init(_ outcome: RankingOutcome) {
    count = 1
    hits = outcome.hit
    gains = outcome.ndcg
    reciprocals = outcome.reciprocalRank
    recalls = outcome.recall
  }

  private func mean(_ sum: Double) -> Double? { count > 0 ? max(0, sum) / count : nil }

  package var hitRate: Double? { mean(hits) }
  package var ndcg: Double? { mean(gains) }
  package var mrr: Double? { mean(reciprocals) }
  package var recall: Double? { mean(recalls) }

  package mutating func add(_ other: RankingSums) {
    count += other.count
    hits += other.hits
    gains += other.gains
    reciprocals += other.reciprocals
    recalls += other.recalls
  }

  package mutating func scale(by factor: Double) {
    count *= factor
    hits *= factor
    gains *= factor
    reciprocals *= factor
    recalls *= factor
  }
}

extension RankingSums: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeEach([count, hits, gains, reciprocals, recalls])
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readFinite("count")
    hits = try reader.readFinite("hits")
    gains = try reader.readFinite("gains")
    reciprocals = try reader.readFinite("reciprocal ranks")
    recalls = try reader.readFinite("recalls")
  }

  package static func encode(_ outcome: RankingOutcome, to writer: inout ByteWriter) {
    writer.writeEach([outcome.hit, outcome.ndcg, outcome.reciprocalRank, outcome.recall])
  }

  package static func sample(from reader: inout ByteReader) throws(ByteCodecError) -> RankingOutcome {
    let hit = try reader.readDouble("hit", in: 0...1)
    let ndcg = try reader.readDouble("NDCG", in: 0...2)
    let reciprocal = try reader.readDouble("reciprocal rank", in: 0...1)
    return RankingOutcome(
      hit: hit, ndcg: ndcg, reciprocalRank: reciprocal, recall: try reader.readDouble("recall", in: 0...1))
  }
}
