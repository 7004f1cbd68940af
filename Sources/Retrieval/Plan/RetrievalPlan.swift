// What `retrieval:` in the configuration means for the state: which retrievers, with which constants, under
// which bounds. Fixed for the life of a state.

package import Configuration

/// Why a configuration cannot be run.
package struct RetrievalPlanError: Error, Equatable, CustomStringConvertible {
  package let path: String
  package let reason: String

  package var description: String { "\(path): \(reason)" }
}

/// How many of each may live at once; the least recently touched go first.
package struct RetrievalBounds: Equatable, Sendable {
  /// At most 16,777,216.
  package var items = 1_000_000
  package var users = 1_000_000
  package var attributeValues = 1_000_000
  package var segments = 4_096

  package init() {}
}

/// Retrievers that take in an event; those whose `types` leave the event's type out are not named.
package struct RetrieverSet: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let factors = RetrieverSet(rawValue: 1)
  package static let neighbours = RetrieverSet(rawValue: 2)
  package static let popularity = RetrieverSet(rawValue: 4)
  package static let content = RetrieverSet(rawValue: 8)
  package static let segments = RetrieverSet(rawValue: 16)
  package static let all: RetrieverSet = [.factors, .neighbours, .popularity, .content, .segments]
}

// Constants of the retrievers are plain memory, so that the hot path reads them without reference counts; what is a
// list or a name stands in the plan itself.

package struct FactorPlan: Equatable, Sendable {
  package var method: FactorMethod
  package var factors: Int
  package var length: Int
  package var rate: Float
  package var biasRate: Float = 0.2
  package var positionRate: Float
  package var userRate: Float
  package var initScale: Float
  package var seed: UInt64
  /// Of eALS: w, λ, c₀ and α.
  package var newWeight: Double
  package var regularization: Double
  package var missingWeight: Double
  package var missingPower: Double
}

package struct NeighbourPlan: Equatable, Sendable {
  package var limit: Int
  package var learnLength: Int
  package var learnDecay: Float
  package var length: Int
  package var decay: Float
  package var ageScaleSeconds: Float
  package var halfLife: Double
}

package struct PopularityPlan: Equatable, Sendable {
  package var floor: Float
}

package struct SegmentPlan: Equatable, Sendable {
  package var name: String
  /// The source whose values are the segments, as configured.
  package var source: String
  package var halfLives: [Double]
}

package struct ContentPlan: Equatable, Sendable {
  package var length: Int
  package var decay: Float
  package var shrinkage: Float
}

