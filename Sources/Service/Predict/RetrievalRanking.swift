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
  private(set) var ranking = Ranking()
  private let order: RecommendOrder
  private let hasAttributes: Bool
  private let model: Model
  private let reader: PredictReader
  private let scorer: ItemScorer

  init(
    _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64, _ model: Model,
    _ retrieval: RetrievalState, _ reader: PredictReader
  ) {
    self.order = order
    self.model = model
    self.reader = reader
    hasAttributes = request.userAttributes.count > 0
    let nanos = request.timeNanos == 0 ? WallClock.nanos() : request.timeNanos
    let scorer = ItemScorer(request: request, user: user, model: model, reader: reader, nanos: nanos)
    self.scorer = scorer
    var wanted = TopKRequest(user: user == 0 ? nil : user, k: order.count, nanos: nanos)
    if !retrieval.plan.segments.isEmpty {
      scorer.begin()
      wanted.segments = reader.workspace.example.segments
    }
    wanted.exclude = Array(order.excluded)
    wanted.seen = order.seen
    wanted.boosts = order.boosts
    wanted.diversity = order.diversity
    wanted.exploration = order.exploration
    wanted.seed = order.seed
    wanted.candidates = order.candidates
    let features = model.features
    wanted.attribute = { item, field in Self.value(of: field, item, features) }
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
    answer(wanted, retrieval)
  }

  private mutating func answer(_ wanted: TopKRequest, _ retrieval: RetrievalState) {
    var wanted = wanted
    let scratch = reader.workspace.retrieval
    if hasAttributes { wanted.k = max(order.count, order.candidates) }
    var answer = retrieval.topK(wanted, scratch)
    ranking.chain = Self.chain(answer.step)
    if hasAttributes, answer.step == .popularity || answer.step == .recency {
      rankByAttributes(&answer.items)
      ranking.chain = "attributes"
    }
    take(answer.items)
    // Limits may have used the answer up: look deeper, until there is nothing more.
    while !order.limits.isEmpty, ranking.items.count < order.count, answer.items.count >= wanted.k,
      wanted.k < retrieval.itemCount
    {
      wanted.k = min(wanted.k * 4, retrieval.itemCount)
      answer = retrieval.topK(wanted, scratch)
      ranking.items = []
      if ranking.chain == "attributes" { rankByAttributes(&answer.items) }
      take(answer.items)
    }
  }

  private mutating func take(_ items: [RecommendedItem]) {
    var limiter = AttributeLimiter(order.limits, model.features)
    for item in items where ranking.items.count < order.count {
      // What left the catalogue has no name any more.
      guard let ordinal = model.features.itemOrdinal(item.item),
        let id = model.features.items.string(of: ordinal), limiter.takes(item.item)
      else { continue }
      let reason = ranking.chain == "personal" ? Self.reason(item.reason) : ranking.chain
      ranking.items.append(
        Ranking.Item(id: id, score: item.score, reason: reason, propensity: item.propensity))
    }
  }

  /// The most popular in the order of the model's score, made of what is said of the user.
  private func rankByAttributes(_ items: inout [RecommendedItem]) {
    let keys = items.map(\.item)
    var scores = [Float](repeating: 0, count: keys.count)
    keys.withUnsafeBufferPointer { keys in
      scores.withUnsafeMutableBufferPointer { scorer.score(keys, into: $0) }
    }
    for place in items.indices { items[place].score = scores[place] }
    items = items.enumerated().sorted {
      ($0.element.score, $1.offset) > ($1.element.score, $0.offset)
    }.map(\.element)
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

  private static func chain(_ step: AnswerStep) -> String {
    switch step {
    case .history: "personal"
    case .segment: "attributes"
    case .popularity: "popularity"
    case .recency: "recency"
    }
  }

  private static func reason(_ feature: BlendFeature) -> String {
    switch feature {
    case .factors: "factors"
    case .forward, .backward: "neighbours"
    case .popularity: "popularity"
    case .content, .vector: "content"
    case .segment: "attributes"
    case .rank: "blend"
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
