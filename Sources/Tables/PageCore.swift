// The writer's half of a lineage of pages, in plain memory so that the hot path meets no reference count and
// no exclusivity check.
//
//   slots (writer only)            directory (a revision's, shared by CoW)
//   ┌ page ┬ stamp ┐               root ─▶ middle chunk ─▶ leaf chunk ─▶ page
//   ├──────┼───────┤               (grows)  64 pointers     64 pointers
//   │  ·   │   ·   │
//   └──────┴───────┘
//   page / chunk: ┌ birth ┬ digest (16) ┬ digest valid ┬ … ┬ body ┐
//
// Epochs: the head has an epoch; sealing it (a copy was taken and the writer goes on) starts the next. `birth`
// is the epoch in which a page was made: no live snapshot sees a page that is younger than the newest live
// snapshot, so the writer may change it in place. `stamp` is the epoch in which the writer last took the page
// for writing: `stamp == epoch` is the hot path's only question.

internal import Glibc
public import Synchronization

public typealias RawPage = UnsafeMutableRawPointer

/// Offsets of what pages and chunks have in front.
public enum PageHeader {
  @inlinable public static var birth: Int { 0 }
  @inlinable public static var digestLow: Int { 8 }
  @inlinable public static var digestHigh: Int { 16 }
  @inlinable public static var digestValid: Int { 24 }
  /// Where a page's body begins: its own cache line.
  @inlinable public static var pageBytes: Int { 64 }
  /// Where a chunk's 64 pointers begin.
  @inlinable public static var chunkBytes: Int { 32 }
  @inlinable public static var chunkSize: Int { chunkBytes + 64 * 8 }
}

/// An atomic word in raw memory.
@inlinable
public func atomicWord(_ address: UnsafeMutableRawPointer, _ offset: Int) -> UnsafeMutablePointer<
  Atomic<UInt64>
