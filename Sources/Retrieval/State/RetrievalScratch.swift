// Buffers that learning and requests work in, kept between calls so that the hot path allocates nothing. Each
// thread has its own; nothing in it outlives a call, so it is no part of the state.

internal import CKernels

package final class RetrievalScratch {
  let kernels: UnsafePointer<cowbird_retrieval_kernels>

  // The user at hand.
  let historyRows = Buffer<Int32>()
  let historyAges = Buffer<Float>()
  @exclusivity(unchecked) var historyCount = 0
  let classes = Buffer<UInt32>()
  let user = Buffer<Float>()
  let gradient = Buffer<Float>()
  let profile = Buffer<Float>()
  let norms = Buffer<Float>()
  let coefficients = Buffer<Float>()
  let rows = Buffer<UnsafePointer<Float>?>()
  let writableRows = Buffer<UnsafeMutablePointer<Float>?>()
  /// Places of the history that are learned.
  let places = Buffer<UInt32>()
  let confidence = Buffer<Float>()
  let others = Buffer<UInt32>()
  let factorRows = Buffer<cowbird_factor_row>()

  // Items that the history or the segment leads to: two sums for each row and retriever.
  var sums: [Buffer<Float>] = []
  let mask = Buffer<UInt32>()
  let touched = Buffer<UInt32>()
  @exclusivity(unchecked) var touchedCount = 0
  /// Of these, the ones that neighbours lead to.
  @exclusivity(unchecked) var neighbourCount = 0
  let slabWriters = Buffer<RowWriter>()
  let slabReaders = Buffer<RowReader>()
  let blockReaders = Buffer<RowReader>()
  let generationPages = Buffer<UnsafePointer<UInt8>?>()
  let sparse = Buffer<Float>()
  let gathered = Buffer<Float>()

  // Attribute values of the history: difference from the base, by value number + 1.
  let affinity = Buffer<Float>()
  @exclusivity(unchecked) var affinityValues: [UInt32] = []
  @exclusivity(unchecked) var affinityBase = Float(0)

  // Candidates of a learning step.
  let candidates = Buffer<UInt32>()
  /// The item page of each.
  let candidatePages = Buffer<UnsafeRawPointer?>()
  /// Which of the user's last items a draw may be: see `UserRing.fill`.
  let seenFilter = Buffer<UInt64>()
  let odds = Buffer<Float>()
  let expected = Buffer<Float>()
  @exclusivity(unchecked) var candidateCount = 0
  let scores = Buffer<Float>()
  let features = Buffer<Float>()
  @exclusivity(unchecked) var keys: [UInt64] = []

  // A request.
  let excluded = Buffer<UInt32>()
  let excludedRows = Buffer<UInt32>()
  let weights = Buffer<Float>()
  let heap = Buffer<ScoredRow>()
  let chosen = Buffer<ChosenRow>()
  let answer = Buffer<RecommendedItem>()
  @exclusivity(unchecked) var answerCount = 0

  /// The items of the last answer, best first; valid until the next.
  package var answered: UnsafeBufferPointer<RecommendedItem> {
    UnsafeBufferPointer(start: answer.base, count: answerCount)
  }

  /// - Parameter level: of the kernels; nil: the one that all kernels are at.
  package init(level: Int? = nil) {
    kernels = cowbird_retrieval(level.map { Int32($0) } ?? cowbird_kernels_level())
  }

  /// Makes room for a state's rows; what is new is zero.
  func fit(rows limit: Int, values: Int, retrievers: Int) {
    while sums.count < retrievers { sums.append(Buffer()) }
    for index in sums.indices { sums[index].fit(limit * 2) }
    mask.fit((limit + 31) / 32)
    excluded.fit((limit + 31) / 32)
    touched.fit(limit + 1)
    sparse.fit(limit)
    affinity.fit(values + 1)
  }

  /// Forgets the items and values that the last user touched.
  func clearTouched() {
    let (mask, touched) = (mask.base, touched.base)
    for place in 0..<touchedCount { mask[Int(touched[place] >> 5)] = 0 }
    for buffer in sums {
      let sums = UnsafeMutableRawPointer(buffer.base)
      for place in 0..<touchedCount {
        sums.storeBytes(of: 0, toByteOffset: Int(touched[place]) &* 8, as: UInt64.self)
      }
    }
    (touchedCount, neighbourCount) = (0, 0)
  }

  func clearAffinity() {
    for value in affinityValues { affinity[Int(value)] = 0 }
    affinityValues.removeAll(keepingCapacity: true)
  }

  @inline(__always)
  func isTouched(_ row: Int) -> Bool { mask[row &>> 5] & (1 << UInt32(row & 31)) != 0 }
}

/// Memory that grows and stays where it is until then.
final class Buffer<Element: BitwiseCopyable> {
  @exclusivity(unchecked) private(set) var base = UnsafeMutablePointer<Element>.allocate(capacity: 1)
  @exclusivity(unchecked) private(set) var count = 0

  deinit { base.deallocate() }

  /// Room for `wanted` elements; those that are new have all bits zero.
  func fit(_ wanted: Int) {
    guard wanted > count else { return }
    let capacity = max(wanted, count * 3 / 2)
    let bytes = capacity * MemoryLayout<Element>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let larger = memory.bindMemory(to: Element.self, capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    count = capacity
  }

  @inline(__always)
  subscript(index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }
}

/// An item and its score; the order of results: higher scores first, then lower rows.
struct ScoredRow: Equatable {
  var score: Float
  var row: UInt32

  @inline(__always)
  func precedes(_ other: ScoredRow) -> Bool {
    score > other.score || (score == other.score && row < other.row)
  }
}
