// The joint model: biases and slopes of sparse features, a block of dense features, and a bilinear term, each
// step sized by what is known already.
//
//   z = sum_j w_j x_j  +  d . x_dense  +  p . q        p, q: sums of the user's and the item's side's vectors
//
// Every sparse weight has an uncertainty v (its template's prior variance at first) and steps as in a Kalman
// filter with a diagonal covariance; the dense block has a full one:
//
//   h = 1 / noise, err = (target - z) / noise     squared        h = max(curvature, p (1 - p)), err = y - p   logistic
//   s = sum_j v_j x_j^2 + x' A x                  g = err / (1 + h s)
//   w_j += v_j x_j g        v_j /= 1 + h v_j x_j^2        d += A x g        A = (A - (A x)(A x)' h / (1 + h s)) / forgetting
//
// Vectors have one uncertainty a row and a normaliser of their own; p and q are the sums of before the step:
//
//   g2 = err / (1 + h (sum_user v x^2 |q|^2 + sum_item v x^2 |p|^2))
//   row += v x (other side) g2        v /= 1 + h v x^2 |other side|^2 / K
//
// There is no learning rate. An example's weight multiplies h and err: it counts as that many examples. A key
// that comes twice counts twice in s and is stepped twice.
//
// Rows: sparse ┌ w ┐ state ┌ v ┐     factors ┌ K weights ┐ state ┌ v ┐. A missing row predicts as a new one would.

internal import Configuration
internal import Features
internal import Primitives
package import Tables

/// What the joint model needs of a template, in one place.
struct JointTemplate: BitwiseCopyable, Sendable {
  var isLinear: Bool
  var side: UInt8
  var variance: Float
  var drift: Float
  var factorVariance: Float
  var factorInit: Float

  static let none: UInt8 = 0
  static let user: UInt8 = 1
  static let item: UInt8 = 2

  init(_ template: Template, factors: Int) {
    isLinear = template.isLinear && template.variance > 0
    let hasFactor = factors > 0 && template.factorVariance > 0
    side = !hasFactor || template.factor == .none ? 0 : template.factor == .user ? 1 : 2
    variance = template.variance
    drift = template.drift
    factorVariance = template.factorVariance
    factorInit = template.factorInit
  }
}

