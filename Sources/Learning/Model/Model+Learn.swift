// One event into the model: test, then learn.

internal import Configuration
package import Features
internal import Models
internal import Primitives
internal import Retrieval
internal import Statistics
package import Wire

/// What became of an event.
package enum LearnOutcome: Equatable, Sendable {
  /// An example was predicted, scored and learned.
  case learned(prediction: Float, label: Float)
  /// Counters, histories or attributes changed; there was nothing to predict.
  case observed
  /// Hygiene kept it out.
  case setAside(HygieneReason)
  /// It is no event of this configuration, or a number in it cannot be learned.
  case ignored
}

extension Model {
  // hot: once per event.
  /// Takes one accepted event into the model.
  /// - Parameters:
  ///   - timeNanos: when it happened: the event's own time, or the log's time of acceptance where it says none.
  ///   - inputs: what was read of it ahead of time.
  ///   - offset: its place in the log, for lists that people read; nothing that is learned depends on it.
  ///   - encoded: the event's bytes, kept while its label is waited for; without them it is learned at once.
  ///   - isAdmitted: learned whatever hygiene says, because a person said so.
  @discardableResult
  package mutating func learn(
    _ event: EventView, encoded: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    inputs: Unmanaged<EventInputs>? = nil, timeNanos: Int64, offset: UInt64, isAdmitted: Bool = false,
    in workspace: Workspace
  ) -> LearnOutcome {
    switch event.kind {
    case .interaction:
      return learnInteraction(
        event, encoded, inputs, timeNanos: timeNanos, offset: offset, isAdmitted: isAdmitted, in: workspace)
    case .entity:
      forget(event)
      if features.update(entity: event, timeNanos: timeNanos) > 0 {
        hygieneCounts.add(.unsoundNumber, source: event.source.string)
      }
      describe(event)
      note(timeNanos)
      return .observed
    case .impressions:
      return learnImpressions(
        event, timeNanos: timeNanos, offset: offset, isAdmitted: isAdmitted, in: workspace)
    case .retraction, .none:
      // A retraction needs the event that it speaks of: `retract`.
      counters.ignored += 1
      return .ignored
    }
  }

  /// What members keep under a user's own key goes with the user. An item that leaves the catalogue may come back.
  private mutating func forget(_ event: EventView) {
    guard case .delete = event.action, case .user = event.entityKind else { return }
    let key = plan.userKey(event.entityID)
    if features.userOrdinal(key) != nil { ensemble.forget(user: features.userHash(of: key)) }
  }

  /// Corrects the counters and histories that still hold `event`.
  package mutating func retract(_ event: EventView, timeNanos: Int64, in workspace: Workspace) {
    guard event.kind == .interaction else { return }
    let isLabelCounted = !withdraw(event, workspace)
    let hygiene = hygiene
    features.retract(event, timeNanos: timeNanos, workspace.example) { example in
      if !isLabelCounted { example.hasLabel = false }
      if event.hasValue, let usual = hygiene.usualValue(event.value, type: example.type) {
        example.clip(to: usual)
      }
    }
    note(timeNanos)
  }

  private mutating func learnInteraction(
    _ event: EventView, _ encoded: UnsafeRawBufferPointer, _ inputs: Unmanaged<EventInputs>?,
    timeNanos: Int64, offset: UInt64, isAdmitted: Bool, in workspace: Workspace
  ) -> LearnOutcome {
    let example = workspace.example
    guard features.makeExample(learning: event, timeNanos: timeNanos, inputs: inputs, into: example) else {
      counters.ignored += 1
      return .ignored
    }
    if inputs != nil {
      workspace.ahead.tell(example)
      hygiene.expect(user: workspace.ahead.comingUser)
    }
    var isCounted = true
    var usualValue: Double?
    if isAdmitted {
      let verdict = hygiene.judge(admitted: input(event, example, workspace))
      if !verdict.isLearned { return setAside(verdict, offset, of: example.owner) }
      example.weigh(verdict, eventWeight: event.weight)
    } else {
      let verdict = judge(event, example, workspace)
      if !verdict.isClean {
        hygieneCounts.add(verdict, source: event.source.string)
        if !verdict.isLearned { return setAside(verdict, offset, of: example.owner) }
        example.weigh(verdict, eventWeight: event.weight)
        isCounted = isDrawn(verdict.weightFactor)
        if !isCounted { passOver(verdict, offset, of: example.owner) }
        usualValue = verdict.usualValue
        if verdict.weightFactor == 0 { return .observed }
      }
      if verdict.isInPlace { learnWaiting(workspace) }
    }
    note(timeNanos)
    var outcome = LearnOutcome.observed
    if workspace.retrieves && isCounted {
      judgeRanking(event, workspace)
      rankForBlend(event, workspace)
    }
    // A label that waits for its answer is unknown to statistics, too.
    if workspace.waits, postpone(event, encoded, isCounted: isCounted, workspace) { example.hasLabel = false }
    let isLearned = example.hasLabel && example.weight > 0
    if isLearned { outcome = learnServed(event, workspace) }
    if isCounted {
      if let usualValue {
        let (value, label) = (example.value, example.label)
        example.clip(to: usualValue)
        features.update(event, example)
        (example.value, example.label) = (value, label)
      } else {
        features.update(event, example)
      }
      if workspace.retrieves { learnRetrieval(workspace) }
    }
    if workspace.waits { answerPending(workspace) }
    if workspace.draws, isLearned && isCounted { learnNegatives(workspace) }
    return outcome
  }

