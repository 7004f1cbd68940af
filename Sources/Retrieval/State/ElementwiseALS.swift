// Factors by element-wise alternating least squares, one event at a time: squared error on what users did, and on
// everything that they did not do with a small weight that grows with an item's popularity.
//
//   loss = Σ_seen w (1 - p_u·q_i)² + Σ_unseen c_i (p_u·q_i)² + λ (Σ|p|² + Σ|q|²),   c_i = c₀ a_i / Σ a,   a_i = interactions^α
//
// The pair at hand weighs w = `new_weight`, earlier ones 1. Each coordinate has a closed-form minimum, and the sum over all that was not done is kept as two k × k matrices,
// Σ a_i q_i q_iᵀ and Σ p_u p_uᵀ, that each step corrects; so a step costs O(k² + (items of u + users of i) k), whatever
// the size of the catalogue. Unlike in the paper c_i follows the stream: its denominator is kept apart from the matrix.
//
// Of a user the last `length` items are looked at (its history and what it has seen before that), of an item its last
// `length` users:
//
//   audience row   ┌ slab u32 ┬ capacity u32 ┬ users ever u32 ┐      slab   ┌ user handles u32 × capacity, a ring ┐
//
// Source: He et al., Fast Matrix Factorization for Online Recommendation with Implicit Feedback, SIGIR 2016.

internal import CKernels
internal import Primitives
internal import Tables

struct ElementwiseALS: Sendable {
  struct Audience {
    var slab: UInt32
    var capacity: UInt32
    var total: UInt32
    var padding: UInt32
  }

  /// Σ a_i q_i q_iᵀ, Σ a_i and Σ p_u p_uᵀ.
  var itemGram: [Double]
  var itemWeight = 0.0
  var userGram: [Double]
  var audiences = RowStore(rowBytes: MemoryLayout<Audience>.size, rowsPerPage: 256)
  var slabs: SlabStore

  init(_ plan: FactorPlan) {
    itemGram = Array(repeating: 0, count: plan.factors * plan.factors)
    userGram = itemGram
    slabs = SlabStore(entryBytes: 4, smallest: 8, atLeast: plan.length)
  }

  /// Adds weight · v vᵀ to a matrix.
  static func add(_ vector: UnsafePointer<Float>, _ weight: Double, to gram: inout [Double], _ size: Int) {
    guard weight != 0 else { return }
    gram.withUnsafeMutableBufferPointer { gram in
      for row in 0..<size {
        let scaled = weight * Double(vector[row])
        for column in 0..<size { gram[row &* size &+ column] += scaled * Double(vector[column]) }
      }
    }
  }

  mutating func push(_ user: UInt32, toAudienceOf row: Int) {
    audiences.ensure(row + 1)
    let audience = audiences.writer().row(row).assumingMemoryBound(to: Audience.self)
    let (old, total) = (Int(audience.pointee.capacity), Int(audience.pointee.total))
    if total >= old && old < slabs.largest {
      let capacity = max(slabs.smallest, old * 2)
      let slab = slabs.allocate(capacity)
      if old > 0 {
        slabs.writableSlab(slab).copyMemory(from: slabs.slab(audience.pointee.slab), byteCount: old * 4)
        slabs.release(audience.pointee.slab)
      }
      (audience.pointee.slab, audience.pointee.capacity) = (slab, UInt32(capacity))
    }
    let place = total & (Int(audience.pointee.capacity) - 1)
    slabs.writableSlab(audience.pointee.slab).storeBytes(of: user, toByteOffset: place * 4, as: UInt32.self)
    audience.pointee.total &+= 1
  }

  /// Who did something with the item, newest first, as far as it is remembered.
  func audience(of row: Int, _ body: (UInt32) -> Void) {
    guard row < audiences.capacity else { return }
    let audience = audiences.reader.row(row).load(as: Audience.self)
    guard audience.slab != 0 else { return }
    let (capacity, total) = (Int(audience.capacity), Int(audience.total))
    let handles = slabs.slab(audience.slab).assumingMemoryBound(to: UInt32.self)
    for back in 0..<min(capacity, total) { body(handles[(total - 1 - back) & (capacity - 1)]) }
  }

  mutating func forgetAudience(of row: Int) {
    guard row < audiences.capacity else { return }
    let audience = audiences.writer().row(row).assumingMemoryBound(to: Audience.self)
    if audience.pointee.slab != 0 { slabs.release(audience.pointee.slab) }
    audience.pointee = Audience(slab: 0, capacity: 0, total: 0, padding: 0)
  }
}

