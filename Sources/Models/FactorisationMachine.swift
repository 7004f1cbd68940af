// Factorisation machine of order 2 (Rendle 2010), and as its smallest case matrix factorisation with biases
// (Koren, Bell, Volinsky 2009), which is the machine over two features: the user's id and the item's.
//
//   z = d . x_dense + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j
//     = d . x_dense + sum_i w_i x_i + (|sum_i v_i x_i|^2 - sum_i |v_i x_i|^2) / 2
//   dz/dw_i = x_i        dz/dv_i = x_i (sum_j v_j x_j - v_i x_i)
//
// Field-aware (Juan et al. 2016): a vector for each other template, the pair's term is <v_i,field(j), v_j,field(i)>.
//
// Row ┌ w ┬ v × k ┐ (field-aware: v × k × templates). State: as many first numbers, and as many second ones for
// the optimizers that need two. v begins at random, by the feature's key; a missing row counts as a new one.

internal import CKernels
internal import Configuration
internal import Features
internal import Primitives
package import Tables

package struct FactorisationMachine: Sendable {
  let objective: Objective
  let optimizer: Optimizer
  let factorCount: Int
  /// Templates, where it is field-aware; else 1.
  let fieldCount: Int
  /// The features are the two ids alone.
  let isMatrix: Bool
  let seed: UInt64
  let scale: Float
  let gradientInit: Float
  private var rate: LearningRate
  private var momentum: Float
  private var clip: Float
  private var l1: Float
  private var l2: Float
  package private(set) var rows: PagedTable
  package private(set) var dense: DenseLinear
  package private(set) var steps: UInt64 = 0

  /// Field-aware pairs are made of the first 256 features of an example.
  static let fieldAwareFeatures = 256

  /// Numbers of a row.
  var width: Int { 1 + factorCount * fieldCount }
  var stateWidth: Int { hasSecondState ? 2 * width : width }
  var isFieldAware: Bool { fieldCount > 1 }
  private var hasSecondState: Bool {
    switch optimizer {
    case .adam, .ftrl: true
    case .adagrad, .sgd: false
    }
  }
  /// What the kernel does; the rest is stepped weight by weight.
  private var usesKernel: Bool {
    if case .adagrad = optimizer { return !isFieldAware && l1 == 0 }
    return false
  }

  init(_ section: MemberSection, _ plan: EnsemblePlan) {
    objective = plan.objective
    optimizer = section.optimizer
    isMatrix = section.kind == .mf
    factorCount = section.factors
    fieldCount = section.isFieldAware && section.kind == .fm ? max(1, plan.templates.count) : 1
    seed = CounterRandom.mix(UInt64(section.seed) &+ 0x666D)
    scale = Float(section.initScale)
    gradientInit =
      section.optimizer == .adagrad || section.optimizer == .ftrl ? Float(section.gradientInit) : 0
    rate = LearningRate(section)
    momentum = Float(section.momentum)
    clip = Float(section.clip)
    (l1, l2) = (Float(section.l1), Float(section.l2))
    let width = 1 + factorCount * fieldCount
    let hasSecondState = section.optimizer == .adam || section.optimizer == .ftrl
    rows = PagedTable(
      layout: TableLayout(weights: width, state: hasSecondState ? 2 * width : width), bounds: plan.bounds)
    dense = DenseLinear(
      count: plan.denseNames.count, gradientInit: section.optimizer == .ftrl ? 0 : gradientInit)
  }

  mutating func adopt(_ section: MemberSection) {
    rate = LearningRate(section)
    momentum = Float(section.momentum)
    clip = Float(section.clip)
    (l1, l2) = (Float(section.l1), Float(section.l2))
  }

  static func idKeys(_ user: UInt64, _ item: UInt64) -> (UInt64, UInt64) {
    (StableHash.combine(user, 3), StableHash.combine(item, 4))
  }

  /// The features that this machine is over.
  @inline(__always)
  private func select(_ features: FeatureView, _ scratch: FactorisationScratch) -> Int {
    guard isMatrix else {
      scratch.reserve(features.count)
      scratch.keys = features.keys
      scratch.values = features.values
      scratch.slots = features.slots
      return features.count
    }
    scratch.reserve(2)
    return scratch.selectIDs(features.user, features.item)
  }

  // MARK: Learning

  /// hot: z of the example; makes rows for new features. Learns the error of `offset` + z.
  mutating func predict(
    learning view: UnsafePointer<FeatureView>, _ scratch: FactorisationScratch, offset: Float
  ) -> Float {
    let features = view.pointee
    let count = select(features, scratch)
    scratch.count = count
    rows.prepare(now: features.seconds, room: count)
    let (seed, scale, factors, isFieldAware) = (seed, scale, factorCount, isFieldAware)
    let newRow = newRow
    let (keys, slots, found, states) = (scratch.keys, scratch.slots, scratch.found.base, scratch.states.base)
    rows.withWriter { writer in
      scratch.epoch = writer.epoch
      scratch.ahead.forEach(keys, slots, count, writer) { index, hint in
        let key = keys[index]
        let row = writer.row(key, hint) ?? newRow.make(key, hint, writer)
        found[index] = UnsafePointer(row?.weights)
        states[index] = row?.state
      }
      scratch.fillMissing(count, seed: seed, scale: scale)
      scratch.z = Self.interactions(
        scratch, 0..<count, slots: features.slots, factors: factors, isFieldAware: isFieldAware)
    }
    let z = Bounds.logit(scratch.z + dense.dot(features.dense))
    scratch.z = Bounds.logit(offset + z)
    return z
  }

  private var newRow: NewRow {
    let linearInit: Float = if case .ftrl = optimizer { 0 } else { gradientInit }
    return NewRow(
      vectors: factorCount * fieldCount, seed: seed, scale: scale, gradientInit: gradientInit,
      linearInit: linearInit)
  }

  /// What a row begins with.
  private struct NewRow {
    var vectors: Int
    var seed: UInt64
    var scale: Float
    var gradientInit: Float
    var linearInit: Float

    /// The row of a key whose hint led nowhere.
    @inline(never)
    func make(_ key: UInt64, _ hint: RowHint, _ writer: TableWriter) -> WritableRow? {
      let id = writer.findOrInsert(key, hint) { weights, state in
        InitialVector.fill(weights + 1, vectors, seed: seed, key: key, scale: scale)
        state?.update(repeating: gradientInit, count: 1 + vectors)
        state?[0] = linearInit
      }
      return id.map { writer.writable($0) }
    }
  }

  /// Linear and pairwise terms of features whose rows are found; leaves the sum of vectors in `scratch.sum`.
  @inline(__always)
  private static func interactions(
    _ scratch: FactorisationScratch, _ range: Range<Int>, slots: UnsafePointer<UInt16>, factors: Int,
    isFieldAware: Bool
  ) -> Float {
    if isFieldAware { return fieldAware(scratch, range, slots, factors) }
    return cowbird_fm_score(
      UnsafeRawPointer(scratch.found.base + range.lowerBound)
        .assumingMemoryBound(to: UnsafePointer<Float>?.self),
      scratch.values + range.lowerBound, range.count, factors, 0, scratch.sum.base)
  }

  /// hot: of the example that `predict(learning:)` saw last.
  mutating func learn(
    _ view: UnsafePointer<FeatureView>, _ scratch: FactorisationScratch, target: Float, weight: Float,
    rateScale: Float, answer: Prediction? = nil
  ) {
    let features = view.pointee
    let error = target - objective.expected(scratch.z, knowing: answer)
    let gradient = Clip.apply(-error * weight, clip)
    steps += 1
    let step = MemberStep(
      optimizer, rate: rate.at(steps - 1) * rateScale, momentum: momentum, steps: steps, l1: l1, l2: l2)
    rows.withWriter { writer in
      // Another epoch began if a copy was taken in between.
      if writer.epoch != scratch.epoch { scratch.findAgain(writer) }
    }
    if usesKernel {
      stepByKernel(scratch, gradient, rate: rate.at(steps - 1) * rateScale)
    } else if isFieldAware {
      stepFieldAware(features, scratch, gradient, step)
    } else {
      stepPlain(scratch, gradient, step)
    }
    dense.learn(features.dense, gradient: gradient, step)
  }

  private func stepByKernel(_ scratch: FactorisationScratch, _ gradient: Float, rate: Float) {
    let squares = cowbird_fm_adagrad(
      scratch.stepped, scratch.states.base, scratch.values, scratch.count, factorCount, scratch.sum.base,
      gradient, rate, Bounds.smallest, l2)
    guard !squares.isFinite else { return }
    for index in 0..<scratch.count {
      // One test for all of a row: a sum is finite only where its parts are.
      let row = scratch.row(index)
      if !cowbird_sum_squares(row, 1 + factorCount).isFinite { Self.mend(row, 1 + factorCount) }
    }
  }

  private static func mend(_ row: UnsafeMutablePointer<Float>, _ count: Int) {
    for place in 0..<count { row[place] = Bounds.weight(row[place]) }
  }

  private func stepPlain(_ scratch: FactorisationScratch, _ gradient: Float, _ step: MemberStep) {
    for index in 0..<scratch.count {
      let x = scratch.values[index]
      let row = scratch.row(index)
      let first = scratch.states[index].unsafelyUnwrapped
      let second = hasSecondState ? first + width : first
      step.linear(&row[0], gradient * x, first, second)
      for place in 1...factorCount {
        let slope = x * (scratch.sum[place - 1] - row[place] * x)
        step.rule.step(&row[place], gradient * slope, first + place, second + place)
      }
    }
  }

  // MARK: Field-aware

  private static func fieldAware(
    _ scratch: FactorisationScratch, _ range: Range<Int>, _ slots: UnsafePointer<UInt16>, _ factors: Int
  ) -> Float {
    var z: Float = 0
    for index in range { z += scratch.found[index]![0] * scratch.values[index] }
    for right in range.prefix(fieldAwareFeatures) {
      for left in range.lowerBound..<right {
        let a = scratch.found[left]! + 1 + Int(slots[right]) * factors
        let b = scratch.found[right]! + 1 + Int(slots[left]) * factors
        z += Dot.product(a, b, factors) * scratch.values[left] * scratch.values[right]
      }
    }
    return z
  }

  private func stepFieldAware(
    _ features: FeatureView, _ scratch: FactorisationScratch, _ gradient: Float, _ step: MemberStep
  ) {
    let (factors, fields) = (factorCount, fieldCount)
    let used = min(scratch.count, Self.fieldAwareFeatures)
    // Every slope from the rows as they were; then the steps.
    scratch.slopes.reserve(used * factors * fields)
    scratch.slopes.base.update(repeating: 0, count: used * factors * fields)
    for right in 0..<used {
      for left in 0..<right {
        let (a, b) = (Int(features.slots[right]) * factors, Int(features.slots[left]) * factors)
        let x = scratch.values[left] * scratch.values[right]
        for place in 0..<factors {
          scratch.slopes[left * factors * fields + a + place] += x * scratch.found[right]![1 + b + place]
          scratch.slopes[right * factors * fields + b + place] += x * scratch.found[left]![1 + a + place]
        }
      }
    }
    for index in 0..<scratch.count {
      let row = scratch.row(index)
      let first = scratch.states[index].unsafelyUnwrapped
      let second = hasSecondState ? first + width : first
      step.linear(&row[0], gradient * scratch.values[index], first, second)
      guard index < used else { continue }
      for place in 1..<width {
        let slope = scratch.slopes[index * factors * fields + place - 1]
        guard slope != 0 else { continue }
        step.rule.step(&row[place], gradient * slope, first + place, second + place)
      }
    }
  }

  // MARK: Serving

  /// hot: z of every candidate, into `out`.
  func score(_ batch: CandidateBatch, _ scratch: FactorisationScratch, out: UnsafeMutablePointer<Float>) {
    if isMatrix { return scoreMatrix(batch, scratch, out) }
    let keys = batch.keyCount
    scratch.reserve(keys)
    scratch.keys = UnsafePointer(batch.keys.base)
    scratch.values = UnsafePointer(batch.values.base)
    rows.withReader { reader in
      reader.find(UnsafeBufferPointer(start: batch.keys.base, count: keys), into: scratch.found.base)
      scratch.fillMissing(keys, seed: seed, scale: scale)
      if isFieldAware { return scoreFieldAware(batch, scratch, out) }
      let shared = pairs(scratch, 0..<batch.sharedCount, batch)
      scratch.sharedSum.base.update(from: scratch.sum.base, count: factorCount)
      for candidate in 0..<batch.count {
        let own = pairs(scratch, batch.range(candidate), batch)
        let across = cowbird_dot(scratch.sharedSum.base, scratch.sum.base, factorCount)
        out[candidate] = Bounds.logit(shared + own + across + dense.dot(batch.dense(candidate)))
      }
    }
  }

  @inline(__always)
  private func pairs(_ scratch: FactorisationScratch, _ range: Range<Int>, _ batch: CandidateBatch) -> Float {
    Self.interactions(
      scratch, range, slots: batch.slots.base, factors: factorCount, isFieldAware: isFieldAware)
  }

  private func scoreFieldAware(
    _ batch: CandidateBatch, _ scratch: FactorisationScratch, _ out: UnsafeMutablePointer<Float>
  ) {
    let example = scratch.example
    example.reserve(batch.keyCount)
    for candidate in 0..<batch.count {
      // The shared features and the candidate's own, side by side.
      var count = 0
      for range in [0..<batch.sharedCount, batch.range(candidate)] {
        for index in range {
          example.set(count, scratch.found[index], batch.values[index], batch.slots[index])
          count += 1
        }
      }
      var z: Float = 0
      for index in 0..<count { z += example.rows[index]![0] * example.values[index] }
      for right in 0..<min(count, Self.fieldAwareFeatures) {
        for left in 0..<right {
          let a = example.rows[left]! + 1 + Int(example.slots[right]) * factorCount
          let b = example.rows[right]! + 1 + Int(example.slots[left]) * factorCount
          z += Dot.product(a, b, factorCount) * example.values[left] * example.values[right]
        }
      }
      out[candidate] = Bounds.logit(z + dense.dot(batch.dense(candidate)))
    }
  }

  private func scoreMatrix(
    _ batch: CandidateBatch, _ scratch: FactorisationScratch, _ out: UnsafeMutablePointer<Float>
  ) {
    scratch.reserve(2)
    rows.withReader { reader in
      for candidate in 0..<batch.count {
        let count = scratch.selectIDs(batch.user, batch.item(candidate))
        for index in 0..<count { scratch.found[index] = reader.find(scratch.keys[index]) }
        scratch.fillMissing(count, seed: seed, scale: scale)
        let z = pairs(scratch, 0..<count, batch)
        out[candidate] = Bounds.logit(z + dense.dot(batch.dense(candidate)))
      }
    }
  }

  func weightsOnly() -> FactorisationMachine {
    var copy = self
    copy.rows = rows.weightsOnly()
    copy.dense = dense.weightsOnly()
    return copy
  }

  mutating func withTable(_ body: (inout PagedTable) throws -> Void) rethrows { try body(&rows) }

  mutating func restore(_ dense: DenseLinear, steps: UInt64) { (self.dense, self.steps) = (dense, steps) }
}
