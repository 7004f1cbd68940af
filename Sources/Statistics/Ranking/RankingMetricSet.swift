// The ranking metrics of recommendations at one k, in the three scopes, in one value that lives in the model.

package import Primitives

/// hr@k, ndcg@k, mrr@k and recall@k in each scope; catalogue_coverage, novelty and intra_list_diversity in total.
///
/// - `k`: default 10. `window`: default 10,000 lists. `halfLife`: default 10,000 lists.
/// - Complexity: O(|ranks|) per judged list, O(k) per list for coverage and novelty, O(k²) for diversity.
package struct RankingMetricSet: Sendable, Equatable {
  package let k: Int
  private var sums: ScopedSums<RankingSums>
  package var coverage = CatalogueCoverage()
  package var novelty = Novelty()
  package var diversity = ListDiversity()

  package init(k: Int = 10, window: Int = 10_000, halfLife: Double = 10_000) {
    precondition(k > 0)
    self.k = k
    sums = ScopedSums(window: window, halfLife: halfLife)
  }

  /// One relevant item, at `rank` (from 1) or outside of the list.
  package mutating func update(rank: Int?) { sums.add(RankingOutcome(rank: rank, k: k)) }

  /// Several relevant items. See `RankingOutcome`.
  package mutating func update(ranks: [Int], relevant: Int) {
    sums.add(RankingOutcome(ranks: ranks, relevant: relevant, k: k))
  }

  /// The figures that have a value, in a fixed order.
  package func values(catalogueSize: Int) -> [MetricValue] {
    var values: [MetricValue] = []
    for scope in MetricScope.allCases {
      let sums = sums[scope]
      let figures = [
        ("hr@\(k)", sums.hitRate), ("ndcg@\(k)", sums.ndcg), ("mrr@\(k)", sums.mrr),
        ("recall@\(k)", sums.recall),
      ]
      for (name, value) in figures {
        guard let value else { continue }
        let count = UInt64(max(0, sums.count).rounded())
        values.append(MetricValue(name: name, scope: scope, value: value, count: count))
      }
    }
    let wholes = [
      (
        "catalogue_coverage", coverage.distinct > 0 ? coverage.value(catalogueSize: catalogueSize) : nil,
        UInt64(coverage.distinct)
      ),
      ("novelty", novelty.value, novelty.count),
      ("intra_list_diversity", diversity.value, diversity.count),
    ]
    for (name, value, count) in wholes {
      guard let value else { continue }
      values.append(MetricValue(name: name, scope: .total, value: value, count: count))
    }
    return values
  }
}

extension RankingMetricSet: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(k)
    writer.write(sums)
    writer.write(coverage)
    writer.write(novelty)
    writer.write(diversity)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    k = try reader.readInt("k", in: 1...(1 << 20))
    sums = try reader.read(ScopedSums<RankingSums>.self)
    coverage = try reader.read(CatalogueCoverage.self)
    novelty = try reader.read(Novelty.self)
    diversity = try reader.read(ListDiversity.self)
  }
}
