// Draws the items that an event's item is told from: three quarters from the ring of recent events, a quarter
// uniformly from the catalogue. The odds of a draw are known, so that a sampled softmax can correct for them.
//
// Events of one block draw their quarter from the same windows of neighbouring rows, which begin anywhere in the
// catalogue and elsewhere for each block: every item is as likely as every other, but what is read and written stays
// together, so that a revision copies few pages.
//
//   q(i) = 0.25 / |catalogue| + 0.75 · (how often i is in the ring) / |ring|
//
// Source: Bengio and Senécal, IEEE Trans. Neural Networks 19(4), 2008 (log-odds correction of sampled softmax).

internal import CKernels
internal import Configuration
internal import Primitives
internal import Tables

struct Sampler: Sendable {
  static let uniformShare = Float(0.25)

  /// Events of a block (2 to this power), its windows, and the rows of each.
  private static let blockShift = UInt64(7)
  private static let windows = UInt64(32)
  private static let windowRows = 16

  let recent: Int
  private var ring = RowStore(rowBytes: 4, rowsPerPage: 512)
  private(set) var count = 0
  private var next = 0

  init(recent: Int) { self.recent = max(1, recent) }

  /// Random bits of a draw, by the state's event.
  @inline(__always)
  static func bits(event: UInt64, draw: Int, salt: UInt64) -> UInt64 {
    let counter = (event &* 977 &+ UInt64(draw)) &* 31 &+ salt
    return CounterRandom.mix(counter &+ 0x9E37_79B9_7F4A_7C15)
  }

  /// A row below `catalogue` for a draw with these bits.
  @inline(__always)
  static func uniform(_ bits: UInt64, event: UInt64, of catalogue: Int, seed: UInt64) -> Int {
    let window = (event &>> blockShift) &* windows &+ (bits &>> 8) & (windows &- 1)
    let start = CounterRandom.mix(window &* 0xD134_2543_DE82_EF95 &+ seed) &>> 32
    let row =
      Int((start &* UInt64(catalogue)) &>> 32)
      &+ Int(((bits &>> 32) &* UInt64(min(catalogue, windowRows))) &>> 32)
    return row < catalogue ? row : row &- catalogue
  }

  mutating func writer() -> RowWriter { ring.writer() }

  /// Puts an item's handle into the ring; returns the one that it takes the place of.
  mutating func push(_ handle: UInt32) -> UInt32? {
    var former: UInt32?
    if count < recent {
      ring.ensure(count + 1)
      count += 1
    } else {
      former = ring.reader.row(next).load(as: UInt32.self)
    }
    ring.writer().row(next).storeBytes(of: handle, as: UInt32.self)
    next = next + 1 == recent ? 0 : next + 1
    return former
  }

  var digest: Digest {
    var digest = ring.digest
    digest.append([UInt64(count), UInt64(next)].withUnsafeBytes { Digest(of: $0) })
    return digest
  }

  var bytes: Int { ring.bytes }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: Sampler?) throws {
    try sink.write(name: name, Words(words: [UInt64(count), UInt64(next)]))
    try ring.write(to: &sink, name: name + ".ring", since: parent?.ring)
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String, rows: Int) throws {
    let words = try source.read(name: name, Words.self).words
    try ring.apply(from: &source, name: name + ".ring")
    guard words.count == 2, words[0] <= UInt64(min(recent, ring.capacity)), words[1] < UInt64(recent),
      words[1] <= words[0]
    else { throw PageStreamError.malformed(section: name, what: "counts that no ring has") }
    (count, next) = (Int(words[0]), Int(words[1]))
    let reader = ring.reader
    for place in 0..<count where Int(reader.row(place).load(as: UInt32.self) & 0xFF_FFFF) >= rows {
      throw PageStreamError.malformed(section: name, what: "an item at place \(place)")
    }
  }
}

extension RetrievalState {
  /// Fills the scratch with the target and the draws, and their odds. Draws among what the user has seen lately
  /// are dropped unless repeats are allowed; duplicates stay.
  mutating func sample(target: Int, user: UserRing, catalogue: Int, _ scratch: RetrievalScratch) {
    let most = 1 + plan.negatives + plan.blend.negatives
    scratch.candidates.fit(most)
    scratch.candidatePages.fit(most)
    let candidates = scratch.candidates.base
    let candidatePages = scratch.candidatePages.base
    let pages = pages.writer()
    let layout = layout
    var count = 0
    @inline(__always)
    func add(_ row: Int) {
      let page = pages.peekPage(row &>> 5)
      layout.prefetch(page, row & 31)
      candidates[count] = UInt32(truncatingIfNeeded: row)
      candidatePages[count] = page
      count &+= 1
    }
    add(target)
    defer {
      scratch.candidateCount = count
      fillOdds(from: 0, catalogue: catalogue, scratch)
    }
    scratch.seenFilter.fit(64)
    let filter = scratch.seenFilter.base
    filter.update(repeating: 0, count: 64)
    if !plan.repeats { user.fill(filter) }
    guard catalogue > 0, sampler.count > 0 else { return }
    // By the writer's flat table: one load of the directory for three.
    let ring = sampler.writer()
    let owners = items.reader
    let ringCount = UInt64(sampler.count)
    let seed = plan.factors?.seed ?? 1
    for draw in 0..<plan.negatives {
      let bits = Sampler.bits(event: events, draw: draw, salt: seed)
      let row: Int
      if bits & 3 != 0 {
        let place = Int(((bits >> 32) &* ringCount) >> 32)
        guard let known = owners.row(of: ring.peek(place).load(as: UInt32.self)) else { continue }
        row = known
      } else {
        row = Sampler.uniform(bits, event: events, of: catalogue, seed: seed)
        guard !owners.isReused || owners.isLive(row) else { continue }
      }
      if !plan.repeats && user.contains(owners.handle(of: row), filter: filter, scratch.kernels) { continue }
      add(row)
    }
  }

  /// Finds the pages of the scratch's candidates, for a request.
  func locateCandidates(_ scratch: RetrievalScratch) {
    let pages = pages.reader
    scratch.candidatePages.fit(scratch.candidateCount)
    for place in 0..<scratch.candidateCount {
      scratch.candidatePages[place] = pages.page(Int(scratch.candidates[place] >> 5))
    }
  }

  /// How often one draw gives each of the scratch's candidates.
  func fillOdds(from first: Int, catalogue: Int, _ scratch: RetrievalScratch) {
    scratch.odds.fit(scratch.candidateCount)
    let uniform = Sampler.uniformShare / Float(max(1, catalogue))
    let recent = (1 - Sampler.uniformShare) / Float(max(1, sampler.count))
    scratch.kernels.pointee.item_odds(
      scratch.candidatePages.base + first, scratch.candidates.base + first, scratch.candidateCount - first,
      layout.learningAt, uniform, recent, scratch.odds.base + first)
  }

  /// The event's item enters the ring, and is counted.
  mutating func pushRecent(_ row: Int) {
    let former = sampler.push(items.handle(of: row))
    let pages = pages.writer()
    let learning = layout.learning(pages.page(row >> 5), row & 31)
    learning.pointee.inRing += 1
    learning.pointee.interactions &+= 1
    guard let former, let formerRow = items.row(of: former) else { return }
    layout.learning(pages.page(formerRow >> 5), formerRow & 31).pointee.inRing -= 1
  }
}
