// Answers from a model that nobody writes: a revision or a version.

internal import Configuration
package import Features
package import Models
package import Wire

extension Model {
  /// Begins a request: the user's and the moment's part of every candidate's features. The context and, for an
  /// unknown user, attributes were added to `workspace.example` after `resetBuffers`.
  @inline(__always)
  package func beginRequest(userKey: UInt64, timeNanos: Int64, in workspace: Workspace) {
    features.beginRequest(userKey: userKey, timeNanos: timeNanos, into: workspace.example)
  }

  // hot: once per candidate.
  /// The answer for one candidate of the request that was begun: a probability, or a value within the label's range.
  package func score(itemKey: UInt64, context: AttributeViews? = nil, in workspace: Workspace) -> Prediction {
    features.makeCandidate(itemKey: itemKey, context: context, into: workspace.example)
    return predict(workspace.example, workspace)
  }

  /// The answer that an event would get before it is learned; nil: it makes no example.
  package func score(_ event: EventView, timeNanos: Int64, in workspace: Workspace) -> Prediction? {
    let example = workspace.example
    guard features.makeExample(event, timeNanos: timeNanos, into: example), example.hasLabel else {
      return nil
    }
    return predict(workspace.example, workspace)
  }

  /// Gathers a candidate of the request that was begun; no candidate may have facts of its own.
  package func gather(
    itemKey: UInt64, into batch: CandidateBatch, in workspace: Workspace
  ) throws(Refusal) {
    features.makeCandidate(itemKey: itemKey, into: workspace.example)
    try batch.append(workspace.example.view)
  }

  // hot: the answers for all that were gathered, in order.
  package func score(
    _ batch: CandidateBatch, in workspace: Workspace, _ body: (Int, Prediction) -> Void
  ) {
    ensemble.score(batch, workspace.scratch, body)
  }

  /// The logits of items for the request that was begun in `example`, in order.
  package func score(
    _ keys: UnsafeBufferPointer<UInt64>, into scores: UnsafeMutableBufferPointer<Float>, _ example: Example,
    _ batch: CandidateBatch, _ scratch: EnsembleScratch
  ) {
    var first = 0
    while first < keys.count {
      let end = min(first + 512, keys.count)
      batch.removeAll()
      for place in first..<end {
        features.makeCandidate(itemKey: keys[place], into: example)
        scores[place] = 0
        // A feature that is not finite was refused before: what cannot be scored counts as a candidate of its own.
        guard (try? batch.append(example.view)) != nil else { break }
      }
      ensemble.score(batch, scratch) { scores[first + $0] = $1.logit }
      first += max(1, batch.count)
    }
  }

  /// The answer for the candidate that was made last, and what it is made of.
  package func explain(
    _ workspace: Workspace
  ) throws(Refusal) -> (prediction: Prediction, parts: [Contribution]) {
    let prediction = try ensemble.score(workspace.example.view, workspace.scratch)
    return (prediction, try ensemble.contributions(workspace.example.view, workspace.scratch))
  }

  /// A feature that is not finite was refused before: an example that cannot be scored counts as one without features.
  func predict(_ example: Example, _ workspace: Workspace) -> Prediction { predict(example.view, workspace) }

  func predict(_ view: FeatureView, _ workspace: Workspace) -> Prediction {
    (try? ensemble.score(view, workspace.scratch)) ?? Prediction(logit: 0, value: 0)
  }
}
