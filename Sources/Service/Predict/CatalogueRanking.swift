// Ranking without retrievers: the model's score of every item of the catalogue that passes.
//
//   personal     the user is known, or the request brings context: the score of each item
//   attributes   the user is not known but has attributes: the same, made of these
//   popularity   neither: how often each item was learned of
//   recency      nothing was learned of any item: the newest first

internal import Configuration
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Tables
internal import Wire

struct CatalogueRanking {
  private struct Item {
    var score: Float
    var ordinal: UInt32
    var key: UInt64
  }

  private var ranking: Ranking

  static func fill(
    _ ranking: inout Ranking, _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64,
    _ model: Model, _ reader: PredictReader
  ) {
    ranking = CatalogueRanking(order, request, user, model, reader).ranking
  }

  private init(
    _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64, _ model: Model,
    _ reader: PredictReader
  ) {
    ranking = Ranking()
    let features = model.features
    let seen: Set<UInt64> =
      order.seen == .include || user == 0 ? [] : features.seenItems(ofUser: user)
    var all: [Item] = []
    func visit(_ ordinal: UInt32, _ name: UnsafeRawBufferPointer) {
      let key = FeatureState.itemKey(name)
      guard !order.excluded.contains(key) else { return }
      switch order.seen {
      case .include: break
      case .exclude: if seen.contains(key) { return }
      case .only: if !seen.contains(key) { return }
      }
      if let filter = order.filter {
        let isMatch = features.withAttributes(ofItem: key) { filter.matches(ItemAttributes($0)) }
        guard isMatch ?? filter.matches(ItemAttributes([])) else { return }
      }
      all.append(Item(score: 0, ordinal: ordinal, key: key))
    }
    features.items.forEach(visit)
    ranking.considered = all.count
    score(&all, request, user, model, reader)
    all.sort { ($0.score, $1.ordinal) > ($1.score, $0.ordinal) }
    var limiter = AttributeLimiter(order.limits, features)
    let reason = ranking.chain == .personal ? .factors : ranking.chain
    for item in all where ranking.items.count < order.count && limiter.takes(item.key) {
      ranking.items.append(
        Ranking.Item(
          key: item.key, ordinal: item.ordinal, score: item.score, propensity: 1, reason: reason))
    }
  }

  private mutating func score(
    _ all: inout [Item], _ request: PredictRequestView, _ user: UInt64, _ model: Model,
    _ reader: PredictReader
  ) {
    let isKnown = user != 0 && model.features.userOrdinal(user) != nil
    let hasAttributes = request.userAttributes.count > 0
    guard isKnown || hasAttributes || request.context.count > 0 else {
      var isAny = false
      for index in all.indices {
        all[index].score = Float(model.features.eventCount(ofItem: all[index].key))
        if all[index].score > 0 { isAny = true }
      }
      ranking.chain = isAny ? .popularity : .recency
      if !isAny { for index in all.indices { all[index].score = Float(all[index].ordinal) } }
      return
    }
    ranking.chain = isKnown || !hasAttributes ? .personal : .attributes
    let workspace = reader.workspace
    workspace.example.resetBuffers()
    for attribute in request.context { workspace.example.addContext(attribute) }
    if !isKnown { for attribute in request.userAttributes { workspace.example.addUserAttribute(attribute) } }
    model.beginRequest(
      userKey: user, timeNanos: request.timeNanos == 0 ? WallClock.nanos() : request.timeNanos, in: workspace)
    var first = 0
    while first < all.count {
      let end = min(first + 512, all.count)
      reader.batch.removeAll()
      // A feature that is not finite was refused before.
      for index in first..<end {
        try? model.gather(itemKey: all[index].key, into: reader.batch, in: workspace)
      }
      model.score(reader.batch, in: workspace) { all[first + $0].score = $1.value }
      first = end
    }
  }
}
