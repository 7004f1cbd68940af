// How the best k of the catalogue are found.

package enum RetrieverKind: String, CaseIterable, Sendable {
  /// Decayed, directed co-occurrence with the user's last items.
  case neighbours
  /// Decayed counts at several half-lives.
  case popularity
  /// User and item vectors from implicit feedback.
  case factors
  /// Likeness of attributes and of dense vectors.
  case content
}

package enum FactorMethod: String, CaseIterable, Sendable {
  /// Sampled softmax with log-odds correction, history pooled.
  case softmax
  /// Bayesian personalised ranking (Rendle 2009).
  case bpr
  /// Element-wise ALS (He et al. 2016).
  case eals
}

package enum SeenDefault: String, CaseIterable, Sendable {
  case exclude, include, only
}

package struct RetrieverSection: NamedSection {
  package var name = ""
  package var kind = RetrieverKind.popularity
  package var isOn = true
  package var types: [String] = []
  package var neighbours = 128
  package var learnLength = 5
  package var learnDecay = 0.8
  package var length = 16
  package var decay = 0.85
  package var ageScale: Int64 = 300_000_000_000
  package var halfLife = 40_000.0
  package var halfLives: [Double] = [200, 2_000, 20_000]
  package var floor = 3.0
  package var segment = ""
  package var method = FactorMethod.softmax
  package var factors = 32
  package var negatives = 48
  package var rate = 0.15
  package var positionRate = 0.05
  package var userRate = 0.1
  package var initScale = 0.102
  package var pools: [Double] = [0.7, 0.99]
  package var reach = 1_024
  package var newWeight = 4.0
  package var regularization = 10.0
  package var missingWeight = 2_048.0
  package var missingPower = 0.4
  package var recent = 2_048
  package var attributes: [String] = []
  package var shrinkage = 5.0
  package var seed = 1

  package init() {}
  package static var shorthand: String? { "kind" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("kind", &kind, .choice, .model, "Which retriever.")
    visitor.value("on", &isOn, .flag, .model, "It takes part.")
    visitor.value(
      "types", &types, .list(of: .text(atMost: 64, orEmpty: false), count: 0...32, distinct: true), .model,
      "Event types that it learns from; none: all interactions with an item.")
    switch kind {
    case .neighbours:
      visitor.value("neighbours", &neighbours, .integer(8...4096), .model, "Kept for each item.")
      visitor.value(
        "learn_length", &learnLength, .integer(1...256), .model,
        "Items of the history learned with each event.")
      visitor.value("learn_decay", &learnDecay, .number(0...1), .model, "Weight a step back, in learning.")
      visitLength(&visitor)
      visitor.value("decay", &decay, .number(0...1), .model, "Weight a step back, in a request.")
      visitor.value(
        "age_scale", &ageScale, .duration(1_000_000...315_360_000_000_000_000), .model,
        "An item this long ago weighs half.")
      visitor.value(
        "half_life_events", &halfLife, .number(1...1e12), .model, "Events after which a pair counts half.")
    case .popularity:
      visitor.value(
        "half_lives_events", &halfLives, .list(of: .number(1...1e12), count: 1...8), .model,
        "Events after which one counts half, for each count.")
      visitor.value(
        "floor", &floor, .number(0...100), .model, "Added to log2 of a count before the cut at 0.")
      visitor.value(
        "segment", &segment, .text(atMost: 160), .model,
        "A source of the user or the moment: counts are kept for each of its values.")
    case .factors: visitFactors(&visitor)
    case .content:
      visitor.value(
        "attributes", &attributes,
        .list(of: .text(atMost: 64, orEmpty: false), count: 0...64, distinct: true), .model,
        "Attributes of items that likeness is made of; none: all.")
      visitLength(&visitor)
      visitor.value("decay", &decay, .number(0...1), .model, "Weight a step back.")
      visitor.value(
        "shrinkage", &shrinkage, .number(0...1e6), .model, "How many items the average user weighs.")
    }
  }

  private mutating func visitLength(_ visitor: inout some FieldVisitor) {
    visitor.value("length", &length, .integer(1...256), .model, "Items of the history used.")
  }

  private mutating func visitFactors(_ visitor: inout some FieldVisitor) {
    visitor.value("method", &method, .choice, .model, "What is minimised.")
    visitor.value("factors", &factors, .integer(1...256), .model, "Length of vectors.")
    if method == .eals {
      visitor.value(
        "length", &reach, .integer(1...4096), .model, "Items of a user, and users of an item, in a step.")
      visitor.value(
        "new_weight", &newWeight, .number(0...1e6), .learning, "Of the pair at hand; earlier ones weigh 1.")
      visitor.value("regularization", &regularization, .number(0...1e6), .learning, "Penalty of vectors (λ).")
      visitor.value(
        "missing_weight", &missingWeight, .number(0...1e9), .learning,
        "Weight of all that a user did not do, over the catalogue (c₀).")
      visitor.value(
        "missing_power", &missingPower, .number(0...4), .learning,
        "An item's share of it goes with its interactions to this power (α).")
    } else {
      visitor.value("length", &length, .integer(1...256), .model, "Items of the history pooled.")
      visitor.value(
        "pools", &pools, .list(of: .number(0...1), count: 1...4), .model,
        "Weight a step back, for each pool.")
    }
    visitor.value("negatives", &negatives, .integer(1...4096), .learning, "Items drawn for each event.")
    visitor.value(
      "recent", &recent, .integer(16...1_000_000), .model,
      "Recent events that three in four of them are drawn from.")
    visitor.value("rate", &rate, .number(0...10), .learning, "Rate of item vectors (AdaGrad).")
    visitor.value("position_rate", &positionRate, .number(0...10), .learning, "Rate of positions' weights.")
    visitor.value("user_rate", &userRate, .number(0...10), .learning, "Rate of users' own vectors.")
    visitor.value(
      "init", &initScale, .number(0...10), .model, "First vectors are uniform within plus and minus this.")
    visitor.value("seed", &seed, .integer(0...1_000_000), .model, "Seed of first vectors.")
  }
}