package struct JointModel: Sendable {
  let templates: [JointTemplate]
  let objective: Objective
  let factorCount: Int
  let seed: UInt64
  private var noise: Float
  private var curvature: Float
  private var forgetting: Double
  package private(set) var sparse: PagedTable
  package private(set) var factors: PagedTable
  /// Of the dense block.
  package private(set) var denseWeights: [Double]
  package private(set) var covariance: Covariance

  /// Largest uncertainty that drift may lead to.
  private static let largestVariance: Float = 1e6

  init(_ section: MemberSection, _ plan: EnsemblePlan) {
    objective = plan.objective
    // Without dense prior variance there is nothing to learn of it; a bias member has neither.
    let isBias = section.kind == .bias
    factorCount = isBias ? 0 : section.factors
    templates = plan.templates.map { JointTemplate($0, factors: isBias ? 0 : section.factors) }
    seed = CounterRandom.mix(UInt64(section.seed))
    noise = Float(section.noise)
    curvature = Float(section.curvature)
    forgetting = section.denseForgetting
    let denseCount = isBias ? min(1, plan.denseNames.count) : plan.denseNames.count
    sparse = PagedTable(
      layout: TableLayout(weights: 1, state: 1, isStateBeside: true), bounds: plan.bounds)
    factors = PagedTable(
      layout: TableLayout(weights: max(1, factorCount), state: 1, rowsPerPage: 8), bounds: plan.bounds)
    denseWeights = Array(repeating: 0, count: denseCount)
    covariance = Covariance(count: denseCount, prior: section.denseVariance)
  }

  mutating func adopt(_ section: MemberSection) {
    noise = Float(section.noise)
    curvature = Float(section.curvature)
    forgetting = section.denseForgetting
  }

  // MARK: Learning

  /// hot: z of the example, rows made for features that are new; remembers in `scratch` what `learn` needs.
  /// What is learned is the error of `offset` + z.
  mutating func predict(learning features: FeatureView, _ scratch: JointScratch, offset: Float) -> Float {
    sparse.prepare(now: features.seconds, room: features.count)
    scratch.reserve(features.count)
    var z: Float = 0
    let templates = templates
    let rows = scratch.rows.base
    rows.update(repeating: .missing, count: features.count)
    sparse.withWriter { writer in
      templates.withUnsafeBufferPointer { templates in
        scratch.rowsAhead.forEach(
          features.keys, features.slots, features.count, writer, where: { templates[Int($0)].isLinear }
        ) { index, hint in
          let id = writer.findOrInsert(features.keys[index], hint) { _, state in
            state?[0] = templates[Int(features.slots[index])].variance
          }
          guard let id else { return }
          rows[index] = id.rawValue
          z += writer.read(id)[0] * features.values[index]
        }
      }
    }
    z += denseSum(features.dense, scratch)
    z += bilinear(learning: features, scratch)
    z = Bounds.logit(z)
    scratch.z = Bounds.logit(offset + z)
    return z
  }

  private func denseSum(_ dense: UnsafePointer<Float>, _ scratch: JointScratch) -> Float {
    var sum = 0.0
    denseWeights.withUnsafeBufferPointer { weights in
      for index in 0..<weights.count {
        scratch.dense[index] = Double(dense[index])
        sum += weights[index] * Double(dense[index])
      }
    }
    return Float(sum)
  }

  private mutating func bilinear(learning features: FeatureView, _ scratch: JointScratch) -> Float {
    guard factorCount > 0 else { return 0 }
    scratch.clearSums()
    factors.prepare(now: features.seconds, room: features.count)
    let (count, seed, templates) = (factorCount, seed, templates)
    let rows = scratch.vectors.base
    rows.update(repeating: .missing, count: features.count)
    factors.withWriter { writer in
      templates.withUnsafeBufferPointer { templates in
        scratch.vectorsAhead.forEach(
          features.keys, features.slots, features.count, writer, where: { templates[Int($0)].side != 0 }
        ) { index, hint in
          let template = templates[Int(features.slots[index])]
          let key = features.keys[index]
          let id = writer.findOrInsert(key, hint) { weights, state in
            InitialVector.fill(weights, count, seed: seed, key: key, scale: template.factorInit)
            state?[0] = template.factorVariance
          }
          if let id {
            rows[index] = id.rawValue
            scratch.add(writer.read(id), features.values[index], side: template.side)
          } else {
            scratch.addInitial(key, features.values[index], template, seed: seed)
          }
        }
      }
    }
    return scratch.bilinear()
  }

  /// hot: one step, of the example that `predict(learning:)` saw last. `weight` is the example's times the rate's.
  mutating func learn(_ features: FeatureView, _ scratch: JointScratch, target: Float, weight: Float) {
    guard weight > 0 else { return }
    let (error, h) = step(scratch.z, target, weight)
    stepLinear(features, scratch, error, h)
    if factorCount > 0 { stepFactors(features, scratch, error, h) }
  }

  @inline(__always)
  private func step(_ z: Float, _ target: Float, _ weight: Float) -> (error: Float, h: Float) {
    guard objective.isLogistic else { return ((target - z) / noise * weight, weight / noise) }
    let p = Objective.sigmoid(z)
    return ((target - p) * weight, max(curvature, p * (1 - p)) * weight)
  }

  private mutating func stepLinear(
    _ features: FeatureView, _ scratch: JointScratch, _ error: Float, _ h: Float
  ) {
    let square = Float(covariance.multiply(scratch.dense.base, into: scratch.product.base))
    let denominator: Float = sparse.withWriter { writer in
      var s: Float = 0
      for index in 0..<features.count where scratch.rows[index] != .missing {
        let x = features.values[index]
        s += writer.state(RowID(scratch.rows[index]))[0] * x * x
      }
      s += square
      let denominator = 1 / (1 + h * s)
      let g = error * denominator
      for index in 0..<features.count where scratch.rows[index] != .missing {
        let id = RowID(scratch.rows[index])
        let x = features.values[index]
        let weight = writer.weights(id)
        let variance = writer.state(id)
        let vx = variance[0] * x
        weight[0] = Bounds.weight(weight[0] + vx * g)
        let drift = templates[Int(features.slots[index])].drift
        variance[0] = max(min(variance[0] / (1 + h * vx * x) + drift, Self.largestVariance), Bounds.smallest)
      }
      return denominator
    }
    let g = Double(error * denominator)
    denseWeights.withUnsafeMutableBufferPointer { weights in
      for index in 0..<weights.count {
        let next = weights[index] + scratch.product[index] * g
        weights[index] = next.isFinite ? min(max(next, -1e9), 1e9) : 0
      }
    }
    covariance.downdate(scratch.product.base, Double(h) * Double(denominator), forgetting: forgetting)
  }

  private mutating func stepFactors(
    _ features: FeatureView, _ scratch: JointScratch, _ error: Float, _ h: Float
  ) {
    let count = factorCount
    let pp = scratch.squares(JointTemplate.user)
    let qq = scratch.squares(JointTemplate.item)
    factors.withWriter { writer in
      var vp: Float = 0
      var vq: Float = 0
      for index in 0..<features.count where scratch.vectors[index] != .missing {
        let x = features.values[index]
        let vxx = writer.state(RowID(scratch.vectors[index]))[0] * x * x
        if templates[Int(features.slots[index])].side == JointTemplate.user { vp += vxx } else { vq += vxx }
      }
      let g = error / (1 + h * (vp * qq + vq * pp))
      for index in 0..<features.count where scratch.vectors[index] != .missing {
        let id = RowID(scratch.vectors[index])
        let isUser = templates[Int(features.slots[index])].side == JointTemplate.user
        let other = isUser ? scratch.itemSum.base : scratch.userSum.base
        let x = features.values[index]
        let row = writer.weights(id)
        let variance = writer.state(id)
        let factor = variance[0] * x * g
        for place in 0..<count { row[place] = Bounds.weight(row[place] + factor * other[place]) }
        let v = variance[0] / (1 + h * variance[0] * x * x * (isUser ? qq : pp) / Float(count))
        variance[0] = max(v, Bounds.smallest)
      }
    }
  }

  // MARK: Serving

  /// hot: z of every candidate, into `out`.
  func score(_ batch: CandidateBatch, _ scratch: JointScratch, out: UnsafeMutablePointer<Float>) {
    let keys = batch.keyCount
    scratch.reserve(keys)
    var shared: Float = 0
    sparse.withReader { reader in
      reader.find(UnsafeBufferPointer(start: batch.keys.base, count: keys), into: scratch.found.base)
      func sum(_ range: Range<Int>) -> Float {
        var sum: Float = 0
        for index in range {
          guard let row = scratch.found[index], templates[Int(batch.slots[index])].isLinear else { continue }
          sum += row[0] * batch.values[index]
        }
        return sum
      }
      shared = sum(0..<batch.sharedCount)
      for candidate in 0..<batch.count {
        out[candidate] =
          shared + sum(batch.range(candidate)) + denseSum(batch.dense(candidate), scratch)
      }
    }
    if factorCount > 0 { scoreBilinear(batch, scratch, out) }
    for candidate in 0..<batch.count { out[candidate] = Bounds.logit(out[candidate]) }
  }

  private func scoreBilinear(
    _ batch: CandidateBatch, _ scratch: JointScratch, _ out: UnsafeMutablePointer<Float>
  ) {
    scratch.gather(batch) { templates[Int($0)].side != 0 }
    factors.withReader { reader in
      reader.find(
        UnsafeBufferPointer(start: scratch.gatheredKeys.base, count: scratch.gatheredCount),
        into: scratch.found.base)
      scratch.clearSums()
      var place = addVectors(batch, scratch, from: 0, below: batch.sharedCount)
      scratch.keepSums()
      for candidate in 0..<batch.count {
        if candidate > 0 { scratch.restoreSums() }
        place = addVectors(batch, scratch, from: place, below: batch.range(candidate).upperBound)
        out[candidate] += scratch.bilinear()
      }
    }
  }

  /// Adds gathered vectors from `place` on whose feature stands before `end`; returns the place after them.
  @inline(__always)
  private func addVectors(
    _ batch: CandidateBatch, _ scratch: JointScratch, from place: Int, below end: Int
  ) -> Int {
    var place = place
    while place < scratch.gatheredCount, scratch.gatheredPlaces[place] < end {
      let index = Int(scratch.gatheredPlaces[place])
      let template = templates[Int(batch.slots[index])]
      if let row = scratch.found[place] {
        scratch.add(row, batch.values[index], side: template.side)
      } else {
        scratch.addInitial(batch.keys[index], batch.values[index], template, seed: seed)
      }
      place += 1
    }
    return place
  }
}

extension UInt32 {
  /// Stands for no row: table row ids end before it.
  static var missing: UInt32 { .max }
}

extension JointModel {
  func weightsOnly() -> JointModel {
    var copy = self
    copy.sparse = sparse.weightsOnly()
    copy.factors = factors.weightsOnly()
    copy.covariance = covariance.weightsOnly()
    return copy
  }

  /// Changes tables by another way than learning: restoring, expiring, warm starts.
  mutating func withTables(_ body: (inout PagedTable, inout PagedTable) throws -> Void) rethrows {
    try body(&sparse, &factors)
  }

  mutating func restoreDense(_ weights: [Double], _ covariance: Covariance) {
    denseWeights = weights
    self.covariance = covariance
  }
}
