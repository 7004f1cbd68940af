// The views through which rows are read and written on the hot path: a few words each, no reference counts, no
// locks. `PagedTable.withReader` and `withWriter` keep what they point into alive.

internal import CKernels

/// Reads one copy of a table, on any thread.
package struct TableReader {
  @usableFromInline let root: UnsafeMutablePointer<RawPage>
  @usableFromInline let index: IndexView
  /// Ids of this copy's rows are below this.
  @usableFromInline package let limit: Int
  @usableFromInline let rowShift: Int
  @usableFromInline let rowMask: Int
  @usableFromInline let rowStride: Int

  @inlinable
  init(_ box: TableBox) {
    root = box.weights.revision.block.pointee.root
    index = box.index.view
    limit = box.scalars.pointee.limit
    rowShift = box.rowShift
    rowMask = box.rowMask
    rowStride = box.rowStride
  }

  @inlinable @inline(__always)
  func row(_ id: UInt32) -> UnsafeRawPointer {
    let id = Int(id)
    return UnsafeRawPointer(PageRevision.page(id &>> rowShift, of: root))
      + (PageHeader.pageBytes &+ (id & rowMask) &* rowStride)
  }

  /// The key's weights.
  @inlinable @inline(__always)
  package func find(_ key: UInt64) -> UnsafePointer<Float>? {
    var found: UnsafeRawPointer?
    _ = index.find(key) { id in
      guard Int(id) < limit else { return false }
      let row = row(id)
      guard row.load(as: UInt64.self) == key,
        row.load(fromByteOffset: TableLayout.seenOffset, as: UInt32.self) != 0
      else { return false }
      found = row
      return true
    }
    return found.map { ($0 + TableLayout.weightsOffset).assumingMemoryBound(to: Float.self) }
  }

  @inlinable
  package func findID(_ key: UInt64) -> RowID? {
    index.find(key) { id in
      guard Int(id) < limit else { return false }
      let row = row(id)
      return row.load(as: UInt64.self) == key
        && row.load(fromByteOffset: TableLayout.seenOffset, as: UInt32.self) != 0
    }.map { RowID($0) }
  }

  /// The weights of a row that is there.
  @inlinable
  package func weights(_ id: RowID) -> UnsafePointer<Float> {
    (row(id.rawValue) + TableLayout.weightsOffset).assumingMemoryBound(to: Float.self)
  }

  @inlinable package func key(of id: RowID) -> UInt64 { row(id.rawValue).load(as: UInt64.self) }

  @inlinable
  package func lastSeen(of id: RowID) -> UInt32 {
    row(id.rawValue).load(fromByteOffset: TableLayout.seenOffset, as: UInt32.self)
  }

  /// Stage 1: asks for the key's line in the index.
  @inlinable @inline(__always)
  package func prefetchIndex(_ key: UInt64) { index.prefetch(key) }

  /// Stage 2, when the line has arrived: asks for the directory's leaf.
  @inlinable @inline(__always)
  package func prefetchPage(_ key: UInt64) {
    guard let id = index.guess(key), Int(id) < limit else { return }
    let number = Int(id) &>> rowShift
    let middle = PageCore.pointers(root[number &>> 12])
    cowbird_prefetch(PageCore.pointers(middle[(number &>> 6) & 63]) + (number & 63))
  }

  /// Stage 3, when that has arrived: asks for the row.
  @inlinable @inline(__always)
  package func prefetchRow(_ key: UInt64) {
    guard let id = index.guess(key), Int(id) < limit else { return }
    let row = row(id)
    cowbird_prefetch(row)
    cowbird_prefetch(row + 64)
  }

  /// Looks up many keys, their memory asked for ahead; nil where there is no row.
  @inlinable
  package func find(
    _ keys: UnsafeBufferPointer<UInt64>, into rows: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    let count = keys.count
    guard count > 0, let keys = keys.baseAddress else { return }
    let far = 24
    let middle = 16
    let near = 8
    for place in 0..<min(far, count) { prefetchIndex(keys[place]) }
    for place in 0..<min(middle, count) { prefetchPage(keys[place]) }
    for place in 0..<min(near, count) { prefetchRow(keys[place]) }
    for place in 0..<count {
      if place &+ far < count { prefetchIndex(keys[place &+ far]) }
      if place &+ middle < count { prefetchPage(keys[place &+ middle]) }
      if place &+ near < count { prefetchRow(keys[place &+ near]) }
      rows[place] = find(keys[place])
    }
  }
}

