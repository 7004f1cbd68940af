// What is told to Cowbird: attributes of users, items and the moment, and the types of events.

/// What sort of values an attribute has.
package enum AttributeType: String, CaseIterable, BitwiseCopyable, Sendable {
  /// One of many values, compared as text.
  case category
  /// Several categories, such as genres.
  case categories
  /// A finite number.
  case number
  /// A dense vector of `dimension` numbers.
  case vector
  /// Text, cut into tokens: maximal runs of letters and digits, in lower case.
  case text
}

package struct AttributeSection: NamedSection {
  package var name = ""
  package var type = AttributeType.category
  package var dimension = 0
  package var minimumToken = 2
  package var maximumValues = 64
  /// Number that stands for an absent one; nil: the features made from it are absent too.
  package var missing: Double?

  package init() {}
  package static var shorthand: String? { "type" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("type", &type, .choice, .model, "What sort of values it has.")
    switch type {
    case .vector:
      visitor.value(
        "dimension", &dimension, .integer(1...4096), .model,
        "Numbers in the vector; one of another length is left out, and counted.")
    case .number:
      visitor.value(
        "missing", &missing, .optional(.number(-1e30...1e30)), .model,
        "Number that stands for an absent one; null: what is made from it is absent too.")
    case .text:
      visitor.value(
        "minimum_token", &minimumToken, .integer(1...64), .model,
        "Shorter tokens are left out, in characters.")
      visitor.value(
        "maximum_values", &maximumValues, .integer(1...1024), .model, "Tokens beyond these are left out.")
    case .categories:
      visitor.value(
        "maximum_values", &maximumValues, .integer(1...1024), .model, "Values beyond these are left out.")
    case .category: break
    }
  }
}

package struct EntitiesSection: Section {
  package var user: [AttributeSection] = []
  package var item: [AttributeSection] = []

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.named("user", &user, "Attributes of users by name.")
    visitor.named("item", &item, "Attributes of items by name.")
  }
}

/// How an event type becomes an example's label.
package enum LabelRule: String, CaseIterable, BitwiseCopyable, Sendable {
  /// No example is made; counters and histories are kept.
  case none
  /// The event's value.
  case value
  /// 1 when the value is at least `threshold`, else 0.
  case threshold
  /// Always 1; an event whose value is 0 or less says the opposite and is out of range, unless `minimum` allows it.
  case positive
  /// Always 0.
  case negative

  /// The label is made from the event's value.
  package var isOfValue: Bool {
    switch self {
    case .value, .threshold: true
    case .none, .positive, .negative: false
    }
  }
}

package struct EventTypeSection: NamedSection {
  package var name = ""
  package var label = LabelRule.none
  package var threshold = 0.5
  package var weight = 1.0
  /// Nil: 1, but of a label that is made from the value none.
  package var defaultValue: Double?
  package var minimum: Double?
  package var maximum: Double?
  package var delay: Int64 = 0
  package var answeredBy: [String] = []
  package var negatives = 0
  package var isInteraction = true

  package init() {}
  package static var shorthand: String? { "label" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("label", &label, .choice, .model, "The example's label.")
    if label == .threshold {
      visitor.value(
        "threshold", &threshold, .number(-1e30...1e30), .model, "Values of at least this make label 1.")
    }
    visitor.value("weight", &weight, .number(0...1000), .learning, "Weight of its examples.")
    visitor.value(
      "default_value", &defaultValue, .optional(.number(-1e30...1e30)), .model,
      "Value of an event that gives none; null: 1, but where the label is made from the value it is missing "
        + "(hygiene.missing).")
    visitor.value(
      "minimum", &minimum, .optional(.number(-1e30...1e30)), .learning,
      "Smallest value in range (hygiene.range); null: label.minimum for label value, above 0 for label positive, "
        + "else any.")
    visitor.value(
      "maximum", &maximum, .optional(.number(-1e30...1e30)), .learning,
      "Largest value in range; null: label.maximum for label value, else any.")
    visitor.value(
      "delay", &delay, .duration(0...2_592_000_000_000_000), .learning,
      "How long an event without a value waits for one of `answered_by` before it is learned with its own label; "
        + "one with a value says what came of it, and is learned at once.")
    visitor.value(
      "answered_by", &answeredBy, .list(of: .text(atMost: 64, orEmpty: false), count: 0...16, distinct: true),
      .model,
      "Event types that take this one's place when they come within `delay`.")
    visitor.value(
      "negatives", &negatives, .integer(0...64), .learning,
      "Items drawn at random and learned with label 0 beside each event.")
    visitor.value(
      "interaction", &isInteraction, .flag, .model,
      "The item counts as seen by the user and enters the user's history.")
  }
}

/// The range that labels and answers lie in.
package struct LabelSection: Section {
  package var minimum = 0.0
  package var maximum = 1.0
  package var center = 0.0

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "minimum", &minimum, .number(-1e9...1e9), .model, "Smallest label and answer.")
    visitor.value("maximum", &maximum, .number(-1e9...1e9), .model, "Largest label and answer.")
    visitor.value(
      "center", &center, .number(-1e9...1e9), .model,
      "Statistics of the label are of the label minus this. Before anything is learned, the middle of the range is "
        + "predicted, whatever stands here.")
  }
}

extension AttributeSection {
  package static var samples: [(when: String, section: Self)] { samples("type", \.type) }
}

extension EventTypeSection {
  package static var samples: [(when: String, section: Self)] { samples("label", \.label) }
}
