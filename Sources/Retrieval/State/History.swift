// The last events of each user: what retrieval follows a user by.
//
//   slab of capacity c   ┌ item handles c × u32 ┬ seconds c × u32 ┐   c = 8, 16, … `history`
//
// Event n stands at place n modulo c; the slab doubles when it is full, until it has the configured length. From then
// on an item that leaves the ring goes into a list of handles, each once, that doubles likewise up to `seen_items`; when
// that is full too, the oldest in it goes. So what a user has seen is complete up to history + seen_items items, and only
// users with long histories pay for it.

internal import CKernels
internal import Tables

/// A user's ring, read in place.
struct UserRing {
  let items: UnsafePointer<UInt32>?
  let times: UnsafePointer<UInt32>?
  let capacity: Int
  /// Events ever.
  let total: Int
  /// Items from before the ring.
  let older: UnsafeBufferPointer<UInt32>

  static var empty: UserRing {
    UserRing(
      items: nil, times: nil, capacity: 0, total: 0, older: UnsafeBufferPointer(start: nil, count: 0))
  }

  /// Events in the ring.
  var count: Int { min(total, capacity) }

  /// Place of the event `back` steps before the newest.
  @inline(__always)
  func place(_ back: Int) -> Int { (total &- 1 &- back) & (capacity &- 1) }

  /// Sets the bits of the events that sampling looks at in a filter of 64 words, all 0 before.
  func fill(_ filter: UnsafeMutablePointer<UInt64>) {
    guard let items else { return }
    for back in 0..<min(count, RetrievalPlan.historyForSampling) {
      let handle = items[place(back)]
      filter[Int(handle >> 6) & 63] |= 1 << UInt64(handle & 63)
    }
  }

  /// Whether the item is among the events that sampling looks at, where the filter does not rule it out.
  @inline(__always)
  func contains(
    _ handle: UInt32, filter: UnsafePointer<UInt64>, _ kernels: UnsafePointer<cowbird_retrieval_kernels>
  ) -> Bool {
    guard let items, filter[Int(handle >> 6) & 63] & (1 << UInt64(handle & 63)) != 0 else { return false }
    if capacity <= RetrievalPlan.historyForSampling {
      return kernels.pointee.find(items, count, handle) < count
    }
    for back in 0..<min(count, RetrievalPlan.historyForSampling) where items[place(back)] == handle {
      return true
    }
    return false
  }
}

extension RetrievalState {
  @inline(__always)
  func ring(ofUser row: Int?) -> UserRing {
    guard let row else { return .empty }
    let tail = layout.userTail(people.reader.row(row))
    guard tail.ring != 0 else { return .empty }
    let slab = rings.slab(tail.ring)
    let capacity = Int(tail.capacity)
    return UserRing(
      items: slab.assumingMemoryBound(to: UInt32.self),
      times: (slab + capacity * 4).assumingMemoryBound(to: UInt32.self),
      capacity: capacity, total: Int(tail.count),
      older: UnsafeBufferPointer(
        start: tail.older == 0
          ? nil : older.slab(tail.older).assumingMemoryBound(to: UInt32.self),
        count: tail.older == 0 ? 0 : Int(tail.olderCount)))
  }

  /// Fills the scratch with the newest items, newest first, and their ages in seconds. Items that have gone are
  /// passed over.
  func readHistory(_ ring: UserRing, now: UInt32, _ scratch: RetrievalScratch) {
    let reach = min(historyReach, ring.count)
    scratch.historyRows.fit(reach)
    scratch.historyAges.fit(reach)
    let (rows, ages) = (scratch.historyRows.base, scratch.historyAges.base)
    let owners = items.reader
    guard owners.isReused else {
      // Every handle is its row.
      scratch.historyCount = reach
      guard reach > 0 else { return }
      scratch.kernels.pointee.newest(
        ring.items!, ring.times!, ring.capacity, ring.total, now, reach, rows, ages)
      return
    }
    var count = 0
    for back in 0..<reach {
      let place = ring.place(back)
      guard let row = owners.row(of: ring.items![place]) else { continue }
      let time = ring.times![place]
      rows[count] = Int32(row)
      ages[count] = time < now ? Float(now - time) : 0
      count += 1
    }
    scratch.historyCount = count
  }

