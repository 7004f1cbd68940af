// Factors pooled over the user's history (SVD++-like, Koren 2008, on residuals). With the last N (item j, r_j):
//
//   pool = (sum_j r_j A[j] + B[j]) / sqrt(n + 1)        z = C[i] . pool
//
// Each weight steps by AdaGrad with the error e = r - z:
//
//   dC = e pool        dA[j] = e C r_j / sqrt(n + 1)        dB[j] = e C / sqrt(n + 1)        (C of before)
//
// With an empty history nothing is learned but the history. Row of an item: ┌ A × K ┬ B × K ┬ C × K ┐, and as
// much state: the sums of squared gradients. A and C begin at random, B at 0.

internal import CKernels
internal import Configuration
internal import Features
internal import Primitives
package import Tables

package struct PooledModel: Sendable {
  let factorCount: Int
  let seed: UInt64
  let scale: Float
  private var rate: Float
  private var l2: Float
  let gradientInit: Float
  package private(set) var histories: HistoryTable
  package private(set) var vectors: PagedTable

  init(_ section: MemberSection, _ plan: EnsemblePlan) {
    factorCount = section.factors
    seed = CounterRandom.mix(UInt64(section.seed) &+ 0x706F_6F6C)
    scale = Float(section.initScale)
    rate = Float(section.rate)
    l2 = Float(section.l2)
    gradientInit = Float(section.gradientInit)
    histories = HistoryTable(length: section.length, bounds: plan.bounds)
    vectors = PagedTable(
      layout: TableLayout(weights: 3 * section.factors, state: 3 * section.factors, rowsPerPage: 4),
      bounds: TableBounds(maximumRows: plan.bounds.maximumRows))
  }

  mutating func adopt(_ section: MemberSection) {
    rate = Float(section.rate)
    l2 = Float(section.l2)
  }

  // MARK: Learning

  /// hot: z; `scratch` keeps the pool and the rows for `learn`. Makes a row for a new item.
  mutating func predict(learning features: FeatureView, _ scratch: PooledScratch) -> Float {
    scratch.clear()
    guard features.user != 0, features.item != 0 else { return 0 }
    scratch.count = histories.read(features.user, scratch.keys.base, scratch.numbers.base)
    vectors.prepare(now: features.seconds, room: scratch.count + 1)
    let (count, seed, scale, gradientInit) = (factorCount, seed, scale, gradientInit)
    let rows = scratch.rows.base
    let z: Float = vectors.withWriter { writer in
      let item = writer.findOrInsert(features.item) { weights, state in
        InitialVector.fill(weights, count, seed: seed, key: features.item, scale: scale)
        InitialVector.fill(weights + 2 * count, count, seed: seed &+ 1, key: features.item, scale: scale)
        state?.update(repeating: gradientInit, count: 3 * count)
      }
      scratch.item = item?.rawValue ?? .missing
      scratch.ahead.forEach(UnsafePointer(scratch.keys.base), scratch.count, writer) { index, hint in
        let id = writer.find(scratch.keys[index], hint)
        rows[index] = id?.rawValue ?? .missing
        if let id { scratch.add(writer.read(id), scratch.numbers[index], count) }
      }
      scratch.close(count)
      guard let item else { return 0 }
      return scratch.dot(writer.read(item) + 2 * count, count)
    }
    scratch.z = Bounds.logit(z)
    return scratch.z
  }

  /// hot: of the example that `predict(learning:)` saw last.
  mutating func learn(
    _ features: FeatureView, _ scratch: PooledScratch, residual: Float, weight: Float, rateScale: Float,
    isRemembered: Bool
  ) {
    guard features.user != 0, features.item != 0 else { return }
    let residual = Bounds.weight(residual)
    if scratch.count > 0, scratch.item != .missing {
      step(scratch, error: Bounds.weight(residual - scratch.z) * weight, rate: rate * rateScale)
    }
    if isRemembered { histories.append(features.user, features.item, residual, seconds: features.seconds) }
  }

  private mutating func step(_ scratch: PooledScratch, error: Float, rate: Float) {
    let (count, l2) = (factorCount, l2)
    let (pool, former, gradients) = (scratch.pool.base, scratch.former.base, scratch.gradients.base)
    vectors.withWriter { writer in
      let item = RowID(scratch.item)
      let c = writer.weights(item) + 2 * count
      former.update(from: c, count: count)
      for place in 0..<count { gradients[place] = Self.bounded(-error * pool[place]) }
      cowbird_adagrad(c, writer.state(item) + 2 * count, gradients, count, rate, 0, l2)
      // What every row of the history has in common.
      let slope = error * scratch.scale
      for index in 0..<scratch.count where scratch.rows[index] != .missing {
        let id = RowID(scratch.rows[index])
        let number = scratch.numbers[index]
        for place in 0..<count {
          let gradient = -slope * former[place]
          gradients[place] = Self.bounded(gradient * number)
          gradients[count + place] = Self.bounded(gradient)
        }
        cowbird_adagrad(
          writer.weights(id), writer.state(id), gradients, 2 * count, rate, 0, l2 * scratch.scale)
      }
    }
  }

  /// A gradient whose square is a finite number and no denormal, or 0.
  @inline(__always)
  private static func bounded(_ gradient: Float) -> Float {
    gradient.magnitude < Bounds.smallest ? 0 : min(max(gradient, -1e12), 1e12)
  }

  // MARK: Serving

  /// hot: the user's pool into `scratch`, once for all candidates.
  func prepare(user: UInt64, _ scratch: PooledScratch) {
    scratch.clear()
    scratch.count = histories.read(user, scratch.keys.base, scratch.numbers.base)
    vectors.withReader { reader in
      reader.find(
        UnsafeBufferPointer(start: scratch.keys.base, count: scratch.count), into: scratch.found.base)
      for index in 0..<scratch.count {
        if let row = scratch.found[index] { scratch.add(row, scratch.numbers[index], factorCount) }
      }
    }
    scratch.close(factorCount)
  }

  /// hot: z of one item for the pool in `scratch`.
  func score(item: UInt64, _ scratch: PooledScratch) -> Float {
    guard scratch.count > 0, item != 0 else { return 0 }
    return Bounds.logit(
      vectors.withReader { reader in
        if let row = reader.find(item) { return scratch.dot(row + 2 * factorCount, factorCount) }
        InitialVector.fill(scratch.former.base, factorCount, seed: seed &+ 1, key: item, scale: scale)
        return scratch.dot(UnsafePointer(scratch.former.base), factorCount)
      })
  }

  func weightsOnly() -> PooledModel {
    var copy = self
    copy.histories = histories.weightsOnly()
    copy.vectors = vectors.weightsOnly()
    return copy
  }

  mutating func withHistory(_ body: (inout HistoryTable) -> Void) { body(&histories) }

  mutating func withTables(_ body: (inout PagedTable, inout PagedTable) throws -> Void) rethrows {
    try histories.withTable { history in try body(&history, &vectors) }
  }
}