/// Writes the head. One at a time; pointers stay where they are until the scope ends.
package struct TableWriter {
  @usableFromInline let weightsCore: UnsafeMutablePointer<PageCore>
  @usableFromInline let stateCore: UnsafeMutablePointer<PageCore>?
  @usableFromInline let scalars: UnsafeMutablePointer<TableScalars>
  @usableFromInline let index: IndexView
  @usableFromInline let box: Unmanaged<TableBox>
  @usableFromInline let rowShift: Int
  @usableFromInline let rowMask: Int
  @usableFromInline let rowStride: Int
  @usableFromInline let stateStride: Int

  @inlinable
  init(_ box: TableBox) {
    weightsCore = box.weights.revision.lineage.core
    stateCore = box.state?.revision.lineage.core
    scalars = box.scalars
    index = box.index.view
    self.box = Unmanaged.passUnretained(box)
    rowShift = box.rowShift
    rowMask = box.rowMask
    rowStride = box.rowStride
    stateStride = box.stateStride
  }

  @inlinable @inline(__always)
  func row(_ id: UInt32) -> RawPage {
    weightsCore.pointee.page(Int(id) &>> rowShift)
      + (PageHeader.pageBytes &+ (Int(id) & rowMask) &* rowStride)
  }

  @inlinable @inline(__always)
  package func find(_ key: UInt64) -> RowID? {
    index.find(key) { id in
      guard Int(id) < scalars.pointee.limit else { return false }
      let row = row(id)
      return row.load(as: UInt64.self) == key
        && row.load(fromByteOffset: TableLayout.seenOffset, as: UInt32.self) != 0
    }.map { RowID($0) }
  }

  /// The key's row, made if there is none: zeroes, then whatever `initialise` makes of them. Nil if the key is
  /// not admitted yet or there is no room (see `PagedTable.prepare`).
  @inlinable @inline(__always)
  package func findOrInsert(
    _ key: UInt64,
    initialise: (_ weights: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>?) -> Void = {
      _, _ in
    }
  ) -> RowID? {
    if let id = find(key) { return id }
    guard let raw = box._withUnsafeGuaranteedRef({ $0.insert(key) }) else { return nil }
    let id = RowID(raw)
    initialise(weights(id), stateCore == nil ? nil : state(id))
    return id
  }

  /// The row's weights, for writing. Marks the row as seen now.
  @inlinable @inline(__always)
  package func weights(_ id: RowID) -> UnsafeMutablePointer<Float> {
    let page = weightsCore.pointee.writablePage(Int(id.rawValue) &>> rowShift)
    let row = page + (PageHeader.pageBytes &+ (Int(id.rawValue) & rowMask) &* rowStride)
    row.storeBytes(of: scalars.pointee.now, toByteOffset: TableLayout.seenOffset, as: UInt32.self)
    return (row + TableLayout.weightsOffset).assumingMemoryBound(to: Float.self)
  }

  /// The row's optimizer state, for writing. The table has to have some.
  @inlinable @inline(__always)
  package func state(_ id: RowID) -> UnsafeMutablePointer<Float> {
    let page = stateCore.unsafelyUnwrapped.pointee.writablePage(Int(id.rawValue) &>> rowShift)
    return (page + (PageHeader.pageBytes &+ (Int(id.rawValue) & rowMask) &* stateStride))
      .assumingMemoryBound(to: Float.self)
  }

  /// The row's weights, for reading. Stale as soon as any row of its page is written.
  @inlinable @inline(__always)
  package func read(_ id: RowID) -> UnsafePointer<Float> {
    UnsafeRawPointer(row(id.rawValue) + TableLayout.weightsOffset).assumingMemoryBound(to: Float.self)
  }

  /// Stage 1 (three examples ahead): asks for the key's line in the index.
  @inlinable @inline(__always)
  package func prefetchIndex(_ key: UInt64) { index.prefetch(key) }

  /// Stage 2 (two ahead): asks for the row, and for all of its page if it will be copied.
  @inlinable @inline(__always)
  package func prefetchRow(_ key: UInt64) {
    guard let id = index.guess(key), Int(id) < scalars.pointee.limit else { return }
    let number = Int(id) &>> rowShift
    let place = Int(id) & rowMask
    let slot = weightsCore.pointee.slots[number]
    if _fastPath(slot.stamp == weightsCore.pointee.epoch) {
      let row = slot.page + (PageHeader.pageBytes &+ place &* rowStride)
      cowbird_prefetch_write(row)
      cowbird_prefetch_write(row + 64)
    } else {
      var offset = 0
      while offset < min(PageHeader.pageBytes &+ weightsCore.pointee.bodyBytes, 2560) {
        cowbird_prefetch(slot.page + offset)
        offset &+= 64
      }
    }
    if let stateCore {
      let state = stateCore.pointee.slots[number].page + (PageHeader.pageBytes &+ place &* stateStride)
      cowbird_prefetch_write(state)
      cowbird_prefetch_write(state + 64)
    }
  }
}
