// The best k of the catalogue, exactly: what scoring every item and sorting would give.
//
// One pass over the item pages. Those that the history leads to come first, so that the threshold (the k-th best
// score so far) is high early; then the rest, passing over pages whose bound lies below the threshold. Within a
// page a mask of those at or above the threshold is all that is looked at one by one.
//
// Ties: the lower row first, whatever the order in which pages were visited.

internal import CKernels
internal import Configuration
internal import Primitives

extension RetrievalState {
  /// - Complexity: O(items · k) at worst.
  package func topK(_ request: TopKRequest, _ scratch: RetrievalScratch) -> TopKAnswer {
    let outcome = answer(request, scratch)
    return TopKAnswer(
      items: Array(scratch.answered), step: outcome.step, skippedPages: outcome.skippedPages)
  }

  // hot: allocates nothing where scores and boosts alone order the answer.
  /// As `topK`, with the items in the scratch.
  package func answer(_ request: TopKRequest, _ scratch: RetrievalScratch) -> TopKOutcome {
    let now = Self.seconds(request.nanos)
    let ring = prepare(user: request.user, now: now, segments: request.segments, scratch)
    scratch.weights.fit(blend.features)
    blend.copyWeights(ofBucket: blend.bucket(ring.total), to: scratch.weights.base)
    var step = step(scratch)
    let isByRecency = step == .recency
    var rank = plan.rank ? request.rank : nil
    if step == .popularity || isByRecency, let other = request.rankOfStrangers {
      (rank, step) = (other, .attributes)
    }
    var search = Search(request, self, scratch, ring, isByRecency: isByRecency)
    defer { search.end() }
    var wanted = max(0, request.k)
    let isChosen = !request.caps.isEmpty || request.diversity > 0 || request.exploration != .none
    if isChosen || rank != nil { wanted = max(wanted, request.candidates) }
    while true {
      search.run(wanted)
      let pool = search.pool()
      if let rank { order(pool, by: rank, request, isWeighed: step != .attributes, scratch) }
      let chosen = isChosen ? choose(request, pool, scratch) : takeBest(request.k, of: pool, scratch)
      // Caps may have used the pool up: look deeper, until there is nothing more.
      if chosen < request.k && pool.count == wanted {
        wanted *= 4
        continue
      }
      explain(chosen, scratch)
      return TopKOutcome(step: step, skippedPages: search.skipped)
    }
  }

  private func step(_ scratch: RetrievalScratch) -> AnswerStep {
    if scratch.historyCount > 0 { return .history }
    if scratch.touchedCount > 0 { return .segment }
    return events > 0 ? .popularity : .recency
  }

  /// The items for which `isMember` holds, to be used in many requests, until an item leaves the state
  /// (`isCurrent`). Items that come later are not in it.
  package func itemSet(where isMember: (_ item: UInt64) -> Bool) -> ItemSet {
    let owners = items.reader
    var words = [UInt32](repeating: 0, count: (items.limit + 31) / 32)
    for row in 0..<items.limit where owners.isLive(row) && isMember(owners.key(of: row)) {
      words[row >> 5] |= 1 << UInt32(row & 31)
    }
    return ItemSet(words: words, released: items.released)
  }

  /// False once an item has left the state since the set was made: make it anew.
  package func isCurrent(_ set: ItemSet) -> Bool { set.released == items.released }

  /// Puts the best in the order of the ranking model's scores: weighed by the blend and added to what it says, or, for
  /// a stranger, in place of it.
  private func order(
    _ pool: UnsafeMutableBufferPointer<ScoredRow>, by rank: RankScorer, _ request: TopKRequest,
    isWeighed: Bool, _ scratch: RetrievalScratch
  ) {
    let owners = items.reader
    let keys = pool.map { owners.key(of: Int($0.row)) }
    var ranks = [Float](repeating: 0, count: keys.count)
    keys.withUnsafeBufferPointer { keys in ranks.withUnsafeMutableBufferPointer { rank(keys, $0) } }
    for place in pool.indices where ranks[place].isFinite {
      pool[place].score =
        isWeighed
        ? pool[place].score + scratch.weights[blend.features - 1] * ranks[place]
        : ranks[place] + request.boost(of: keys[place])
    }
    var sorted = pool
    sorted.sort { $0.precedes($1) }
  }

