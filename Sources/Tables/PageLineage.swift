// One linear history of a paged store: the head that is written, the snapshots sealed before it, and what died
// in between.
//
//   sealed 3      sealed 7      sealed 8      head (epoch 9)
//      │   dead of 7 ▲  dead of 8 ▲    working dead ▲
//      └─────────────┘            └─────────────────┘
//
// What is retired while epoch e is written was visible to the snapshots before e only. When a snapshot goes,
// the entries of the next one's list that were born after the snapshot before it were seen by none but it, and
// are freed; the rest moves on (birth times and dead lists as in ZFS: Bonwick and Ahrens, The Zettabyte File
// System, 2003).
//
// A lineage that begins as a fork of a snapshot has pages of another lineage in use. When it is the last that sees
// that snapshot, it inherits it: what it frees is freed where it was made, for whoever borrows it. So a line of
// rollbacks, each to a version of the head before it, costs one model and not one for each.

internal import Glibc
internal import Primitives
internal import Synchronization

public final class PageLineage: @unchecked Sendable {
  // Sound because: the core is touched by the head's writer alone (there is one: `PageRevision.claim`), and
  // once the head has gone by whoever holds `lock`.
  public let core: UnsafeMutablePointer<PageCore>
  private var sealed: [Sealed] = []
  /// Guards `headHasGone`, and from then on all of this. A mutex that the thread sanitizer knows.
  private let lock = Lock()
  /// From then on those who drop snapshots collect.
  private var headHasGone = false
  /// The revision this lineage was forked from, as long as pages of it are in use.
  private var base: Base?
  /// A page of `base` was given back to the lineage that made it.
  private var hasGivenBack = false
  /// Further up the line something waits to be given back.
  private var isBaseWaiting = false
  /// The only snapshot is seen by one heir alone, who says what dies of it.
  private var isInherited = false
  /// Forks from the first of the line to this one: each may keep pages in memory that this one does not need.
  private var depth: Int
  private static let maximumDepth = 16
  /// What the revision that this lineage was forked from belongs to. It lends its unused memory once its own head has
  /// gone, as after a rollback, and then has to stay.
  private var lender: PageLineage?
  private var hasBorrowed = false
  /// Called for what `deferUntilUnseen` was given, when no snapshot of that time is left.
  var reclaim: ((_ payload: UInt64, _ extra: UInt32) -> Void)?

  private enum Base {
    /// A head, which somebody may go on with.
    case head(PageRevision)
    /// A snapshot of a lineage, which counts this one among its heirs.
    case snapshot(PageLineage, UnsafeMutablePointer<RevisionBlock>)

    init(_ revision: PageRevision) {
      guard revision.isSealed else {
        self = .head(revision)
        return
      }
      revision.block.pointee.heirs.add(1, ordering: .relaxed)
      self = .snapshot(revision.lineage, revision.block)
    }
  }

  private struct Sealed {
    let block: UnsafeMutablePointer<RevisionBlock>
    var dead: [DeadEntry]
  }

  private init(bodyBytes: Int, head: UnsafeMutablePointer<RevisionBlock>, base: PageRevision?) {
    core = .allocate(capacity: 1)
    let floor = base.map { $0.block.pointee.epoch } ?? 0
    core.initialize(to: PageCore(bodyBytes: bodyBytes, head: head, floor: floor))
    self.base = base.map { Base($0) }
    lender = base?.lineage
    depth = base.map { $0.lineage.depth + 1 } ?? 0
    guard lender != nil else { return }
    core.pointee.pages.borrow = { [unowned self] in borrow(.page) }
    core.pointee.chunks.borrow = { [unowned self] in borrow(.chunk) }
  }

  /// From then on the lender is kept, whoever this lineage lends the unit to.
  private func borrow(_ kind: DeadEntry.Kind) -> RawPage? {
    guard let unit = lender?.lend(kind) else { return nil }
    hasBorrowed = true
    return unit
  }

  /// A page or chunk that nothing uses any more; nil: there is none, or this lineage's own head may need it.
  private func lend(_ kind: DeadEntry.Kind) -> RawPage? {
    lock.lock()
    defer { lock.unlock() }
    guard headHasGone else { return nil }
    let unit = kind == .page ? core.pointee.pages.lend() : core.pointee.chunks.lend()
    return unit ?? borrow(kind)
  }

  deinit {
    leaveBase()
    for record in sealed { Self.destroyBlock(record.block) }
    core.pointee.destroy()
    core.deinitialize(count: 1)
    core.deallocate()
  }

  /// A new, empty lineage's head.
  static func make(bodyBytes: Int) -> PageRevision {
    let block = makeBlock(rootCapacity: 4, epoch: 1)
    return PageRevision(PageLineage(bodyBytes: bodyBytes, head: block, base: nil), block)
  }

