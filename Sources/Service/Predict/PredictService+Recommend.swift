// Recommend: the best k of the whole catalogue for this user; for a user of whom nothing is known, the fallback
// chain: attributes, popularity, recency. With retrievers by their blend (RetrievalRanking), without by the model's
// score of each item (CatalogueRanking).

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
  /// Items of a catalogue that a reactor ranks itself, without and with retrievers; larger ones are ranked by a
  /// worker, and so are those with a filter.
  private static let scoredItems = 500
  private static let retrievedItems = 50_000

  func recommend(
    _ request: PredictRequestView, _ user: UInt64, _ source: Source, _ reader: PredictReader, _ to: Answering
  ) throws(Status) {
    // Checked before it is put aside, so that a bad request is refused at once.
    let bytes = request.copy
    let order = try Wire.withMessage(Cowbird__V1__RecommendRequest.self, from: bytes) {
      message throws(Status) in
      try RecommendOrder(message, bytes, context.plan, reader.limits)
    }
    let model = source.revision.model
    let most = model.retrieval == nil || order.filter != nil ? Self.scoredItems : Self.retrievedItems
    if order.logsImpressions { try to.requireIngest() }
    guard model.features.itemCount > most, let reply = to.deferred() else {
      let ranking = Self.rank(order, request, user, model, reader)
      let name = respond(ranking, bytes, source, to)
      if order.logsImpressions { log(ranking, bytes, source, name) }
      return
    }
    context.workers.perform { [self] in
      bytes.withUnsafeBytes { message in
        do throws(Status) {
          let request = try PredictRequestView(message, .recommend)
          let ranking = Self.rank(order, request, user, model, worker)
          let name = respond(ranking, bytes, source, Answering(reply))
          if order.logsImpressions { log(ranking, bytes, source, name) }
        } catch {
          reply.fail(error)
        }
      }
    }
  }

  private static func rank(
    _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64, _ model: Model,
    _ reader: PredictReader
  ) -> Ranking {
    if let retrieval = model.retrieval {
      RetrievalRanking(order, request, user, model, retrieval, reader).ranking
    } else {
      CatalogueRanking(order, request, user, model, reader).ranking
    }
  }

  /// - Returns: the answer's name.
  private func respond(
    _ ranking: Ranking, _ bytes: [UInt8], _ source: Source, _ to: Answering
  ) -> String {
    let name = Digest(of: bytes, seed: MonotonicClock.nanos()).description
    let arena = MessageArena(capacity: 4096)
    var answer = Cowbird__V1__RecommendResponse.empty
    (answer.n_items, answer.items) = arena.messages(
      ranking.items.map { item in
        var message = Cowbird__V1__Recommendation.empty
        message.item = arena.text(item.id)
        message.score = item.score
        message.reason = arena.text(item.reason)
        message.propensity = item.propensity
        return message
      })
    answer.model = arena.message(source.message(arena))
    answer.degraded = arena.text(source.degraded)
    answer.request_id = arena.text(name)
    answer.chain = arena.text(ranking.chain)
    answer.considered = UInt64(ranking.considered)
    to.respond(&answer)
    return name
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
