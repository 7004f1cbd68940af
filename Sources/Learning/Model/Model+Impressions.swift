// What was shown, and what came of it: impressions wait with the features that they were served with; an interaction
// that names their request is learned with these, and what nobody answered in time is learned as a negative.
//
//   impressions ─▶ wait ──(impressions_expire)──▶ negative ──(as long again)──▶ forgotten
//                    │ interaction: learned as served      │ interaction: corrects the negative
//
// Negatives are learned by logistic models only: in a range of values silence is no value. Both orders are met: an
// interaction that comes before its impression is learned with the features of its own moment, and answers the
// impression when that comes. Each item counts once in the statistics of the type `impressions_count_as`. What was served to a user or of an item that was forgotten since is not learned.

internal import Configuration
internal import Features
internal import Models
internal import Primitives
package import Retrieval
internal import Wire

extension Model {
  /// The impressions that wait, and their counters; empty until the first comes.
  package var impressions: ImpressionCounters { shown?.counters ?? ImpressionCounters() }

  var emptyShown: ImpressionJoin {
    ImpressionJoin(
      capacity: plan.configuration.retrieval.impressions,
      waitNanos: plan.configuration.retrieval.impressionsExpire)
  }

  /// Lets the items of an impressions event wait.
  mutating func show(_ event: EventView, _ view: ImpressionsView, timeNanos: Int64, _ workspace: Workspace) {
    let waitsFrom = waitingTime(timeNanos)
    let request = StableHash.of(event.requestID.bytes)
    let isMade = view.configuration != plan.configuration.learnedHash
    var made: [UInt8]?
    var newcomers: [ByteView] = []
    var join = shown ?? emptyShown
    shown = nil
    for impression in view.items where !impression.item.isEmpty {
      let item = plan.itemKey(impression.item)
      let isNew: Bool
      if !isMade, ServedFeatures.fit(view.sharedFeatures.bytes, impression.features.bytes) {
        isNew = join.remember(
          request: request, item: item, shared: view.sharedFeatures.bytes,
          features: impression.features.bytes,
          nanos: waitsFrom)
      } else {
        let shared = made ?? begin(event, view, timeNanos, workspace)
        made = shared
        features.makeCandidate(itemKey: item, into: workspace.example)
        let own = ServedFeatures.encodeOwn(workspace.example)
        isNew = shared.withUnsafeBytes { shared in
          own.withUnsafeBytes {
            join.remember(request: request, item: item, shared: shared, features: $0, nanos: waitsFrom)
          }
        }
      }
      guard isNew else { continue }
      retrieval?.countImpression(of: item)
      newcomers.append(impression.item)
    }
    shown = join
    count(newcomers, event, view, timeNanos, workspace)
  }

  /// Changes statistics by each item shown as an event of the type that the configuration names would: once all of the
  /// answer wait, so that none sees another.
  private mutating func count(
    _ items: [ByteView], _ event: EventView, _ view: ImpressionsView, _ timeNanos: Int64,
    _ workspace: Workspace
  ) {
    let type = plan.configuration.retrieval.impressionsType
    guard !type.isEmpty else { return }
    let (user, context) = (event.user.string, view.context.compactMap { NamedAttribute($0) })
    for item in items {
      let counted = EventBuilder(
        timeNanos: timeNanos, .interaction(type: type, user: user, item: item.string, context: context))
      counted.encoded().withUnsafeBytes { bytes in
        guard let event = try? EventView(bytes),
          features.makeExample(event, timeNanos: timeNanos, into: workspace.example)
        else { return }
        features.update(event, workspace.example)
      }
    }
  }

  /// Begins the features of the items that were shown; returns what they have in common.
  private func begin(
    _ event: EventView, _ view: ImpressionsView, _ timeNanos: Int64, _ workspace: Workspace
  ) -> [UInt8] {
    let example = workspace.example
    example.resetBuffers()
    for attribute in view.context { example.addContext(attribute) }
    for attribute in view.userAttributes { example.addUserAttribute(attribute) }
    features.beginRequest(
      userKey: plan.userKey(event.user), timeNanos: timeNanos,
      into: example)
    return ServedFeatures.encodeShared(example)
  }

  /// Learns the workspace's example, with the features that its item was served with if the event names an answer.
  mutating func learnServed(_ event: EventView, _ workspace: Workspace) -> LearnOutcome {
    let example = workspace.example
    guard !event.requestID.isEmpty, example.itemKey != 0, plan.configuration.retrieval.impressions > 0 else {
      return learnExample(workspace)
    }
    var join = shown ?? emptyShown
    shown = nil
    let outcome = join.join(
      request: StableHash.of(event.requestID.bytes), item: example.itemKey,
      nanos: waitingTime(example.timeNanos), isExpected: true)
    shown = join
    let (bytes, isLate): (ServedBytes, Bool)
    switch outcome {
    case .served(let features): (bytes, isLate) = (features, false)
    case .late(let features): (bytes, isLate) = (features, true)
    case .unknown, .again: return learnExample(workspace)
    }
    let learned = ServedFeatures.withView(bytes, plan, label: example.label, weight: example.weight) { view in
      // Another user's or item's by now: forgotten in between.
      guard view.user == example.userHash, view.item == example.itemHash else { return LearnOutcome?.none }
      return learn(view, isLate: isLate, workspace)
    }
    return (learned ?? nil) ?? learnExample(workspace)
  }

  /// Learns the impressions that nobody answered in time as negatives.
  mutating func learnUnanswered(before nanos: Int64, _ workspace: Workspace) {
    guard shown != nil else { return }
    shown?.turnBack(to: nanos)
    guard let unanswered = shown?.expire(nanos: nanos, atMost: 64), !unanswered.isEmpty,
      ensemble.plan.objective.isLogistic
    else { return }
    let example = workspace.waited
    for impression in unanswered {
      guard let user = ServedFeatures.userKey(impression.features.shared) else { continue }
      example.resetBuffers()
      features.beginRequest(userKey: user, timeNanos: impression.nanos, into: example)
      features.makeCandidate(itemKey: impression.item, into: example)
      _ = ServedFeatures.withView(impression.features, plan, label: plan.labelMinimum, weight: 1) { view in
        guard view.user == example.userHash, view.item == example.itemHash else { return }
        _ = learn(view, workspace)
      }
    }
  }
}
