// Items alike by attribute values and by dense vectors: what a cold item is found by.
//
//   w_a = Σ_j decay^j [a ∈ A(h_j)],  S = Σ_j decay^j  over the history,  π_a = (events with a + 1) / (events + 2)
//   v_a = log2((w_a + s π_a) / ((S + s) π_a)),   score(i) = Σ_{a ∈ A(i)} v_a
//
// A value outside of the history has v = log2(s / (S + s)), whatever it is; so a request computes the values of
// the history only, as differences from that.
//
//   block of a page   ┌ how many values: 32 × u32 ┬ first values: 32 × u32 ┬ second ┬ … ┐   value row + 1; 0: none
//
// Dense vectors are kept with length 1; their score is the cosine with the history's decayed mean.

internal import CKernels
internal import Glibc
internal import Primitives
internal import Tables

/// Use of an attribute value.
struct ValueUse {
  /// Events of items that had it.
  var events: UInt32
  /// Items that have it; at none the value's row is free again.
  var items: UInt32
}

extension RetrievalState {
  /// Says what an item is. An item that nobody has met yet can be recommended from then on.
  /// - Parameters:
  ///   - attributes: keys of its values, each made from the attribute's name and the value; duplicates count once,
  ///     and only the first 63 are kept.
  ///   - vector: nil leaves the item's vector as it is. Anything but `vectorDimension` finite numbers is refused.
  /// - Returns: false if the vector was refused; nothing has changed then.
  @discardableResult
  package mutating func describe(
    item key: UInt64, attributes: [UInt64], vector: UnsafeBufferPointer<Float>? = nil
  ) -> Bool {
    checkWritable()
    if let vector {
      guard vector.count == plan.vectorDimension, vector.allSatisfy({ $0.isFinite }) else { return false }
    }
    let row = row(ofItem: key)
    if plan.content != nil { setAttributes(attributes, ofRow: row) }
    if let vector { setVector(vector, ofRow: row) }
    return true
  }

  /// Attribute values of an item, by row.
  func attributeRows(ofRow row: Int) -> [UInt32] {
    let tail = layout.tail(pages.reader.page(row >> 5)).pointee
    guard tail.attributes != 0 else { return [] }
    let block = blocks.slab(tail.attributes).assumingMemoryBound(to: UInt32.self)
    let place = row & 31
    return (0..<Int(block[place])).map { block[32 * ($0 + 1) + place] - 1 }
  }

  mutating func setAttributes(_ attributes: [UInt64], ofRow row: Int) {
    let former = attributeRows(ofRow: row)
    if former.isEmpty && attributes.isEmpty { return }
    var rows: [UInt32] = []
    for key in attributes {
      guard rows.count < Self.valuesPerItem, let value = self.row(ofValue: key) else {
        counters.refusedValues += 1
        continue
      }
      if !rows.contains(UInt32(value)) { rows.append(UInt32(value)) }
    }
    for value in rows { use(ofValue: Int(value)) { $0.items += 1 } }
    for value in former {
      use(ofValue: Int(value)) { $0.items -= 1 }
    }
    write(rows, ofRow: row)
    // New values that found no use, and former ones that lost their last.
    for value in former + rows where valueUse.reader.row(Int(value)).load(as: ValueUse.self).items == 0 {
      guard values.isLive(Int(value)) else { continue }
      use(ofValue: Int(value)) { $0 = ValueUse(events: 0, items: 0) }
      values.remove(Int(value))
    }
  }

  private mutating func row(ofValue key: UInt64) -> Int? {
    if let row = values.find(key) { return row }
    guard !values.isFull else { return nil }
    let row = values.insert(key, at: events)
    valueUse.ensure(row + 1)
    return row
  }

  private mutating func use(ofValue row: Int, _ body: (inout ValueUse) -> Void) {
    body(&valueUse.writer().row(row).assumingMemoryBound(to: ValueUse.self).pointee)
  }

  private mutating func write(_ rows: [UInt32], ofRow row: Int) {
    let tail = layout.tail(pages.writer().page(row >> 5))
    let place = row & 31
    if rows.count > Int(tail.pointee.slots) { growBlock(tail, rows.count) }
    guard tail.pointee.attributes != 0 else { return }
    let block = blocks.writableSlab(tail.pointee.attributes)
      .assumingMemoryBound(to: UInt32.self)
    block[place] = UInt32(rows.count)
    for slot in 0..<Int(tail.pointee.slots) {
      block[32 * (slot + 1) + place] = slot < rows.count ? rows[slot] + 1 : 0
    }
  }

  /// A block has 2, 4, 8 … rows, the first of which are the counts.
  private mutating func growBlock(_ tail: UnsafeMutablePointer<ItemPageTail>, _ wanted: Int) {
    var capacity = 2
    while capacity - 1 < wanted { capacity *= 2 }
    let block = blocks.allocate(capacity)
    if tail.pointee.attributes != 0 {
      let old = Int(tail.pointee.slots) + 1
      blocks.writableSlab(block).copyMemory(
        from: blocks.slab(tail.pointee.attributes), byteCount: old * 128)
      blocks.release(tail.pointee.attributes)
    }
    tail.pointee.attributes = block
    tail.pointee.slots = UInt32(capacity - 1)
  }

