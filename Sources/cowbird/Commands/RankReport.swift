// What `evaluate --rank` says: the blend, and each of its scores alone.

import Learning
import Retrieval
import Statistics

struct RankReport {
  private let evaluator: RankEvaluator
  private let tested: Int

  init(_ evaluation: RankEvaluation) {
    evaluator = evaluation.evaluator
    tested = evaluation.tested
  }

  /// The blend's figures at the top, each retriever's under its name.
  var json: JSON {
    func members(_ figures: RankEvaluator.Figures) -> [(String, JSON)] {
      figures.values.map { ($0.name, .number($0.value)) }
    }
    return .object(
      members(evaluator.blend) + evaluator.lists.map { ($0.name, .number($0.value)) } + [
        ("tested", .integer(Int64(tested))),
        ("retrievers", .object(evaluator.retrievers.map { ($0.name, .object(members($0))) })),
      ])
  }

  var text: String {
    var table = TextTable(["", "hr@10", "hr@100", "ndcg@10", "ndcg@100", "mrr"])
    for figures in evaluator.retrievers + [evaluator.blend] {
      table.add([figures.name] + figures.values.map { Format.decimal($0.value) })
    }
    let lists = evaluator.lists.map { "\($0.name) \(Format.decimal($0.value))" }.joined(separator: "   ")
    return table.rendered() + "\n\n\(Format.count(tested)) events ranked   \(lists)"
  }
}
