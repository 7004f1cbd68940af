// Values outside of what is usual for their event type, one number or several together.

package import Primitives
package import Statistics

/// When one number is an outlier: if both the robust z-score and the IQR rule say so.
package struct OutlierLimit: Sendable, Equatable {
  /// Robust deviations from the median; infinity switches the test off. Default 8.
  package var maxRobustZ: Double
  /// Interquartile ranges outside of the quartiles; infinity switches the test off. Default 10.
  package var maxIQRDistance: Double
  /// Values after which an older one counts half; default 100,000.
  package var halfLife: Double
  /// Values before which everything is usual; default 1,000.
  package var warmUp: Int

  package init(
    maxRobustZ: Double = 8, maxIQRDistance: Double = 10, halfLife: Double = 100_000, warmUp: Int = 1_000
  ) {
    precondition(maxRobustZ > 0 && maxIQRDistance > 0 && halfLife > 0 && warmUp > 0)
    self.warmUp = warmUp
    self.maxRobustZ = maxRobustZ
    self.maxIQRDistance = maxIQRDistance
    self.halfLife = halfLife
  }

  fileprivate func isExceeded(robustZ: Double, iqrDistance: Double) -> Bool {
    let (byZ, byIQR) = (robustZ > maxRobustZ, iqrDistance > maxIQRDistance)
    if maxRobustZ == .infinity { return byIQR }
    if maxIQRDistance == .infinity { return byZ }
    return byZ && byIQR
  }
}

/// One number's usual range, and the rule.
package struct OutlierDetector: Sendable, Equatable {
  package let limit: OutlierLimit
  package private(set) var usual: RobustOutliers

  package init(_ limit: OutlierLimit) {
    self.limit = limit
    usual = RobustOutliers(halfLife: limit.halfLife, warmUp: limit.warmUp)
  }

  /// Whether a finite `value` is an outlier, by the values learned so far.
  package func isOutlier(_ value: Double) -> Bool {
    limit.isExceeded(robustZ: usual.robustZ(value), iqrDistance: usual.iqrDistance(value))
  }

  /// The nearest value that no enabled test objects to.
  package func clipped(_ value: Double) -> Double {
    let (z, distance) = (limit.maxRobustZ, limit.maxIQRDistance)
    guard z < .infinity, distance < .infinity else {
      return usual.clipped(value, maxRobustZ: z, maxIQRDistance: distance)
    }
    // Either fence will do: the nearer of the two moves.
    let byZ = usual.clipped(value, maxRobustZ: z, maxIQRDistance: .infinity)
    let byIQR = usual.clipped(value, maxRobustZ: .infinity, maxIQRDistance: distance)
    return (byZ - value).magnitude <= (byIQR - value).magnitude ? byZ : byIQR
  }

  package mutating func learn(_ value: Double) { usual.learn(value) }

  /// This limit, with what another has seen, unless it is to look at values in another way.
  func taking(over other: OutlierDetector?) -> OutlierDetector {
    guard let other, other.limit.halfLife == limit.halfLife, other.limit.warmUp == limit.warmUp else {
      return self
    }
    var taking = self
    taking.usual = other.usual
    return taking
  }
}

/// When several numbers together are an anomaly.
package struct AnomalyLimit: Sendable, Equatable {
  /// How many numbers an event has.
  package var featureCount: Int
  /// Half-space trees' score above which it is one, in 0...1; default 0.95.
  package var maxScore: Double
  package var trees: Int
  package var height: Int
  /// Events per window; the first window judges nothing.
  package var window: Int
  package var seed: UInt64

  package init(
    featureCount: Int, maxScore: Double = 0.95, trees: Int = 25, height: Int = 8, window: Int = 250,
    seed: UInt64 = 1
  ) {
    precondition(featureCount > 0)
    self.featureCount = featureCount
    self.maxScore = maxScore
    self.trees = trees
    self.height = height
    self.window = window
    self.seed = seed
  }
}

