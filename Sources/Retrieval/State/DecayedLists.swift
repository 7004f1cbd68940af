// For each row a bounded list of items with two decayed weights: the neighbours of an item (what comes after it,
// what comes before it), the items of a segment (at two half-lives).
//
//   slab of capacity c   ┌ head ┬ ids c × u32 ┬ weights 0 c × f32 ┬ weights 1 c × f32 ┐     c = 8, 16, … limit
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

/// Begins a list's slab.
struct ListHead {
  /// Number of the event to which the weights' scale is fixed.
  var reference: UInt32
  var count: UInt16
  /// Where the next eviction looks.
  var hand: UInt16
  /// All weight that was ever added, on each side, in the list's scale.
  var total0: Float
  var total1: Float

  static let bytes = MemoryLayout<ListHead>.size
}

struct DecayedLists: Sendable {
  private static let window = 8
  /// Exponent of 2 after which a list is scaled back.
  private static let longest = Float(16)

  /// For each row its slab; 0: the list is empty.
  var references = RowStore(rowBytes: 4, rowsPerPage: 256)
  var slabs: SlabStore
  let limit: Int
  let inverseHalfLives: (Float, Float)

  init(limit: Int, halfLives: [Double]) {
    self.limit = max(Self.window, limit & ~(Self.window - 1))
    slabs = SlabStore(headBytes: ListHead.bytes, entryBytes: 12, smallest: 8, atLeast: self.limit)
    inverseHalfLives = (Float(1 / halfLives[0]), Float(1 / halfLives[1]))
  }

  mutating func ensure(_ count: Int) { references.ensure(count) }

  mutating func clear(_ row: Int) {
    guard row < references.capacity else { return }
    let reference = references.reader.row(row).load(as: UInt32.self)
    guard reference != 0 else { return }
    slabs.release(reference)
    references.writer().row(row).storeBytes(of: 0, as: UInt32.self)
  }

  struct Writer {
    let references: RowWriter
    let slabs: SlabWriter
    let kernels: UnsafePointer<cowbird_retrieval_kernels>
    /// The scales of the list written last: most lists have the same reference.
    var reference = UInt64.max
    var scales = (Float(1), Float(1))

    @inline(__always)
    func reference(_ row: Int) -> UInt32 { references.peek(row).load(as: UInt32.self) }
  }

  /// A list's slab, by parts.
  private struct List {
    let head: UnsafeMutablePointer<ListHead>
    let capacity: Int

    init(_ slab: UnsafeMutableRawPointer, _ capacity: Int) {
      head = slab.assumingMemoryBound(to: ListHead.self)
      self.capacity = capacity
    }

    @inline(__always) var ids: UnsafeMutablePointer<UInt32> {
      (UnsafeMutableRawPointer(head) + ListHead.bytes).assumingMemoryBound(to: UInt32.self)
    }
    /// Weights of side 0; those of side 1 stand `capacity` behind.
    @inline(__always) var weights: UnsafeMutablePointer<Float> {
      (UnsafeMutableRawPointer(head) + ListHead.bytes + capacity &* 4).assumingMemoryBound(to: Float.self)
    }
  }

  /// Adds `weights`, as of `event`, to the item's entry in the list of `row`.
  mutating func add(
    _ row: Int, _ id: UInt32, _ weights: (Float, Float), at event: UInt64, _ writer: inout Writer
  ) {
    var list = list(row, writer)
    let age = Float(UInt32(truncatingIfNeeded: event) &- list.head.pointee.reference)
    var exponents = (age * inverseHalfLives.0, age * inverseHalfLives.1)
    if max(exponents.0, exponents.1) > Self.longest {
      Self.rescale(list, exponents, writer.kernels)
      list.head.pointee.reference = UInt32(truncatingIfNeeded: event)
      exponents = (0, 0)
    }
    if writer.reference != UInt64(list.head.pointee.reference) {
      writer.reference = UInt64(list.head.pointee.reference)
      writer.scales.0 = writer.kernels.pointee.exp2(exponents.0)
      writer.scales.1 =
        inverseHalfLives.0 == inverseHalfLives.1
        ? writer.scales.0 : writer.kernels.pointee.exp2(exponents.1)
    }
    let (scale0, scale1) = writer.scales
    let place = place(of: id, row, &list, (scale0, scale1), writer)
    list.weights[place] += weights.0 * scale0
    list.weights[list.capacity + place] += weights.1 * scale1
    list.head.pointee.total0 += weights.0 * scale0
    list.head.pointee.total1 += weights.1 * scale1
  }

