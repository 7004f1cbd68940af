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
    reader.arena.reset()
    let message = try Wire.unpack(
      Cowbird__V1__RecommendRequest.self, from: request.bytes, in: reader.arena)
    let order = try RecommendOrder(message, request.bytes, context.plan, reader.limits)
    let model = source.revision.model
    let most = model.retrieval == nil || order.filter != nil ? Self.scoredItems : Self.retrievedItems
    if order.logsImpressions { try to.requireIngest() }
    guard model.features.itemCount > most, let reply = to.deferred() else {
      return answer(order, request, user, source, reader, to)
    }
    answerLater(order, request, source, reply)
  }

  /// A worker answers.
  private func answerLater(
    _ order: RecommendOrder, _ request: PredictRequestView, _ source: Source, _ reply: Reply
  ) {
    let bytes = request.copy
    context.workers.perform { [self] in
      bytes.withUnsafeBytes { message in
        do throws(Status) {
          let request = try PredictRequestView(message, .recommend)
          answer(order, request, context.plan.userKey(request.user), source, worker, Answering(reply))
        } catch {
          reply.fail(error)
        }
      }
    }
  }

  // hot: no allocation in the steady state, where the answer is not logged.
  private func answer(
    _ order: RecommendOrder, _ request: PredictRequestView, _ user: UInt64, _ source: Source,
    _ reader: PredictReader, _ to: Answering
  ) {
    let model = source.revision.model
    if let retrieval = model.retrieval {
      RetrievalRanking.fill(&reader.ranking, order, request, user, model, retrieval, reader)
    } else {
      CatalogueRanking.fill(&reader.ranking, order, request, user, model, reader)
    }
    let name = Digest(of: request.bytes, seed: MonotonicClock.nanos())
    RecommendAnswer.respond(to, reader.ranking, model.features.items, source, name)
    if order.logsImpressions { log(reader.ranking, request.copy, source, name.description) }
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