/// Half-space trees over numbers of any scale: each is first brought to 0...1 by (1 + z / (1 + |z|)) / 2 with its
/// robust z, which spreads what is usual and still tells what is far out from what is further.
package struct AnomalyDetector: Sendable, Equatable {
  package let limit: AnomalyLimit
  private var ranges: [RobustOutliers]
  private var forest: HalfSpaceTrees
  private var scaled: [Double]

  package init(_ limit: AnomalyLimit) {
    self.limit = limit
    ranges = Array(repeating: RobustOutliers(), count: limit.featureCount)
    forest = HalfSpaceTrees(
      limits: Array(repeating: 0...1, count: limit.featureCount), trees: limit.trees, height: limit.height,
      window: limit.window, seed: limit.seed)
    scaled = Array(repeating: 0, count: limit.featureCount)
  }

  /// Scores the numbers (NaN: missing), then learns them. In 0...1; 0 during the first window.
  ///
  /// Infinities count as missing.
  package mutating func scoreAndLearn(_ values: Span<Double>) -> Double {
    precondition(values.count == limit.featureCount)
    // Taken out for the time of the call, so that the forest may be changed while it is read.
    var scaled: [Double] = []
    swap(&scaled, &self.scaled)
    defer { swap(&scaled, &self.scaled) }
    var isWarm = true
    for index in scaled.indices {
      let value = values[index]
      isWarm = isWarm && ranges[index].isWarm
      guard value.isFinite else {
        scaled[index] = .nan
        continue
      }
      let scale = ranges[index].isWarm ? ranges[index].scale : 0
      let z = scale > 0 ? (value - ranges[index].median) / scale : 0
      scaled[index] = 0.5 + 0.5 * z / (1 + z.magnitude)
      ranges[index].learn(value)
    }
    guard isWarm else { return 0 }
    let score = forest.score(scaled.span)
    forest.learn(scaled.span)
    return score
  }

  /// This limit, with what another has seen, unless its trees are others.
  func taking(over other: AnomalyDetector?) -> AnomalyDetector {
    guard let other else { return self }
    var shape = other.limit
    shape.maxScore = limit.maxScore
    guard shape == limit else { return self }
    var taking = self
    (taking.ranges, taking.forest) = (other.ranges, other.forest)
    return taking
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.limit == right.limit && left.ranges == right.ranges && left.forest == right.forest
  }
}

extension OutlierDetector: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(limit.maxRobustZ)
    writer.write(limit.maxIQRDistance)
    writer.write(limit.halfLife)
    writer.write(usual)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let place = reader.position
    let z = try reader.read(Double.self)
    let distance = try reader.read(Double.self)
    let halfLife = try reader.read(Double.self)
    guard z > 0, distance > 0, halfLife > 0 else {
      throw .outOfBounds(what: "outlier limit", value: z.bitPattern, at: place)
    }
    usual = try reader.read(RobustOutliers.self)
    guard usual.warmUp > 0 else { throw .outOfBounds(what: "outlier limit", value: 0, at: place) }
    limit = OutlierLimit(
      maxRobustZ: z, maxIQRDistance: distance, halfLife: halfLife,
      warmUp: usual.warmUp)
  }
}

extension AnomalyDetector: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(limit.featureCount))
    writer.write(limit.maxScore)
    writer.write(limit.seed)
    for range in ranges { writer.write(range) }
    writer.write(forest)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let place = reader.position
    let count = try reader.read(UInt32.self)
    guard (1...4096).contains(count) else {
      throw .outOfBounds(what: "features", value: UInt64(count), at: place)
    }
    let maxScore = try reader.read(Double.self)
    let seed = try reader.read(UInt64.self)
    ranges = []
    for _ in 0..<count { ranges.append(try reader.read(RobustOutliers.self)) }
    forest = try reader.read(HalfSpaceTrees.self)
    guard forest.featureCount == count else {
      throw .outOfBounds(what: "features", value: UInt64(forest.featureCount), at: place)
    }
    limit = AnomalyLimit(
      featureCount: Int(count), maxScore: maxScore, trees: forest.treeCount, height: forest.height,
      window: forest.window, seed: seed)
    scaled = Array(repeating: 0, count: Int(count))
  }
}
