// What a table's copies share until one of them writes.

internal import CKernels
internal import Glibc
internal import Primitives
public import Synchronization

/// Numbers that a table carries beside its pages.
public struct TableScalars {
  /// Ids handed out so far: the next new row's.
  @usableFromInline var limit = 0
  public var rowCount = 0
  /// The free row to be used next, plus one; 0 if there is none.
  @usableFromInline var firstFree: UInt64 = 0
  public var now: UInt32 = 1
  /// Rows that the bounds allow.
  @usableFromInline var maximumRows = Int.max
  package var counters = TableCounters()

  /// `PagedTable.prepare` has nothing to do.
  @inlinable @inline(__always)
  public func isPrepared(now: UInt32, room: Int) -> Bool {
    now <= self.now && rowCount &+ room <= maximumRows
  }
}

@usableFromInline
final class TableBox: @unchecked Sendable {
  // Sound because: written only through the one `PagedTable` that holds the only reference.
  let layout: TableLayout
  // Unchecked exclusivity: a box has one writer, and the check costs more than the access.
  @exclusivity(unchecked) var bounds: TableBounds {
    didSet { scalars.pointee.maximumRows = bounds.maximumRows ?? .max }
  }
  @exclusivity(unchecked) @usableFromInline var weights: PageStore
  @exclusivity(unchecked) @usableFromInline var state: PageStore?
  @exclusivity(unchecked) @usableFromInline var index: KeyIndex
  /// Entries of rows that `index` has not, where that is another table's; nil: there are none.
  @exclusivity(unchecked) @usableFromInline var extra: KeyIndex?
  /// The other table's rows: while they live, their entries are in `index`. Nil: `index` is this table's own.
  @exclusivity(unchecked) private(set) var anchor: PageRevision?
  public let scalars: UnsafeMutablePointer<TableScalars>
  @usableFromInline let rowShift: Int
  @usableFromInline let rowMask: Int
  @usableFromInline let rowStride: Int
  @usableFromInline let stateStride: Int
  /// 0: not in the row.
  @usableFromInline let stateOffset: Int
  @exclusivity(unchecked) var filter: AdmissionFilter?
  @exclusivity(unchecked) var queue = EvictionQueue()
  let isWeightsOnly: Bool
  @usableFromInline let alone = Atomic<Bool>(false)
  /// Found by `makeWritable`, and true until `lend`: nothing beside this box sees the pages, nor a digest of them.
  @inlinable @inline(__always) var isAlone: Bool { alone.load(ordering: .acquiring) }

  /// - Parameter comingRows: rows that will be laid upon it at once.
  init(layout: TableLayout, bounds: TableBounds, expectedRows: Int, comingRows: Int = 0) {
    self.layout = layout
    self.bounds = bounds
    weights = PageStore(bodyBytes: layout.weightsPageBytes)
    state = layout.hasStatePages ? PageStore(bodyBytes: layout.statePageBytes) : nil
    index = KeyIndex(expectedRows: max(expectedRows, bounds.maximumRows ?? 0), comingRows: comingRows)
    scalars = .allocate(capacity: 1)
    scalars.initialize(to: TableScalars(maximumRows: bounds.maximumRows ?? .max))
    rowShift = layout.rowsPerPage.trailingZeroBitCount
    rowMask = layout.rowsPerPage - 1
    rowStride = layout.rowStride
    stateStride = layout.stateStride
    stateOffset = layout.isStateBeside ? layout.stateOffset : 0
    filter = bounds.admissionCount > 1 ? AdmissionFilter(cells: bounds.admissionCells) : nil
    isWeightsOnly = false
    connectIndex()
  }

  private init(copy other: TableBox, withState: Bool) {
    other.lend()
    layout = other.layout
    bounds = other.bounds
    weights = other.weights
    isWeightsOnly = other.isWeightsOnly || (!withState && other.layout.state > 0)
    state = isWeightsOnly ? nil : other.state
    index = other.index
    extra = other.extra
    anchor = other.anchor
    scalars = .allocate(capacity: 1)
    scalars.initialize(to: other.scalars.pointee)
    rowShift = other.rowShift
    rowMask = other.rowMask
    rowStride = other.rowStride
    stateStride = other.stateStride
    stateOffset = other.stateOffset
    filter = other.filter
    queue = other.queue
  }

  deinit { scalars.deallocate() }

  func copy(withState: Bool) -> TableBox { TableBox(copy: self, withState: withState) }

