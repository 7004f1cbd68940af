// Score: a probability, or a value, for each candidate, in order.

internal import Learning
internal import Primitives
internal import Versions
internal import Wire

extension PredictService {
  // hot: no allocation in the steady state.
  func score(
    _ request: PredictRequestView, _ user: UInt64, _ source: Source, _ reader: PredictReader, _ to: Answering
  ) throws(Status) {
    let count = request.candidateCount
    reader.reserve(count)
    let nanos = request.timeNanos == 0 ? WallClock.nanos() : request.timeNanos
    try CandidateScorer.fill(reader.scores, request, user, source.revision.model, nanos, reader)
    ScoreAnswer.respond(to, UnsafeBufferPointer(start: reader.scores, count: count), source)
    context.tally.candidates.add(UInt64(count))
    if let shadow = reader.serving.shadow { shadows.compare(request, source, shadow, nanos, reader) }
  }
}

/// cowbird.v1.ScoreResponse and ModelReference, written field by field.
enum ScoreAnswer {
  // hot: sizes first, then bytes; ids are short enough to stand in the String itself.
  static func respond(_ to: Answering, _ scores: UnsafeBufferPointer<Float>, _ source: Source) {
    let revision = source.revision
    let version = revision.version?.description ?? ""
    let model =
      ProtoSize.text(version) + ProtoSize.varint(revision.number) + ProtoSize.varint(revision.offset)
      + ProtoSize.text(source.arm)
    let size =
      ProtoSize.lengthDelimited(scores.count * 4) + ProtoSize.lengthDelimited(model)
      + ProtoSize.text(source.degraded)
    to.respond(size: size) { target in
      var writer = ProtoWriter(target)
      writer.bytes(1, UnsafeRawBufferPointer(scores))
      writer.length(2, model)
      writer.text(1, version)
      writer.varint(2, revision.number)
      writer.varint(3, revision.offset)
      writer.text(4, source.arm)
      writer.text(3, source.degraded)
    }
  }
}
