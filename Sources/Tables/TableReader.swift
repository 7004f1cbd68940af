// The view through which rows are read on the hot path: a few words, no reference counts, no locks.
// `PagedTable.withReader` keeps what it points into alive.

public import CKernels

/// Reads one copy of a table, on any thread.
public struct TableReader {
  @usableFromInline let root: UnsafeMutablePointer<RawPage>
  /// The writer's own list of pages; nil: this copy may be another than the head.
  @usableFromInline let slots: UnsafeMutablePointer<PageSlot>?
  @usableFromInline let index: IndexView
  /// Rows that `index` does not know: of a table that shares another's index.
  @usableFromInline let extra: IndexView?
  /// Ids of this copy's rows are below this.
  public let limit: Int
  @usableFromInline let rowShift: Int
  @usableFromInline let rowMask: Int
  @usableFromInline let rowStride: Int

  @inlinable
  init(_ box: TableBox) {
    root = box.weights.revision.block.pointee.root
    slots = nil
    index = box.index.view
    extra = box.extra?.view
    limit = box.scalars.pointee.limit
    rowShift = box.rowShift
    rowMask = box.rowMask
    rowStride = box.rowStride
  }

  /// Reads what the writer would write, by its list: one load where a copy's directory takes three. Valid until the
  /// writer inserts a row.
  @inlinable @inline(__always)
  public init(_ writer: TableWriter) {
    root = writer.weightsCore.pointee.head.pointee.root
    slots = writer.weightsCore.pointee.slots
    index = writer.index
    // What is written has an index of its own.
    extra = nil
    limit = writer.scalars.pointee.limit
    rowShift = writer.rowShift
    rowMask = writer.rowMask
    rowStride = writer.rowStride
  }

  @inlinable @inline(__always)
  func row(_ id: UInt32) -> UnsafeRawPointer {
    let id = Int(id)
    let number = id &>> rowShift
    let page = slots.map { $0[number].page } ?? PageRevision.page(number, of: root)
    return UnsafeRawPointer(page) + (PageHeader.pageBytes &+ (id & rowMask) &* rowStride)
  }

  @inlinable @inline(__always)
  func holds(_ row: UnsafeRawPointer, _ key: UInt64) -> Bool {
    row.load(as: UInt64.self) == key && row.load(fromByteOffset: RowHeader.seen, as: UInt32.self) != 0
  }

  /// The key's weights.
  @inlinable @inline(__always)
  public func find(_ key: UInt64) -> UnsafePointer<Float>? {
    var found: UnsafeRawPointer?
    func isFound(_ id: UInt32) -> Bool {
      guard Int(id) < limit else { return false }
      let row = row(id)
      guard holds(row, key) else { return false }
      found = row
      return true
    }
    if index.find(key, where: isFound) == nil, let extra { _ = extra.find(key, where: isFound) }
    return found.map { ($0 + RowHeader.weights).assumingMemoryBound(to: Float.self) }
  }

  @inlinable
  public func findID(_ key: UInt64) -> RowID? {
    func isFound(_ id: UInt32) -> Bool { Int(id) < limit && holds(row(id), key) }
    return (index.find(key, where: isFound) ?? extra?.find(key, where: isFound)).map { RowID($0) }
  }

  /// The weights of a row that is there.
  @inlinable @inline(__always)
  public func weights(_ id: RowID) -> UnsafePointer<Float> {
    (row(id.rawValue) + RowHeader.weights).assumingMemoryBound(to: Float.self)
  }

  @inlinable public func key(of id: RowID) -> UInt64 { row(id.rawValue).load(as: UInt64.self) }

  @inlinable
  public func lastSeen(of id: RowID) -> UInt32 {
    row(id.rawValue).load(fromByteOffset: RowHeader.seen, as: UInt32.self)
  }

  // MARK: Ahead of time

  /// Stage 1: asks for the key's line in the index.
  @inlinable @inline(__always)
  public func prefetchIndex(_ key: UInt64) { index.prefetch(key) }

  /// Stage 2, when the line has arrived: where the key's row probably is. Asks for the directory's leaf.
  @inlinable @inline(__always)
  public func hint(_ key: UInt64) -> RowHint {
    let hint = exactHint(key)
    return hint.isRow ? hint : .none
  }

  /// The same, but tells absence for certain: what this copy has is in the index for good (or in `extra`).
  @inlinable @inline(__always)
  func exactHint(_ key: UInt64) -> RowHint {
    let id = index.guess(key)
    guard Int(id) < limit else { return id == IndexView.absent && extra == nil ? .absent : .none }
    let number = Int(id) &>> rowShift
    let middle = PageCore.pointers(root[number &>> 12])
    cowbird_prefetch(PageCore.pointers(middle[(number &>> 6) & 63]) + (number & 63))
    return RowHint(rawValue: id)
  }

  /// Stage 3, when that has arrived: asks for the row.
  @inlinable @inline(__always)
  public func prefetchRow(_ hint: RowHint) {
    guard Int(hint.rawValue) < limit else { return }
    let row = row(hint.rawValue)
    cowbird_prefetch(row)
    // The same line again, unless the row reaches the next.
    cowbird_prefetch(row + min(64, rowStride &- 1))
  }

  /// Stages 2 and 3 at once.
  @inlinable @inline(__always)
  public func prefetchRow(_ key: UInt64) { prefetchRow(hint(key)) }

  /// Stage 4: the key's weights, at once where the hint was right.
  @inlinable @inline(__always)
  public func find(_ key: UInt64, _ hint: RowHint) -> UnsafePointer<Float>? {
    if _fastPath(Int(hint.rawValue) < limit) {
      let row = row(hint.rawValue)
      if _fastPath(holds(row, key)) {
        return (row + RowHeader.weights).assumingMemoryBound(to: Float.self)
      }
    }
    return find(key)
  }

  /// The key's row, at once where the hint was right.
  @inlinable @inline(__always)
  public func findID(_ key: UInt64, _ hint: RowHint) -> RowID? {
    if Int(hint.rawValue) < limit && _fastPath(holds(row(hint.rawValue), key)) { return RowID(hint.rawValue) }
    return findID(key)
  }

  /// Looks up many keys, their memory asked for ahead; nil where there is no row.
  @inlinable
  public func find(
    _ keys: UnsafeBufferPointer<UInt64>, into rows: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    guard let first = keys.baseAddress, keys.count > 0 else { return }
    withUnsafeTemporaryAllocation(of: RowHint.self, capacity: 32) { hints in
      let hints = hints.baseAddress.unsafelyUnwrapped
      let count = keys.count
      for place in 0..<min(24, count) { prefetchIndex(first[place]) }
      for place in 0..<min(16, count) { hints[place] = exactHint(first[place]) }
      for place in 0..<min(8, count) { prefetchRow(hints[place]) }
      var place = 0
      while place < count {
        if place &+ 24 < count { prefetchIndex(first[place &+ 24]) }
        if place &+ 16 < count { hints[(place &+ 16) & 31] = exactHint(first[place &+ 16]) }
        if place &+ 8 < count { prefetchRow(hints[(place &+ 8) & 31]) }
        let hint = hints[place & 31]
        rows[place] = hint == .absent ? nil : find(first[place], hint)
        place &+= 1
      }
    }
  }
}
