// Recommend: the best k of the whole catalogue, by the model's score for this user; for a user of whom nothing is
// known, the fallback chain.
//
//   personal     the user is known, or brings context: the model's score of every item that passes the filter
//   attributes   the user is not known but has attributes: the same, made of these
//   popularity   neither: how often each item was learned of
//   recency      nothing was learned of any item: the newest first

internal import CMessages
internal import Configuration
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Tables
internal import Transport
internal import Wire

extension PredictService {
  /// Items of a catalogue that a reactor ranks itself; larger ones are ranked by a worker.
  private static let reactorItems = 1_000

  func recommend(
    _ request: PredictRequestView, _ user: UInt64, _ source: Source, _ reader: PredictReader, _ to: Answering
  ) throws(Status) {
    // Checked before it is put aside, so that a bad request is refused at once.
    let bytes = request.copy
    let configuration = context.configuration
    let order = try Wire.withMessage(Cowbird__V1__RecommendRequest.self, from: bytes) {
      message throws(Status) in
      try RecommendOrder(message, configuration, reader.limits)
    }
    let model = source.revision.model
    guard model.features.itemCount > Self.reactorItems, let reply = to.deferred() else {
      return respond(Ranking(order, request, user, model, reader), source, to)
    }
    context.workers.perform { [self] in
      bytes.withUnsafeBytes { bytes in
        do throws(Status) {
          let request = try PredictRequestView(bytes, .recommend)
          respond(Ranking(order, request, user, model, worker), source, Answering(reply))
        } catch {
          reply.fail(error)
        }
      }
    }
  }

  private func respond(_ ranking: Ranking, _ source: Source, _ to: Answering) {
    let arena = MessageArena(capacity: 4096)
    var answer = Cowbird__V1__RecommendResponse.empty
    (answer.n_items, answer.items) = arena.messages(
      ranking.items.map { item in
        var message = Cowbird__V1__Recommendation.empty
        message.item = arena.text(item.id)
        message.score = item.score
        message.reason = arena.text(ranking.reason)
        message.propensity = 1
        return message
      })
    answer.model = arena.message(source.message(arena))
    answer.degraded = arena.text(source.degraded)
    answer.request_id = arena.text(
      Digest(low: CounterRandom.bits(seed: MonotonicClock.nanos(), counter: 1), high: UInt64(WallClock.nanos()))
        .description)
    answer.chain = arena.text(ranking.chain)
    answer.considered = UInt64(ranking.considered)
    to.respond(&answer)
  }
}

extension Source {
  func message(_ arena: MessageArena) -> Cowbird__V1__ModelReference {
    var message = Cowbird__V1__ModelReference.empty
    message.version = arena.text(revision.version?.description ?? "")
    message.revision = revision.number
    message.offset = revision.offset
    message.arm = arena.text(arm)
    return message
  }
}

/// The items that pass, best first.
private struct Ranking {
  struct Item {
    var id: String
    var score: Float
    var ordinal: UInt32
    var key: UInt64
  }

  private(set) var items: [Item] = []
  private(set) var considered = 0
  private(set) var chain = "personal"

  var reason: String {
    switch chain {
    case "attributes": "attributes"
    case "popularity": "popularity"
    case "recency": "recency"
    default: "factors"
    }
  }

  init(
    _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64, _ model: Model, _ reader: PredictReader
  ) {
    let features = model.features
    let seen: Set<UInt64> =
      order.seen == .include || user == 0 ? [] : features.seenItems(ofUser: user)
    var all: [Item] = []
    features.items.forEach { ordinal, name in
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
      all.append(
        Item(id: String(decoding: name, as: UTF8.self), score: 0, ordinal: ordinal, key: key))
    }
    considered = all.count
    score(&all, request, user, model, reader)
    all.sort { ($0.score, $1.ordinal) > ($1.score, $0.ordinal) }
    items = Self.best(all, order, features)
  }

  private mutating func score(
    _ all: inout [Item], _ request: PredictRequestView, _ user: UInt64, _ model: Model, _ reader: PredictReader
  ) {
    let isKnown = user != 0 && model.features.userOrdinal(user) != nil
    let hasAttributes = request.userAttributes.count > 0
    guard isKnown || hasAttributes || request.context.count > 0 else {
      var isAny = false
      for index in all.indices {
        all[index].score = model.ensemble.exampleCount(ofItem: all[index].key)
        if all[index].score > 0 { isAny = true }
      }
      chain = isAny ? "popularity" : "recency"
      if !isAny { for index in all.indices { all[index].score = Float(all[index].ordinal) } }
      return
    }
    chain = isKnown || !hasAttributes ? "personal" : "attributes"
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
      for index in first..<end { try? model.gather(itemKey: all[index].key, into: reader.batch, in: workspace) }
      model.score(reader.batch, in: workspace) { all[first + $0].score = $1.value }
      first = end
    }
  }

  /// The best that keep to the limits.
  private static func best(_ sorted: [Item], _ order: RecommendOrder, _ features: FeatureState) -> [Item] {
    guard !order.limits.isEmpty else { return Array(sorted.prefix(order.count)) }
    var chosen: [Item] = []
    var counts: [[String: Int]] = Array(repeating: [:], count: order.limits.count)
    for item in sorted where chosen.count < order.count {
      let known = features.withAttributes(ofItem: item.key) { encodings -> [[String]] in
        let attributes = ItemAttributes(encodings)
        return order.limits.map { attributes.view($0.name).map(ItemAttributes.texts) ?? [] }
      }
      let values = known ?? order.limits.map { _ in [] }
      let fits = zip(values, order.limits.indices).allSatisfy { texts, place in
        texts.allSatisfy { counts[place][$0, default: 0] < order.limits[place].limit }
      }
      guard fits else { continue }
      for (texts, place) in zip(values, order.limits.indices) {
        for text in texts { counts[place][text, default: 0] += 1 }
      }
      chosen.append(item)
    }
    return chosen
  }
}
