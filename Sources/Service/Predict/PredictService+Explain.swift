// Explain: the features of one prediction with what each adds to the logit.

internal import CMessages
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Wire

extension PredictService {
  func explain(
    _ request: PredictRequestView, _ user: UInt64, _ source: Source, _ reader: PredictReader, _ to: Answering
  ) throws(Status) {
    let model = source.revision.model
    let workspace = reader.workspace
    let example = workspace.example
    let limits = reader.limits
    example.isDescribed = true
    defer { example.isDescribed = false }
    model.features.beginRequest(
      user: request.user, timeNanos: request.timeNanos == 0 ? WallClock.nanos() : request.timeNanos,
      context: request.context, into: example)
    var item = ""
    try request.forEachCandidate { (_, candidate) throws(Status) in
      try limits.check(candidate.item, "ExplainRequest", ".candidate.item")
      if let refusal = limits.bounds.refusal(candidate.context, "context") {
        throw Status(.invalidArgument, "ExplainRequest.candidate.\(refusal)")
      }
      item = candidate.item.string
      model.features.makeCandidate(candidate.item, context: candidate.context, into: example)
    }
    let explained: (prediction: Prediction, parts: [Contribution])
    do throws(Refusal) {
      explained = try model.explain(workspace)
    } catch {
      throw Status(.internal, "the prediction cannot be explained: \(error)")
    }
    let texts = Dictionary(
      model.features.describe(example, user: request.user.string, item: item).features.map {
        ($0.key, $0.value)
      }
    ) { first, _ in first }
    respond(explained.prediction, explained.parts, texts, source, to)
  }

  private func respond(
    _ prediction: Prediction, _ parts: [Contribution], _ texts: [UInt64: String], _ source: Source,
    _ to: Answering
  ) {
    let arena = MessageArena(capacity: 16 << 10)
    var answer = Cowbird__V1__ExplainResponse.empty
    let sorted = parts.enumerated().sorted {
      (abs($0.element.contribution), $1.offset) > (abs($1.element.contribution), $0.offset)
    }
    (answer.n_contributions, answer.contributions) = arena.messages(
      sorted.map { _, part in
        var message = Cowbird__V1__Contribution.empty
        message.feature = arena.text("\(part.member): \(part.name)")
        message.value = arena.text(part.key.flatMap { texts[$0] } ?? "\(part.value)")
        message.contribution = Float(part.contribution)
        return message
      })
    answer.logit = prediction.logit
    answer.score = prediction.value
    answer.model = arena.message(source.message(arena))
    answer.degraded = arena.text(source.degraded)
    to.respond(&answer)
  }
}
