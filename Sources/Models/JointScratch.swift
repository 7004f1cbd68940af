// What the joint model remembers between predicting and learning, and what it scores with.

final class JointScratch {
  /// Row of each feature's weight, and of its vector; `.missing`: none.
  let rows = Buffer<UInt32>(256)
  let vectors = Buffer<UInt32>(256)
  let found = Buffer<UnsafePointer<Float>?>(256)
  /// The dense block in Double, and A times it.
  let dense: Buffer<Double>
  let product: Buffer<Double>
  let userSum: Buffer<Float>
  let itemSum: Buffer<Float>
  private let keptUserSum: Buffer<Float>
  private let keptItemSum: Buffer<Float>
  private let initial: Buffer<Float>
  let gatheredKeys = Buffer<UInt64>(256)
  let gatheredPlaces = Buffer<Int32>(256)
  private(set) var gatheredCount = 0
  let rowsAhead: RowsAhead
  let vectorsAhead: RowsAhead
  /// Offset and z of the last example.
  @exclusivity(unchecked) var z: Float = 0
  private let factorCount: Int

  init(_ model: JointModel, _ ahead: KeysAhead) {
    (rowsAhead, vectorsAhead) = (RowsAhead(ahead), RowsAhead(ahead))
    factorCount = model.factorCount
    dense = Buffer(max(1, model.denseWeights.count))
    product = Buffer(max(1, model.denseWeights.count))
    userSum = Buffer(max(1, factorCount))
    itemSum = Buffer(max(1, factorCount))
    keptUserSum = Buffer(max(1, factorCount))
    keptItemSum = Buffer(max(1, factorCount))
    initial = Buffer(max(1, factorCount))
  }

  @inline(__always)
  func reserve(_ count: Int) {
    rows.reserve(count)
    vectors.reserve(count)
    found.reserve(count)
  }

  @inline(__always)
  func clearSums() {
    userSum.base.update(repeating: 0, count: factorCount)
    itemSum.base.update(repeating: 0, count: factorCount)
  }

  @inline(__always)
  func keepSums() {
    keptUserSum.base.update(from: userSum.base, count: factorCount)
    keptItemSum.base.update(from: itemSum.base, count: factorCount)
  }

  @inline(__always)
  func restoreSums() {
    userSum.base.update(from: keptUserSum.base, count: factorCount)
    itemSum.base.update(from: keptItemSum.base, count: factorCount)
  }

  @inline(__always)
  func add(_ row: UnsafePointer<Float>, _ x: Float, side: UInt8) {
    let sum = side == JointTemplate.user ? userSum.base : itemSum.base
    for place in 0..<factorCount { sum[place] += x * row[place] }
  }

  /// The same for a key without a row.
  @inline(__always)
  func addInitial(_ key: UInt64, _ x: Float, _ template: JointTemplate, seed: UInt64) {
    guard template.factorInit != 0 else { return }
    InitialVector.fill(initial.base, factorCount, seed: seed, key: key, scale: template.factorInit)
    add(UnsafePointer(initial.base), x, side: template.side)
  }

  /// p . q
  @inline(__always)
  func bilinear() -> Float {
    var sum: Float = 0
    for place in 0..<factorCount { sum += userSum[place] * itemSum[place] }
    return sum
  }

  /// |p|^2 or |q|^2
  @inline(__always)
  func squares(_ side: UInt8) -> Float {
    let vector = side == JointTemplate.user ? userSum.base : itemSum.base
    var sum: Float = 0
    for place in 0..<factorCount { sum += vector[place] * vector[place] }
    return sum
  }

  /// Collects the keys whose template is wanted, in order, with their places in the batch.
  func gather(_ batch: CandidateBatch, _ isWanted: (UInt16) -> Bool) {
    gatheredKeys.reserve(batch.keyCount)
    gatheredPlaces.reserve(batch.keyCount)
    gatheredCount = 0
    for index in 0..<batch.keyCount where isWanted(batch.slots[index]) {
      gatheredKeys[gatheredCount] = batch.keys[index]
      gatheredPlaces[gatheredCount] = Int32(truncatingIfNeeded: index)
      gatheredCount += 1
    }
  }
}
