// What Recommend answers, and the limits that hold items back.

internal import Features
internal import Wire

/// The items that pass, best first. Each thread keeps one and fills it anew for each request.
struct Ranking {
  struct Item: BitwiseCopyable {
    var key: UInt64
    /// Of its name.
    var ordinal: UInt32
    var score: Float
    var propensity: Float
    var reason: Reason
  }

  /// What brought an item in, or the step of the fallback chain that answered.
  enum Reason: String, BitwiseCopyable {
    case blend, neighbours, factors, content, personal, attributes, popularity, recency
  }

  var items: [Item] = []
  var considered = 0
  /// `personal`, `attributes`, `popularity` or `recency`.
  var chain = Reason.personal

  mutating func reset() {
    items.removeAll(keepingCapacity: true)
    considered = 0
    chain = .personal
  }
}

/// Takes items in order, as long as no value of a limited attribute has had its share.
struct AttributeLimiter {
  private let limits: [(name: [UInt8], limit: Int)]
  private let features: FeatureState
  private var counts: [[String: Int]]

  init(_ limits: [(name: [UInt8], limit: Int)], _ features: FeatureState) {
    self.limits = limits
    self.features = features
    counts = Array(repeating: [:], count: limits.count)
  }

  mutating func takes(_ item: UInt64) -> Bool {
    guard !limits.isEmpty else { return true }
    let known = features.withAttributes(ofItem: item) { encodings -> [[String]] in
      let attributes = ItemAttributes(encodings)
      return limits.map { attributes.view($0.name).map(ItemAttributes.texts) ?? [] }
    }
    guard let values = known else { return true }
    for (place, texts) in values.enumerated() {
      guard texts.allSatisfy({ counts[place][$0, default: 0] < limits[place].limit }) else { return false }
    }
    for (place, texts) in values.enumerated() {
      for text in texts { counts[place][text, default: 0] += 1 }
    }
    return true
  }
}
