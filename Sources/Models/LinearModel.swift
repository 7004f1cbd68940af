// A hashed linear model: z = sum_j w_j x_j + d . x_dense, each weight stepped down the loss's gradient
// -(target - expected) x_j by the optimizer of the configuration (see `StepRule`).
//
// Row ┌ w ┐, state ┌ first ┬ second ┐: G and nothing, m and nothing, m and v, or FTRL's z and n.

internal import Configuration
internal import Primitives
package import Tables

package struct LinearModel: Sendable {
  let objective: Objective
  let optimizer: Optimizer
  let gradientInit: Float
  private var rate: LearningRate
  private var momentum: Float
  private var clip: Float
  private var l1: Float
  private var l2: Float
  package private(set) var sparse: PagedTable
  package private(set) var dense: DenseLinear
  /// Examples learned: t of schedules and Adam.
  package private(set) var steps: UInt64 = 0

  init(_ section: MemberSection, _ plan: EnsemblePlan) {
    objective = plan.objective
    optimizer = section.optimizer
    // FTRL's z begins at 0.
    gradientInit = section.optimizer == .adagrad ? Float(section.gradientInit) : 0
    rate = LearningRate(section)
    momentum = Float(section.momentum)
    clip = Float(section.clip)
    (l1, l2) = (Float(section.l1), Float(section.l2))
    sparse = PagedTable(layout: TableLayout(weights: 1, state: 2, rowsPerPage: 8), bounds: plan.bounds)
    dense = DenseLinear(count: plan.denseNames.count, gradientInit: gradientInit)
  }

  mutating func adopt(_ section: MemberSection) {
    rate = LearningRate(section)
    momentum = Float(section.momentum)
    clip = Float(section.clip)
    (l1, l2) = (Float(section.l1), Float(section.l2))
  }

  /// hot: z of the example; makes rows for new features. Learns the error of `offset` + z.
  mutating func predict(learning features: FeatureView, _ scratch: LinearScratch, offset: Float) -> Float {
    sparse.prepare(now: features.seconds, room: features.count)
    scratch.rows.reserve(features.count)
    let gradientInit = gradientInit
    let rows = scratch.rows.base
    var z: Float = 0
    sparse.withWriter { writer in
      scratch.ahead.forEach(
        features.keys, features.slots, features.count, writer, where: { _ in true }
      ) { index, hint in
        let id = writer.findOrInsert(features.keys[index], hint) { _, state in state?[0] = gradientInit }
        rows[index] = id?.rawValue ?? .missing
        if let id { z += writer.read(id)[0] * features.values[index] }
      }
    }
    z = Bounds.logit(z + dense.dot(features.dense))
    scratch.z = Bounds.logit(offset + z)
    return z
  }

  /// hot: of the example that `predict(learning:)` saw last.
  mutating func learn(
    _ features: FeatureView, _ scratch: LinearScratch, target: Float, weight: Float, rateScale: Float
  ) {
    let gradient = Clip.apply(-objective.error(target: target, z: scratch.z) * weight, clip)
    steps += 1
    let step = MemberStep(
      optimizer, rate: rate.at(steps - 1) * rateScale, momentum: momentum, steps: steps, l1: l1, l2: l2)
    sparse.withWriter { writer in
      for index in 0..<features.count where scratch.rows[index] != .missing {
        let id = RowID(scratch.rows[index])
        let state = writer.state(id)
        step.linear(&writer.weights(id)[0], gradient * features.values[index], state, state + 1)
      }
    }
    dense.learn(features.dense, gradient: gradient, step)
  }

  /// hot: z of every candidate, into `out`.
  func score(_ batch: CandidateBatch, _ scratch: LinearScratch, out: UnsafeMutablePointer<Float>) {
    scratch.found.reserve(batch.keyCount)
    sparse.withReader { reader in
      reader.find(
        UnsafeBufferPointer(start: batch.keys.base, count: batch.keyCount), into: scratch.found.base)
      func sum(_ range: Range<Int>) -> Float {
        var sum: Float = 0
        for index in range {
          if let row = scratch.found[index] { sum += row[0] * batch.values[index] }
        }
        return sum
      }
      let shared = sum(0..<batch.sharedCount)
      for candidate in 0..<batch.count {
        out[candidate] = Bounds.logit(
          shared + sum(batch.range(candidate)) + dense.dot(batch.dense(candidate)))
      }
    }
  }

  func weightsOnly() -> LinearModel {
    var copy = self
    copy.sparse = sparse.weightsOnly()
    copy.dense = dense.weightsOnly()
    return copy
  }

  mutating func withTable(_ body: (inout PagedTable) throws -> Void) rethrows { try body(&sparse) }

  mutating func restore(_ dense: DenseLinear, steps: UInt64) { (self.dense, self.steps) = (dense, steps) }
}

final class LinearScratch {
  let rows = Buffer<UInt32>(256)
  let found = Buffer<UnsafePointer<Float>?>(256)
  let ahead: RowsAhead
  @exclusivity(unchecked) var z: Float = 0

  init(_ ahead: KeysAhead) { self.ahead = RowsAhead(ahead) }
}
