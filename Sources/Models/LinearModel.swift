// A hashed linear model: z = sum_j w_j x_j + d . x_dense, each weight stepped down the loss's gradient
// -(target - expected) x_j by the optimizer of the configuration (see `StepRule`).
//
// Row ┌ w ┬ first ┬ second ┐: the state beside the weight is G and nothing, m and nothing, m and v, or FTRL's z and n.

internal import CKernels
internal import Configuration
internal import Features
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
    sparse = PagedTable(layout: TableLayout(weights: 1, state: 2, isStateBeside: true), bounds: plan.bounds)
    dense = DenseLinear(count: plan.denseNames.count, gradientInit: gradientInit)
  }

  mutating func adopt(_ section: MemberSection) {
    rate = LearningRate(section)
    momentum = Float(section.momentum)
    clip = Float(section.clip)
    (l1, l2) = (Float(section.l1), Float(section.l2))
  }

  /// hot: z of the example; makes rows for new features. Learns the error of `offset` + z.
  mutating func predict(
    learning view: UnsafePointer<FeatureView>, _ scratch: LinearScratch, offset: Float
  ) -> Float {
    let features = view.pointee
    let count = features.count
    sparse.prepare(now: features.seconds, room: count)
    scratch.begin(count)
    let (keys, values, rows, gradientInit) = (features.keys, features.values, scratch.rows.base, gradientInit)
    var z: Float = 0
    sparse.withWriter { writer in
      scratch.epoch = writer.epoch
      let hints = scratch.ahead.hints(keys, features.slots, count, writer)
      writer.rows(keys, hints, count, into: rows)
      for place in 0..<count {
        let row = rows[place] ?? scratch.make(place, keys[place], hints[place], writer, gradientInit)
        z += row[0] * values[place]
      }
    }
    z = Bounds.logit(z + dense.dot(features.dense))
    scratch.z = Bounds.logit(offset + z)
    return z
  }

  /// hot: of the example that `predict(learning:)` saw last.
  mutating func learn(
    _ view: UnsafePointer<FeatureView>, _ scratch: LinearScratch, target: Float, weight: Float,
    rateScale: Float, answer: Prediction? = nil
  ) {
    let features = view.pointee
    let error = target - objective.expected(scratch.z, knowing: answer)
    let gradient = Clip.apply(-error * weight, clip)
    steps += 1
    let rate = rate.at(steps - 1) * rateScale
    sparse.withWriter { writer in
      // Another epoch began if a copy was taken in between.
      if writer.epoch != scratch.epoch { scratch.findAgain(view, writer) }
    }
    let rows = scratch.rows.base
    if case .adagrad = optimizer {
      cowbird_linear_adagrad(rows, features.values, features.count, gradient, rate, l1, l2)
      return dense.adagrad(features.dense, gradient: gradient, rate: rate, l1: l1, l2: l2)
    }
    let step = MemberStep(optimizer, rate: rate, momentum: momentum, steps: steps, l1: l1, l2: l2)
    for index in 0..<features.count {
      guard let row = rows[index] else { continue }
      step.linear(&row[0], gradient * features.values[index], row + 1, row + 2)
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
  /// Where the last example's rows stand, for writing, in `epoch` of the table; none is nil by then.
  let rows = Buffer<UnsafeMutablePointer<Float>?>(256)
  @exclusivity(unchecked) var epoch: UInt64 = 0
  /// What a feature without a row reads and steps.
  private let absent: UnsafeMutablePointer<Float>
  let found = Buffer<UnsafePointer<Float>?>(256)
  let ahead: RowsAhead
  @exclusivity(unchecked) var z: Float = 0

  init(_ ahead: KeysAhead) {
    self.ahead = RowsAhead(ahead)
    absent = .allocate(capacity: 3)
  }

  deinit { absent.deallocate() }

  @inline(__always)
  func begin(_ count: Int) {
    rows.reserve(count)
    absent.update(repeating: 0, count: 3)
  }

  /// The row of a key whose hint led nowhere.
  @inline(never)
  func make(
    _ place: Int, _ key: UInt64, _ hint: RowHint, _ writer: TableWriter, _ gradientInit: Float
  ) -> UnsafeMutablePointer<Float> {
    let id = writer.findOrInsert(key, hint) { _, state in state?[0] = gradientInit }
    let row = id.map { writer.weights($0) } ?? absent
    rows[place] = row
    return row
  }

  @inline(never)
  func findAgain(_ view: UnsafePointer<FeatureView>, _ writer: TableWriter) {
    let features = view.pointee
    for index in 0..<features.count {
      rows[index] = writer.find(features.keys[index]).map { writer.weights($0) } ?? absent
    }
  }
}