  /// The row's list for writing, begun if there is none.
  @inline(__always)
  private mutating func list(_ row: Int, _ writer: Writer) -> List {
    var reference = writer.reference(row)
    if reference == 0 {
      reference = slabs.allocate(slabs.smallest)
      writer.references.row(row).storeBytes(of: reference, as: UInt32.self)
    }
    return List(writer.slabs.slab(reference), slabs.capacity(reference))
  }

  /// Asks for the list of `row`, whose reference has come by now: its ids, or all that has to be copied.
  @inline(__always)
  func prefetch(_ row: Int, _ writer: Writer) {
    let reference = writer.reference(row)
    guard reference != 0 else { return }
    writer.slabs.prefetch(reference, ListHead.bytes + slabs.capacity(reference) * 4)
  }

  /// Asks for the weights that `add` will change for this item.
  func prefetch(_ row: Int, _ id: UInt32, _ writer: Writer) {
    let reference = writer.reference(row)
    guard reference != 0 else { return }
    let slab = writer.slabs.peek(reference)
    let head = slab.load(as: ListHead.self)
    let count = Int(head.count)
    let ids = (slab + ListHead.bytes).assumingMemoryBound(to: UInt32.self)
    var place = writer.kernels.pointee.find(ids, count, id)
    if place == count && count == limit { place = Int(head.hand) }
    let capacity = slabs.capacity(reference)
    cowbird_prefetch(ids + capacity + place)
    cowbird_prefetch(ids + 2 * capacity + place)
  }

  /// The place of the item's entry, made if there is none.
  @inline(__always)
  private mutating func place(
    of id: UInt32, _ row: Int, _ list: inout List, _ scales: (Float, Float), _ writer: Writer
  ) -> Int {
    let count = Int(list.head.pointee.count)
    let known = writer.kernels.pointee.find(list.ids, count, id)
    if known < count { return known }
    var place = count
    if count < limit {
      if count == list.capacity { list = grow(row, list, writer) }
      list.head.pointee.count += 1
    } else {
      place = Self.lightest(list, scales)
      list.head.pointee.hand = UInt16((Int(list.head.pointee.hand) + Self.window) % limit)
    }
    list.ids[place] = id
    list.weights[place] = 0
    list.weights[list.capacity + place] = 0
    return place
  }

  /// Of the entries that the hand is at, the one that weighs least.
  private static func lightest(_ list: List, _ scales: (Float, Float)) -> Int {
    let inverses = (1 / scales.0, 1 / scales.1)
    let hand = Int(list.head.pointee.hand)
    var (lightest, least) = (hand, Float.infinity)
    for place in hand..<hand + window {
      let weight = list.weights[place] * inverses.0 + list.weights[list.capacity + place] * inverses.1
      if weight < least { (lightest, least) = (place, weight) }
    }
    return lightest
  }

  private mutating func grow(_ row: Int, _ list: List, _ writer: Writer) -> List {
    let former = writer.reference(row)
    let reference = slabs.allocate(list.capacity * 2)
    let larger = List(writer.slabs.slab(reference), list.capacity * 2)
    larger.head.pointee = list.head.pointee
    larger.ids.update(from: list.ids, count: list.capacity)
    larger.weights.update(from: list.weights, count: list.capacity)
    (larger.weights + larger.capacity).update(from: list.weights + list.capacity, count: list.capacity)
    slabs.release(former)
    writer.references.row(row).storeBytes(of: reference, as: UInt32.self)
    return larger
  }

  private static func rescale(
    _ list: List, _ exponents: (Float, Float), _ kernels: UnsafePointer<cowbird_retrieval_kernels>
  ) {
    let factors = (kernels.pointee.exp2(-exponents.0), kernels.pointee.exp2(-exponents.1))
    list.head.pointee.total0 *= factors.0
    list.head.pointee.total1 *= factors.1
    for place in 0..<Int(list.head.pointee.count) {
      list.weights[place] *= factors.0
      list.weights[list.capacity + place] *= factors.1
    }
  }

  /// Writes as of one event. Valid until the lists are copied or the scratch serves others; growing them keeps it
  /// valid.
  mutating func writer(_ scratch: RetrievalScratch) -> Writer {
    Writer(
      references: references.writer(), slabs: slabs.writer(scratch.slabWriters), kernels: scratch.kernels)
  }

