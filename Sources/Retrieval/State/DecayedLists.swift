// For each row a bounded list of items with two decayed weights: the neighbours of an item (what comes after it,
// what comes before it), the items of a segment (at two half-lives).
//
//   slab of capacity c   ┌ ids c × u32 ┬ weights 0 c × f32 ┬ weights 1 c × f32 ┐     c = 8, 16, … limit
//
// Weights decay by forward scaling: an increment at event t is multiplied by 2^((t - reference) / half-life), so
// that nothing old is touched; when the exponent passes 16 the list is scaled back. Sides share the reference.
// Readers divide by the total, in which the scale cancels.
//
// A full list gives a place to a newcomer by dropping the lightest of the next 8 entries; the total keeps what
// was dropped, so that shares stay shares of everything.

internal import CKernels
internal import Glibc
internal import Primitives
internal import Tables

struct DecayedLists: Sendable {
  private static let window = 8
  /// Exponent of 2 after which a list is scaled back.
  private static let longest = Float(16)

  var heads = RowStore(rowBytes: MemoryLayout<ListHead>.size, rowsPerPage: 128)
  var slabs: SlabStore
  let limit: Int
  let inverseHalfLives: (Float, Float)

  init(limit: Int, halfLives: [Double]) {
    self.limit = max(Self.window, limit & ~(Self.window - 1))
    slabs = SlabStore(entryBytes: 12, smallest: 8, atLeast: self.limit)
    inverseHalfLives = (Float(1 / halfLives[0]), Float(1 / halfLives[1]))
  }

  mutating func ensure(_ count: Int) { heads.ensure(count) }

  mutating func clear(_ row: Int) {
    guard row < heads.capacity else { return }
    let head = heads.reader.row(row).load(as: ListHead.self)
    if head.capacity > 0 { slabs.release(head.slab, Int(head.capacity)) }
    memset(heads.writer().row(row), 0, heads.rowBytes)
  }

  struct Writer {
    let heads: RowWriter
    let slabs: SlabWriter
    let kernels: UnsafePointer<cowbird_retrieval_kernels>
    /// The scales of the list written last: most lists have the same reference.
    var reference = UInt64.max
    var scales = (Float(1), Float(1))
  }

  /// Adds `weights`, as of `event`, to the item's entry in the list of `row`.
  mutating func add(
    _ row: Int, _ id: UInt32, _ weights: (Float, Float), at event: UInt64, _ writer: inout Writer
  ) {
    let head = writer.heads.row(row).assumingMemoryBound(to: ListHead.self)
    let age = Float(UInt32(truncatingIfNeeded: event) &- head.pointee.reference)
    var exponents = (age * inverseHalfLives.0, age * inverseHalfLives.1)
    if max(exponents.0, exponents.1) > Self.longest {
      rescale(head, exponents, writer)
      head.pointee.reference = UInt32(truncatingIfNeeded: event)
      exponents = (0, 0)
    }
    if writer.reference != UInt64(head.pointee.reference) {
      writer.reference = UInt64(head.pointee.reference)
      writer.scales.0 = writer.kernels.pointee.exp2(exponents.0)
      writer.scales.1 =
        inverseHalfLives.0 == inverseHalfLives.1
        ? writer.scales.0 : writer.kernels.pointee.exp2(exponents.1)
    }
    let (scale0, scale1) = writer.scales
    let place = place(of: id, head, (scale0, scale1), writer)
    let capacity = Int(head.pointee.capacity)
    let slab = writer.slabs.slab(head.pointee.slab)
    let first = (slab + capacity * 4).assumingMemoryBound(to: Float.self)
    first[place] += weights.0 * scale0
    first[capacity + place] += weights.1 * scale1
    head.pointee.total0 += weights.0 * scale0
    head.pointee.total1 += weights.1 * scale1
  }

  /// Asks for the weights that `add` will change for this item.
  func prefetch(_ row: Int, _ id: UInt32, _ writer: Writer) {
    let head = writer.heads.peek(row).assumingMemoryBound(to: ListHead.self)
    let count = Int(head.pointee.count)
    guard count > 0 else { return }
    let slab = writer.slabs.peek(head.pointee.slab)
    var place = writer.kernels.pointee.find(slab.assumingMemoryBound(to: UInt32.self), count, id)
    if place == count && count == limit { place = Int(head.pointee.hand) }
    let capacity = Int(head.pointee.capacity)
    cowbird_prefetch(slab + (capacity + place) * 4)
    cowbird_prefetch(slab + (2 * capacity + place) * 4)
  }

  /// The place of the item's entry, made if there is none.
  @inline(__always)
  private mutating func place(
    of id: UInt32, _ head: UnsafeMutablePointer<ListHead>, _ scales: (Float, Float), _ writer: Writer
  ) -> Int {
    let count = Int(head.pointee.count)
    if count > 0 {
      let ids = writer.slabs.peek(head.pointee.slab).assumingMemoryBound(to: UInt32.self)
      let place = writer.kernels.pointee.find(ids, count, id)
      if place < count { return place }
    }
    if count < limit {
      if count == Int(head.pointee.capacity) { grow(head) }
      head.pointee.count += 1
      write(id, at: count, head, writer)
      return count
    }
    let capacity = Int(head.pointee.capacity)
    let weights = (writer.slabs.peek(head.pointee.slab) + capacity * 4).assumingMemoryBound(to: Float.self)
    let inverses = (1 / scales.0, 1 / scales.1)
    let hand = Int(head.pointee.hand)
    var (lightest, least) = (hand, Float.infinity)
    for place in hand..<hand + Self.window {
      let weight = weights[place] * inverses.0 + weights[capacity + place] * inverses.1
      if weight < least { (lightest, least) = (place, weight) }
    }
    head.pointee.hand = UInt32((hand + Self.window) % limit)
    write(id, at: lightest, head, writer)
    return lightest
  }

