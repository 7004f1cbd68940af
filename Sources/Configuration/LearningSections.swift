// How learning goes: rates, publishing, hygiene, retrieval.

package struct LearningSection: Section {
  package var rate = 1.0
  package var seed: UInt64 = 1
  package var cpuBudget = 1.0
  package var window = 10_000
  package var decay = 0.999

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "rate", &rate, .number(0...100), .learning,
      "Multiplies the rate of every member; statistics, histories and retrieval are no members.")
    visitor.value(
      "seed", &seed, .bits, .model,
      "Seed of what is drawn while learning: negatives (events.NAME.negatives), and which events of a smaller weight "
        + "enter whole. Members and retrievers have seeds of their own.")
    visitor.value(
      "cpu_budget", &cpuBudget, .number(0.01...1), .live, "Share of one core that learning may take.")
    visitor.value(
      "window", &window, .integer(100...10_000_000), .model, "Examples in the sliding metrics.")
    visitor.value(
      "decay", &decay, .number(0.5...0.9999999), .model, "Factor of the decayed metrics, an example.")
  }
}

package struct PublishSection: Section {
  package var every: Int64 = 10_000_000
  package var count = 0

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "every", &every, .duration(100_000...3_600_000_000_000), .live,
      "Longest time between two revisions while learning.")
    visitor.value(
      "count", &count, .integer(0...1_000_000_000), .live, "Events between two revisions; 0: by time only.")
  }
}

/// What is done with an event that a rule finds suspicious. Which of these a rule can do stands with the rule.
package enum HygieneAction: String, CaseIterable, Sendable {
  /// The rule is not asked.
  case off
  /// The caller is told why, and the event is not logged; one that the log holds already is set aside.
  case reject
  /// The value is moved to the nearest bound.
  case clip
  /// Learned with `weight` times its weight.
  case weight
  /// Logged and listed, not learned until it is admitted.
  case quarantine
}

/// Asked before an event is logged, because the server's clock is no part of the log: so it can refuse, and nothing else.
package struct ClockRule: Section {
  package var action = HygieneAction.reject
  package var future: Int64 = 60_000_000_000
  package var past: Int64 = 14_600 * 86_400_000_000_000
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, [.off, .reject])
    visitor.value(
      "future", &future, .duration(0...3_153_600_000_000_000_000), .live,
      "Furthest ahead of the server's clock.")
    visitor.value(
      "past", &past, .duration(1_000_000_000...6_307_200_000_000_000_000), .live,
      "Furthest behind the server's clock.")
  }
}

/// Asked of the log, by the events' own times: after a quiet day the next event is ahead of the stream, and sound.
package struct StreamRule: Section {
  package var action = HygieneAction.off
  package var weight = 0.1
  package var ahead: Int64 = 86_400_000_000_000
  package var behind: Int64 = 14_600 * 86_400_000_000_000
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, &weight, [.off, .weight, .quarantine])
    visitor.value(
      "ahead", &ahead, .duration(1_000_000_000...3_153_600_000_000_000_000), .learning,
      "Furthest ahead of the newest event before; more, and the clock of what waits does not follow, until sixteen "
        + "events in a row agree.")
    visitor.value(
      "behind", &behind, .duration(1_000_000_000...6_307_200_000_000_000_000), .learning,
      "Furthest behind it.")
  }
}

/// Weights above what one event may have.
package struct WeightRule: Section {
  package var action = HygieneAction.clip
  package var maximum = 1_000.0
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, [.off, .reject, .clip, .quarantine])
    visitor.value(
      "maximum", &maximum, .number(1e-3...1e4), .learning,
      "Largest weight of an event. Whatever the rule, no example weighs more than 10000.")
  }
}

package struct ValueRule: Section {
  package var action = HygieneAction.reject
  package var weight = 0.1
  package var minimum = -1e9
  package var maximum = 1e9
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, &weight, [.off, .reject, .clip, .weight, .quarantine])
    visitor.value("minimum", &minimum, .number(-1e30...1e30), .learning, "Smallest value of an event.")
    visitor.value("maximum", &maximum, .number(-1e30...1e30), .learning, "Largest value of an event.")
  }
}

/// Values outside of what their event type may have: `events.NAME.minimum` and `maximum`.
package struct RangeRule: Section {
  package var action = HygieneAction.reject
  package var weight = 0.1
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, &weight, [.off, .reject, .clip, .weight, .quarantine])
  }
}

/// Events without the value that their label is made from. Whatever the action, no label is made up.
package struct MissingRule: Section {
  package var action = HygieneAction.reject
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, [.off, .reject, .quarantine])
  }
}