  private mutating func learnImpressions(
    _ event: EventView, timeNanos: Int64, offset: UInt64, isAdmitted: Bool, in workspace: Workspace
  ) -> LearnOutcome {
    guard !event.requestID.isEmpty, let view = try? ImpressionsView(event) else {
      counters.ignored += 1
      return .ignored
    }
    if !isAdmitted {
      let user = event.user.count > 0 ? plan.userKey(event.user) : nil
      let verdict = hygiene.judge(
        shown: view.items.count, timeNanos: timeNanos, user: user,
        source: event.source.count > 0 ? StableHash.of(event.source.bytes) : 0)
      hygieneCounts.add(verdict, source: event.source.string)
      if !verdict.isLearned { return setAside(verdict, offset, of: plan.userKey(event.user)) }
      guard isDrawn(verdict.weightFactor) else {
        note(timeNanos)
        return .observed
      }
      if verdict.isInPlace { learnWaiting(workspace) }
    }
    show(event, view, timeNanos: timeNanos, workspace)
    note(timeNanos)
    return .observed
  }

  private mutating func passOver(_ verdict: HygieneVerdict, _ offset: UInt64, of owner: UInt64) {
    uncounted.add(offset, verdict.reason ?? .notFinite, of: owner, limit: configuration.limits.quarantine)
  }

  private mutating func setAside(
    _ verdict: HygieneVerdict, _ offset: UInt64, of owner: UInt64
  ) -> LearnOutcome {
    let reason = verdict.reason ?? .notFinite
    counters.quarantined += 1
    quarantine.add(offset, reason, of: owner, limit: configuration.limits.quarantine)
    return .setAside(reason)
  }

  /// Whether an event that has this share of its weight enters what takes in whole events only: statistics, histories,
  /// retrieval. That share of them does, drawn by their number, so that it is the same ones at every replay.
  private func isDrawn(_ share: Double) -> Bool {
    share >= 1
      || CounterRandom.uniform(
        seed: configuration.learning.seed ^ 0x7368_6172, counter: counters.events) < share
  }

  // hot: once per event.
  /// Learns what has waited long enough, by the stream's own clock: no event with a wrong time moves that far.
  @inline(__always)
  private mutating func learnWaiting(_ workspace: Workspace) {
    guard pending != nil || shown != nil, let now = hygiene.clock.markNanos else { return }
    learnExpired(before: now, workspace)
    learnUnanswered(before: now, workspace)
  }

  /// When something that waits began to, of an event at this time: not ahead of the stream.
  func waitingTime(_ nanos: Int64) -> Int64 { min(nanos, hygiene.clock.markNanos ?? nanos) }

  @discardableResult
  mutating func learnExample(_ workspace: Workspace) -> LearnOutcome {
    workspace.example.putView(workspace.scratch.view)
    return learnView(workspace)
  }

  /// The same of an example that was kept.
  mutating func learn(_ view: FeatureView, isLate: Bool = false, _ workspace: Workspace) -> LearnOutcome {
    workspace.scratch.view.initialize(to: view)
    return learnView(isLate: isLate, workspace)
  }

