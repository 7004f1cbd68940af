// Score: a probability, or a value, for each candidate, in order.

internal import Features
internal import Learning
internal import Models
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

enum CandidateScorer {
  /// Candidates gathered before they are scored.
  static let stretch = 512
  /// An item's row is asked for when so many more candidates were read: by then it is known where it stands.
  private static let ahead = 8

  // hot: ids first, and the memory of their rows asked for; then features, then scores.
  /// Writes the candidates' scores.
  static func fill(
    _ scores: UnsafeMutablePointer<Float>, _ request: PredictRequestView, _ user: UInt64, _ model: Model,
    _ nanos: Int64, _ reader: PredictReader
  ) throws(Status) {
    let limits = reader.limits
    let workspace = reader.workspace
    let batch = reader.batch
    let items = reader.items
    model.features.prefetch(userKey: user, stage: 0)
    // Candidates before `first` are scored; of those behind it `count` are read.
    var (first, count) = (0, 0)
    var (hasBegun, isSingly) = (false, false)
    func begin() {
      guard !hasBegun else { return }
      hasBegun = true
      model.features.beginRequest(
        user: request.user, timeNanos: nanos, context: request.context, into: workspace.example)
    }
    func flush() throws(Status) {
      for index in max(0, count - ahead)..<count { model.features.prefetch(itemKey: items[index], stage: 1) }
      begin()
      batch.removeAll()
      for index in 0..<count {
        do throws(Refusal) {
          try model.gather(itemKey: items[index], into: batch, in: workspace)
        } catch {
          throw Status(.internal, "candidates[\(first + index)]: a feature is not finite (\(error))")
        }
      }
      model.score(batch, in: workspace) { scores[first + $0] = $1.value }
      (first, count) = (first + count, 0)
    }
    try request.forEachCandidate { (index, candidate) throws(Status) in
      try limits.check(candidate.item, request.layout.name, ".candidates[\(index)].item")
      let item = model.plan.itemKey(candidate.item)
      if candidate.context.count > 0 {
        if let refusal = limits.bounds.refusal(candidate.context, "context") {
          throw Status(.invalidArgument, "\(request.layout.name).candidates[\(index)].\(refusal)")
        }
        isSingly = true
      }
      // Facts of one candidate change what all share: from here on each is scored by itself.
      if isSingly {
        if count > 0 { try flush() }
        begin()
        scores[index] = model.score(itemKey: item, context: candidate.context, in: workspace).value
        return
      }
      model.features.prefetch(itemKey: item, stage: 0)
      if count == 0 { model.features.prefetch(userKey: user, stage: 1) }
      if count >= ahead { model.features.prefetch(itemKey: items[count - ahead], stage: 1) }
      items[count] = item
      count += 1
      if count == stretch { try flush() }
    }
    if count > 0 { try flush() }
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