final class PooledScratch {
  let keys: Buffer<UInt64>
  let numbers: Buffer<Float>
  let rows: Buffer<UInt32>
  let found: Buffer<UnsafePointer<Float>?>
  let pool: Buffer<Float>
  let former: Buffer<Float>
  let gradients: Buffer<Float>
  let ahead = RowsAhead()
  private let factorCount: Int
  @exclusivity(unchecked) var count = 0
  @exclusivity(unchecked) var item = UInt32.missing
  @exclusivity(unchecked) var z: Float = 0
  /// 1 / sqrt(n + 1)
  @exclusivity(unchecked) var scale: Float = 1

  init(_ model: PooledModel) {
    factorCount = model.factorCount
    keys = Buffer(model.histories.length)
    numbers = Buffer(model.histories.length)
    rows = Buffer(model.histories.length)
    found = Buffer(model.histories.length)
    pool = Buffer(factorCount)
    former = Buffer(factorCount)
    gradients = Buffer(2 * factorCount)
  }

  @inline(__always)
  func clear() {
    (count, item, z, scale) = (0, .missing, 0, 1)
    pool.base.update(repeating: 0, count: factorCount)
  }

  /// Adds r A + B of one item of the history.
  @inline(__always)
  func add(_ row: UnsafePointer<Float>, _ number: Float, _ factors: Int) {
    for place in 0..<factors { pool[place] += number * row[place] + row[factors + place] }
  }

  @inline(__always)
  func close(_ factors: Int) {
    scale = 1 / Float(count + 1).squareRoot()
    for place in 0..<factors { pool[place] *= scale }
  }

  @inline(__always)
  func dot(_ vector: UnsafePointer<Float>, _ factors: Int) -> Float {
    var sum: Float = 0
    for place in 0..<factors { sum += pool[place] * vector[place] }
    return sum
  }
}
