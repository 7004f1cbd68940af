// What is asked of a recommendation, and what is answered.

package import Configuration

/// Limits how many items of one group are recommended: two of a brand, one of a seller.
package struct GroupCap {
  package var limit: Int
  /// The item's group; nil: none, no limit.
  package var group: (_ item: UInt64) -> UInt64?

  package init(limit: Int, group: @escaping (_ item: UInt64) -> UInt64?) {
    self.limit = limit
    self.group = group
  }
}

/// Items that are recommended although others score higher, so that something is learned about them. Draws are
/// counted from the request's seed; the answer says with which probability each item came to its place.
package enum Exploration: Equatable, Sendable {
  case none
  /// Each place goes, with this probability, to one of the candidates at random.
  case epsilon(Double)
  /// Scores are moved by draws from the posterior of the items' rates (interactions for impressions), times this.
  case thompson(Double)
}

package struct TopKRequest {
  package var user: UInt64?
  package var k: Int
  /// Unix time.
  package var nanos: Int64
  /// The user's value for each segment retriever.
  package var segments: [UInt64] = []
  package var exclude: [UInt64] = []
  package var seen = SeenDefault.exclude
  /// Items that may be recommended, as a set made ahead by `RetrievalState.itemSet`.
  package var among: ItemSet?
  /// Items that may be recommended; asked only for those that would get a place.
  package var filter: ((_ item: UInt64) -> Bool)?
  package var boosts: [Boost] = []
  /// The item's value of a boost's field.
  package var attribute: (_ item: UInt64, _ field: String) -> BoostValue = { _, _ in .missing }
  package var caps: [GroupCap] = []
  /// 0: by score alone; 1: by difference from the items above alone.
  package var diversity: Float = 0
  package var exploration = Exploration.none
  /// Of the request: what exploration's draws are counted from.
  package var seed: UInt64 = 0
  /// The ranking model, which sees the best by the blend.
  package var rank: RankScorer?
  /// Who orders the best where nothing is known of the user but what the request brings (the steps popularity and
  /// recency): these scores, with boosts, take the place of the blend's.
  package var rankOfStrangers: RankScorer?
  /// How many of the best the ranking model and the rules above choose from, at least `k`.
  package var candidates = 300

  package init(user: UInt64?, k: Int, nanos: Int64) {
    self.user = user
    self.k = k
    self.nanos = nanos
  }
}

extension TopKRequest {
  /// What boosts add to an item's score.
  func boost(of item: UInt64) -> Float {
    var sum = Float(0)
    for boost in boosts where boost.condition.holds({ attribute(item, $0) }) { sum += boost.addend }
    return sum
  }
}

/// What an answer rests on.
package enum AnswerStep: String, Sendable {
  /// The user's history.
  case history
  /// What the request brings of the user: see `TopKRequest.rankOfStrangers`.
  case attributes
  /// What users of the same segments do.
  case segment
  /// What all users do.
  case popularity
  /// What came into the catalogue last: nobody has done anything yet.
  case recency
}

package struct RecommendedItem: Equatable, Sendable, BitwiseCopyable {
  package var item: UInt64
  /// By the blend, with boosts and the ranking model's part.
  package var score: Float
  /// Probability that the item came to its place, under the request's exploration.
  package var propensity: Float
  /// The part of the score that was largest.
  package var reason: BlendFeature
}

/// What is said of an answer beside its items.
package struct TopKOutcome: Equatable, Sendable {
  package var step: AnswerStep
  /// Pages of 32 items whose scores were not computed, because they could not matter.
  package var skippedPages: Int
}

package struct TopKAnswer: Equatable, Sendable {
  package var items: [RecommendedItem]
  package var step: AnswerStep
  /// Pages of 32 items whose scores were not computed, because they could not matter.
  package var skippedPages: Int
}

/// Items of one state, by row. See `RetrievalState.itemSet`.
package struct ItemSet: Sendable {
  let words: [UInt32]
  let released: UInt64
}