  /// The head of a new lineage that begins as `revision`, whose pages it shares until it writes to them.
  static func fork(_ revision: PageRevision) -> PageRevision {
    let block = copyBlock(revision.block, epoch: revision.block.pointee.epoch + 1)
    let lineage = PageLineage(
      bodyBytes: revision.lineage.core.pointee.bodyBytes, head: block, base: revision)
    let core = lineage.core
    let count = block.pointee.pageCount
    for number in 0..<count {
      core.pointee.slots[number] = PageSlot(page: revision.page(number), stamp: 0)
    }
    core.pointee.foreignUnits = count + (count + 63) / 64 + (count + 4095) / 4096
    return PageRevision(lineage, block)
  }

  /// The same for what is read beside `revision` and hardly differs; nil: that has too long a line itself.
  static func branch(_ revision: PageRevision) -> PageRevision? {
    revision.lineage.depth < maximumDepth ? fork(revision) : nil
  }

  /// The same for a head that goes on from there; after too long a line it has pages of its own at once.
  static func goOn(_ revision: PageRevision) -> PageRevision {
    let next = fork(revision)
    let lineage = next.lineage
    guard lineage.depth > maximumDepth else { return next }
    lineage.lender = nil
    lineage.core.pointee.ownAll()
    lineage.dropBase()
    lineage.depth = 0
    return next
  }

  /// What was read beside another keeps that in memory. Where it shares too little to be worth it, it gets pages of its
  /// own throughout. By the head's writer.
  func settle() {
    guard base != nil else { return }
    let units = core.pointee.pages.liveUnits + core.pointee.chunks.liveUnits
    if core.pointee.foreignUnits < 3 * units { core.pointee.ownAll() }
    // Snapshots of this lineage may still see some: then it is let go by `collect`.
    dropBase()
  }

  /// Lets go of what this lineage was forked from, when none of its pages is in use.
  private func dropBase() {
    guard base != nil, core.pointee.foreignUnits == 0 else { return }
    leaveBase()
    core.pointee.freedForeign = []
    isBaseWaiting = false
    if !hasBorrowed { lender = nil }
  }

  private func leaveBase() {
    guard case .snapshot(let lineage, let block) = exchange(&base, with: nil) else { return }
    lineage.heirLeaves(block)
  }

  private func heirLeaves(_ block: UnsafeMutablePointer<RevisionBlock>) {
    block.pointee.heirs.subtract(1, ordering: .acquiringAndReleasing)
    lock.lock()
    if headHasGone { collect() }
    lock.unlock()
  }

  /// Gives what this lineage has freed of its base back to where it was made, when nobody else sees the base.
  private func giveBack() {
    guard mayGiveBack, case .snapshot(let lineage, let block) = base,
      block.pointee.isGone.load(ordering: .acquiring),
      let isDone = lineage.takeBack(core.pointee.freedForeign, of: block)
    else { return }
    core.pointee.freedForeign.removeAll()
    hasGivenBack = true
    isBaseWaiting = !isDone
  }

  private var mayGiveBack: Bool { isBaseWaiting || !core.pointee.freedForeign.isEmpty }

  /// - Returns: whether none of it waits for others who see it where it was made, further up the line; nil: others see
  ///   the snapshot, and nothing was taken.
  private func takeBack(_ units: [DeadEntry], of block: UnsafeMutablePointer<RevisionBlock>) -> Bool? {
    lock.lock()
    defer { lock.unlock() }
    guard headHasGone else { return nil }
    if !isInherited {
      collect()
      guard sealed.count == 1, sealed[0].block == block,
        block.pointee.heirs.load(ordering: .acquiring) == 1
      else { return nil }
      // All that the snapshot sees, as the head has gone.
      core.pointee.dead = []
      isInherited = true
    }
    for unit in units { core.pointee.free(unit) }
    giveBack()
    dropBase()
    return !mayGiveBack
  }

  var isForked: Bool { base != nil }

  /// Drops what only a writer needs. The next `makeWritable` makes it anew.
  func releaseSlots() {
    core.pointee.freeSlots()
    // Otherwise that would find nothing to do.
    core.pointee.head.pointee.isDigestCached.store(true, ordering: .releasing)
  }

  /// Seals the head, which stays with its holders as a snapshot, and returns the next head.
  func seal(_ head: PageRevision) -> PageRevision {
    collect()
    core.pointee.ensureSlots()
    let block = Self.copyBlock(head.block, epoch: head.block.pointee.epoch + 1)
    sealed.append(Sealed(block: head.block, dead: core.pointee.dead))
    core.pointee.dead = []
    core.pointee.newestSeen = head.block.pointee.epoch
    core.pointee.epoch = block.pointee.epoch
    core.pointee.liveSnapshots = sealed.count
    core.pointee.head = block
    return PageRevision(self, block)
  }

  /// Starts a new epoch without a snapshot, so that the next write to any page is noticed.
  func startEpoch() {
    core.pointee.ensureSlots()
    let block = core.pointee.head
    block.pointee.epoch += 1
    core.pointee.epoch = block.pointee.epoch
    block.pointee.isDigestCached.store(false, ordering: .relaxed)
  }

  /// False only if no snapshot lives.
  var hasSnapshots: Bool { !sealed.isEmpty }

