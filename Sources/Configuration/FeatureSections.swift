// What a feature is: numbers and categories made from attributes, context, time and entity state.
//
// A *source* is named in text: `user`, `item`, `type`, `source`, `user.NAME`, `item.NAME`, `context.NAME`
// (attributes), `time.hour`, `time.weekday`, `history.NAME`, or the name of one of `features.values`.

/// A running figure per key (an entity, or a tuple of categories).
package enum StatisticKind: String, CaseIterable, BitwiseCopyable, Sendable {
  /// Events.
  case count
  /// Events, halved every `half_life`.
  case decayed
  /// (decayed or plain count of `numerator` + `prior` x `shrinkage`) / (count of `types` + `shrinkage`).
  case rate
  /// (sum of the target + `prior` x `shrinkage`) / (number + `shrinkage`).
  case mean
  /// Like `mean`, of the squared target.
  case square
  /// Exponentially weighted mean with weight `rate` for the newest (more while there are few).
  case ewmean = "ew_mean"
  /// The target of the newest event.
  case last
  /// Seconds since the newest event.
  case recency
  /// Seconds since the first event.
  case age
  /// Mean seconds between events: age / count.
  case interval
  /// Number of the session: how many gaps longer than `gap` there were. A category.
  case session
}

package enum StatisticTarget: String, CaseIterable, BitwiseCopyable, Sendable {
  /// The example's label minus `label.center`.
  case label
  /// The event's value.
  case value
}

/// How several values of one source share the weight of one.
package enum Normalisation: String, CaseIterable, BitwiseCopyable, Sendable {
  case none
  /// Each counts 1 / sqrt(number of values).
  case sqrt
  /// Each counts 1 / number of values.
  case count
}

/// A number or a category: read from a source or kept as a statistic, then transformed in this order: clip,
/// log1p or sqrt, standardise, offset, scale, and at last bucketise, step or within.
package struct ValueSection: NamedSection {
  package var name = ""
  package var from = ""
  package var statistic: StatisticKind?
  package var of: [String] = []
  package var types: [String] = []
  package var numerator: [String] = []
  package var target = StatisticTarget.label
  package var minus: [String] = []
  package var prior = 0.0
  package var shrinkage = 0.0
  package var rate = 0.1
  package var warmup = 1.0
  package var halfLife: Int64 = 0
  package var gap: Int64 = 0
  package var missing: Double?
  package var clip: [Double] = []
  package var log1p = false
  package var sqrt = false
  package var standardise = false
  package var offset = 0.0
  package var scale = 1.0
  package var bucketise: [Double] = []
  package var step = 0.0
  package var within: [Double] = []
  package var isSet = false

  package init() {}
  package static var shorthand: String? { "from" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "statistic", &statistic, .optional(.choice), .model, "A figure kept from events; null: read `from`.")
    if let statistic { visitStatistic(statistic, &visitor) } else { visitSource(&visitor) }
    visitor.value(
      "missing", &missing, .optional(.number(-1e30...1e30)), .model,
      "Stands for a value that is absent, before the transforms; null: it stays absent.")
    visitor.value(
      "clip", &clip, .list(of: .number(-1e30...1e30), count: 0...2), .model, "Lowest and highest.")
    visitor.value("log1p", &log1p, .flag, .model, "sign(x) ln(1 + |x|).")
    visitor.value("sqrt", &sqrt, .flag, .model, "sign(x) sqrt(|x|).")
    visitor.value(
      "standardise", &standardise, .flag, .model,
      "Minus the running mean, over the running standard deviation (Welford); at most 10 either way.")
    visitor.value("offset", &offset, .number(-1e30...1e30), .model, "Added.")
    visitor.value("scale", &scale, .number(-1e30...1e30), .model, "Multiplied, after the offset.")
    visitor.value(
      "bucketise", &bucketise, .list(of: .number(-1e30...1e30), count: 0...256), .model,
      "Boundaries, growing: becomes the category of how many are at or below.")
    visitor.value("step", &step, .number(0...1e30), .model, "Above 0: becomes the category floor(x / step).")
    visitor.value(
      "within", &within, .list(of: .number(-1e30...1e30), count: 0...2), .model,
      "Becomes 1 from lowest to highest, else 0.")
  }

  private mutating func visitSource(_ visitor: inout some FieldVisitor) {
    visitor.value("from", &from, .text(atMost: 160, orEmpty: false), .model, "The source.")
    visitor.value(
      "set", &isSet, .flag, .model, "Several categories together are one category (their set).")
  }

  private mutating func visitStatistic(_ kind: StatisticKind, _ visitor: inout some FieldVisitor) {
    let name = Kind.text(atMost: 160, orEmpty: false)
    visitor.value(
      "of", &of, .list(of: name, count: 0...4), .model,
      "Categories that it is kept for; none: one for all. Of several values the mean is taken.")
    visitor.value(
      "types", &types, .list(of: name, count: 0...32, distinct: true), .model,
      "Event types counted; none: all interactions.")
    visitor.value(
      "gap", &gap, .duration((kind == .session ? 1 : 0)...31_536_000_000_000_000), .model,
      kind == .session
        ? "This long without an event starts the next."
        : "Above 0: starts again after this long without an event.")
    switch kind {
    case .mean, .square, .ewmean, .last:
      visitor.value("target", &target, .choice, .model, "What is averaged.")
      visitor.value(
        "minus", &minus, .list(of: name, count: 0...8, distinct: true), .model,
        "Values (before the event) that are taken from the target: what they explain already.")
    case .count, .decayed, .rate, .recency, .age, .interval, .session: break
    }
    switch kind {
    case .mean, .square, .rate:
      visitor.value("prior", &prior, .number(-1e9...1e9), .model, "What is expected before any event.")
      visitor.value(
        "shrinkage", &shrinkage, .number((kind == .rate ? 1e-9 : 0)...1e9), .model,
        "How many events the prior weighs.")
    case .ewmean:
      visitor.value("rate", &rate, .number(1e-6...1), .model, "Weight of the newest, in the long run.")
      visitor.value(
        "warmup", &warmup, .number(0...1e6), .model,
        "The nth weighs at least 1 / (n - 1 + warmup); 0: `rate` from the first.")
    case .count, .decayed, .last, .recency, .age, .interval, .session: break
    }
    if kind == .rate {
      visitor.value(
        "numerator", &numerator, .list(of: name, count: 1...32, distinct: true), .model,
        "Event types counted above the line."
      )
    }
    if kind == .rate || kind == .decayed {
      visitor.value(
        "half_life", &halfLife, .duration((kind == .decayed ? 1 : 0)...315_360_000_000_000_000), .model,
        "Time after which an event counts half" + (kind == .decayed ? "." : "; 0: never less."))
    }
  }
}

