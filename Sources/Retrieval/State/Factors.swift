// Item vectors Q and users as pools of what they did last: f(i) = u · Q_i + b_i with
//
//   u = U + Σ_p z_p Σ_j c_pj P_p[h_j],   c_pj = w_p[j] · m_p[age class of h_j],   z_p = 1 / sqrt(Σ_j c_pj)
//
// over the history's items h_0 (the newest), h_1, …; so a new user is served after one event. Weights by rank w and
// by age class m are learned with the vectors, all by AdaGrad with one sum a row.
//
// Learned by sampled softmax with log-odds correction (the default), or by BPR (Rendle et al., UAI 2009) over the
// same candidates; or, without pools, by eALS (see ElementwiseALS).
//
// Cost of one event: O((negatives + pools · length) · k).

internal import CKernels
internal import Configuration
internal import Primitives

/// What all users share: weights by rank and by age class, for each pool, with AdaGrad's sums.
struct FactorWeights: Sendable, Equatable {
  /// Classes of age: see the kernel `age_classes`.
  static let classes = 8

  let length: Int
  let pools: Int
  /// For each pool: rank weights, their sums (`length` each), age weights, their sums (8 each).
  var values: [Float] = []

  init(_ plan: RetrievalPlan) {
    length = plan.factors?.length ?? 0
    pools = plan.pools.count
    for decay in plan.pools {
      var weight = 1.0
      for _ in 0..<length {
        values.append(Float(weight))
        weight *= decay
      }
      values += Array(repeating: 1, count: length + 2 * Self.classes)
    }
  }

  var stride: Int { 2 * length + 2 * Self.classes }
}

extension FactorPlan {
  /// The first value of a vector's column: uniform within ± `initScale`.
  func start(_ key: UInt64, _ column: Int) -> Float {
    let mixed = CounterRandom.mix(seed &+ 0x9E37_79B9_7F4A_7C15) ^ (key &* 131 &+ UInt64(column))
    let bits = CounterRandom.mix(mixed &+ 0x9E37_79B9_7F4A_7C15)
    return (Float(bits >> 40) * 0x1p-24 - 0.5) * (2 * initScale)
  }
}

extension RetrievalState {
  /// Sum that a pool's weights are divided by the root of, at least.
  private static let leastSum = Float(1e-6)
  /// Weight below which a place of the history is not learned.
  private static let leastWeight = Float(0.02)
  /// From this place of the history on, one in four is learned with each event, in turn.
  private static let taken = 16
  /// Gradient below which a candidate is not learned.
  private static let leastGradient = Float(0.003)

  /// Makes the user's vector from the history in the scratch.
  func poolUser(_ row: Int?, _ scratch: RetrievalScratch) {
    let width = layout.width
    scratch.user.fit(width)
    let user = scratch.user.base
    if let row {
      user.update(from: people.reader.row(row).assumingMemoryBound(to: Float.self), count: width)
    } else {
      user.update(repeating: 0, count: width)
    }
    guard weights.pools > 0 else { return }
    let count = min(scratch.historyCount, weights.length)
    scratch.classes.fit(count)
    scratch.norms.fit(weights.pools)
    scratch.coefficients.fit(count)
    scratch.rows.fit(count)
    let (rows, history, classes) = (scratch.rows.base, scratch.historyRows.base, scratch.classes.base)
    let past = past.reader
    for j in 0..<count { rows[j] = past.row(Int(history[j])).assumingMemoryBound(to: Float.self) }
    let kernels = scratch.kernels
    kernels.pointee.age_classes(scratch.historyAges.base, count, classes)
    weights.values.withUnsafeBufferPointer { values in
      for pool in 0..<weights.pools {
        let rank = values.baseAddress! + pool &* weights.stride
        scratch.norms[pool] = kernels.pointee.pool(
          user, rows, pool &* width, rank, rank + 2 &* weights.length, classes, scratch.coefficients.base,
          count, width, Self.leastSum)
      }
    }
  }

  /// f of each candidate, into the scratch's scores.
  func scoreCandidates(_ scratch: RetrievalScratch) {
    let count = scratch.candidateCount
    scratch.scores.fit(count)
    scratch.kernels.pointee.score_items(
      scratch.candidatePages.base, scratch.candidates.base, count, scratch.user.base, layout.width,
      layout.biasAt, scratch.scores.base)
  }

