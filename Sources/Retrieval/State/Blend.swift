// One score from many: W_b · x, with weights for each length of history b, learned online.
//
// Newton's method on a sampled softmax, weighted by position: with candidates s (the event's item first), their
// features x_s and the number of times q_s that each is expected among the candidates,
//
//   p = softmax(W·x - ln q)       r = 1 + Σ_{s ≠ target, z_s ≥ z_0} 1 / q_s    (estimated rank of the event's item)
//   ω = max(least, 1 / log2(1 + r))
//   g = ω (x_0 - x̄)               C = ω Σ p_s (x_s - x̄)(x_s - x̄)ᵀ
//   H = λ H + (1 - λ) prior I + C;  solve H d = g;  W += d
//
// The weight ω makes the likelihood look at the top of the list; no rate has to be tuned. H is kept in Double and
// solved by Cholesky in a fixed order. Cost: O(candidates · F²).

internal import CKernels
internal import Configuration
internal import Primitives

struct Blend: Sendable, Equatable {
  let features: Int
  let limits: [Int]
  let prior: Double
  let keep: Double
  let leastWeight: Float
  /// For each set, one weight for each feature.
  private(set) var weights: [Float]
  /// For each set, the lower triangle of H, by rows.
  private var curvature: [Double]
  /// Examples that each set has learned.
  private var examples: [UInt32]
  /// Up to which a set is young: it learns from more events then, and forgets them sooner, because the retrievers that
  /// it weighs still learn themselves.
  private static let youth = 1_000
  private static let keepYoung = 1 - 1 / 100.0

  init(_ plan: RetrievalPlan) {
    let kinds = plan.features
    features = kinds.count
    limits = plan.blend.buckets.sorted()
    prior = plan.blend.prior
    keep = 1 - 1 / plan.blend.forgetting
    leastWeight = Float(plan.blend.leastWeight)
    var first: [Double] = plan.blend.start.isEmpty ? kinds.map(\.start) : plan.blend.start
    // Without one that is started by default, all count alike.
    if first.allSatisfy({ $0 == 0 }) { first = kinds.map { $0 == .rank ? 0 : 1 / Double(kinds.count) } }
    weights = Array(repeating: first.map { Float($0) }, count: limits.count + 1).flatMap { $0 }
    examples = Array(repeating: 0, count: limits.count + 1)
    var triangle: [Double] = []
    for row in 0..<features {
      for column in 0...row { triangle.append(row == column ? prior : 0) }
    }
    curvature = Array(repeating: triangle, count: limits.count + 1).flatMap { $0 }
  }

  /// The set of weights for a user with so many events.
  @inline(__always)
  func bucket(_ events: Int) -> Int {
    for (index, limit) in limits.enumerated() where events <= limit { return index }
    return limits.count
  }

  /// The set has learned little yet.
  func isYoung(_ bucket: Int) -> Bool { examples[bucket] < Self.youth }

  @inline(__always)
  func score(_ bucket: Int, _ x: UnsafePointer<Float>) -> Float {
    var score = Float(0)
    for feature in 0..<features { score += weights[bucket * features + feature] * x[feature] }
    return score
  }