/// Which side of the bilinear term a template's vectors stand on.
package enum FactorSide: String, CaseIterable, BitwiseCopyable, Sendable {
  case none, user, item
}

/// A template of hashed features: one feature for each tuple of values of its sources.
package struct SparseSection: NamedSection {
  package var name = ""
  package var of: [String] = []
  package var times = ""
  package var normalise = Normalisation.sqrt
  package var isLinear = true
  package var variance = 0.02
  package var drift = 0.0
  package var factor = FactorSide.none
  package var factorVariance = 0.05
  package var factorInit = 0.05

  package init() {}
  package static var shorthand: String? { "of" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "of", &of, .list(of: .text(atMost: 160, orEmpty: false), count: 1...4), .model,
      "Sources; several are crossed.")
    visitor.value("times", &times, .text(atMost: 160), .model, "A numeric value that it is multiplied by.")
    visitor.value("normalise", &normalise, .choice, .model, "How several values share the weight of one.")
    visitor.value("linear", &isLinear, .flag, .model, "Has a weight of its own (a bias).")
    visitor.value(
      "variance", &variance, .number(0...1000), .model, "How large its weight is expected to be, squared.")
    visitor.value(
      "drift", &drift, .number(0...1), .model, "How much variance an event adds: how fast it may change.")
    visitor.value("factor", &factor, .choice, .model, "Its side of the bilinear term.")
    if factor != .none {
      visitor.value(
        "factor_variance", &factorVariance, .number(0...1000), .model, "As `variance`, of its vector.")
      visitor.value("factor_init", &factorInit, .number(0...100), .model, "Scale of its first vector.")
    }
  }
}

/// The last items of a user, or the last users of an item.
package struct HistorySection: NamedSection {
  package var name = ""
  package var types: [String] = []
  package var length = 20

  package init() {}
  package static var shorthand: String? { "types" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "types", &types, .list(of: .text(atMost: 64, orEmpty: false), count: 0...32, distinct: true), .model,
      "Event types that enter; none: all interactions.")
    visitor.value("length", &length, .integer(1...1000), .model, "Items kept for each user.")
  }
}

package struct FeaturesSection: Section {
  package var context: [AttributeSection] = []
  package var values: [ValueSection] = []
  package var histories: [HistorySection] = []
  package var sparse: [SparseSection] = []
  package var dense: [String] = []
  package var maximumPerExample = 512

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.named("context", &context, "Attributes of the moment by name.")
    visitor.named("values", &values, "Numbers and categories made from others.")
    visitor.named("histories", &histories, "The user's last items.")
    visitor.named("sparse", &sparse, "Templates of hashed features.")
    visitor.value(
      "dense", &dense, .list(of: .text(atMost: 330, orEmpty: false), count: 0...256, distinct: true), .model,
      "Numeric values and vectors for the dense block; \"a * b\" is a product.")
    visitor.value(
      "maximum_per_example", &maximumPerExample, .integer(16...65536), .model,
      "Sparse features of one example; what would come after is left out and counted.")
  }
}

extension ValueSection {
  package static var samples: [(when: String, section: Self)] {
    [("no statistic", Self())]
      + StatisticKind.allCases.map { kind in
        var section = Self()
        section.statistic = kind
        return ("statistic \(kind.rawValue)", section)
      }
  }
}

extension SparseSection {
  package static var samples: [(when: String, section: Self)] { samples("factor", \.factor) }
}