  /// To be called before anything that goes on to see the pages, or a digest of them, without a reference to this box.
  func lend() { alone.store(false, ordering: .releasing) }

  func makeWritable() {
    precondition(!isWeightsOnly, "a copy without optimizer state cannot be written")
    defer { alone.store(true, ordering: .releasing) }
    if weights.isWritable && state?.isWritable ?? true { return }
    let forks = weights.mustFork
    let lineage = weights.revision.lineage
    _ = weights.makeWritable()
    _ = state?.makeWritable()
    if forks || anchor != nil || weights.revision.lineage !== lineage { rebuildIndex() }
  }

  /// Lets the lineage tell the index what no snapshot needs any more.
  private func connectIndex() {
    let index = index
    weights.revision.lineage.reclaim = { index.reclaim($0, $1) }
  }

  private func rebuildIndex() {
    (extra, anchor) = (nil, nil)
    let limit = scalars.pointee.limit
    index = KeyIndex(expectedRows: max(limit, bounds.maximumRows ?? 0), comingRows: limit)
    connectIndex()
    let head = HeadRows(self)
    // Lines of the index lie anywhere: those of 32 rows are asked for before the first is needed.
    for first in stride(from: 0, to: UInt32(limit), by: 32) {
      let ids = first..<min(first + 32, UInt32(limit))
      for id in ids { if let key = head.key(of: id) { index.prefetchForWriting(key) } }
      for id in ids { if let key = head.key(of: id) { enter(key, id, head) } }
    }
  }

  /// After all pages were read beside `relative`: takes its index over, with entries of its own for the rows that are
  /// not the relative's; or makes an index, where no page is shared.
  /// - Returns: a row whose key another row has too.
  func index(beside relative: TableBox) -> UInt32? {
    relative.lend()
    let head = HeadRows(self)
    let own: KeyIndex
    let anchored: PageStore?
    if weights.revision.lineage.isForked {
      let revision = relative.anchor ?? relative.weights.revision
      (index, anchor, anchored) = (relative.index, revision, PageStore(revision))
      own = KeyIndex(expectedRows: 0)
    } else {
      (own, anchored) = (index, nil)
      connectIndex()
    }
    var stray: UInt32?
    var isUsed = false
    func add(_ page: Int) {
      for id in UInt32(page << rowShift)..<UInt32((page + 1) << rowShift) {
        guard let key = head.key(of: id) else { continue }
        var isThere = false
        func look(_ candidate: UInt32) -> Bool {
          if candidate == id { isThere = true } else if head.key(of: candidate) == key { stray = stray ?? id }
          return false
        }
        if anchored != nil { _ = index.view.find(key, where: look) }
        _ = own.view.find(key, where: look)
        if isThere { continue }
        isUsed = true
        if let replaced = own.insert(key, id, head) { own.reclaim(replaced, KeyIndex.segmentMark) }
      }
    }
    if let anchored {
      weights.forEachUnshared(with: anchored, add)
      extra = isUsed ? own : nil
    } else {
      for page in 0..<weights.pageCount { add(page) }
    }
    return stray
  }

  /// Of what is this table's alone.
  var indexBytes: Int { anchor == nil ? index.bytes : extra?.bytes ?? 0 }

  func indexRow(_ id: UInt32) {
    let head = HeadRows(self)
    guard let key = head.key(of: id) else { return }
    enter(key, id, head)
  }

  private func enter(_ key: UInt64, _ id: UInt32, _ head: HeadRows) {
    // Not retained: an atomic operation waits for all that was stored before.
    let replaced = Unmanaged.passUnretained(index)._withUnsafeGuaranteedRef { $0.insert(key, id, head) }
    guard let replaced else { return }
    weights.revision.lineage.deferUntilUnseen(payload: replaced, extra: KeyIndex.segmentMark)
  }

  /// The head's row has lost this key.
  func unindex(_ key: UInt64, _ id: UInt32) {
    let lineage = weights.revision.lineage
    guard lineage.hasSnapshots else { return }
    index.markStale(key, id)
    lineage.deferUntilUnseen(payload: key, extra: id)
  }

  /// The head's row, for reading.
  func row(_ id: UInt32) -> RawPage {
    weights.revision.lineage.core.pointee.page(Int(id) >> rowShift) + PageHeader.pageBytes
      + (Int(id) & rowMask) * rowStride
  }

  func writableRow(_ id: UInt32) -> RawPage {
    weights.revision.lineage.core.pointee.writablePage(Int(id) >> rowShift) + PageHeader.pageBytes
      + (Int(id) & rowMask) * rowStride
  }

