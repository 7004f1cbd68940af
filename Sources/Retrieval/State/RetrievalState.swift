// What retrieval has learned, as a value: copying it is a snapshot, learning one event touches a few hundred rows.
//
//   key ─▶ items: Roster ─▶ row ┬─▶ pages    what the scan reads: vectors, popularity (see ItemPage)
//                               ├─▶ past     vectors that stand for the item in a history, one for each pool
//                               ├─▶ lists    neighbours after and before the item
//                               ├─▶ blocks   attribute values, 32 items together
//                               └─▶ vectors  dense vectors given by the caller
//   key ─▶ users: Roster ─▶ row ──▶ people   own vector, the ring of the last events, and the items from before it
//   key ─▶ values: Roster ─▶ row ─▶ valueUse attribute values: how many events, how many items
//
// State is a function of the calls that changed it, in their order: no clock, no random source but counters of
// the state's own events, no address, no hash order.

internal import CKernels
internal import Configuration
internal import Glibc
internal import Primitives
internal import Tables

package struct RetrievalState: Sendable {
  package let plan: RetrievalPlan
  let layout: ItemLayout
  /// Items of the history that requests and learning look at, at most.
  let historyReach: Int
  /// One over each half-life of popularity.
  let inverseHalfLives: RetrievalPlan.HalfLives
  /// Interactions learned.
  package internal(set) var events: UInt64 = 0

  var items: Roster
  var users: Roster
  var values: Roster
  var pages: RowStore
  var past: RowStore
  var impressions = RowStore(rowBytes: 4, rowsPerPage: 512)
  var neighbours: DecayedLists
  var blocks = SlabStore(entryBytes: 128, smallest: 1, atLeast: RetrievalState.valuesPerItem + 1)
  var vectors: RowStore
  var people: RowStore
  var rings: SlabStore
  var older: SlabStore
  var valueUse = RowStore(rowBytes: 8, rowsPerPage: 512)
  /// Events of items with attributes.
  var contentEvents: UInt64 = 0
  var weights: FactorWeights
  /// Nil: the factors are learned by gradients.
  var elementwise: ElementwiseALS?
  var sampler: Sampler
  var segments: [SegmentPopularity]
  var blend: Blend
  package internal(set) var counters = RetrievalCounters()

  /// Attribute values of one item, at most; more are left out.
  package static let valuesPerItem = 63

  package init(_ plan: RetrievalPlan) {
    self.plan = plan
    let width = plan.width
    layout = ItemLayout(width: width, halfLives: plan.halfLives.count)
    historyReach = plan.historyReach
    inverseHalfLives = plan.inverseHalfLives
    items = Roster(bound: plan.bounds.items)
    users = Roster(bound: plan.bounds.users)
    values = Roster(bound: plan.bounds.attributeValues)
    pages = RowStore(rowBytes: layout.bytes, rowsPerPage: 1)
    let pools = plan.pools.count
    past = RowStore(rowBytes: max(64, (pools * (width * 4 + 4) + 63) & ~63), rowsPerPage: 2)
    let halfLife = plan.neighbours?.halfLife ?? 1
    neighbours = DecayedLists(limit: plan.neighbours?.limit ?? 8, halfLives: [halfLife, halfLife])
    vectors = RowStore(rowBytes: max(16, plan.vectorWidth) * 4 * ItemLayout.items, rowsPerPage: 1)
    people = RowStore(rowBytes: (width * 4 + MemoryLayout<UserTail>.size + 15) & ~15, rowsPerPage: 4)
    rings = SlabStore(entryBytes: 8, smallest: 8, atLeast: plan.history)
    older = SlabStore(entryBytes: 4, smallest: 16, atLeast: max(16, plan.seenItems))
    weights = FactorWeights(plan)
    if let factors = plan.factors, factors.method == .eals { elementwise = ElementwiseALS(factors) }
    sampler = Sampler(recent: plan.recent)
    segments = plan.segments.map { SegmentPopularity($0, bound: plan.bounds.segments) }
    blend = Blend(plan)
  }

  /// A copy for reading: what a revision keeps. Requests on it are answered as on the state itself; learning on it
  /// would go astray and is a precondition failure.
  package func weightsOnly() -> RetrievalState {
    var copy = self
    copy.sampler = Sampler(recent: 1)
    copy.elementwise = nil
    copy.items.forgetTouches()
    copy.users.forgetTouches()
    copy.values.forgetTouches()
    copy.isWeightsOnly = true
    return copy
  }

  package private(set) var isWeightsOnly = false

  // MARK: Items

  package var itemCount: Int { items.count }
  package var userCount: Int { users.count }
  package func contains(item: UInt64) -> Bool { items.find(item) != nil }
  package func contains(user: UInt64) -> Bool { users.find(user) != nil }
  /// Interactions with the item that were learned.
  package func interactions(with item: UInt64) -> Int {
    items.find(item).map { Int(counts(of: $0).interactions) } ?? 0
  }

  func counts(of row: Int) -> ItemCounts {
    ItemCounts(
      interactions: layout.learning(pages.reader.page(row >> 5), row & 31).pointee.interactions,
      impressions: impressions.reader.row(row).load(as: UInt32.self))
  }

  /// The item's row, made if there is none.
  mutating func row(ofItem key: UInt64) -> Int {
    if let row = items.find(key) {
      items.touch(row, at: events)
      return row
    }
    if items.isFull {
      dropItem(items.victim())
      counters.evictedItems += 1
    }
    let row = items.insert(key, at: events)
    beginItem(row, key)
    return row
  }

  private mutating func beginItem(_ row: Int, _ key: UInt64) {
    let pageCount = row / ItemLayout.items + 1
    if pages.capacity < pageCount { beginPage(pageCount) }
    past.ensure(row + 1)
    impressions.ensure(row + 1)
    neighbours.ensure(row + 1)
    let page = pages.writer().page(row >> 5)
    let place = row & 31
    layout.tail(page).pointee.live |= 1 << UInt32(place)
    layout.word(page, layout.lastAt, place).pointee = UInt32(truncatingIfNeeded: events)
    for index in 0..<layout.halfLives {
      layout.float(page, layout.countsAt + 128 * index, place).pointee = -100
    }
    layout.learning(page, place).pointee = ItemLearning(
      vectorSum: 0.5, biasSum: 0.5, inRing: 0, interactions: 0)
    layout.float(page, layout.biasAt, place).pointee = 0
    guard let factors = plan.factors else { return layout.widen(page, squaredNorm: 0, bias: 0) }
    let vector = layout.vector(page, place)
    var squares = Float(0)
    for column in 0..<factors.factors {
      vector[column] = factors.start(key, column)
      squares += vector[column] * vector[column]
    }
    layout.widen(page, squaredNorm: squares, bias: 0)
    let rows = past.writer().row(row).assumingMemoryBound(to: Float.self)
    for pool in plan.pools.indices {
      for column in 0..<factors.factors {
        rows[pool * layout.width + column] = factors.start(key, (pool + 1) * factors.factors + column)
      }
      rows[plan.pools.count * layout.width + pool] = 0.5
    }
  }

  private mutating func beginPage(_ pageCount: Int) {
    pages.ensure(pageCount)
    let page = pages.writer().page(pageCount - 1)
    layout.tail(page).pointee.largestBias = -.infinity
    layout.tail(page).pointee.smallestBias = .infinity
    for index in 0..<layout.halfLives { layout.largestCounts(page)[index] = -100 }
  }

  /// Takes the item out of everything; false if there is none.
  @discardableResult
  package mutating func remove(item key: UInt64) -> Bool {
    guard let row = items.find(key) else { return false }
    dropItem(row)
    return true
  }

  private mutating func dropItem(_ row: Int) {
    forgetElementwise(item: row)
    setAttributes([], ofRow: row)
    setVector(nil, ofRow: row)
    neighbours.clear(row)
    let writer = pages.writer()
    let page = writer.page(row >> 5)
    let place = row & 31
    memset(layout.vector(page, place), 0, layout.width * 4)
    for column in stride(from: layout.biasAt, to: layout.learningAt, by: 128) {
      layout.word(page, column, place).pointee = 0
    }
    layout.learning(page, place).pointee = ItemLearning(
      vectorSum: 0, biasSum: 0, inRing: 0, interactions: 0)
    layout.tail(page).pointee.live &= ~(1 << UInt32(place))
    memset(past.writer().row(row), 0, past.rowBytes)
    impressions.writer().row(row).storeBytes(of: 0, as: UInt32.self)
    items.remove(row)
  }

  // MARK: Users

  mutating func row(ofUser key: UInt64) -> Int {
    if let row = users.find(key) {
      users.touch(row, at: events)
      return row
    }
    if users.isFull {
      dropUser(users.victim())
      counters.evictedUsers += 1
    }
    let row = users.insert(key, at: events)
    people.ensure(row + 1)
    layout.userTail(people.writer().row(row)).pointee.vectorSum = 0.3
    return row
  }

  /// Forgets the user: vector and history; false if there is none.
  @discardableResult
  package mutating func remove(user key: UInt64) -> Bool {
    guard let row = users.find(key) else { return false }
    dropUser(row)
    return true
  }

  private mutating func dropUser(_ row: Int) {
    forgetElementwise(user: row)
    let tail = layout.userTail(people.reader.row(row))
    if tail.ring != 0 { rings.release(tail.ring) }
    if tail.older != 0 { older.release(tail.older) }
    memset(people.writer().row(row), 0, people.rowBytes)
    users.remove(row)
  }

  func checkWritable() {
    precondition(!isWeightsOnly, "a copy made by weightsOnly() is for reading")
  }
}

/// What the bounds have cost so far.
package struct RetrievalCounters: Equatable, Sendable {
  package internal(set) var evictedItems: UInt64 = 0
  package internal(set) var evictedUsers: UInt64 = 0
  package internal(set) var evictedSegments: UInt64 = 0
  /// Attribute values that were left out: the item had too many, or the bound was reached.
  package internal(set) var refusedValues: UInt64 = 0
}