  /// Hands (`payload`, `extra`) to `reclaim` as soon as no snapshot that lives now is left.
  func deferUntilUnseen(payload: UInt64, extra: UInt32) {
    if sealed.isEmpty {
      reclaim?(payload, extra)
    } else {
      core.pointee.dead.append(DeadEntry(payload: payload, extra: extra, kind: .deferred, birth: 0))
    }
  }

  /// A revision's owner has gone. Any thread.
  func ended(_ block: UnsafeMutablePointer<RevisionBlock>, wasHead: Bool) {
    if !wasHead { block.pointee.isGone.store(true, ordering: .releasing) }
    lock.lock()
    if wasHead {
      headHasGone = true
      reclaim = nil
    }
    if headHasGone { collect() }
    if wasHead {
      if !sealed.isEmpty || hasGivenBack { core.pointee.retireAll() }
      giveBack()
      dropBase()
      core.pointee.freeSlots()
    }
    lock.unlock()
    if wasHead { Self.destroyBlock(block) }
  }

  /// Frees what only snapshots that have gone could see.
  func collect() {
    var index = 0
    while index < sealed.count {
      let block = sealed[index].block
      if block.pointee.isGone.load(ordering: .acquiring),
        block.pointee.heirs.load(ordering: .acquiring) == 0
      {
        remove(index)
      } else {
        index += 1
      }
    }
    giveBack()
    dropBase()
  }

  private func remove(_ index: Int) {
    let gone = sealed.remove(at: index)
    let isLast = index == sealed.count
    let earlier = index > 0 ? sealed[index - 1].block.pointee.epoch : 0
    var entries = isLast ? exchange(&core.pointee.dead, with: []) : exchange(&sealed[index].dead, with: [])
    var kept = 0
    entries.withUnsafeMutableBufferPointer { entries in
      for place in 0..<entries.count {
        let entry = entries[place]
        guard index == 0 || entry.birth > earlier else {
          entries[kept] = entry
          kept += 1
          continue
        }
        switch entry.kind {
        case .deferred: reclaim?(entry.payload, entry.extra)
        case .page, .chunk: core.pointee.free(entry)
        }
      }
    }
    entries.removeLast(entries.count - kept)
    if !gone.dead.isEmpty { entries.append(contentsOf: gone.dead) }
    if isLast { core.pointee.dead = entries } else { sealed[index].dead = entries }
    core.pointee.newestSeen = max(core.pointee.floor, sealed.last?.block.pointee.epoch ?? 0)
    core.pointee.liveSnapshots = sealed.count
    Self.destroyBlock(gone.block)
  }

  private static func makeBlock(rootCapacity: Int, epoch: UInt64) -> UnsafeMutablePointer<RevisionBlock> {
    let block = UnsafeMutablePointer<RevisionBlock>.allocate(capacity: 1)
    block.initialize(
      to: RevisionBlock(
        root: .allocate(capacity: rootCapacity), rootCapacity: rootCapacity, pageCount: 0, epoch: epoch))
    return block
  }

  private static func copyBlock(
    _ source: UnsafeMutablePointer<RevisionBlock>, epoch: UInt64
  ) -> UnsafeMutablePointer<RevisionBlock> {
    let block = makeBlock(rootCapacity: source.pointee.rootCapacity, epoch: epoch)
    let used = (source.pointee.pageCount + 4095) >> 12
    block.pointee.root.initialize(from: source.pointee.root, count: used)
    block.pointee.pageCount = source.pointee.pageCount
    return block
  }

  private static func destroyBlock(_ block: UnsafeMutablePointer<RevisionBlock>) {
    block.pointee.root.deallocate()
    block.deinitialize(count: 1)
    block.deallocate()
  }
}

/// One revision of a store's pages: the head, or a snapshot. Copies of a store share it.
public final class PageRevision: @unchecked Sendable {
  // Sound because: a sealed revision never changes, and the head's is changed only by the holder of the only
  // reference to it.
  public let lineage: PageLineage
  public let block: UnsafeMutablePointer<RevisionBlock>
  private let claimed = Atomic<Bool>(false)

  init(_ lineage: PageLineage, _ block: UnsafeMutablePointer<RevisionBlock>) {
    self.lineage = lineage
    self.block = block
  }

  deinit { lineage.ended(block, wasHead: !isSealed) }

  var isSealed: Bool { claimed.load(ordering: .acquiring) }

  /// True for the one caller who may go on as the lineage's head.
  func claim() -> Bool { !claimed.exchange(true, ordering: .acquiringAndReleasing) }

  @inlinable public var pageCount: Int { block.pointee.pageCount }

  @inlinable
  public func page(_ number: Int) -> RawPage { Self.page(number, of: block.pointee.root) }

  @inlinable
  public static func page(_ number: Int, of root: UnsafeMutablePointer<RawPage>) -> RawPage {
    let middle = PageCore.pointers(root[number &>> 12])
    return PageCore.pointers(middle[(number &>> 6) & 63])[number & 63]
  }
}