  /// Begins an entry without weight.
  private func write(
    _ id: UInt32, at place: Int, _ head: UnsafeMutablePointer<ListHead>, _ writer: Writer
  ) {
    let capacity = Int(head.pointee.capacity)
    let slab = writer.slabs.slab(head.pointee.slab)
    (slab + place * 4).storeBytes(of: id, as: UInt32.self)
    (slab + (capacity + place) * 4).storeBytes(of: 0, as: Float.self)
    (slab + (2 * capacity + place) * 4).storeBytes(of: 0, as: Float.self)
  }

  private mutating func grow(_ head: UnsafeMutablePointer<ListHead>) {
    let old = Int(head.pointee.capacity)
    let capacity = max(slabs.smallest, old * 2)
    let slab = slabs.allocate(capacity)
    if old > 0 {
      let writer = slabs.writer()
      let target = writer.slab(slab)
      let source = writer.peek(head.pointee.slab)
      for part in 0..<3 {
        (target + part * capacity * 4).copyMemory(from: source + part * old * 4, byteCount: old * 4)
      }
      slabs.release(head.pointee.slab, old)
    }
    head.pointee.slab = slab
    head.pointee.capacity = UInt32(capacity)
  }

  private func rescale(
    _ head: UnsafeMutablePointer<ListHead>, _ exponents: (Float, Float), _ writer: Writer
  ) {
    let kernels = writer.kernels
    let factors = (kernels.pointee.exp2(-exponents.0), kernels.pointee.exp2(-exponents.1))
    head.pointee.total0 *= factors.0
    head.pointee.total1 *= factors.1
    guard head.pointee.count > 0 else { return }
    let capacity = Int(head.pointee.capacity)
    let slab = writer.slabs.slab(head.pointee.slab)
    let weights = (slab + capacity * 4).assumingMemoryBound(to: Float.self)
    for place in 0..<Int(head.pointee.count) {
      weights[place] *= factors.0
      weights[capacity + place] *= factors.1
    }
  }

  /// Writes as of one event. Valid until the lists are copied; growing them keeps it valid.
  mutating func writer(_ kernels: UnsafePointer<cowbird_retrieval_kernels>) -> Writer {
    Writer(heads: heads.writer(), slabs: slabs.writer(), kernels: kernels)
  }

  /// Adds the list's shares, times `weight`, to the scratch's sums of a retriever.
  func merge(
    _ row: Int, weight: Float, into retriever: Int, _ scratch: RetrievalScratch, checked: Bool
  ) {
    let head = heads.reader.row(row).load(as: ListHead.self)
    guard head.count > 0 else { return }
    let capacity = Int(head.capacity)
    let slab = slabs.reader.slab(head.slab)
    let weights = (slab + capacity * 4).assumingMemoryBound(to: Float.self)
    scratch.touchedCount = cowbird_merge_list(
      slab.assumingMemoryBound(to: UInt32.self), weights, weights + capacity, Int(head.count),
      weight / (head.total0 + 1e-9), weight / (head.total1 + 1e-9), scratch.sums[retriever].base,
      scratch.mask.base, scratch.touched.base, scratch.touchedCount,
      checked ? UnsafePointer(scratch.generationPages.base) : nil)
  }

  var digest: Digest {
    var digest = heads.digest
    digest.append(slabs.digest)
    return digest
  }

  var bytes: Int { heads.bytes + slabs.bytes }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: DecayedLists?) throws {
    try heads.write(to: &sink, name: name + ".heads", since: parent?.heads)
    try slabs.write(to: &sink, name: name + ".slabs", since: parent?.slabs)
  }

  /// - Parameter rows: how many rows there are, for the check.
  mutating func apply<Source: PageSource>(from source: inout Source, name: String, rows: Int) throws {
    try heads.apply(from: &source, name: name + ".heads")
    try slabs.apply(from: &source, name: name + ".slabs")
    let reader = heads.reader
    for row in 0..<heads.capacity {
      let head = reader.row(row).load(as: ListHead.self)
      let isEmpty = head.count == 0 && head.capacity == 0
      guard
        isEmpty
          || (head.count <= head.capacity && slabs.holds(head.slab, Int(head.capacity))
            && Int(head.hand) + Self.window <= limit)
      else { throw PageStreamError.malformed(section: name, what: "the list of row \(row)") }
      guard !isEmpty else { continue }
      let ids = slabs.reader.slab(head.slab).assumingMemoryBound(to: UInt32.self)
      for place in 0..<Int(head.count) where Int(ids[place] & 0xFF_FFFF) >= rows {
        throw PageStreamError.malformed(section: name, what: "an item in the list of row \(row)")
      }
    }
  }
}