  /// Valid as long as the lists are held and not written, and the scratch serves no others.
  func reader(_ scratch: RetrievalScratch) -> Reader {
    Reader(references: references.reader, slabs: slabs.reader(scratch.slabReaders), smallest: slabs.smallest)
  }

  struct Reader {
    let references: RowReader
    let slabs: SlabReader
    let smallest: Int

    /// Asks for the first lines of the list's head, ids and weights, whose reference has come by now.
    @inline(__always)
    func prefetch(_ row: Int) {
      let reference = references.row(row).load(as: UInt32.self)
      guard reference != 0 else { return }
      let slab = slabs.slab(reference)
      let ids = SlabStore.capacity(reference, smallest) &* 4
      cowbird_prefetch(slab)
      cowbird_prefetch(slab + 64)
      cowbird_prefetch(slab + ListHead.bytes + ids)
      cowbird_prefetch(slab + ListHead.bytes + 2 &* ids)
    }

    /// Adds the list's shares, times `weight`, to the scratch's sums of a retriever.
    @inline(__always)
    func merge(
      _ row: Int, weight: Float, into retriever: Int, _ scratch: RetrievalScratch, checked: Bool
    ) {
      let reference = references.row(row).load(as: UInt32.self)
      guard reference != 0 else { return }
      let slab = slabs.slab(reference)
      let head = slab.load(as: ListHead.self)
      let capacity = SlabStore.capacity(reference, smallest)
      let ids = (slab + ListHead.bytes).assumingMemoryBound(to: UInt32.self)
      let weights = (slab + ListHead.bytes + capacity &* 4).assumingMemoryBound(to: Float.self)
      scratch.touchedCount = cowbird_merge_list(
        ids, weights, weights + capacity, Int(head.count), weight / (head.total0 + 1e-9),
        weight / (head.total1 + 1e-9), scratch.sums[retriever].base,
        scratch.mask.base, scratch.touched.base, scratch.touchedCount,
        checked ? UnsafePointer(scratch.generationPages.base) : nil)
    }
  }

  /// The item's weights in the list of `row`, as shares of all on each side.
  func shares(
    of id: UInt32, in row: Int, _ kernels: UnsafePointer<cowbird_retrieval_kernels>
  ) -> (Float, Float)? {
    let reference = references.reader.row(row).load(as: UInt32.self)
    guard reference != 0 else { return nil }
    let slab = slabs.slab(reference)
    let head = slab.load(as: ListHead.self)
    let ids = (slab + ListHead.bytes).assumingMemoryBound(to: UInt32.self)
    let place = kernels.pointee.find(ids, Int(head.count), id)
    guard place < Int(head.count) else { return nil }
    let capacity = slabs.capacity(reference)
    let weights = (slab + ListHead.bytes + capacity * 4).assumingMemoryBound(to: Float.self)
    return (weights[place] / (head.total0 + 1e-9), weights[capacity + place] / (head.total1 + 1e-9))
  }

  var digest: Digest {
    var digest = references.digest
    digest.append(slabs.digest)
    return digest
  }

  var bytes: Int { references.bytes + slabs.bytes }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: DecayedLists?) throws {
    try references.write(to: &sink, name: name + ".rows", since: parent?.references)
    try slabs.write(to: &sink, name: name + ".slabs", since: parent?.slabs)
  }

  /// - Parameter rows: how many rows there are, for the check.
  mutating func apply<Source: PageSource>(from source: inout Source, name: String, rows: Int) throws {
    try references.apply(from: &source, name: name + ".rows")
    try slabs.apply(from: &source, name: name + ".slabs")
    for row in 0..<references.capacity {
      let reference = references.reader.row(row).load(as: UInt32.self)
      guard reference != 0 else { continue }
      guard slabs.holds(reference, slabs.capacity(reference)) else {
        throw PageStreamError.malformed(section: name, what: "the list of row \(row)")
      }
      let slab = slabs.slab(reference)
      let head = slab.load(as: ListHead.self)
      guard Int(head.count) <= min(limit, slabs.capacity(reference)), Int(head.hand) + Self.window <= limit
      else { throw PageStreamError.malformed(section: name, what: "the list of row \(row)") }
      let ids = (slab + ListHead.bytes).assumingMemoryBound(to: UInt32.self)
      for place in 0..<Int(head.count) where Int(ids[place] & 0xFF_FFFF) >= rows {
        throw PageStreamError.malformed(section: name, what: "an item in the list of row \(row)")
      }
    }
  }
}