package struct OutlierRule: Section {
  package var action = HygieneAction.weight
  package var weight = 0.1
  package var zScore = 8.0
  package var interquartileRanges = 10.0
  package var warmup = 1_000
  package var context: [String] = []
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, &weight, [.off, .clip, .weight, .quarantine])
    visitor.value(
      "z_score", &zScore, .number(1...1000), .learning,
      "Robust z-score (distance from the median over 1.4826 MAD) that is suspicious.")
    visitor.value(
      "interquartile_ranges", &interquartileRanges, .number(0.5...1000), .learning,
      "Distance beyond the quartiles, in interquartile ranges, that is suspicious.")
    visitor.value(
      "warmup", &warmup, .integer(10...10_000_000), .learning, "Events before the rule judges.")
    visitor.value(
      "context", &context, .list(of: .text(atMost: 64, orEmpty: false), count: 0...16, distinct: true),
      .model,
      "Numbers of the context that are judged like the value. Their features are made by then: for action \"clip\" "
        + "the event is learned with `weight` times its weight.")
  }
}

package struct AnomalyRule: Section {
  package var action = HygieneAction.off
  package var weight = 0.1
  package var threshold = 0.95
  package var trees = 25
  package var height = 8
  package var window = 250
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, &weight, [.off, .weight, .quarantine])
    visitor.value(
      "threshold", &threshold, .number(0.5...1), .learning, "Score of half-space trees that is suspicious.")
    visitor.value("trees", &trees, .integer(1...256), .model, "Number of trees.")
    visitor.value("height", &height, .integer(1...15), .model, "Height of each.")
    visitor.value("window", &window, .integer(10...100_000), .model, "Events in a reference window.")
  }
}

package struct BurstRule: Section {
  package var action = HygieneAction.quarantine
  package var weight = 0.1
  package var perUser = 1_000
  package var perSource = 0
  package var within: Int64 = 10_000_000_000
  package init() {}
  package static var shorthand: String? { "action" }
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.action(&action, &weight, [.off, .weight, .quarantine])
    visitor.value(
      "per_user", &perUser, .integer(0...1_000_000_000), .learning,
      "Events of one user within the time that are not suspicious yet; 0: any number.")
    visitor.value(
      "per_source", &perSource, .integer(0...1_000_000_000), .learning,
      "The same of one source; 0: any number.")
    visitor.value(
      "within", &within, .duration(1_000_000...86_400_000_000_000), .learning, "The time, by the events' own."
    )
  }
}

/// How ids or categories are spelled before they are hashed.
package struct SpellingRule: Section {
  package var trim = false
  package var foldCase = false
  package var compose = false
  package init() {}
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "trim", &trim, .flag, .model, "White space and control characters at both ends are left out.")
    visitor.value("fold_case", &foldCase, .flag, .model, "Upper and lower case are the same.")
    visitor.value(
      "compose", &compose, .flag, .model, "Unicode's composed form (NFC): \"e\" + \"´\" is \"é\".")
  }
}

package struct NormaliseRule: Section {
  package var ids = SpellingRule()
  package var categories = SpellingRule()
  package init() {}
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.section("ids", &ids, "Ids of users and items; answers name items as they are spelled then.")
    visitor.section("categories", &categories, "Values of categorical attributes and context.")
  }
}

package struct HygieneSection: Section {
  package var normalise = NormaliseRule()
  package var clock = ClockRule()
  package var stream = StreamRule()
  package var value = ValueRule()
  package var weight = WeightRule()
  package var range = RangeRule()
  package var missing = MissingRule()
  package var outlier = OutlierRule()
  package var anomaly = AnomalyRule()
  package var burst = BurstRule()
  package init() {}
  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.section("normalise", &normalise, "One spelling for what is meant to be the same.")
    visitor.section("clock", &clock, "Times too far from the server's clock.")
    visitor.section("stream", &stream, "Times too far from those of the events before.")
    visitor.section("value", &value, "Values out of bounds, whatever the event type.")
    visitor.section("weight", &weight, "Weights too large for one event.")
    visitor.section("range", &range, "Values that their event type cannot have (its minimum and maximum).")
    visitor.section("missing", &missing, "Events without the value that their label is made from.")
    visitor.section("outlier", &outlier, "Values far from the others of their type.")
    visitor.section("anomaly", &anomaly, "Events whose numbers together are rare.")
    visitor.section("burst", &burst, "Too many events of one user or source.")
  }
}

extension FieldVisitor {
  /// - Parameter possible: what the rule can do. A rule that looks at events in the log cannot refuse them to their
  ///   sender any more, and one that finds nothing wrong with a single value has none to clip.
  mutating func action(_ action: inout HygieneAction, _ possible: [HygieneAction]) {
    value("action", &action, .choice(of: possible), .learning, "What is done with such an event.")
  }

  mutating func action(
    _ action: inout HygieneAction, _ weight: inout Double, _ possible: [HygieneAction]
  ) {
    self.action(&action, possible)
    value("weight", &weight, .number(0...1), .learning, "Factor of its weight, for action \"weight\".")
  }
}