  private func takeBest(
    _ k: Int, of pool: UnsafeMutableBufferPointer<ScoredRow>, _ scratch: RetrievalScratch
  ) -> Int {
    let count = min(max(0, k), pool.count)
    scratch.chosen.fit(count)
    for place in 0..<count {
      scratch.chosen[place] = ChosenRow(row: pool[place].row, score: pool[place].score, propensity: 1)
    }
    return count
  }
}

/// One request's pass over the pages.
private struct Search {
  let request: TopKRequest
  let state: RetrievalState
  let scratch: RetrievalScratch
  let scan: PageScan
  let bound: PageBound
  let owners: RosterReader
  let pageCount: Int
  let isByRecency: Bool
  let largestBoost: Float
  var excludedCount = 0
  var selection: Selection
  var skipped = 0

  init(
    _ request: TopKRequest, _ state: RetrievalState, _ scratch: RetrievalScratch, _ ring: UserRing,
    isByRecency: Bool
  ) {
    self.request = request
    self.state = state
    self.scratch = scratch
    self.isByRecency = isByRecency
    scan = state.scan(scratch.weights.base, scratch)
    bound = PageBound(scan, halfLives: state.plan.halfLives, events: state.events)
    owners = state.items.reader
    pageCount = (state.items.limit + 31) / 32
    largestBoost = request.boosts.reduce(0) { $0 + max(0, $1.addend) }
    selection = Selection(scratch)
    markExcluded(ring)
  }

  /// In the scratch's mask: what may not be recommended, or for `seen: only` all that may.
  private mutating func markExcluded(_ ring: UserRing) {
    if request.seen != .include {
      for back in 0..<ring.count {
        if let row = owners.row(of: ring.items![ring.place(back)]) { mark(row) }
      }
      for handle in ring.older { if let row = owners.row(of: handle) { mark(row) } }
    }
    guard request.seen != .only else { return }
    for key in request.exclude { if let row = state.items.find(key) { mark(row) } }
  }

  private mutating func mark(_ row: Int) {
    scratch.excluded[row >> 5] |= 1 << UInt32(row & 31)
    scratch.excludedRows.fit(excludedCount + 1)
    scratch.excludedRows[excludedCount] = UInt32(truncatingIfNeeded: row)
    excludedCount += 1
  }

  func end() {
    for place in 0..<excludedCount { scratch.excluded[Int(scratch.excludedRows[place] >> 5)] = 0 }
  }

