// Scores the candidates of one request in stretches: ids first, and the memory of their rows asked for; then
// features, then scores.

internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Wire

struct CandidateScorer {
  /// Candidates gathered before they are scored.
  static let stretch = 512
  /// An item's row is asked for when so many more candidates were read: by then it is known where it stands.
  private static let ahead = 8

  private let request: PredictRequestView
  private let user: UInt64
  private let model: Model
  private let nanos: Int64
  private let limits: RequestLimits
  private let reader: PredictReader
  private let scores: UnsafeMutablePointer<Float>
  /// Candidates before it are scored; of those behind it `count` are read.
  private var first = 0
  private var count = 0
  private var hasBegun = false
  /// A candidate's own context changes what all share: from the first that has one, each is scored by itself.
  private var isSingly = false

  // hot: no allocation in the steady state.
  /// Writes the candidates' scores.
  static func fill(
    _ scores: UnsafeMutablePointer<Float>, _ request: PredictRequestView, _ user: UInt64, _ model: Model,
    _ nanos: Int64, _ reader: PredictReader
  ) throws(Status) {
    var scorer = CandidateScorer(
      request: request, user: user, model: model, nanos: nanos, limits: reader.limits, reader: reader,
      scores: scores)
    model.features.prefetch(userKey: user, stage: 0)
    try request.forEachCandidate { (index, candidate) throws(Status) in try scorer.take(index, candidate) }
    try scorer.flush()
  }

  private mutating func take(_ index: Int, _ candidate: CandidateView) throws(Status) {
    try limits.check(candidate.item, request.layout.name, ".candidates[\(index)].item")
    let item = model.plan.itemKey(candidate.item)
    if candidate.context.count > 0 {
      if let refusal = limits.bounds.refusal(candidate.context, "context") {
        throw Status(.invalidArgument, "\(request.layout.name).candidates[\(index)].\(refusal)")
      }
      isSingly = true
    }
    if isSingly {
      try flush()
      begin()
      scores[index] = model.score(itemKey: item, context: candidate.context, in: reader.workspace).value
      return
    }
    model.features.prefetch(itemKey: item, stage: 0)
    if count == 0 { model.features.prefetch(userKey: user, stage: 1) }
    if count >= Self.ahead { model.features.prefetch(itemKey: reader.items[count - Self.ahead], stage: 1) }
    reader.items[count] = item
    count += 1
    if count == Self.stretch { try flush() }
  }

  private mutating func begin() {
    guard !hasBegun else { return }
    hasBegun = true
    model.features.beginRequest(
      user: request.user, timeNanos: nanos, context: request.context, into: reader.workspace.example)
  }

  /// Scores what is read.
  private mutating func flush() throws(Status) {
    guard count > 0 else { return }
    let (workspace, batch, items, scores, first) = (
      reader.workspace, reader.batch, reader.items, scores, first
    )
    for index in max(0, count - Self.ahead)..<count {
      model.features.prefetch(itemKey: items[index], stage: 1)
    }
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
    (self.first, count) = (first + count, 0)
  }
}