  /// Learns the event from the scratch's candidates (the first is the event's item), whose scores are there.
  mutating func learnFactors(user row: Int?, _ scratch: RetrievalScratch) {
    guard let factors = plan.factors else { return }
    let count = scratch.candidateCount
    let gradients = scratch.scores.base
    switch factors.method {
    case .softmax: softmaxGradients(gradients, count, scratch)
    case .bpr: bprGradients(gradients, count, scratch)
    case .eals: preconditionFailure("eALS learns without candidates")
    }
    let width = layout.width
    let kernels = scratch.kernels
    scratch.gradient.fit(width)
    let gradient = scratch.gradient.base
    gradient.update(repeating: 0, count: width)
    let k = Float(factors.factors)
    let user = scratch.user.base
    let mean = dot(user, user, kernels) / k
    let pages = pages.writer()
    let layout = layout
    scratch.factorRows.fit(count)
    let (candidates, rows) = (scratch.candidates.base, scratch.factorRows.base)
    var steps = 0
    for place in 0..<count where abs(gradients[place]) >= Self.leastGradient {
      let row = Int(candidates[place])
      let page = pages.page(row &>> 5)
      let learning = UnsafeMutableRawPointer(layout.learning(page, row & 31))
      rows[steps] = cowbird_factor_row(
        vector: layout.vector(page, row & 31), bias: layout.float(page, layout.biasAt, row & 31),
        sums: learning.assumingMemoryBound(to: Float.self))
      gradients[steps] = gradients[place]
      candidates[steps] = candidates[place]
      steps &+= 1
    }
    kernels.pointee.factor_steps(
      rows, gradients, steps, user, gradient, width, mean, factors.rate, factors.biasRate)
    for place in 0..<steps {
      let bias = rows[place].bias!
      let page = UnsafeMutableRawPointer(bias) - layout.biasAt - Int(candidates[place] & 31) &* 4
      layout.widen(page, squaredNorm: gradients[place], bias: bias.pointee, kernels)
    }
    learnPools(factors, dot(gradient, gradient, kernels) / k, scratch)
    guard let row else { return }
    let person = people.writer().row(row)
    let tail = layout.userTail(person)
    tail.pointee.vectorSum += dot(gradient, gradient, kernels) / k
    kernels.pointee.axpy(
      person.assumingMemoryBound(to: Float.self), gradient,
      factors.userRate / tail.pointee.vectorSum.squareRoot(), width)
  }

  private func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ kernels: UnsafePointer<cowbird_retrieval_kernels>
  ) -> Float {
    var result = Float(0)
    var row: UnsafePointer<Float>? = a
    kernels.pointee.dot_rows(&row, b, 1, layout.width, &result)
    return result
  }

  /// g_s = [s = 0] - softmax_s(f - ln q).
  private func softmaxGradients(
    _ scores: UnsafeMutablePointer<Float>, _ count: Int, _ scratch: RetrievalScratch
  ) {
    scratch.kernels.pointee.subtract_log(scores, scratch.odds.base, count)
    scratch.kernels.pointee.softmax(scores, count)
    for place in 0..<count { scores[place] = (place == 0 ? 1 : 0) - scores[place] }
  }

  /// g_s = -σ(f_s - f_0) / n for the others, and the opposite of their sum for the event's item.
  private func bprGradients(
    _ scores: UnsafeMutablePointer<Float>, _ count: Int, _ scratch: RetrievalScratch
  ) {
    let target = scores[0]
    var sum = Float(0)
    for place in 1..<max(1, count) {
      // σ(d) = 1 / (1 + 2^(-d log2 e)).
      let difference = scores[place] - target
      let sigmoid = 1 / (1 + scratch.kernels.pointee.exp2(-difference * 1.44269504))
      let g = scratch.candidates[place] == scratch.candidates[0] ? 0 : -sigmoid / Float(count - 1) * 8
      scores[place] = g
      sum -= g
    }
    scores[0] = sum
  }

  private mutating func learnPools(_ factors: FactorPlan, _ dn: Float, _ scratch: RetrievalScratch) {
    let count = min(scratch.historyCount, weights.length)
    guard count > 0, weights.pools > 0 else { return }
    let (width, pools, length, stride) = (layout.width, weights.pools, weights.length, weights.stride)
    scratch.writableRows.fit(count)
    scratch.places.fit(count)
    let past = past.writer()
    let kernels = scratch.kernels
    let (rows, places, history, classes) = (
      scratch.writableRows.base, scratch.places.base, scratch.historyRows.base, scratch.classes.base
    )
    let turn = Int(truncatingIfNeeded: events)
    weights.values.withUnsafeMutableBufferPointer { values in
      let values = values.baseAddress!
      // Those that some pool learns, so that no other row's page is copied.
      func weighs(_ j: Int) -> Bool {
        for pool in 0..<pools {
          let rank = values + pool &* stride
          if rank[j] * rank[2 &* length &+ Int(classes[j])] > Self.leastWeight { return true }
        }
        return false
      }
      var taken = 0
      for j in 0..<count where (j < Self.taken || (j &+ turn) & 3 == 0) && weighs(j) {
        places[taken] = UInt32(truncatingIfNeeded: j)
        rows[taken] = past.row(Int(history[j])).assumingMemoryBound(to: Float.self)
        taken &+= 1
      }
      for pool in 0..<pools {
        let rank = values + pool &* stride
        let age = rank + 2 &* length
        var step = cowbird_pool_step(
          places: places, rows: rows, count: taken, offset: pool &* width, sum_at: pools &* width &+ pool,
          rank: rank, rank_sum: rank + length, age: age, age_sum: age + FactorWeights.classes,
          classes: classes, norm: scratch.norms[pool], least: Self.leastWeight,
          rate: factors.rate, weight_rate: factors.positionRate)
        kernels.pointee.pool_step(&step, scratch.gradient.base, width, dn)
      }
    }
  }
}

extension FactorWeights: ByteCodable {
  func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(length))
    writer.write(UInt32(pools))
    writer.write(values) { $0.write($1) }
  }

  init(from reader: inout ByteReader) throws(ByteCodecError) {
    length = Int(try reader.read(UInt32.self))
    pools = Int(try reader.read(UInt32.self))
    values = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in try reader.read() }
  }
}
