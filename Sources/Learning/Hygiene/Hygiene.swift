// All rules over the stream of accepted events: what is suspicious, and what is done with it.

package import Primitives

/// What the rules look at.
package struct HygieneInput: Sendable {
  package var timeNanos: Int64
  /// Hash of the user's id; nil: the event has no user.
  package var user: UInt64?
  /// Hash of the source's name.
  package var source: UInt64
  /// Dense number of the event type in the configuration.
  package var type: Int
  /// Nil: the event has no value of its own.
  package var value: Double?
  /// It should have: its label is made from it.
  package var isMissing = false
  package var weight: Double
  /// A number beside its value and weight was not finite or too large, and was left out.
  package var hasUnsoundNumber = false

  package init(
    timeNanos: Int64, user: UInt64?, source: UInt64, type: Int, value: Double?, isMissing: Bool = false,
    weight: Double = 1
  ) {
    self.isMissing = isMissing
    self.timeNanos = timeNanos
    self.user = user
    self.source = source
    self.type = type
    self.value = value
    self.weight = weight
  }

  fileprivate var isFinite: Bool {
    (value ?? 0).magnitude <= Hygiene.maxMagnitude && weight.magnitude <= Hygiene.maxMagnitude
  }
}

/// The state of every rule. It is a function of the events judged so far, in their order, and lives in the model.
///
/// An event that is not learned, or that is part of a burst, does not change what counts as a usual value: nobody can
/// move the fences by flooding.
///
/// - Complexity: O(1) per event without allocation (with `anomaly`: trees · height).
package struct Hygiene: Sendable, Equatable {
  /// Magnitude up to which a number may enter a model: its square is finite as a Float.
  package static let maxMagnitude = 1e18

  package private(set) var rules: HygieneRules
  package private(set) var clock: StreamClock
  private var users: BurstDetector?
  private var sources: BurstDetector?
  private let eventTypes: Int
  /// By event type; behind them by watched number.
  private var outliers: [OutlierDetector]
  private var anomalies: AnomalyDetector?

  package init(_ rules: HygieneRules = HygieneRules(), eventTypes: Int, burstCapacity: Int = 16_384) {
    self.rules = rules
    self.eventTypes = eventTypes
    clock = StreamClock(maxAheadNanos: rules.maxAheadNanos, maxBehindNanos: rules.maxBehindNanos)
    users = rules.userBurst.map { BurstDetector($0, capacity: burstCapacity) }
    sources = rules.sourceBurst.map { BurstDetector($0, capacity: 1024) }
    let limit = rules.outlier
    outliers =
      limit.map { Array(repeating: OutlierDetector($0), count: eventTypes + rules.watchedNumbers) } ?? []
    anomalies = rules.anomaly.map { AnomalyDetector($0) }
  }

  /// Puts other rules in force. What they have seen stays: a limit that is changed amid an attack holds from the next
  /// event on.
  package mutating func update(_ new: HygieneRules) {
    let fresh = Hygiene(new, eventTypes: eventTypes)
    users = fresh.users.map { $0.taking(over: users) }
    sources = fresh.sources.map { $0.taking(over: sources) }
    if new.outlier != rules.outlier {
      let old = outliers
      outliers = fresh.outliers.enumerated().map { place, detector in
        detector.taking(over: old.indices.contains(place) ? old[place] : nil)
      }
    }
    anomalies = fresh.anomalies.map { $0.taking(over: anomalies) }
    if new.maxAheadNanos != rules.maxAheadNanos || new.maxBehindNanos != rules.maxBehindNanos {
      clock = fresh.clock
    }
    rules = new
  }

  /// Asks for the memory of a user who comes soon; 0: none.
  package mutating func expect(user: UInt64) {
    if user != 0 { users?.expect(user) }
  }

  // hot: once per event.
  /// Judges an event, then takes it into account. `numbers`: the event's numbers in the order of the configuration,
  /// NaN for missing; as many as `rules.anomaly` says, or none to leave that rule out. `watched`: those that are judged
  /// like the value, as many as `rules.watchedNumbers` says.
  package mutating func judge(
    _ input: HygieneInput, numbers: Span<Double>, watched: Span<Double> = Span()
  ) -> HygieneVerdict {
    var verdict = HygieneVerdict()
    let isFinite = input.isFinite
    // Such a number has no place in a model whatever the configuration says.
    if !isFinite { verdict.add(.notFinite, .quarantine) }
    // That one is no part of the features: the rest is sound.
    if input.hasUnsoundNumber { verdict.add(.notFinite, .count) }
    if input.weight > rules.maxWeight, isFinite { judgeWeight(input.weight, &verdict) }
    judgeTime(input.timeNanos, &verdict)
    if let value = input.value, isFinite { judgeValue(value, input.type, &verdict) }
    if input.isMissing { verdict.add(.missing, rules.missingAction) }
    let isBurst = judgeBursts(input, &verdict)
    let isUsual = !isBurst && verdict.isLearned

    if let value = input.value, isFinite, outliers.indices.contains(input.type) {
      if outliers[input.type].isOutlier(value) {
        let clipped = outliers[input.type].clipped(verdict.usualValue ?? value)
        verdict.add(.outlier, rules.outlierAction, clipped: clipped)
      }
      if isUsual { outliers[input.type].learn(value) }
    }
    if rules.watchedNumbers > 0 { judgeWatched(watched, isUsual, &verdict) }
    if isUsual, let limit = anomalies?.limit, numbers.count == limit.featureCount {
      let score = anomalies?.scoreAndLearn(numbers) ?? 0
      if score > limit.maxScore { verdict.add(.anomaly, rules.anomalyAction) }
    }
    return verdict
  }

  /// Judges items that were shown at once, then takes them into account: each is an event of the user.
  package mutating func judge(
    shown items: Int, timeNanos: Int64, user: UInt64?, source: UInt64
  ) -> HygieneVerdict {
    var verdict = HygieneVerdict()
    judgeTime(timeNanos, &verdict)
    let input = HygieneInput(timeNanos: timeNanos, user: user, source: source, type: -1, value: nil)
    _ = judgeBursts(input, count: items, &verdict)
    return verdict
  }

  /// Judges an event that a person admitted: by what no model can have, whoever says so. Changes nothing.
  func judge(admitted input: HygieneInput) -> HygieneVerdict {
    var verdict = HygieneVerdict()
    if !input.isFinite { verdict.add(.notFinite, .quarantine) }
    if input.hasUnsoundNumber { verdict.add(.notFinite, .count) }
    if input.weight > rules.maxWeight, input.isFinite { judgeWeight(input.weight, &verdict) }
    if !isPossible(input.timeNanos) { verdict.add(.impossibleTime, rules.impossibleTime) }
    return verdict
  }

  @inline(never)
  private mutating func judgeWatched(
    _ numbers: Span<Double>, _ isUsual: Bool, _ verdict: inout HygieneVerdict
  ) {
    for index in numbers.indices where numbers[index].magnitude <= Self.maxMagnitude {
      let place = eventTypes + index
      guard outliers.indices.contains(place) else { return }
      if outliers[place].isOutlier(numbers[index]) { verdict.add(.outlier, rules.watchedAction) }
      if isUsual { outliers[place].learn(numbers[index]) }
    }
  }

  @inline(never)
  private func judgeWeight(_ weight: Double, _ verdict: inout HygieneVerdict) {
    verdict.add(.weight, rules.weightAction)
    if case .clip = rules.weightAction { verdict.cutWeight(by: rules.maxWeight / weight) }
  }

  /// What statistics took a value for, by the limits as they are; nil: for itself, or the event was set aside.
  func usualValue(_ value: Double, type: Int) -> Double? {
    var verdict = HygieneVerdict()
    judgeValue(value, type, &verdict)
    if outliers.indices.contains(type), type < eventTypes, outliers[type].isOutlier(value) {
      verdict.add(
        .outlier, rules.outlierAction, clipped: outliers[type].clipped(verdict.usualValue ?? value))
    }
    return verdict.usualValue
  }

  /// By the bounds that the configuration gives.
  private func judgeValue(_ value: Double, _ type: Int, _ verdict: inout HygieneVerdict) {
    if let bounds = rules.value, !bounds.contains(value) {
      let nearest = min(max(value, bounds.lowerBound), bounds.upperBound)
      verdict.add(.value, rules.valueAction, clipped: nearest)
    }
    if rules.ranges.indices.contains(type), let range = rules.ranges[type], !range.contains(value) {
      let inside = verdict.usualValue ?? value
      let nearest = min(max(inside, range.lowerBound), range.upperBound)
      verdict.add(.range, rules.rangeAction, clipped: nearest)
    }
  }

  private func isPossible(_ timeNanos: Int64) -> Bool {
    (rules.earliestNanos...rules.latestNanos).contains(timeNanos)
  }

  private mutating func judgeTime(_ timeNanos: Int64, _ verdict: inout HygieneVerdict) {
    guard isPossible(timeNanos) else {
      verdict.add(.impossibleTime, rules.impossibleTime)
      return
    }
    switch clock.observe(timeNanos) {
    case .inPlace: break
    case .ahead: verdict.add(.futureTime, rules.futureTime)
    case .behind: verdict.add(.oldTime, rules.oldTime)
    }
  }

  /// An event whose time is out of place takes its token at the stream's own time, so that a wrong clock cannot
  /// lock or refill a bucket.
  private mutating func judgeBursts(
    _ input: HygieneInput, count: Int = 1, _ verdict: inout HygieneVerdict
  ) -> Bool {
    let time = verdict.isInPlace ? input.timeNanos : clock.markNanos ?? rules.earliestNanos
    var isBurst = false
    if let user = input.user, users?.admits(key: user, count: count, timeNanos: time) == false {
      verdict.add(.userBurst, rules.userBurstAction)
      isBurst = true
    }
    if sources?.admits(key: input.source, count: count, timeNanos: time) == false {
      verdict.add(.sourceBurst, rules.sourceBurstAction)
      isBurst = true
    }
    return isBurst
  }
}

extension Hygiene {
  /// Writes the state; the rules come from the configuration.
  package func encode(to writer: inout ByteWriter) {
    writer.write(clock)
    writer.write(users != nil)
    if let users { writer.write(users) }
    writer.write(sources != nil)
    if let sources { writer.write(sources) }
    writer.write(outliers) { $0.write($1) }
    writer.write(anomalies != nil)
    if let anomalies { writer.write(anomalies) }
  }

  /// Reads the state of a model whose configuration says `rules`.
  package init(
    rules: HygieneRules, eventTypes: Int, from reader: inout ByteReader
  ) throws(ByteCodecError) {
    self.rules = rules
    self.eventTypes = eventTypes
    clock = try reader.read(StreamClock.self)
    users = try reader.read(Bool.self) ? reader.read(BurstDetector.self) : nil
    sources = try reader.read(Bool.self) ? reader.read(BurstDetector.self) : nil
    outliers = try reader.readArray(limit: 65_536) {
      (reader: inout ByteReader) throws(ByteCodecError) -> OutlierDetector in
      try reader.read(OutlierDetector.self)
    }
    anomalies = try reader.read(Bool.self) ? reader.read(AnomalyDetector.self) : nil
  }
}