> {
  (address + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
}

public struct PageSlot {
  public var page: RawPage
  public var stamp: UInt64
}

/// What one revision is: where its directory begins and how many pages it has. Allocated once for each
/// revision; never changed after the revision is sealed, save for the flags.
public struct RevisionBlock: ~Copyable {
  public var root: UnsafeMutablePointer<RawPage>
  var rootCapacity: Int
  public var pageCount: Int
  public var epoch: UInt64
  /// The revision's owner has gone; whoever collects next may free what only this one saw.
  let isGone = Atomic<Bool>(false)
  /// A digest was cached in pages of the current epoch, so the writer must start another before it writes.
  let isDigestCached = Atomic<Bool>(false)
  /// Lineages that were forked from the revision and have pages of it in use.
  let heirs = Atomic<Int>(0)
}

/// What died: a page or chunk that a live snapshot may still see, or something else that must wait as long.
struct DeadEntry {
  enum Kind: UInt32 { case page, chunk, deferred }
  var payload: UInt64
  var extra: UInt32
  var kind: Kind
  var birth: UInt64
}

public struct PageCore {
  public var slots: UnsafeMutablePointer<PageSlot>
  var slotCapacity: Int
  /// The head's epoch.
  public var epoch: UInt64
  /// A page with a later birth is seen by no live snapshot.
  var newestSeen: UInt64
  /// Pages with this birth or an earlier one belong to the lineage that this one was forked from.
  let floor: UInt64
  var foreignUnits = 0
  /// Those of that lineage's that this one has freed.
  var freedForeign: [DeadEntry] = []
  /// Snapshots that live, the head not counted.
  var liveSnapshots = 0
  /// The head revision's block.
  public var head: UnsafeMutablePointer<RevisionBlock>
  /// Bytes of a page without its header.
  public let bodyBytes: Int
  var pages: PageArena
  var chunks: PageArena
  var dead: [DeadEntry] = []
  var copiedPages = 0

  init(bodyBytes: Int, head: UnsafeMutablePointer<RevisionBlock>, floor: UInt64) {
    self.bodyBytes = bodyBytes
    self.head = head
    self.floor = floor
    epoch = head.pointee.epoch
    newestSeen = floor
    pages = PageArena(unitBytes: PageHeader.pageBytes + bodyBytes)
    chunks = PageArena(unitBytes: PageHeader.chunkSize)
    slotCapacity = max(16, head.pointee.pageCount)
    slots = Self.makeSlots(slotCapacity)
  }

  mutating func destroy() {
    pages.destroy()
    chunks.destroy()
    Self.freeSlots(slots, slotCapacity)
  }

  /// From the kernel, in huge pages, where they are many: their places are as random as the rows'.
  private static func makeSlots(_ capacity: Int) -> UnsafeMutablePointer<PageSlot> {
    let bytes = capacity * MemoryLayout<PageSlot>.stride
    guard bytes >= 2 << 20 else { return .allocate(capacity: capacity) }
    return PageMemory.map(mappedBytes(bytes)).bindMemory(to: PageSlot.self, capacity: capacity)
  }

  private static func freeSlots(_ slots: UnsafeMutablePointer<PageSlot>, _ capacity: Int) {
    let bytes = capacity * MemoryLayout<PageSlot>.stride
    guard bytes >= 2 << 20 else { return slots.deallocate() }
    PageMemory.unmap(slots, mappedBytes(bytes))
  }

  private static func mappedBytes(_ bytes: Int) -> Int { (bytes + (2 << 20) - 1) & ~((2 << 20) - 1) }

  @inlinable public var pageCount: Int { head.pointee.pageCount }

  /// The head's page, for reading.
  @inlinable
  public func page(_ number: Int) -> RawPage { slots[number].page }

  /// The head's page, for writing: copied first if a live snapshot sees it.
  @inlinable
  public mutating func writablePage(_ number: Int) -> RawPage {
    if _fastPath(slots[number].stamp == epoch) { return slots[number].page }
    return take(number)
  }

  /// The first write to a page in an epoch.
  @usableFromInline
  mutating func take(_ number: Int) -> RawPage {
    let leaf = ownLeaf(of: number)
    var page = slots[number].page
    let birth = page.load(as: UInt64.self)
    if birth > newestSeen {
      atomicWord(page, PageHeader.digestValid).pointee.store(0, ordering: .relaxed)
    } else {
      let copy = pages.allocate()
      memcpy(
        copy + PageHeader.pageBytes, UnsafeRawPointer(page + PageHeader.pageBytes), bodyBytes)
      initialiseHeader(copy)
      retire(page, birth: birth, kind: .page)
      leaf[number & 63] = copy
      slots[number].page = copy
      page = copy
      copiedPages &+= 1
    }
    slots[number].stamp = epoch
    return page
  }

  /// Appends a page of zeroes and returns it, writable.
  @usableFromInline
  package mutating func appendPage() -> RawPage {
    let number = head.pointee.pageCount
    let page = pages.allocate()
    initialiseHeader(page)
    memset(page + PageHeader.pageBytes, 0, bodyBytes)
    if number == slotCapacity {
      let larger = Self.makeSlots(slotCapacity * 2)
      larger.moveInitialize(from: slots, count: number)
      Self.freeSlots(slots, slotCapacity)
      slots = larger
      slotCapacity *= 2
    }
    slots[number] = PageSlot(page: page, stamp: epoch)
    ownLeaf(of: number, growing: true)[number & 63] = page
    head.pointee.pageCount = number + 1
    return page
  }

  /// Drops pages from the end.
  mutating func truncate(to count: Int) {
    while head.pointee.pageCount > count {
      let number = head.pointee.pageCount - 1
      let leaf = ownLeaf(of: number)
      let page = slots[number].page
      retire(page, birth: page.load(as: UInt64.self), kind: .page)
      if number & 63 == 0 {
        let chunk = UnsafeMutableRawPointer(leaf) - PageHeader.chunkBytes
        retire(chunk, birth: chunk.load(as: UInt64.self), kind: .chunk)
        if number & 4095 == 0 {
          let middle = head.pointee.root[number >> 12]
          retire(middle, birth: middle.load(as: UInt64.self), kind: .chunk)
        }
      }
      head.pointee.pageCount = number
    }
  }

  /// Gives the writer's view back; reading goes by the directory.
  mutating func freeSlots() {
    Self.freeSlots(slots, slotCapacity)
    slotCapacity = 0
    slots = Self.makeSlots(0)
  }

  /// Makes the writer's view if it was released.
  mutating func ensureSlots() {
    guard slotCapacity == 0 else { return }
    Self.freeSlots(slots, 0)
    slotCapacity = max(16, head.pointee.pageCount)
    slots = Self.makeSlots(slotCapacity)
    for number in 0..<head.pointee.pageCount {
      slots[number] = PageSlot(page: PageRevision.page(number, of: head.pointee.root), stamp: 0)
    }
  }

  /// Copies whatever belongs to the lineage that this one was forked from.
  mutating func ownAll() {
    for number in 0..<head.pointee.pageCount where page(number).load(as: UInt64.self) <= floor {
      _ = writablePage(number)
    }
  }

  /// The head goes while snapshots live: what it had dies, as after its last write.
  mutating func retireAll() {
    let count = head.pointee.pageCount
    for number in 0..<count {
      let page = PageRevision.page(number, of: head.pointee.root)
      retire(page, birth: page.load(as: UInt64.self), kind: .page)
    }
    for top in 0..<((count + 4095) >> 12) {
      let middle = head.pointee.root[top]
      for place in 0..<min(64, (count - top << 12 + 63) >> 6) {
        let leaf = Self.pointers(middle)[place]
        retire(leaf, birth: leaf.load(as: UInt64.self), kind: .chunk)
      }
      retire(middle, birth: middle.load(as: UInt64.self), kind: .chunk)
    }
  }

  private func initialiseHeader(_ unit: RawPage) {
    unit.storeBytes(of: epoch, as: UInt64.self)
    atomicWord(unit, PageHeader.digestValid).pointee.store(0, ordering: .relaxed)
  }

  /// The pointers of the leaf chunk that holds page `number`, this epoch's own, its digests no longer valid.
  @discardableResult
  private mutating func ownLeaf(of number: Int, growing: Bool = false) -> UnsafeMutablePointer<RawPage> {
    let top = number >> 12
    if growing && number & 4095 == 0 {
      if top == head.pointee.rootCapacity { growRoot() }
      head.pointee.root[top] = newChunk()
    } else {
      head.pointee.root[top] = ownChunk(head.pointee.root[top])
    }
    let middle = Self.pointers(head.pointee.root[top])
    let place = (number >> 6) & 63
    middle[place] = growing && number & 63 == 0 ? newChunk() : ownChunk(middle[place])
    return Self.pointers(middle[place])
  }

  private mutating func growRoot() {
    let capacity = head.pointee.rootCapacity * 2
    let larger = UnsafeMutablePointer<RawPage>.allocate(capacity: capacity)
    larger.moveInitialize(from: head.pointee.root, count: head.pointee.rootCapacity)
    head.pointee.root.deallocate()
    head.pointee.root = larger
    head.pointee.rootCapacity = capacity
  }

  @inlinable
  public static func pointers(_ chunk: RawPage) -> UnsafeMutablePointer<RawPage> {
    (chunk + PageHeader.chunkBytes).assumingMemoryBound(to: RawPage.self)
  }

  private mutating func newChunk() -> RawPage {
    let chunk = chunks.allocate()
    initialiseHeader(chunk)
    return chunk
  }

  private mutating func ownChunk(_ chunk: RawPage) -> RawPage {
    let birth = chunk.load(as: UInt64.self)
    if birth > newestSeen {
      atomicWord(chunk, PageHeader.digestValid).pointee.store(0, ordering: .relaxed)
      return chunk
    }
    let copy = chunks.allocate()
    memcpy(copy + PageHeader.chunkBytes, UnsafeRawPointer(chunk + PageHeader.chunkBytes), 64 * 8)
    initialiseHeader(copy)
    retire(chunk, birth: birth, kind: .chunk)
    return copy
  }

  private mutating func retire(_ unit: RawPage, birth: UInt64, kind: DeadEntry.Kind) {
    if birth > newestSeen || liveSnapshots == 0 {
      free(unit, birth: birth, kind: kind)
    } else {
      dead.append(
        DeadEntry(payload: UInt64(UInt(bitPattern: unit)), extra: 0, kind: kind, birth: birth))
    }
  }

  mutating func free(_ entry: DeadEntry) {
    free(
      RawPage(bitPattern: UInt(entry.payload)).unsafelyUnwrapped, birth: entry.birth, kind: entry.kind)
  }

  mutating func free(_ unit: RawPage, birth: UInt64, kind: DeadEntry.Kind) {
    if birth <= floor {
      foreignUnits &-= 1
      freedForeign.append(
        DeadEntry(payload: UInt64(UInt(bitPattern: unit)), extra: 0, kind: kind, birth: birth))
    } else if kind == .page {
      pages.deallocate(unit)
    } else {
      chunks.deallocate(unit)
    }
  }
}
