// Labels that are not known when the event comes: an impression waits for the click that may answer it, and is
// learned with its own label when nothing came; and negatives that nobody sent, drawn from the catalogue.
//
// Nothing is lost on the way: what cannot wait (the same user and item wait already, it is too long, there is no room
// at all) is learned at once with its own label, and what has to make room for another is learned then.
//
// It waits with the features of its own moment, as what is served does: those of later would tell what came of it. What
// a user did who was forgotten meanwhile is not learned.
//
// The label of what waits is not known, to statistics of labels either: they count it when it is learned, or the
// label of what answers it.
//
//   shared   ┌ features of user and request ┐                                       `ServedFeatures`, both
//   own      ┌ features of the item ┬ event ┬ weight f32 ┬ counted u8 ┐   what hygiene left it: its weight, and whether
//                                                                                statistics have it

package import Configuration
internal import Features
internal import Models
internal import Primitives
package import Retrieval
internal import Tables
internal import Wire

extension ImpressionJoin {
  /// The waiting room of a configuration; nil when no event type has a `delay`.
  package init?(_ configuration: Configuration) {
    let delay = configuration.events.map(\.delay).max() ?? 0
    guard delay > 0 else { return nil }
    // What was learned is not corrected later.
    self.init(capacity: configuration.retrieval.impressions, waitNanos: delay, lateNanos: 0)
  }
}

extension Model {
  /// Whether the event that the workspace's example was made of is one that waits for its answer.
  func waits(_ event: EventView, in workspace: Workspace) -> Bool {
    let example = workspace.example
    return workspace.types[example.type].waits && pending != nil && !event.hasValue && example.userKey != 0
      && example.itemKey != 0
  }

  /// Lets the event of the workspace's example wait for its answer.
  /// - Returns: false when it has to be learned at once: its type does not wait, it says itself what came of it, or
  ///   it cannot wait.
  mutating func postpone(
    _ event: EventView, _ encoded: UnsafeRawBufferPointer, isCounted: Bool, _ workspace: Workspace
  ) -> Bool {
    let example = workspace.example
    guard example.hasLabel, example.weight > 0, waits(event, in: workspace), !encoded.isEmpty else {
      return false
    }
    let shared = ServedFeatures.encodeShared(example)
    let own = Waited.encode(example, encoded, isCounted: isCounted)
    guard max(own.count, shared.count) <= ImpressionJoin.longestFeatures else { return false }
    while let oldest = pending?.evict(toFit: own.count, shared: shared.count) {
      learnWaited(oldest, workspace)
    }
    let (user, item, nanos) = (example.userKey, example.itemKey, waitingTime(example.timeNanos))
    return shared.withUnsafeBytes { shared in
      own.withUnsafeBytes { own in
        pending?.remember(request: user, item: item, shared: shared, features: own, nanos: nanos) ?? false
      }
    }
  }

  /// Ends the wait of what this event answers.
  mutating func answerPending(_ workspace: Workspace) {
    let example = workspace.example
    guard workspace.types[example.type].answers, pending != nil, example.userKey != 0, example.itemKey != 0
    else { return }
    let nanos = waitingTime(example.timeNanos)
    _ = pending?.join(request: example.userKey, item: example.itemKey, nanos: nanos)
  }

  /// Ends the wait of an event that is retracted.
  /// - Returns: whether its own label is not to be taken back: it waited, or was answered. Once the time for answers is
  ///   over this is known no more. Then it stays, because taking back what was never counted would lead out of the
  ///   labels' range; a replay around the event is exact.
  mutating func withdraw(_ event: EventView, _ workspace: Workspace) -> Bool {
    guard pending != nil, !event.hasValue, let type = plan.typeIndex(of: event.type.string),
      workspace.types[type].waits
    else { return false }
    // The same may have been shown again while this one waited, and learned at once.
    _ = pending?.withdraw(request: plan.userKey(event.user), item: plan.itemKey(event.item)) { bytes in
      Waited(bytes).flatMap { try? EventView($0.event) }?.timeNanos == event.timeNanos
    }
    return true
  }

