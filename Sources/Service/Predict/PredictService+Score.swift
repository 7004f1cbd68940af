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
    let version = source.revision.version?.description ?? ""
    let model = modelSize(source, version)
    let packed = scores.count * 4
    var size = 1 + Varint.size(UInt64(packed)) + packed + 1 + Varint.size(UInt64(model)) + model
    let degraded = source.degraded.utf8.count
    if degraded > 0 { size += 1 + Varint.size(UInt64(degraded)) + degraded }
    to.respond(size: size) { target in
      var at = target
      put(&at, tag: 0x0A, length: packed)
      if let base = scores.baseAddress { at.copyMemory(from: base, byteCount: packed) }
      at += packed
      put(&at, tag: 0x12, length: model)
      if !version.isEmpty { put(&at, tag: 0x0A, text: version) }
      if source.revision.number != 0 { put(&at, tag: 0x10, number: source.revision.number) }
      if source.revision.offset != 0 { put(&at, tag: 0x18, number: source.revision.offset) }
      if !source.arm.isEmpty { put(&at, tag: 0x22, text: source.arm) }
      if degraded > 0 { put(&at, tag: 0x1A, text: source.degraded) }
    }
  }

  private static func modelSize(_ source: Source, _ version: String) -> Int {
    var size = 0
    let (id, arm) = (version.utf8.count, source.arm.utf8.count)
    if id > 0 { size += 1 + Varint.size(UInt64(id)) + id }
    if source.revision.number != 0 { size += 1 + Varint.size(source.revision.number) }
    if source.revision.offset != 0 { size += 1 + Varint.size(source.revision.offset) }
    if arm > 0 { size += 1 + Varint.size(UInt64(arm)) + arm }
    return size
  }

  private static func put(_ at: inout UnsafeMutableRawPointer, tag: UInt8, length: Int) {
    at.storeBytes(of: tag, as: UInt8.self)
    at += 1
    at += Varint.write(UInt64(length), to: at)
  }

  private static func put(_ at: inout UnsafeMutableRawPointer, tag: UInt8, number: UInt64) {
    at.storeBytes(of: tag, as: UInt8.self)
    at += 1
    at += Varint.write(number, to: at)
  }

  private static func put(_ at: inout UnsafeMutableRawPointer, tag: UInt8, text: String) {
    put(&at, tag: tag, length: text.utf8.count)
    for byte in text.utf8 {
      at.storeBytes(of: byte, as: UInt8.self)
      at += 1
    }
  }
}