package struct RetrievalPlan: Equatable, Sendable {
  package static let historyForSampling = 256

  package var bounds: RetrievalBounds
  package var factors: FactorPlan?
  package var neighbours: NeighbourPlan?
  package var popularity: PopularityPlan?
  package var content: ContentPlan?
  package var segments: [SegmentPlan] = []
  /// Of the history's pools in the factors: the weight a step back.
  package var pools: [Double] = []
  /// Of popularity without a segment, in events.
  package var halfLives: [Double] = []
  private var names: [RetrieverKind: String] = [:]
  /// The blend's features, in the order of its weights.
  package private(set) var features: [BlendFeature] = []
  /// Length of the dense vectors that items come with; 0: none.
  package var vectorDimension: Int
  package var rank: Bool
  package var blend: BlendSection
  package var negatives = 64
  package var recent = 2_048
  package var history: Int
  /// Items from before the history that are still known as seen; 0: none.
  package var seenItems: Int
  package var repeats: Bool

  /// - Parameters:
  ///   - section: checked: of each kind one is on.
  ///   - vectorDimension: length of the items' dense vectors, 0 if they have none.
  package init(
    _ section: RetrievalSection, vectorDimension: Int = 0, bounds: RetrievalBounds = RetrievalBounds()
  ) throws(RetrievalPlanError) {
    precondition(section.segments.count <= RetrievalSection.maximumSegments)
    self.bounds = bounds
    self.vectorDimension = vectorDimension
    rank = section.rank
    blend = section.blend
    history = section.history
    seenItems = section.seenItems
    repeats = section.repeats
    for retriever in section.retrievers where retriever.isOn {
      switch retriever.kind {
      case .factors:
        negatives = retriever.negatives
        recent = retriever.recent
        names[.factors] = retriever.name
        pools = retriever.method == .eals ? [] : retriever.pools
        factors = FactorPlan(
          method: retriever.method, factors: retriever.factors,
          length: retriever.method == .eals ? retriever.reach : retriever.length, rate: Float(retriever.rate),
          positionRate: Float(retriever.positionRate), userRate: Float(retriever.userRate),
          initScale: Float(retriever.initScale), seed: UInt64(retriever.seed),
          newWeight: retriever.newWeight, regularization: retriever.regularization,
          missingWeight: retriever.missingWeight,
          missingPower: retriever.missingPower)
      case .neighbours:
        names[.neighbours] = retriever.name
        neighbours = NeighbourPlan(
          limit: retriever.neighbours, learnLength: retriever.learnLength,
          learnDecay: Float(retriever.learnDecay), length: retriever.length, decay: Float(retriever.decay),
          ageScaleSeconds: Float(Double(retriever.ageScale) / 1e9),
          halfLife: retriever.halfLife)
      case .popularity where !retriever.segment.isEmpty:
        let lives = retriever.halfLives
        segments.append(
          SegmentPlan(
            name: retriever.name, source: retriever.segment,
            halfLives: [lives[0], lives[min(1, lives.count - 1)]]))
      case .popularity:
        names[.popularity] = retriever.name
        halfLives = retriever.halfLives
        popularity = PopularityPlan(floor: Float(retriever.floor))
      case .content:
        names[.content] = retriever.name
        content = ContentPlan(
          length: retriever.length, decay: Float(retriever.decay), shrinkage: Float(retriever.shrinkage))
      }
    }
    features = listFeatures()
    guard !features.isEmpty else {
      throw RetrievalPlanError(path: "retrieval.retrievers", reason: "none is on; at least one is needed")
    }
    guard blend.start.isEmpty || blend.start.count == features.count else {
      throw RetrievalPlanError(
        path: "retrieval.blend.start",
        reason: "\(blend.start.count) weights for \(features.count) scores: "
          + features.map { name(of: $0) }.joined(separator: ", "))
    }
  }

  /// Items of the history that anything looks at, at most.
  var historyReach: Int {
    max(
      factors?.length ?? 0, neighbours?.length ?? 0, neighbours?.learnLength ?? 0, content?.length ?? 0,
      vectorDimension > 0 ? 32 : 0)
  }

  /// As the kernels take them.
  typealias HalfLives = (Float, Float, Float, Float, Float, Float, Float, Float)

  /// One over each half-life of popularity.
  var inverseHalfLives: HalfLives {
    var inverses: HalfLives = (0, 0, 0, 0, 0, 0, 0, 0)
    withUnsafeMutableBytes(of: &inverses) { inverses in
      let inverses = inverses.assumingMemoryBound(to: Float.self)
      for index in halfLives.indices { inverses[index] = Float(1 / halfLives[index]) }
    }
    return inverses
  }

  /// Floats of an item's vector: a multiple of 16, filled up with zeroes.
  var width: Int { max(16, ((factors?.factors ?? 0) + 15) & ~15) }
  var vectorWidth: Int { (vectorDimension + 15) & ~15 }

  private func listFeatures() -> [BlendFeature] {
    var features: [BlendFeature] = []
    if factors != nil { features.append(.factors) }
    if neighbours != nil { features += [.forward, .backward] }
    for index in halfLives.indices { features.append(.popularity(index)) }
    if content != nil { features.append(.content) }
    for index in segments.indices { features += [.segment(index, 0), .segment(index, 1)] }
    if vectorDimension > 0 { features.append(.vector) }
    if rank { features.append(.rank) }
    return features
  }

  /// For people: a feature by the name of its retriever.
  package func name(of feature: BlendFeature) -> String {
    switch feature {
    case .factors: names[.factors, default: ""]
    case .forward: names[.neighbours, default: ""] + ".after"
    case .backward: names[.neighbours, default: ""] + ".before"
    case .popularity(let index):
      names[.popularity, default: ""] + "." + Self.number(halfLives[index])
    case .content: names[.content, default: ""]
    case .segment(let index, let side):
      segments[index].name + "." + Self.number(segments[index].halfLives[side])
    case .vector: "vectors"
    case .rank: "model"
    }
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }
}

/// A score that the blend weighs.
package enum BlendFeature: Hashable, Sendable, BitwiseCopyable {
  /// User vector · item vector + bias.
  case factors
  /// ln(1 + share of what came after the history's items).
  case forward
  /// ln(1 + share of what came before them).
  case backward
  /// log2 of the decayed count at a half-life.
  case popularity(Int)
  /// Log-odds of the item's attribute values in the history.
  case content
  /// ln(1 + share of the user's segment), for a segment retriever and one of its two half-lives.
  case segment(Int, Int)
  /// Cosine of the item's dense vector and the history's mean.
  case vector
  /// The ranking model's score.
  case rank

  /// First weight, where the configuration names none.
  var start: Double {
    switch self {
    case .factors: 0.6
    case .forward, .backward: 0.25
    case .segment: 0.5
    case .popularity, .content, .vector, .rank: 0
    }
  }
}
