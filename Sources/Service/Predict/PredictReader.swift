// What one thread needs to answer requests: its holds on the newest head and on what is served, and buffers that
// are used for every request.

internal import Features
internal import Learning
internal import Models
internal import Versions
internal import Wire

/// Belongs to one thread.
final class PredictReader {
  private var heads: Pin<Revision>
  private var servings: Pin<Serving>
  private var bounds: Pin<RequestLimits>
  let workspace: Workspace
  let batch: CandidateBatch
  /// Keys of the candidates that are scored together.
  let items = UnsafeMutablePointer<UInt64>.allocate(capacity: CandidateScorer.stretch)
  /// For the parts of a request that is unpacked.
  let arena = MessageArena(capacity: 16 << 10)
  /// What is answered to a Recommend.
  @exclusivity(unchecked) var ranking = Ranking()
  private(set) var scores: UnsafeMutablePointer<Float>
  private(set) var scoreCapacity = 1024

  init(_ context: ServiceContext) {
    heads = Pin(context.learner.publication)
    servings = Pin(context.keeper.serving)
    bounds = Pin(context.limits)
    let ensemble = context.learner.publication.current.model.ensemble
    workspace = Workspace(context.plan, ensemble)
    batch = CandidateBatch(ensemble.plan)
    scores = .allocate(capacity: scoreCapacity)
  }

  deinit {
    scores.deallocate()
    items.deallocate()
  }

  // hot: one atomic load each.
  var head: Revision { heads.value() }
  var serving: Serving { servings.value() }
  var limits: RequestLimits { bounds.value() }

  func reserve(_ count: Int) {
    guard count > scoreCapacity else { return }
    scores.deallocate()
    scoreCapacity = max(count, 2 * scoreCapacity)
    scores = .allocate(capacity: scoreCapacity)
  }
}

/// What a request is answered from.
struct Source {
  let revision: Revision
  /// The arm of a split; empty without one.
  let arm: String
  /// Why it is less than what was asked; empty: it is not.
  var degraded = ""
}