  /// Asks for what learning reads and writes of the history's items and of the event's: their vectors, and where their
  /// lists are.
  mutating func prefetchHistory(item: Int, _ scratch: RetrievalScratch) {
    let rows = scratch.historyRows.base
    let past = past.writer()
    for j in 0..<min(scratch.historyCount, weights.length) { past.prefetch(Int(rows[j]), past.rowBytes) }
    let references = neighbours.references.reader
    cowbird_prefetch(references.row(item))
    for j in 0..<min(scratch.historyCount, plan.neighbours?.learnLength ?? 0) {
      cowbird_prefetch(references.row(Int(rows[j])))
    }
  }

  /// Asks for the lists, whose places have come by now.
  mutating func prefetchLists(item: Int, _ scratch: RetrievalScratch) {
    guard let plan = plan.neighbours else { return }
    let writer = neighbours.writer(scratch)
    neighbours.prefetch(item, writer)
    for j in 0..<min(scratch.historyCount, plan.learnLength) {
      neighbours.prefetch(Int(scratch.historyRows[j]), writer)
    }
  }

  mutating func pushHistory(user: Int, item: Int, now: UInt32, _ scratch: RetrievalScratch) {
    let tail = layout.userTail(people.writer().row(user))
    let capacity = Int(tail.pointee.capacity)
    let total = Int(tail.pointee.count)
    if total >= capacity && capacity < rings.largest { growRing(tail, total) }
    let larger = Int(tail.pointee.capacity)
    let slab = rings.writableSlab(tail.pointee.ring)
    let place = total & (larger - 1)
    if total >= larger && plan.seenItems > 0 {
      pushOlder(tail, (slab + place * 4).load(as: UInt32.self), scratch)
    }
    (slab + place * 4).storeBytes(of: items.handle(of: item), as: UInt32.self)
    (slab + (larger + place) * 4).storeBytes(of: now, as: UInt32.self)
    tail.pointee.count += 1
  }

  /// An item leaves the ring.
  private mutating func pushOlder(
    _ tail: UnsafeMutablePointer<UserTail>, _ handle: UInt32, _ scratch: RetrievalScratch
  ) {
    let count = Int(tail.pointee.olderCount)
    if count > 0 {
      let handles = older.slab(tail.pointee.older).assumingMemoryBound(to: UInt32.self)
      if scratch.kernels.pointee.find(handles, count, handle) < count { return }
    }
    var place = count
    if count == older.largest {
      place = Int(tail.pointee.olderHand)
      tail.pointee.olderHand = UInt32((place + 1) % count)
    } else {
      if count == Int(tail.pointee.olderCapacity) { growOlder(tail, count) }
      tail.pointee.olderCount += 1
    }
    older.writableSlab(tail.pointee.older).storeBytes(of: handle, toByteOffset: place * 4, as: UInt32.self)
  }

  private mutating func growOlder(_ tail: UnsafeMutablePointer<UserTail>, _ count: Int) {
    let capacity = max(older.smallest, count * 2)
    let slab = older.allocate(capacity)
    if count > 0 {
      older.writableSlab(slab).copyMemory(from: older.slab(tail.pointee.older), byteCount: count * 4)
      older.release(tail.pointee.older)
    }
    tail.pointee.older = slab
    tail.pointee.olderCapacity = UInt32(capacity)
  }

  private mutating func growRing(_ tail: UnsafeMutablePointer<UserTail>, _ total: Int) {
    let old = Int(tail.pointee.capacity)
    let capacity = max(rings.smallest, old * 2)
    let slab = rings.allocate(capacity)
    if old > 0 {
      let target = rings.writableSlab(slab)
      let source = rings.slab(tail.pointee.ring)
      target.copyMemory(from: source, byteCount: old * 4)
      (target + capacity * 4).copyMemory(from: source + old * 4, byteCount: old * 4)
      rings.release(tail.pointee.ring)
    }
    tail.pointee.ring = slab
    tail.pointee.capacity = UInt32(capacity)
  }
}