  /// - Parameters:
  ///   - x: features of the candidates, row after row; the event's item first.
  ///   - expected: how often each is expected among the candidates.
  ///   - items: the candidates' rows.
  mutating func learn(
    bucket: Int, x: UnsafePointer<Float>, expected: UnsafePointer<Float>, items: UnsafePointer<UInt32>,
    count: Int, _ scratch: RetrievalScratch
  ) {
    let keep = isYoung(bucket) ? min(keep, Self.keepYoung) : keep
    examples[bucket] &+= 1
    let kernels = scratch.kernels
    scratch.scores.fit(count)
    let p = scratch.scores.base
    var rank = Float(1)
    for place in 0..<count {
      p[place] = score(bucket, x + place * features)
      if items[place] != items[0] && p[place] >= p[0] { rank += 1 / expected[place] }
    }
    kernels.pointee.subtract_log(p, expected, count)
    kernels.pointee.softmax(p, count)
    let weight = Double(max(leastWeight, 1 / kernels.pointee.log2(1 + rank)))
    let size = features * (features + 1) / 2
    let width = (features + 7) & ~7
    let capacity = features * width + size + 4 * width
    withUnsafeTemporaryAllocation(of: Double.self, capacity: capacity) { memory in
      let memory = memory.baseAddress!
      memory.update(repeating: 0, count: capacity)
      let spread = memory
      let mean = spread + features * width
      let factor = mean + 4 * width
      kernels.pointee.moments(x, p, count, features, mean, mean + width, spread)
      let gradient = mean + 2 * width
      for feature in 0..<features { gradient[feature] = weight * (Double(x[feature]) - mean[feature]) }
      let base = bucket * size
      var place = 0
      for row in 0..<features {
        for column in 0...row {
          let pull = row == column ? prior * (1 - keep) : 0
          curvature[base + place] =
            curvature[base + place] * keep + pull + weight * spread[row * width + column]
          place += 1
        }
      }
      solve(base, factor, gradient, mean + 3 * width)
      for feature in 0..<features where gradient[feature].isFinite {
        weights[bucket * features + feature] += Float(gradient[feature])
      }
    }
  }

  /// H = L Lᵀ, then two triangular solves; the solution replaces `g`.
  private func solve(
    _ base: Int, _ l: UnsafeMutablePointer<Double>, _ g: UnsafeMutablePointer<Double>,
    _ y: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<features {
      let rowI = i * (i + 1) / 2
      for j in 0...i {
        let rowJ = j * (j + 1) / 2
        var sum = curvature[base + rowI + j]
        for r in 0..<j { sum -= l[rowI + r] * l[rowJ + r] }
        l[rowI + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / l[rowJ + j]
      }
    }
    for i in 0..<features {
      var sum = g[i]
      for r in 0..<i { sum -= l[i * (i + 1) / 2 + r] * y[r] }
      y[i] = sum / l[i * (i + 1) / 2 + i]
    }
    for i in stride(from: features - 1, through: 0, by: -1) {
      var sum = y[i]
      for r in (i + 1)..<max(i + 1, features) { sum -= l[r * (r + 1) / 2 + i] * g[r] }
      g[i] = sum / l[i * (i + 1) / 2 + i]
    }
  }

  /// Puts a set of weights where it is asked for.
  func copyWeights(ofBucket bucket: Int, to target: UnsafeMutablePointer<Float>) {
    weights.withUnsafeBufferPointer {
      target.update(from: $0.baseAddress! + bucket * features, count: features)
    }
  }

  package func weights(ofBucket bucket: Int) -> [Float] {
    Array(weights[bucket * features..<(bucket + 1) * features])
  }
}

extension Blend {
  func encode(to writer: inout ByteWriter) {
    writer.write(weights) { $0.write($1) }
    writer.write(curvature) { $0.write($1) }
    writer.write(examples) { $0.write($1) }
  }

  /// Reads the weights of a blend that has this one's plan.
  mutating func decode(from reader: inout ByteReader) throws(ByteCodecError) {
    let weights = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in
      try reader.read(Float.self)
    }
    let curvature = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in
      try reader.read(Double.self)
    }
    let examples = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in
      try reader.read(UInt32.self)
    }
    guard weights.count == self.weights.count, examples.count == self.examples.count,
      curvature.count == self.curvature.count,
      weights.allSatisfy({ $0.isFinite }), curvature.allSatisfy({ $0.isFinite })
    else { throw .outOfBounds(what: "blend weights", value: UInt64(weights.count), at: reader.position) }
    (self.weights, self.curvature, self.examples) = (weights, curvature, examples)
  }
}
