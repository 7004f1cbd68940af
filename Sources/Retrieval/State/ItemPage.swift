// What the scan reads of 32 items: one page, so that a request streams through memory.
//
//   ┌ vectors 32 × width ┬ bias ┬ last ┬ counts × half-lives ┬ learning 32 × 16 bytes ┬ tail ┐
//
// Columns have 32 entries of 4 bytes. `last` is the number of the event that touched the item last, `counts` are
// log2 of its decayed counts just after that. Learning's rows stand together for each item, because learning goes
// by item.
//
// The tail holds bounds of all that the page's items can score, so that a request may pass over the page:
// largest |vector|², largest and smallest bias, and for each half-life the largest count, brought to event 0. The
// first three are widened by each write and made exact again by every 64th that learns, the counts never shrink.

internal import CKernels

struct ItemLayout: Equatable, Sendable {
  static let items = 32

  let width: Int
  let halfLives: Int
  // Where columns begin, in bytes.
  let biasAt: Int
  let lastAt: Int
  let countsAt: Int
  let learningAt: Int
  let tailAt: Int

  init(width: Int, halfLives: Int) {
    (self.width, self.halfLives) = (width, halfLives)
    biasAt = width * 128
    lastAt = biasAt + 128
    countsAt = lastAt + 128
    learningAt = countsAt + halfLives * 128
    tailAt = learningAt + 512
  }

  var bytes: Int { (tailAt + MemoryLayout<ItemPageTail>.size + halfLives * 8 + 63) & ~63 }

  @inline(__always)
  func tail(_ page: UnsafeRawPointer) -> UnsafePointer<ItemPageTail> {
    (page + tailAt).assumingMemoryBound(to: ItemPageTail.self)
  }

  @inline(__always)
  func tail(_ page: UnsafeMutableRawPointer) -> UnsafeMutablePointer<ItemPageTail> {
    (page + tailAt).assumingMemoryBound(to: ItemPageTail.self)
  }

  /// Largest counts of the page, brought to event 0.
  func largestCounts(_ page: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Double> {
    (page + tailAt + MemoryLayout<ItemPageTail>.size).assumingMemoryBound(to: Double.self)
  }

  func largestCounts(_ page: UnsafeRawPointer) -> UnsafePointer<Double> {
    (page + tailAt + MemoryLayout<ItemPageTail>.size).assumingMemoryBound(to: Double.self)
  }

  @inline(__always)
  func vector(_ page: UnsafeRawPointer, _ place: Int) -> UnsafePointer<Float> {
    (page + place &* width &* 4).assumingMemoryBound(to: Float.self)
  }

  @inline(__always)
  func vector(_ page: UnsafeMutableRawPointer, _ place: Int) -> UnsafeMutablePointer<Float> {
    (page + place &* width &* 4).assumingMemoryBound(to: Float.self)
  }

  @inline(__always)
  func float(_ page: UnsafeMutableRawPointer, _ column: Int, _ place: Int) -> UnsafeMutablePointer<Float> {
    (page + column + place &* 4).assumingMemoryBound(to: Float.self)
  }

  @inline(__always)
  func word(_ page: UnsafeMutableRawPointer, _ column: Int, _ place: Int) -> UnsafeMutablePointer<UInt32> {
    (page + column + place &* 4).assumingMemoryBound(to: UInt32.self)
  }

  @inline(__always)
  func float(_ page: UnsafeRawPointer, _ column: Int, _ place: Int) -> Float {
    (page + column + place &* 4).load(as: Float.self)
  }

  @inline(__always)
  func word(_ page: UnsafeRawPointer, _ column: Int, _ place: Int) -> UInt32 {
    (page + column + place &* 4).load(as: UInt32.self)
  }

  /// Asks for what learning reads of an item beside its vector's neighbours: vector, bias, sums and the page's tail.
  @inline(__always)
  func prefetch(_ page: UnsafeRawPointer, _ place: Int) {
    let vector = page + place &* width &* 4
    var line = 0
    repeat {
      cowbird_prefetch(vector + line)
      line &+= 64
    } while line < width &* 4
    cowbird_prefetch(page + biasAt + place &* 4)
    cowbird_prefetch(page + learningAt + place &* 16)
    cowbird_prefetch(page + tailAt)
  }

  /// Asks for what the blend's features read of an item, beside what `prefetch` asks for.
  @inline(__always)
  func prefetchColumns(_ page: UnsafeRawPointer, _ place: Int) {
    cowbird_prefetch(page + lastAt + place &* 4)
    for index in 0..<halfLives { cowbird_prefetch(page + countsAt + 128 &* index + place &* 4) }
  }

  /// What stands behind a user's vector.
  @inline(__always)
  func userTail(_ row: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UserTail> {
    (row + width &* 4).assumingMemoryBound(to: UserTail.self)
  }

  @inline(__always)
  func userTail(_ row: UnsafeRawPointer) -> UserTail {
    row.load(fromByteOffset: width &* 4, as: UserTail.self)
  }

  @inline(__always)
  func learning(_ page: UnsafeMutableRawPointer, _ place: Int) -> UnsafeMutablePointer<ItemLearning> {
    (page + learningAt + place &* 16).assumingMemoryBound(to: ItemLearning.self)
  }

  @inline(__always)
  func learning(_ page: UnsafeRawPointer, _ place: Int) -> UnsafePointer<ItemLearning> {
    (page + learningAt + place &* 16).assumingMemoryBound(to: ItemLearning.self)
  }

  /// Widens the page's bounds by what an item's vector and bias are now, or makes them exact.
  @inline(__always)
  func widen(
    _ page: UnsafeMutableRawPointer, squaredNorm: Float, bias: Float,
    _ kernels: UnsafePointer<cowbird_retrieval_kernels>? = nil
  ) {
    let tail = tail(page)
    tail.pointee.writes &+= 1
    if tail.pointee.writes & 63 == 0, let kernels { return tighten(page, kernels) }
    tail.pointee.squaredNorm = max(tail.pointee.squaredNorm, squaredNorm)
    tail.pointee.largestBias = max(tail.pointee.largestBias, bias)
    tail.pointee.smallestBias = min(tail.pointee.smallestBias, bias)
  }

  private func tighten(
    _ page: UnsafeMutableRawPointer, _ kernels: UnsafePointer<cowbird_retrieval_kernels>
  ) {
    let tail = tail(page)
    kernels.pointee.page_bounds(page, biasAt, width, tail.pointee.live, &tail.pointee.squaredNorm)
  }
}

/// What only learning needs of an item.
struct ItemLearning {
  /// AdaGrad's sums.
  var vectorSum: Float
  var biasSum: Float
  /// How often the item is in the ring of recent events.
  var inRing: UInt32
  /// Ever.
  var interactions: UInt32
}

/// Ends an item page.
struct ItemPageTail {
  /// Bit i: the item at place i is there.
  var live: UInt32
  /// The page's block of attribute values, and how many rows of values it has.
  var attributes: UInt32
  var slots: UInt32
  var writes: UInt32
  // In the order of the kernel `page_bounds`.
  var squaredNorm: Float
  var largestBias: Float
  var smallestBias: Float
  var padding: UInt32
}
