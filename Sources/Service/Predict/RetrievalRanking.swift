// Ranking with retrievers: the best of the catalogue by their blend, exactly; the model's own score where the blend
// takes it, or where nothing but attributes is known of the user.

internal import Configuration
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Retrieval
internal import Tables
internal import Wire

struct RetrievalRanking {
  private let order: RecommendOrder
  private let features: FeatureState

  // hot: allocates nothing where nothing but a user, a count and a policy is asked for.
  static func fill(
    _ ranking: inout Ranking, _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64,
    _ model: Model, _ retrieval: RetrievalState, _ reader: PredictReader
  ) {
    let nanos = request.timeNanos == 0 ? WallClock.nanos() : request.timeNanos
    let scorer = ItemScorer(request: request, user: user, model: model, reader: reader, nanos: nanos)
    var wanted = TopKRequest(user: user == 0 ? nil : user, k: order.count, nanos: nanos)
    if !retrieval.plan.segments.isEmpty {
      scorer.begin()
      wanted.segments = reader.workspace.example.segments
    }
    if !order.excluded.isEmpty { wanted.exclude = Array(order.excluded) }
    wanted.seen = order.seen
    wanted.diversity = order.diversity
    wanted.exploration = order.exploration
    wanted.seed = order.seed
    wanted.candidates = order.candidates
    let features = model.features
    if !order.boosts.isEmpty {
      wanted.boosts = order.boosts
      wanted.attribute = { item, field in Self.value(of: field, item, features) }
    }
    ranking.reset()
    ranking.considered = retrieval.itemCount
    if let filter = order.filter {
      var count = 0
      wanted.among = retrieval.itemSet { item in
        let isMatch =
          features.withAttributes(ofItem: item) { filter.matches(ItemAttributes($0)) }
          ?? filter.matches(ItemAttributes([]))
        if isMatch { count += 1 }
        return isMatch
      }
      ranking.considered = count
    }
    if retrieval.plan.rank { wanted.rank = { scorer.score($0, into: $1) } }
    if request.userAttributes.count > 0 { wanted.rankOfStrangers = { scorer.score($0, into: $1) } }
    RetrievalRanking(order: order, features: features).answer(
      &ranking, wanted, retrieval, reader.workspace.retrieval)
  }

  private func answer(
    _ ranking: inout Ranking, _ wanted: TopKRequest, _ retrieval: RetrievalState, _ scratch: RetrievalScratch
  ) {
    var wanted = wanted
    while true {
      let outcome = retrieval.answer(wanted, scratch)
      ranking.items.removeAll(keepingCapacity: true)
      ranking.chain = Self.chain(outcome.step)
      take(scratch.answered, into: &ranking)
      // Limits may have used the answer up: look deeper, until there is nothing more.
      guard !order.limits.isEmpty, ranking.items.count < order.count, scratch.answered.count >= wanted.k,
        wanted.k < retrieval.itemCount
      else { return }
      wanted.k = min(wanted.k * 4, retrieval.itemCount)
    }
  }

  private func take(_ items: UnsafeBufferPointer<RecommendedItem>, into ranking: inout Ranking) {
    var limiter = AttributeLimiter(order.limits, features)
    for item in items where ranking.items.count < order.count {
      // What left the catalogue has no name any more.
      guard let ordinal = features.itemOrdinal(item.item), limiter.takes(item.item) else { continue }
      ranking.items.append(
        Ranking.Item(
          key: item.item, ordinal: ordinal, score: item.score, propensity: item.propensity,
          reason: ranking.chain == .personal ? Self.reason(item.reason) : ranking.chain))
    }
  }

  private static func value(of field: String, _ item: UInt64, _ features: FeatureState) -> BoostValue {
    let name = Array(field.utf8)
    let value = features.withAttributes(ofItem: item) { encodings -> BoostValue in
      guard let view = ItemAttributes(encodings).view(name) else { return .missing }
      switch view.kind {
      case .number: return .number(view.number)
      case .text: return .text(view.text.string)
      case .texts: return .texts(view.texts.map(\.string))
      case .flag: return .flag(view.flag)
      case .numbers, .none: return .missing
      }
    }
    return value ?? .missing
  }

  private static func chain(_ step: AnswerStep) -> Ranking.Reason {
    switch step {
    case .history: .personal
    case .segment, .attributes: .attributes
    case .popularity: .popularity
    case .recency: .recency
    }
  }

  private static func reason(_ feature: BlendFeature) -> Ranking.Reason {
    switch feature {
    case .factors: .factors
    case .forward, .backward: .neighbours
    case .popularity: .popularity
    case .content, .vector: .content
    case .segment: .attributes
    case .rank: .blend
    }
  }
}

/// The model's logits of items for one request.
struct ItemScorer {
  let request: PredictRequestView
  let user: UInt64
  let model: Model
  let reader: PredictReader
  let nanos: Int64

  /// Makes the user's and the moment's part of all features.
  func begin() {
    let workspace = reader.workspace
    workspace.example.resetBuffers()
    for attribute in request.context { workspace.example.addContext(attribute) }
    for attribute in request.userAttributes { workspace.example.addUserAttribute(attribute) }
    model.beginRequest(userKey: user, timeNanos: nanos, in: workspace)
  }

  func score(_ keys: UnsafeBufferPointer<UInt64>, into scores: UnsafeMutableBufferPointer<Float>) {
    begin()
    let workspace = reader.workspace
    model.score(keys, into: scores, workspace.example, reader.batch, workspace.scratch)
  }
}