  /// - Parameter isLate: the same was learned as a negative before. With logistic loss that moved the logit by p, a
  ///   positive moves it by p - 1: weighing 1 / (1 - p), at most 2, it moves it by what both should have.
  private mutating func learnView(isLate: Bool = false, _ workspace: Workspace) -> LearnOutcome {
    let (label, weight) = (workspace.scratch.view.pointee.label, workspace.scratch.view.pointee.weight)
    do throws(Refusal) {
      let prediction = try ensemble.predict(workspace.scratch)
      score(prediction.value, label: label, weight: weight)
      let correction = isLate && ensemble.plan.objective.isLogistic ? 1 / max(0.5, 1 - prediction.value) : 1
      try ensemble.learn(
        label: label, weight: weight * correction, rateScale: Float(configuration.learning.rate),
        workspace.scratch)
      counters.examples += 1
      return .learned(prediction: prediction.value, label: label)
    } catch {
      counters.refused += 1
      metrics.updateUncovered()
      return .ignored
    }
  }

  /// Scores a prediction before its label is learned.
  private mutating func score(_ prediction: Float, label: Float, weight: Float) {
    let (p, y) = (Double(prediction), Double(label))
    metrics.update(prediction: p, label: y, weight: Double(weight))
    let isBinary = ensemble.plan.objective.isLogistic
    let loss = isBinary ? (p - y) * (p - y) : (p - y).magnitude
    drift.update(
      loss: loss, isError: isBinary ? (p >= 0.5) != (y > 0.5) : nil, example: counters.examples + 1,
      timeNanos: counters.eventTimeNanos)
  }

  private mutating func note(_ timeNanos: Int64) {
    counters.events += 1
    counters.eventTimeNanos = max(counters.eventTimeNanos, waitingTime(timeNanos))
  }

  @inline(__always)
  private func input(_ event: EventView, _ example: Example, _ workspace: Workspace) -> HygieneInput {
    var input = HygieneInput(
      timeNanos: example.timeNanos, user: example.userKey == 0 ? nil : example.userKey,
      source: example.originKey, type: example.type,
      value: event.hasValue ? event.value : nil,
      isMissing: !event.hasValue && workspace.types[example.type].needsValue, weight: Double(event.weight))
    input.hasUnsoundNumber = example.hasUnsoundNumber
    return input
  }

  private mutating func judge(_ event: EventView, _ example: Example, _ workspace: Workspace)
    -> HygieneVerdict
  {
    let input = input(event, example, workspace)
    let (hasAnomalies, watches) = (hygiene.rules.anomaly != nil, hygiene.rules.watchedNumbers > 0)
    guard hasAnomalies || watches else { return hygiene.judge(input, numbers: Span()) }
    workspace.readNumbers(of: event)
    let (numbers, watched) = (workspace.numbers, workspace.watched)
    return hygiene.judge(input, numbers: hasAnomalies ? numbers.span : Span(), watched: watched.span)
  }
}

extension Workspace {
  /// The numbers that rules look at, of the event that the example was made of.
  fileprivate func readNumbers(of event: EventView) {
    numbers[0] = event.hasValue ? event.value : .nan
    for (place, attribute) in numericPlaces.enumerated() {
      numbers[place + 1] = Double(example.contextNumber(attribute))
    }
    for (place, attribute) in watchedPlaces.enumerated() {
      watched[place] = Double(example.contextNumber(attribute))
    }
  }
}

extension Example {
  /// Hash of the event's user, or of its source where it has none.
  var owner: UInt64 { userKey != 0 ? userKey : originKey }

  /// Weight and value as the verdict has them.
  func weigh(_ verdict: HygieneVerdict, eventWeight: Float) {
    if let cut = verdict.weightCut {
      // From the whole: this example's was bounded already.
      let whole = type >= 0 ? Float(plan.configuration.events[type].weight) * eventWeight : weight
      weight = min(weight, whole * Float(cut))
    }
    weight *= Float(verdict.weightFactor)
    if let value = verdict.clippedValue { clip(to: value) }
  }

  /// The value of an event was moved, and the label that is made from it.
  func clip(to value: Double) {
    self.value = value
    guard type >= 0, hasLabel else { return }
    let section = plan.configuration.events[type]
    switch section.label {
    case .value: label = min(max(Float(value), plan.labelMinimum), plan.labelMaximum)
    case .threshold: label = value >= section.threshold ? 1 : 0
    case .none, .positive, .negative: break
    }
  }
}
