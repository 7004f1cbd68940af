// Answers as impressions: once an answer has been sent, a worker writes it to the log with the features of each item
// as they were served, by the model that answered. The request never waits for it; what the log does not take is
// counted as lost.

internal import CMessages
internal import Configuration
internal import EventLog
internal import Features
internal import Learning
internal import Logging
internal import Primitives
internal import Tables
internal import Wire

extension PredictService {
  /// Items of one record: what is learned of it stays short.
  private static let itemsPerRecord = 50

  /// - Parameter name: of the answer.
  func log(_ ranking: Ranking, _ bytes: [UInt8], _ source: Source, _ name: String) {
    guard !ranking.items.isEmpty else { return }
    context.workers.perform { [self] in
      let batch = LogBatch()
      do {
        try bytes.withUnsafeBytes { message in
          let request = try PredictRequestView(message, .recommend)
          let nanos = request.timeNanos == 0 ? WallClock.nanos() : request.timeNanos
          for first in stride(from: 0, to: ranking.items.count, by: Self.itemsPerRecord) {
            let items = ranking.items[first..<min(first + Self.itemsPerRecord, ranking.items.count)]
            let event = try impressions(Array(items), request, bytes, source, name, nanos)
            try batch.add(timeNanos: nanos, payload: event)
          }
        }
        let (tally, count) = (context.tally, UInt64(ranking.items.count))
        try context.log.append(batch, durability: .written) { result in
          if case .success = result { tally.impressions.add(count) } else { tally.impressionsLost.add(count) }
        }
      } catch {
        context.tally.impressionsLost.add(UInt64(ranking.items.count))
        context.logger.warning("impressions were not logged", metadata: ["error": "\(error)"])
      }
    }
  }

  /// The bytes of the event.
  private func impressions(
    _ items: [Ranking.Item], _ request: PredictRequestView, _ bytes: [UInt8], _ source: Source,
    _ name: String,
    _ nanos: Int64
  ) throws(Status) -> [UInt8] {
    let (model, reader) = (source.revision.model, worker)
    let example = reader.workspace.example
    let user = model.plan.userKey(request.user)
    ItemScorer(request: request, user: user, model: model, reader: reader, nanos: nanos).begin()
    let shared = ServedFeatures.encodeShared(example)
    let arena = MessageArena(capacity: 16 << 10)
    let shown = items.map { item in
      model.features.makeCandidate(itemKey: item.key, into: example)
      var message = Cowbird__V1__Impression.empty
      message.item = arena.text(model.features.items.string(of: item.ordinal) ?? "")
      message.score = item.score
      message.propensity = item.propensity
      message.features = arena.bytes(ServedFeatures.encodeOwn(example))
      return message
    }
    return try Wire.withMessage(Cowbird__V1__RecommendRequest.self, from: bytes) { original in
      var body = Cowbird__V1__Impressions.empty
      body.request_id = arena.text(name)
      body.user = original.pointee.user
      (body.n_items, body.items) = arena.messages(shown)
      (body.n_context, body.context) = (original.pointee.n_context, original.pointee.context)
      body.n_user_attributes = original.pointee.n_user_attributes
      body.user_attributes = original.pointee.user_attributes
      body.model_offset = source.revision.offset
      body.shared_features = arena.bytes(shared)
      body.configuration = model.plan.configuration.learnedHash
      var event = Cowbird__V1__Event.empty
      event.time_nanos = nanos
      event.kind_case = COWBIRD__V1__EVENT__KIND_IMPRESSIONS
      event.impressions = arena.message(body)
      return Wire.bytes(&event)
    }
  }
}