extension RetrievalState {
  /// a of an item with so many interactions.
  private func popularityWeight(_ interactions: UInt32, _ factors: FactorPlan) -> Double {
    interactions == 0
      ? 0 : DeterministicMath.exp(factors.missingPower * DeterministicMath.log(Double(interactions)))
  }

  /// Learns the event: the user's vector against the items of the history and this one, then the item's against its
  /// users. The item's interactions do not hold this event yet.
  mutating func learnElementwise(user: Int, item: Int, _ scratch: RetrievalScratch) {
    guard let factors = plan.factors, var model = elementwise else { return }
    elementwise = nil
    defer { elementwise = model }
    let (size, width) = (factors.factors, layout.width)
    let interactions = counts(of: item).interactions
    let former = popularityWeight(interactions, factors)
    let weight = popularityWeight(interactions + 1, factors)
    let pages = pages.writer()
    let page = pages.page(item >> 5)
    let q = layout.vector(page, item & 31)
    ElementwiseALS.add(q, weight - former, to: &model.itemGram, size)
    model.itemWeight += weight - former
    let missing = factors.missingWeight / max(model.itemWeight, 1e-9)

    // The user: a column for each item, once, because the matrix holds each once.
    scratch.others.fit(max(factors.length, model.slabs.largest) + 1)
    scratch.rows.fit(scratch.others.count)
    scratch.confidence.fit(scratch.others.count)
    let others = scratch.others.base
    var count = earlierItems(of: user, but: item, atMost: factors.length - 1, scratch)
    scratch.rows[0] = UnsafePointer(q)
    scratch.confidence[0] = Float(factors.newWeight - missing * weight)
    for place in 1..<count + 1 {
      let row = others[place - 1]
      scratch.rows[place] = UnsafePointer(layout.vector(pages.peekPage(Int(row) >> 5), Int(row) & 31))
      let a = popularityWeight(counts(of: Int(row)).interactions, factors)
      scratch.confidence[place] = Float(1 - missing * a)
    }
    count += 1
    let p = people.writer().row(user).assumingMemoryBound(to: Float.self)
    ElementwiseALS.add(p, -1, to: &model.userGram, size)
    solve(p, count, model.itemGram, missing, factors, scratch)
    ElementwiseALS.add(p, 1, to: &model.userGram, size)

    // The item: a column for each user.
    count = 0
    model.audience(of: item) { handle in
      guard let row = users.row(of: handle), row != user else { return }
      others[count] = UInt32(row)
      count += 1
    }
    count = Self.sortUnique(others, count)
    let people = people.reader
    scratch.rows[0] = UnsafePointer(p)
    for place in 0..<count {
      scratch.rows[place + 1] = people.row(Int(others[place])).assumingMemoryBound(to: Float.self)
    }
    count += 1
    let c = missing * weight
    for place in 0..<count { scratch.confidence[place] = Float((place == 0 ? factors.newWeight : 1) - c) }
    ElementwiseALS.add(q, -weight, to: &model.itemGram, size)
    solve(q, count, model.userGram, c, factors, scratch)
    ElementwiseALS.add(q, weight, to: &model.itemGram, size)
    var squares = Float(0)
    for column in 0..<width { squares += q[column] * q[column] }
    layout.widen(page, squaredNorm: squares, bias: 0, scratch.kernels)
    model.push(users.handle(of: user), toAudienceOf: item)
  }

  /// Fills the scratch's others with what the user did before, as far as it is remembered: the history, then what has
  /// left it. Ascending, each once. Returns how many.
  private func earlierItems(of user: Int, but item: Int, atMost most: Int, _ scratch: RetrievalScratch) -> Int
  {
    let others = scratch.others.base
    var count = 0
    for j in 0..<min(scratch.historyCount, most) where Int(scratch.historyRows[j]) != item {
      others[count] = UInt32(scratch.historyRows[j])
      count += 1
    }
    let owners = items.reader
    for handle in ring(ofUser: user).older where count < most {
      guard let row = owners.row(of: handle), row != item else { continue }
      others[count] = UInt32(row)
      count += 1
    }
    return Self.sortUnique(others, count)
  }

  /// Sorts the first `count`, keeps each once, and returns how many are left.
  private static func sortUnique(_ rows: UnsafeMutablePointer<UInt32>, _ count: Int) -> Int {
    var sorted = UnsafeMutableBufferPointer(start: rows, count: count)
    sorted.sort()
    var kept = 0
    for place in 0..<count where place == 0 || rows[place] != rows[kept - 1] {
      rows[kept] = rows[place]
      kept += 1
    }
    return kept
  }