  /// Learns what nobody answered in time.
  mutating func learnExpired(before nanos: Int64, _ workspace: Workspace) {
    guard pending != nil else { return }
    pending?.turnBack(to: nanos)
    for impression in pending?.expire(nanos: nanos, atMost: 64) ?? [] { learnWaited(impression, workspace) }
  }

  /// Learns what waited, with the features and the weight that it had.
  private mutating func learnWaited(_ impression: ExpiredImpression, _ workspace: Workspace) {
    impression.features.own.withUnsafeBytes { bytes in
      guard let waited = Waited(bytes), waited.weight > 0, let event = try? EventView(waited.event) else {
        return
      }
      // As of now: what its user and item are called, and whose statistics are to count it.
      let example = workspace.waited
      let time = event.timeNanos != 0 ? event.timeNanos : impression.nanos
      guard features.makeExample(event, timeNanos: time, into: example), example.hasLabel else { return }
      example.weight = waited.weight
      let served = ServedBytes(shared: impression.features.shared, own: Array(waited.features))
      _ = ServedFeatures.withView(served, plan, label: example.label, weight: example.weight) { view in
        guard view.user == example.userHash, view.item == example.itemHash else { return }
        if case .learned(let prediction, let label) = learn(view, workspace), workspace.late != nil {
          let answer = workspace.answering?.predict(view, workspace).value ?? prediction
          workspace.late?.append(.init(prediction: answer, label: label, weight: example.weight))
        }
        if waited.isCounted { features.updateLabel(example) }
      }
    }
  }

  /// Learns items drawn at random beside the event that the workspace's example was made of, with the smallest label.
  /// Draws are counted from the number of the example, so that they are the same at every replay.
  mutating func learnNegatives(_ workspace: Workspace) {
    let example = workspace.example
    let count = workspace.types[example.type].negatives
    guard count > 0, example.userKey != 0, features.items.limit > 1 else { return }
    let item = example.itemKey
    features.beginRequest(beside: example)
    for draw in 0..<count {
      let place = CounterRandom.index(
        below: Int(features.items.limit), seed: configuration.learning.seed ^ 0x6E65_6761,
        counter: counters.examples << 6 | UInt64(draw))
      guard let name = features.items.string(of: UInt32(place)) else { continue }
      let key = FeatureState.itemKey(name)
      guard key != item else { continue }
      features.makeCandidate(itemKey: key, into: example)
      example.label = plan.labelMinimum
      learnSilently(workspace)
    }
  }

  /// Learns the workspace's example without scoring its prediction: nobody asked for it.
  private mutating func learnSilently(_ workspace: Workspace) {
    let example = workspace.example
    do throws(Refusal) {
      _ = try ensemble.predict(learning: example.view, workspace.scratch)
      try ensemble.learn(
        label: example.label, weight: example.weight, rateScale: Float(configuration.learning.rate),
        workspace.scratch)
    } catch {
      counters.refused += 1
    }
  }
}

/// What an event waits with beside the features of its user.
private struct Waited {
  let features: UnsafeRawBufferPointer
  let event: UnsafeRawBufferPointer
  let weight: Float
  /// Statistics have it.
  let isCounted: Bool

  private static let verdictBytes = MemoryLayout<Float>.size + 1

  static func encode(_ example: Example, _ event: UnsafeRawBufferPointer, isCounted: Bool) -> [UInt8] {
    var bytes = ServedFeatures.encodeOwn(example)
    bytes.append(contentsOf: event)
    withUnsafeBytes(of: example.weight) { bytes.append(contentsOf: $0) }
    bytes.append(isCounted ? 1 : 0)
    return bytes
  }

  /// Lends what it was made of; nil: it is nothing of the kind.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let length = ServedFeatures.ownLength(bytes), length + Self.verdictBytes < bytes.count else {
      return nil
    }
    let end = bytes.count - Self.verdictBytes
    features = UnsafeRawBufferPointer(rebasing: bytes[..<length])
    event = UnsafeRawBufferPointer(rebasing: bytes[length..<end])
    weight = bytes.loadUnaligned(fromByteOffset: end, as: Float.self)
    isCounted = bytes[bytes.count - 1] != 0
  }
}