  mutating func run(_ wanted: Int) {
    selection.begin(wanted)
    skipped = 0
    guard wanted > 0 else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 32) { scores in
      let scores = scores.baseAddress!
      if isByRecency { return runByRecency(scores) }
      let mask = scratch.mask.base
      for page in 0..<pageCount where mask[page] != 0 { visit(page, scores) }
      for page in 0..<pageCount where mask[page] == 0 {
        if selection.isFull
          && bound.of(scan.pages.page(page), scan.layout) + largestBoost < selection.threshold
        {
          skipped += 1
        } else {
          visit(page, scores)
        }
      }
    }
  }

  @inline(__always)
  private mutating func visit(_ page: Int, _ scores: UnsafeMutablePointer<Float>) {
    var allowed = scan.live(page)
    let marked = scratch.excluded[page]
    allowed &= request.seen == .only ? marked : ~marked
    if let among = request.among {
      precondition(
        among.released == state.items.released, "the item set is older than the last item that left")
      allowed &= page < among.words.count ? among.words[page] : 0
    }
    guard allowed != 0 else { return }
    if isByRecency {
      scoreByRecency(page, scores)
    } else {
      scan.score(page, then: min(page &+ 1, pageCount &- 1), into: scores)
    }
    let threshold = selection.isFull ? selection.threshold - largestBoost : -Float.infinity
    var candidates = allowed & scratch.kernels.pointee.above(scores, threshold)
    while candidates != 0 {
      let place = candidates.trailingZeroBitCount
      candidates &= candidates &- 1
      consider(page &* 32 &+ place, scores[place])
    }
  }

  @inline(__always)
  private mutating func consider(_ row: Int, _ score: Float) {
    var entry = ScoredRow(score: score, row: UInt32(truncatingIfNeeded: row))
    if !request.boosts.isEmpty || request.filter != nil || !request.exclude.isEmpty {
      let key = owners.key(of: row)
      if request.seen == .only && request.exclude.contains(key) { return }
      if let filter = request.filter, !filter(key) { return }
      entry.score += request.boost(of: key)
    }
    selection.offer(entry)
  }

  /// Odds of one for the newest item, a half for the next, a third …: so a boost of 2 lifts an item over those that up
  /// to half as many came after.
  private func scoreByRecency(_ page: Int, _ scores: UnsafeMutablePointer<Float>) {
    for place in 0..<32 { scores[place] = recency(page &* 32 &+ place) }
  }

  private func recency(_ row: Int) -> Float {
    let newer = max(0, state.items.limit &- 1 &- row)
    return -scratch.kernels.pointee.log2(Float(1 + newer)) * 0.693147181
  }

  /// From the newest page on, as long as what comes can still be among the best.
  private mutating func runByRecency(_ scores: UnsafeMutablePointer<Float>) {
    for page in (0..<pageCount).reversed() {
      if selection.isFull && recency(page &* 32 &+ 31) + largestBoost < selection.threshold {
        skipped += page + 1
        return
      }
      visit(page, scores)
    }
  }

  /// The best, in order.
  mutating func pool() -> UnsafeMutableBufferPointer<ScoredRow> { selection.sort() }
}

/// The best so many of what is offered: a heap with the worst of them on top.
struct Selection {
  private let scratch: RetrievalScratch
  private var wanted = 0
  private var count = 0
  private var heap: UnsafeMutablePointer<ScoredRow>

  init(_ scratch: RetrievalScratch) {
    self.scratch = scratch
    heap = scratch.heap.base
  }

  mutating func begin(_ wanted: Int) {
    self.wanted = wanted
    count = 0
    scratch.heap.fit(min(wanted, scratch.mask.count * 32) + 1)
    heap = scratch.heap.base
  }

  @inline(__always) var isFull: Bool { count == wanted }
  /// The score of the worst that is kept. Only if full.
  @inline(__always) var threshold: Float { heap[0].score }

  @inline(__always)
  mutating func offer(_ entry: ScoredRow) {
    if count < wanted {
      var place = count
      count += 1
      while place > 0 {
        let parent = (place - 1) / 2
        guard heap[parent].precedes(entry) else { break }
        heap[place] = heap[parent]
        place = parent
      }
      heap[place] = entry
    } else if entry.precedes(heap[0]) {
      sink(entry)
    }
  }

  /// Puts `entry` in place of the worst.
  private mutating func sink(_ entry: ScoredRow) {
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < count else { break }
      if child + 1 < count && heap[child].precedes(heap[child + 1]) { child += 1 }
      guard entry.precedes(heap[child]) else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = entry
  }

  /// Puts what is kept in order, best first. Nothing can be offered after it.
  mutating func sort() -> UnsafeMutableBufferPointer<ScoredRow> {
    let all = count
    while count > 1 {
      count -= 1
      let worst = heap[0]
      sink(heap[count])
      heap[count] = worst
    }
    return UnsafeMutableBufferPointer(start: heap, count: all)
  }
}