  mutating func setVector(_ vector: UnsafeBufferPointer<Float>?, ofRow row: Int) {
    guard plan.vectorDimension > 0 else { return }
    let width = plan.vectorWidth
    let page = row >> 5
    guard vector != nil || vectors.capacity > page else { return }
    vectors.ensure(page + 1)
    let target = vectors.writer().page(page).assumingMemoryBound(to: Float.self) + (row & 31) * width
    target.update(repeating: 0, count: width)
    guard let vector else { return }
    var squares = 0.0
    for value in vector { squares += Double(value) * Double(value) }
    guard squares > 0 else { return }
    let norm = squares.squareRoot()
    for column in 0..<vector.count { target[column] = Float(Double(vector[column]) / norm) }
  }

  /// An event of the item: its values become more usual.
  mutating func learnContent(_ row: Int) {
    guard plan.content != nil else { return }
    contentEvents += 1
    let tail = layout.tail(pages.reader.page(row >> 5)).pointee
    guard tail.attributes != 0 else { return }
    let block = blocks.slab(tail.attributes).assumingMemoryBound(to: UInt32.self)
    let use = valueUse.writer()
    for slot in 0..<Int(block[row & 31]) {
      let value = Int(block[32 * (slot + 1) + (row & 31)]) - 1
      use.row(value).assumingMemoryBound(to: ValueUse.self).pointee.events &+= 1
    }
  }

  /// Fills the scratch's affinities and profile from its history.
  func readContent(_ scratch: RetrievalScratch) {
    scratch.clearAffinity()
    readProfile(scratch)
    guard let plan = plan.content else { return }
    let pages = pages.reader
    let affinity = scratch.affinity.base
    var weight = Float(1)
    var total = Float(0)
    for j in 0..<min(scratch.historyCount, plan.length) {
      let row = Int(scratch.historyRows[j])
      let tail = layout.tail(pages.page(row >> 5)).pointee
      if tail.attributes != 0 {
        let block = blocks.slab(tail.attributes).assumingMemoryBound(to: UInt32.self)
        for slot in 0..<Int(block[row & 31]) {
          let value = block[32 * (slot + 1) + (row & 31)]
          if affinity[Int(value)] == 0 { scratch.affinityValues.append(value) }
          affinity[Int(value)] += weight
        }
      }
      total += weight
      weight *= plan.decay
    }
    let kernels = scratch.kernels
    let use = valueUse.reader
    let base =
      total > 0 ? kernels.pointee.log2(max(plan.shrinkage, 1e-6) / (total + max(plan.shrinkage, 1e-6))) : 0
    scratch.affinityBase = base
    for value in scratch.affinityValues {
      let events = Float(use.row(Int(value) - 1).load(as: ValueUse.self).events)
      let share = (events + 1) / (Float(contentEvents) + 2)
      let shrinkage = max(plan.shrinkage, 1e-6)
      let ratio = (affinity[Int(value)] + shrinkage * share) / ((total + shrinkage) * share)
      affinity[Int(value)] = kernels.pointee.log2(ratio) - base
    }
  }

  private func readProfile(_ scratch: RetrievalScratch) {
    guard plan.vectorDimension > 0 else { return }
    let width = plan.vectorWidth
    scratch.profile.fit(width)
    let profile = scratch.profile.base
    profile.update(repeating: 0, count: width)
    let pages = vectors.reader
    var weight = Float(1)
    for j in 0..<min(scratch.historyCount, 32) {
      let row = Int(scratch.historyRows[j])
      if row >> 5 < vectors.capacity {
        let vector = pages.page(row >> 5).assumingMemoryBound(to: Float.self) + (row & 31) * width
        scratch.kernels.pointee.axpy(profile, vector, weight, width)
      }
      weight *= 0.9
    }
    var squares = Float(0)
    for column in 0..<width { squares += profile[column] * profile[column] }
    guard squares > 0 else { return }
    let inverse = 1 / squares.squareRoot()
    for column in 0..<width { profile[column] *= inverse }
  }

  /// The content score of one of the scratch's candidates.
  @inline(__always)
  func content(_ candidate: Int, _ blocks: SlabReader, _ scratch: RetrievalScratch) -> Float {
    let tail = layout.tail(scratch.candidatePages[candidate]!)
    guard tail.pointee.attributes != 0 else { return 0 }
    let block = blocks.slab(tail.pointee.attributes).assumingMemoryBound(to: UInt32.self)
    let place = Int(scratch.candidates[candidate] & 31)
    var score = Float(block[place]) * scratch.affinityBase
    for slot in 0..<Int(block[place]) { score += scratch.affinity[Int(block[32 * (slot + 1) + place])] }
    return score
  }

  /// The cosine of an item's dense vector and the profile in the scratch.
  func cosine(_ row: Int, _ scratch: RetrievalScratch) -> Float {
    guard row >> 5 < vectors.capacity else { return 0 }
    let width = plan.vectorWidth
    var vector: UnsafePointer<Float>? =
      vectors.reader.page(row >> 5).assumingMemoryBound(to: Float.self) + (row & 31) * width
    var result = Float(0)
    scratch.kernels.pointee.dot_rows(&vector, scratch.profile.base, 1, width, &result)
    return result
  }
}
