// What a factorisation machine remembers between predicting and learning, and what it scores with.

internal import Tables

final class FactorisationScratch {
  /// The features it is over: the example's own, or the two ids.
  @exclusivity(unchecked) var keys: UnsafePointer<UInt64>
  @exclusivity(unchecked) var values: UnsafePointer<Float>
  @exclusivity(unchecked) var count = 0
  /// The features' rows; of an example that is learned for writing, in `epoch` of the table, with their states.
  let found = Buffer<UnsafePointer<Float>?>(256)
  let states = Buffer<UnsafeMutablePointer<Float>?>(256)
  @exclusivity(unchecked) var epoch: UInt64 = 0
  /// Sum of vectors of the last example, and of the part that candidates share.
  let sum: Buffer<Float>
  let sharedSum: Buffer<Float>
  let slopes = Buffer<Float>(256)
  let example = FieldAwareExample()
  @exclusivity(unchecked) var z: Float = 0
  let ahead: RowsAhead
  /// Of the keys: the example's own, or none.
  @exclusivity(unchecked) var slots: UnsafePointer<UInt16>
  private let idSlots = Buffer<UInt16>(2)
  private let idKeys = Buffer<UInt64>(2)
  private let idValues = Buffer<Float>(2)
  /// Rows and states of keys that have none: read as a new one's would be, and stepped for nothing.
  private let initial = Buffer<Float>(256)
  private let width: Int
  private let stateWidth: Int

  init(_ model: FactorisationMachine, _ ahead: KeysAhead) {
    width = model.width
    stateWidth = model.stateWidth
    // The ids' keys are the machine's own.
    self.ahead = RowsAhead(model.isMatrix ? nil : ahead)
    sum = Buffer(model.factorCount)
    sharedSum = Buffer(model.factorCount)
    keys = UnsafePointer(idKeys.base)
    values = UnsafePointer(idValues.base)
    (idValues[0], idValues[1]) = (1, 1)
    (idSlots[0], idSlots[1]) = (0, 0)
    slots = UnsafePointer(idSlots.base)
  }

  @inline(__always)
  func reserve(_ count: Int) {
    found.reserve(count)
    states.reserve(count)
  }

  /// A row of the example that is learned.
  @inline(__always)
  func row(_ index: Int) -> UnsafeMutablePointer<Float> {
    UnsafeMutablePointer(mutating: found[index].unsafelyUnwrapped)
  }

  /// All of them.
  var stepped: UnsafePointer<UnsafeMutablePointer<Float>?> {
    UnsafeRawPointer(found.base).assumingMemoryBound(to: UnsafeMutablePointer<Float>?.self)
  }

  func findAgain(_ writer: TableWriter) {
    for index in 0..<count {
      guard let row = writer.find(keys[index]).map({ writer.writable($0) }) else { continue }
      found[index] = UnsafePointer(row.weights)
      states[index] = row.state
    }
  }

  /// The ids that are there, as features of value 1; returns how many.
  @inline(__always)
  func selectIDs(_ user: UInt64, _ item: UInt64) -> Int {
    let both = FactorisationMachine.idKeys(user, item)
    var count = 0
    if user != 0 {
      idKeys[count] = both.0
      count += 1
    }
    if item != 0 {
      idKeys[count] = both.1
      count += 1
    }
    keys = UnsafePointer(idKeys.base)
    values = UnsafePointer(idValues.base)
    slots = UnsafePointer(idSlots.base)
    return count
  }

  /// hot: gives keys without a row what a new one would hold.
  @inline(__always)
  func fillMissing(_ count: Int, seed: UInt64, scale: Float) {
    var missing = 0
    for index in 0..<count where found[index] == nil { missing += 1 }
    if missing > 0 { makeRows(missing, count, seed: seed, scale: scale) }
  }

  private func makeRows(_ missing: Int, _ count: Int, seed: UInt64, scale: Float) {
    initial.reserve(missing * (width + stateWidth))
    var row = initial.base
    for index in 0..<count where found[index] == nil {
      row[0] = 0
      InitialVector.fill(row + 1, width - 1, seed: seed, key: keys[index], scale: scale)
      (row + width).update(repeating: 0, count: stateWidth)
      found[index] = UnsafePointer(row)
      states[index] = row + width
      row += width + stateWidth
    }
  }
}

/// One candidate's features side by side.
final class FieldAwareExample {
  let rows = Buffer<UnsafePointer<Float>?>(64)
  let values = Buffer<Float>(64)
  let slots = Buffer<UInt16>(64)

  func reserve(_ count: Int) {
    rows.reserve(count)
    values.reserve(count)
    slots.reserve(count)
  }

  @inline(__always)
  func set(_ place: Int, _ row: UnsafePointer<Float>?, _ value: Float, _ slot: UInt16) {
    rows[place] = row
    values[place] = value
    slots[place] = slot
  }
}