package struct BlendSection: Section {
  package var isOn = true
  package var every = 12
  package var negatives = 32
  package var smoothing = 0.006
  package var prior = 30.0
  package var forgetting = 10_000.0
  package var leastWeight = 0.2
  package var buckets: [Int] = [0, 2, 8, 24, 79]
  package var start: [Double] = []

  package init() {}
  package static var shorthand: String? { "on" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("on", &isOn, .flag, .model, "Weights of retrievers are learned.")
    visitor.value(
      "every", &every, .integer(1...1000), .learning,
      "One of so many events is learned; of the first thousand of each set of weights, all.")
    visitor.value("negatives", &negatives, .integer(1...4096), .learning, "Items drawn for each of them.")
    visitor.value(
      "smoothing", &smoothing, .number(1e-9...1e3), .model, "Neighbour scores enter as ln(1 + score / this).")
    visitor.value("prior", &prior, .number(1e-6...1e9), .model, "Curvature that the first weights have.")
    visitor.value(
      "forgetting", &forgetting, .number(10...1e12), .learning, "Examples after which one has faded to 1 / e."
    )
    visitor.value(
      "least_weight", &leastWeight, .number(0...1), .learning,
      "Of an example whose item ranks low; the first place weighs 1.")
    visitor.value(
      "buckets", &buckets, .list(of: .integer(0...1_000_000), count: 0...32), .model,
      "Longest history of each set of weights; one more set is for longer ones.")
    visitor.value(
      "start", &start, .list(of: .number(-1e6...1e6), count: 0...256), .model,
      "First weights, one for each score; none: chosen by kind.")
  }
}

package struct RetrievalSection: Section {
  package var seen = SeenDefault.exclude
  package var candidates = 300
  package var rank = false
  package var retrievers: [RetrieverSection] = []
  package var blend = BlendSection()
  package var history = 256
  package var seenItems = 2_048
  package var repeats = false
  package var judgeEvery = 500
  package var impressions = 100_000
  package var impressionsExpire: Int64 = 3_600_000_000_000
  package var impressionsType = ""

  package init() {}

  /// How many retrievers may count by segment.
  package static let maximumSegments = 4

  /// The retrievers that count by segment, in order.
  package var segments: [RetrieverSection] {
    retrievers.filter { $0.isOn && $0.kind == .popularity && !$0.segment.isEmpty }
  }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "seen", &seen, .choice, .live, "What is done with items that the user has seen, by default.")
    visitor.value(
      "candidates", &candidates, .integer(10...100_000), .live,
      "Best by the blend that the model ranks again.")
    visitor.value("rank", &rank, .flag, .model, "The model's score takes part in the blend.")
    visitor.value(
      "history", &history, .integer(16...4096), .model, "Events of each user that are remembered in order.")
    visitor.value(
      "seen_items", &seenItems, .integer(0...65_536), .model,
      "Items from before these that still count as seen; 4 bytes each, for users who have that many.")
    visitor.value(
      "repeats", &repeats, .flag, .model,
      "Users come back to the same items, so these may be recommended again.")
    visitor.value(
      "judge_every", &judgeEvery, .integer(0...1_000_000), .model,
      "One interaction in so many is ranked among all items before it is learned, for the ranking metrics; 0: none."
    )
    visitor.named("retrievers", &retrievers, "Retrievers by name.")
    visitor.section("blend", &blend, "How their scores become one.")
    visitor.value(
      "impressions", &impressions, .integer(0...100_000_000), .model,
      "Impressions that wait for a click, at most; the oldest go first.")
    visitor.value(
      "impressions_expire", &impressionsExpire, .duration(1_000_000_000...2_592_000_000_000_000), .learning,
      "How long an impression waits before it is learned as a negative.")
    visitor.value(
      "impressions_count_as", &impressionsType, .text(atMost: 64), .model,
      "Event type as which each item shown counts in statistics, such as rates; none: it does not.")
  }
}

extension RetrieverSection {
  package static var samples: [(when: String, section: Self)] {
    samples("kind", \.kind).flatMap { when, section in
      guard section.kind == .factors else { return [(when, section)] }
      var byElements = section
      byElements.method = .eals
      return [(when, section), ("method eals", byElements)]
    }
  }
}