  /// A row's state, in any copy.
  func state(of id: Int) -> UnsafePointer<Float> {
    let address =
      state.map { $0.body(id >> rowShift) + (id & rowMask) * stateStride }
      ?? weights.body(id >> rowShift) + (id & rowMask) * rowStride + stateOffset
    return address.assumingMemoryBound(to: Float.self)
  }

  /// A row for a key that has none; nil if it may not have one.
  @usableFromInline
  func insert(_ key: UInt64) -> UInt32? {
    if filter != nil && filter!.observe(key) < bounds.admissionCount {
      scalars.pointee.counters.notAdmitted += 1
      return nil
    }
    if scalars.pointee.rowCount >= bounds.maximumRows ?? TableBounds.rowLimit {
      scalars.pointee.counters.refused += 1
      return nil
    }
    let id: UInt32
    if scalars.pointee.firstFree != 0 {
      id = UInt32(scalars.pointee.firstFree - 1)
      scalars.pointee.firstFree = row(id).load(as: UInt64.self)
    } else {
      id = UInt32(scalars.pointee.limit)
      if Int(id) & rowMask == 0 {
        _ = weights.revision.lineage.core.pointee.appendPage()
        _ = state?.revision.lineage.core.pointee.appendPage()
      }
      scalars.pointee.limit += 1
    }
    let row = writableRow(id)
    row.storeBytes(of: key, as: UInt64.self)
    row.storeBytes(of: scalars.pointee.now, toByteOffset: RowHeader.seen, as: UInt32.self)
    scalars.pointee.rowCount += 1
    scalars.pointee.counters.inserted += 1
    indexRow(id)
    return id
  }

  /// Wipes the row and puts it at the front of the free rows.
  func remove(_ id: UInt32) {
    let row = writableRow(id)
    let key = row.load(as: UInt64.self)
    memset(row, 0, rowStride)
    unindex(key, id)
    row.storeBytes(of: scalars.pointee.firstFree, as: UInt64.self)
    if let state {
      memset(
        state.revision.lineage.core.pointee.writablePage(Int(id) >> rowShift) + PageHeader.pageBytes
          + (Int(id) & rowMask) * stateStride, 0, stateStride)
    }
    scalars.pointee.firstFree = UInt64(id) + 1
    scalars.pointee.rowCount -= 1
  }

  func setBounds(_ new: TableBounds) {
    if new.admissionCount == 1 {
      filter = nil
    } else if filter == nil || new.admissionCells != bounds.admissionCells {
      filter = AdmissionFilter(cells: new.admissionCells)
    }
    bounds = new
    makeRoom(for: 0)
  }

  /// The scalars and all else that is neither page nor index.
  func metadata() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(layout)
    writer.write(bounds)
    writer.write(UInt64(scalars.pointee.limit))
    writer.write(UInt64(scalars.pointee.rowCount))
    writer.write(scalars.pointee.firstFree)
    writer.write(scalars.pointee.now)
    writer.write(scalars.pointee.counters)
    writer.write(filter?.sightings ?? 0)
    writer.write(queue)
    return writer.bytes
  }
}

/// The head's rows as the index asks for them, without a reference to the lineage (which owns the asking).
struct HeadRows {
  private let core: UnsafeMutablePointer<PageCore>
  private let rowShift: Int
  private let rowMask: Int
  private let rowStride: Int

  init(_ box: TableBox) {
    core = box.weights.revision.lineage.core
    rowShift = box.rowShift
    rowMask = box.rowMask
    rowStride = box.rowStride
  }

  func key(of id: UInt32) -> UInt64? {
    let page = Int(id) >> rowShift
    guard page < core.pointee.pageCount else { return nil }
    let row = core.pointee.page(page) + PageHeader.pageBytes + (Int(id) & rowMask) * rowStride
    guard row.load(fromByteOffset: RowHeader.seen, as: UInt32.self) != 0 else { return nil }
    return row.load(as: UInt64.self)
  }

  func prefetchSlot(of id: UInt32) {
    cowbird_prefetch(core.pointee.slots + min(Int(id) >> rowShift, core.pointee.pageCount))
  }

  func prefetchRow(_ id: UInt32) {
    let page = Int(id) >> rowShift
    guard page < core.pointee.pageCount else { return }
    cowbird_prefetch(core.pointee.page(page) + PageHeader.pageBytes + (Int(id) & rowMask) * rowStride)
  }
}
