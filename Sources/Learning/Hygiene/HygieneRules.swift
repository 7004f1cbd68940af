// What can be wrong with an accepted event, and what is done about it.

internal import Configuration

/// Why an event is suspicious. The raw value is its place in counters and in bytes; never reused.
package enum HygieneReason: UInt8, Sendable, CaseIterable {
  /// A number that is NaN, infinite, or beyond what a Float can hold with room to spare.
  case notFinite = 0
  /// Before or after what is plausible at all, such as 1970 or 2200.
  case impossibleTime
  /// Far ahead of the stream.
  case futureTime
  /// Far behind the stream.
  case oldTime
  /// Too many events by one user at once.
  case userBurst
  /// Too many events from one source at once.
  case sourceBurst
  /// A value far outside of its event type's usual ones.
  case outlier
  /// Numbers that are each usual but not together.
  case anomaly
  /// A value outside of the bounds that the configuration gives.
  case value
  /// A value that its event type cannot have.
  case range
  /// No value, where the label is made from it.
  case missing
  /// A weight above the largest that the configuration allows.
  case weight

  /// No model can have such an event, whoever admits it.
  package var isFinal: Bool {
    switch self {
    case .notFinite, .impossibleTime: true
    default: false
    }
  }

  /// As in counters and messages: `hygiene.user_burst`.
  package var name: String {
    switch self {
    case .notFinite: "not_finite"
    case .impossibleTime: "impossible_time"
    case .futureTime: "future_time"
    case .oldTime: "old_time"
    case .userBurst: "user_burst"
    case .sourceBurst: "source_burst"
    case .outlier: "outlier"
    case .anomaly: "anomaly"
    case .value: "value"
    case .range: "range"
    case .missing: "missing"
    case .weight: "weight"
    }
  }

  /// What an event did to break the rule, and the settings that decide.
  package var explanation: String {
    switch self {
    case .notFinite: "a number in it is not finite, or beyond 1e18"
    case .impossibleTime: "its time lies before 1980 or after 2100"
    case .futureTime: "its time is far ahead of the stream's (hygiene.stream.ahead)"
    case .oldTime: "its time is far behind the stream's (hygiene.stream.behind)"
    case .userBurst: "its user sent more than hygiene.burst.per_user within hygiene.burst.within"
    case .sourceBurst: "its source sent more than hygiene.burst.per_source within hygiene.burst.within"
    case .outlier: "its value is far from the others of its type (hygiene.outlier)"
    case .anomaly: "its numbers together are rare (hygiene.anomaly)"
    case .value: "its value lies outside of hygiene.value.minimum to maximum"
    case .range:
      "its value lies outside of what its type may have (events.NAME.minimum to maximum, hygiene.range)"
    case .missing: "it has no value, and the label of its type is made from it (hygiene.missing)"
    case .weight: "its weight is above hygiene.weight.maximum"
    }
  }
}

/// What a rule does with an event that breaks it.
package enum HygieneResponse: Sendable, Equatable {
  /// Counted only.
  case count
  /// The value is moved to the nearest usual one.
  case clip
  /// Learned with its weight times this, in 0...1.
  case weight(Double)
  /// Logged, not learned, can be admitted again by command.
  case quarantine

  /// The graver of two actions wins.
  fileprivate var gravity: Int {
    switch self {
    case .count: 0
    case .clip: 1
    case .weight: 2
    case .quarantine: 3
    }
  }
}

/// What is to be done with one event.
package struct HygieneVerdict: Sendable, Equatable {
  /// Every reason found, bit by `HygieneReason.rawValue`.
  package private(set) var reasons: UInt16 = 0
  /// Of all broken rules the gravest.
  package private(set) var action: HygieneResponse = .count
  /// The reason of `action`; nil for a clean event.
  package private(set) var reason: HygieneReason?
  /// Product of the weights of all broken rules; 0 where it is not to be learned.
  package private(set) var weightFactor = 1.0
  /// The value to learn instead.
  package private(set) var clippedValue: Double?
  /// The value to keep statistics of instead: a value that is learned with a smaller weight is clipped there, because
  /// what is kept has no weights.
  package private(set) var usualValue: Double?
  /// What the event's own weight is cut down by.
  package private(set) var weightCut: Double?

  package init() {}

  package var isClean: Bool { reasons == 0 }
  package var isLearned: Bool {
    switch action {
    case .quarantine: false
    default: true
    }
  }

  /// Its time is one that the stream can have: clocks may follow it.
  package var isInPlace: Bool {
    !contains(.impossibleTime) && !contains(.futureTime) && !contains(.oldTime)
  }

  package func contains(_ reason: HygieneReason) -> Bool { reasons & (1 << UInt16(reason.rawValue)) != 0 }

  mutating func add(_ reason: HygieneReason, _ action: HygieneResponse, clipped: Double? = nil) {
    if reasons == 0 || action.gravity > self.action.gravity {
      self.action = action
      self.reason = reason
    }
    reasons |= 1 << UInt16(reason.rawValue)
    switch action {
    case .count: break
    case .clip:
      clippedValue = clipped
      usualValue = clipped
    case .weight(let factor):
      weightFactor *= factor
      if clipped != nil { usualValue = clipped }
    case .quarantine: weightFactor = 0
    }
  }

  /// A number that was left out.
  static var unsoundNumber: HygieneVerdict {
    var verdict = HygieneVerdict()
    verdict.add(.notFinite, .count)
    return verdict
  }

  mutating func cutWeight(by factor: Double) { weightCut = factor }
}

/// The limits and actions of every rule; nil or empty switches a rule off. The configuration says them all.
package struct HygieneRules: Sendable, Equatable {
  /// Event times outside of these are impossible: 1980 to 2100.
  package var earliestNanos: Int64 = 315_532_800_000_000_000
  package var latestNanos: Int64 = 4_102_444_800_000_000_000
  package var impossibleTime: HygieneResponse = .quarantine

  /// How far an event may be ahead of the stream's newest plausible time.
  package var maxAheadNanos: Int64
  package var futureTime: HygieneResponse

  /// How far behind.
  package var maxBehindNanos: Int64
  package var oldTime: HygieneResponse

  package var userBurst: BurstLimit?
  package var userBurstAction: HygieneResponse

  package var sourceBurst: BurstLimit?
  package var sourceBurstAction: HygieneResponse

  /// Values that an event may have at all.
  package var value: ClosedRange<Double>?
  package var valueAction: HygieneResponse

  /// Values that each event type may have, by its place; nil or no entry: any.
  package var ranges: [ClosedRange<Double>?]
  package var rangeAction: HygieneResponse
  /// Largest weight that an event may have.
  package var maxWeight: Double
  package var weightAction: HygieneResponse
  /// What is done with an event whose label has no value to be made from.
  package var missingAction: HygieneResponse

  package var outlier: OutlierLimit?
  package var outlierAction: HygieneResponse
  /// How many numbers beside its value an event is judged by.
  package var watchedNumbers: Int
  package var watchedAction: HygieneResponse

  package var anomaly: AnomalyLimit?
  package var anomalyAction: HygieneResponse

  /// Those of a configuration that says nothing of them.
  package init() { self.init(Configuration()) }
}