  /// One pass over a vector's coordinates, each to its minimum, against the scratch's rows with target 1, of which the
  /// first is the new one; `gram` times `scale` for all that was not done.
  private func solve(
    _ vector: UnsafeMutablePointer<Float>, _ count: Int, _ gram: [Double], _ scale: Double,
    _ factors: FactorPlan, _ scratch: RetrievalScratch
  ) {
    let (size, extra) = (factors.factors, Float(factors.newWeight - 1))
    scratch.scores.fit(count)
    let (rows, scores, confidence) = (scratch.rows.base, scratch.scores.base, scratch.confidence.base)
    scratch.kernels.pointee.dot_rows(rows, vector, count, layout.width, scores)
    gram.withUnsafeBufferPointer { gram in
      for f in 0..<size {
        let former = vector[f]
        var (numerator, denominator) = (Double(extra * rows[0]![f]), factors.regularization)
        for place in 0..<count {
          let x = rows[place]![f]
          let rest = scores[place] - former * x
          numerator += Double((1 - confidence[place] * rest) * x)
          denominator += Double(confidence[place] * x * x)
        }
        var others = 0.0
        for k in 0..<size where k != f { others += Double(vector[k]) * gram[k * size + f] }
        numerator -= scale * others
        denominator += scale * gram[f * size + f]
        let next = denominator > 1e-12 ? Float(numerator / denominator) : 0
        guard next.isFinite else { continue }
        vector[f] = next
        let change = next - former
        for place in 0..<count { scores[place] += change * rows[place]![f] }
      }
    }
  }

  /// The item's or the user's part leaves the matrices.
  mutating func forgetElementwise(item row: Int) {
    guard elementwise != nil, let factors = plan.factors else { return }
    let weight = popularityWeight(counts(of: row).interactions, factors)
    let vector = layout.vector(pages.reader.page(row >> 5), row & 31)
    ElementwiseALS.add(vector, -weight, to: &elementwise!.itemGram, factors.factors)
    elementwise!.itemWeight -= weight
    elementwise!.forgetAudience(of: row)
  }

  mutating func forgetElementwise(user row: Int) {
    guard elementwise != nil, let factors = plan.factors else { return }
    let vector = people.reader.row(row).assumingMemoryBound(to: Float.self)
    ElementwiseALS.add(vector, -1, to: &elementwise!.userGram, factors.factors)
  }
}

// MARK: Stream

extension ElementwiseALS {
  private var scalars: [UInt8] {
    var writer = ByteWriter()
    writer.write(itemWeight)
    writer.write(itemGram) { $0.write($1) }
    writer.write(userGram) { $0.write($1) }
    return writer.bytes
  }

  var digest: Digest {
    var digest = Digest(of: scalars)
    digest.append(audiences.digest)
    digest.append(slabs.digest)
    return digest
  }

  var bytes: Int { audiences.bytes + slabs.bytes }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: ElementwiseALS?) throws {
    try sink.write(name: name, Blob(bytes: scalars))
    try audiences.write(to: &sink, name: name + ".audiences", since: parent?.audiences)
    try slabs.write(to: &sink, name: name + ".users", since: parent?.slabs)
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String, users: Int) throws {
    var reader = ByteReader(try source.read(name: name, Blob.self).bytes)
    itemWeight = try reader.read()
    let grams = try (0..<2).map { _ in
      try reader.readArray(limit: 1 << 17) { reader throws(ByteCodecError) in try reader.read(Double.self) }
    }
    guard grams.allSatisfy({ $0.count == itemGram.count && $0.allSatisfy(\.isFinite) }), itemWeight.isFinite,
      reader.isAtEnd
    else { throw PageStreamError.malformed(section: name, what: "matrices of another plan") }
    (itemGram, userGram) = (grams[0], grams[1])
    try audiences.apply(from: &source, name: name + ".audiences")
    try slabs.apply(from: &source, name: name + ".users")
    for row in 0..<audiences.capacity {
      let audience = audiences.reader.row(row).load(as: Audience.self)
      guard audience.slab != 0 || audience.capacity != 0 || audience.total != 0 else { continue }
      guard slabs.holds(audience.slab, Int(audience.capacity)) else {
        throw PageStreamError.malformed(section: name, what: "the users of item row \(row)")
      }
      let handles = slabs.slab(audience.slab).assumingMemoryBound(to: UInt32.self)
      for place in 0..<min(Int(audience.capacity), Int(audience.total))
      where Int(handles[place] & 0xFF_FFFF) >= users {
        throw PageStreamError.malformed(section: name, what: "a user of item row \(row)")
      }
    }
  }
}
