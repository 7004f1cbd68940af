// The view through which the head's rows are written on the hot path: a few words, no reference counts, no
// locks. `PagedTable.withWriter` keeps what it points into alive.

public import CKernels

/// Writes the head. One at a time; pointers stay where they are until the scope ends.
public struct TableWriter {
  @usableFromInline let weightsCore: UnsafeMutablePointer<PageCore>
  @usableFromInline let stateCore: UnsafeMutablePointer<PageCore>?
  @usableFromInline let scalars: UnsafeMutablePointer<TableScalars>
  @usableFromInline let index: IndexView
  @usableFromInline let box: Unmanaged<TableBox>
  @usableFromInline let rowShift: Int
  @usableFromInline let rowMask: Int
  @usableFromInline let rowStride: Int
  @usableFromInline let stateStride: Int
  @usableFromInline let stateOffset: Int

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
    stateOffset = box.stateOffset
  }

  @inlinable @inline(__always)
  func row(_ id: UInt32) -> RawPage {
    weightsCore.pointee.page(Int(id) &>> rowShift)
      + (PageHeader.pageBytes &+ (Int(id) & rowMask) &* rowStride)
  }

  @inlinable @inline(__always)
  func holds(_ row: RawPage, _ key: UInt64) -> Bool {
    row.load(as: UInt64.self) == key && row.load(fromByteOffset: RowHeader.seen, as: UInt32.self) != 0
  }

  @inlinable @inline(__always)
  public func find(_ key: UInt64) -> RowID? {
    index.find(key) { id in
      Int(id) < scalars.pointee.limit && holds(row(id), key)
    }.map { RowID($0) }
  }

  /// The key's row, made if there is none: zeroes, then whatever `initialise` makes of them. Nil if the key is
  /// not admitted yet or there is no room (see `PagedTable.prepare`).
  @inlinable @inline(__always)
  public func findOrInsert(
    _ key: UInt64,
    initialise: (_ weights: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>?) -> Void = {
      _, _ in
    }
  ) -> RowID? {
    if let id = find(key) { return id }
    guard let raw = box._withUnsafeGuaranteedRef({ $0.insert(key) }) else { return nil }
    let id = RowID(raw)
    initialise(weights(id), hasState ? state(id) : nil)
    return id
  }

  /// `PagedTable.prepare` has nothing to do.
  @inlinable @inline(__always)
  public func isPrepared(now: UInt32, room: Int) -> Bool { scalars.pointee.isPrepared(now: now, room: room) }

  @inlinable var hasState: Bool { stateCore != nil || stateOffset > 0 }

  /// The head's epoch. While it is the same, rows that were lent for writing stay where they are.
  @inlinable public var epoch: UInt64 { weightsCore.pointee.epoch }

  /// The row's weights, for writing. Marks the row as seen now.
  @inlinable @inline(__always)
  public func weights(_ id: RowID) -> UnsafeMutablePointer<Float> {
    let page = weightsCore.pointee.writablePage(Int(id.rawValue) &>> rowShift)
    let row = page + (PageHeader.pageBytes &+ (Int(id.rawValue) & rowMask) &* rowStride)
    row.storeBytes(of: scalars.pointee.now, toByteOffset: RowHeader.seen, as: UInt32.self)
    return (row + RowHeader.weights).assumingMemoryBound(to: Float.self)
  }

  /// The row's optimizer state, for writing. The table has to have some.
  @inlinable @inline(__always)
  public func state(_ id: RowID) -> UnsafeMutablePointer<Float> {
    guard let stateCore else { return state(beside: weights(id)) }
    let page = stateCore.pointee.writablePage(Int(id.rawValue) &>> rowShift)
    return (page + (PageHeader.pageBytes &+ (Int(id.rawValue) & rowMask) &* stateStride))
      .assumingMemoryBound(to: Float.self)
  }

  /// State that stands beside the weights.
  @inlinable @inline(__always)
  func state(beside weights: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    (UnsafeMutableRawPointer(weights) + (stateOffset &- RowHeader.weights)).assumingMemoryBound(
      to: Float.self)
  }

  /// The row's weights, for reading. Stale as soon as any row of its page is written.
  @inlinable @inline(__always)
  public func read(_ id: RowID) -> UnsafePointer<Float> {
    UnsafeRawPointer(row(id.rawValue) + RowHeader.weights).assumingMemoryBound(to: Float.self)
  }

  // MARK: Ahead of time

  /// It may lead to a row of this table: it may have been made in a larger one, which a rollback has taken back since.
  @inlinable @inline(__always)
  func isRow(_ hint: RowHint) -> Bool { Int(hint.rawValue) < scalars.pointee.limit }

  /// Stage 1 (three examples ahead): asks for the key's line in the index.
  @inlinable @inline(__always)
  public func prefetchIndex(_ key: UInt64) { index.prefetch(key) }

  /// Stage 2 (two ahead): where the key's row probably is. Asks for the page's places in the writer's tables.
  @inlinable @inline(__always)
  public func hint(_ key: UInt64) -> RowHint {
    // A key that is absent may be there when the hint is used: an example before may have brought it.
    let id = index.guess(key)
    guard Int(id) < scalars.pointee.limit else { return .none }
    let number = Int(id) &>> rowShift
    cowbird_prefetch(weightsCore.pointee.slots + number)
    if let stateCore { cowbird_prefetch(stateCore.pointee.slots + number) }
    return RowHint(rawValue: id)
  }

  /// Stage 1 of many keys.
  @inlinable @inline(__always)
  public func prefetchIndex(_ keys: UnsafePointer<UInt64>, _ count: Int) {
    cowbird_index_prefetch_n(index.directory, index.shift, keys, count)
  }

  /// Stage 2 of many keys.
  @inlinable @inline(__always)
  public func fill(_ hints: UnsafeMutablePointer<RowHint>, _ keys: UnsafePointer<UInt64>, _ count: Int) {
    let ids = UnsafeMutableRawPointer(hints).assumingMemoryBound(to: UInt32.self)
    cowbird_index_guess_n(index.directory, index.shift, keys, count, ids)
    // Read once: the compiler would have to read them again after each store.
    let (limit, rowShift, slots) = (scalars.pointee.limit, rowShift, weightsCore.pointee.slots)
    for place in 0..<count {
      let id = Int(ids[place])
      if id < limit { cowbird_prefetch(slots + id &>> rowShift) } else { hints[place] = .none }
    }
    guard let slots = stateCore?.pointee.slots else { return }
    for place in 0..<count where hints[place].isRow { cowbird_prefetch(slots + Int(ids[place]) &>> rowShift) }
  }

  /// Stage 3 (one ahead): asks for the row, and for all of its page if it will be copied.
  @inlinable @inline(__always)
  public func prefetchRow(_ hint: RowHint) {
    guard isRow(hint) else { return }
    let number = Int(hint.rawValue) &>> rowShift
    let place = Int(hint.rawValue) & rowMask
    let slot = weightsCore.pointee.slots[number]
    if _fastPath(slot.stamp == weightsCore.pointee.epoch) {
      let row = slot.page + (PageHeader.pageBytes &+ place &* rowStride)
      cowbird_prefetch_write(row)
      // The same line again, unless the row reaches the next.
      cowbird_prefetch_write(row + min(64, rowStride &- 1))
    } else {
      prefetchPage(slot.page)
    }
    if let stateCore {
      let state = stateCore.pointee.slots[number].page + (PageHeader.pageBytes &+ place &* stateStride)
      cowbird_prefetch_write(state)
      cowbird_prefetch_write(state + min(64, stateStride &- 1))
    }
  }

  /// Stage 3 of many keys.
  @inlinable @inline(__always)
  public func prefetchRows(_ hints: UnsafePointer<RowHint>, _ count: Int) {
    let (slots, epoch) = (weightsCore.pointee.slots, weightsCore.pointee.epoch)
    let (rowShift, rowMask, rowStride, hasStatePages) = (rowShift, rowMask, rowStride, stateCore != nil)
    let (last, limit) = (min(64, rowStride &- 1), scalars.pointee.limit)
    for place in 0..<count {
      let hint = hints[place]
      guard Int(hint.rawValue) < limit else { continue }
      let slot = slots[Int(hint.rawValue) &>> rowShift]
      guard _fastPath(slot.stamp == epoch && !hasStatePages) else {
        prefetchRow(hint)
        continue
      }
      let row = slot.page + (PageHeader.pageBytes &+ (Int(hint.rawValue) & rowMask) &* rowStride)
      cowbird_prefetch_write(row)
      cowbird_prefetch_write(row + last)
    }
  }

  @inlinable
  func prefetchPage(_ page: RawPage) {
    var offset = 0
    while offset < min(PageHeader.pageBytes &+ weightsCore.pointee.bodyBytes, 2560) {
      cowbird_prefetch(page + offset)
      offset &+= 64
    }
  }

  /// Stages 2 and 3 at once.
  @inlinable @inline(__always)
  public func prefetchRow(_ key: UInt64) { prefetchRow(hint(key)) }

  /// Stage 4: the key's row, at once where the hint was right; made if there is none.
  @inlinable @inline(__always)
  public func findOrInsert(
    _ key: UInt64, _ hint: RowHint,
    initialise: (_ weights: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>?) -> Void = {
      _, _ in
    }
  ) -> RowID? {
    if isRow(hint) && _fastPath(holds(row(hint.rawValue), key)) { return RowID(hint.rawValue) }
    return findOrInsert(key, initialise: initialise)
  }

  /// Stage 4: the key's row for writing, where it stands until another epoch begins, marked as seen now; nil if more
  /// has to be done for it: `findOrInsert`, `writable`.
  @inlinable @inline(__always)
  public func row(_ key: UInt64, _ hint: RowHint) -> WritableRow? {
    guard isRow(hint) else { return nil }
    let slot = weightsCore.pointee.slots[Int(hint.rawValue) &>> rowShift]
    let row = slot.page + (PageHeader.pageBytes &+ (Int(hint.rawValue) & rowMask) &* rowStride)
    guard _fastPath(slot.stamp == weightsCore.pointee.epoch && holds(row, key)) else { return nil }
    row.storeBytes(of: scalars.pointee.now, toByteOffset: RowHeader.seen, as: UInt32.self)
    return writable(
      RowID(hint.rawValue), weights: (row + RowHeader.weights).assumingMemoryBound(to: Float.self))
  }

  /// Stage 4 of many keys: the weights of those whose rows stand where the hints say and may be written at once, marked
  /// as seen now; nil for the others, as `row` says it.
  @inlinable @inline(__always)
  public func rows(
    _ keys: UnsafePointer<UInt64>, _ hints: UnsafePointer<RowHint>, _ count: Int,
    into rows: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
  ) {
    let (slots, epoch, now) = (weightsCore.pointee.slots, weightsCore.pointee.epoch, scalars.pointee.now)
    let (rowShift, rowMask, rowStride, limit) = (rowShift, rowMask, rowStride, scalars.pointee.limit)
    for place in 0..<count {
      let hint = hints[place]
      rows[place] = nil
      guard Int(hint.rawValue) < limit else { continue }
      let slot = slots[Int(hint.rawValue) &>> rowShift]
      let row = slot.page + (PageHeader.pageBytes &+ (Int(hint.rawValue) & rowMask) &* rowStride)
      guard _fastPath(slot.stamp == epoch && holds(row, keys[place])) else { continue }
      row.storeBytes(of: now, toByteOffset: RowHeader.seen, as: UInt32.self)
      rows[place] = (row + RowHeader.weights).assumingMemoryBound(to: Float.self)
    }
  }

  /// A row that is there, for writing, until another epoch begins. Marks it as seen now.
  @inlinable @inline(__always)
  public func writable(_ id: RowID) -> WritableRow { writable(id, weights: weights(id)) }

  @inlinable @inline(__always)
  func writable(_ id: RowID, weights: UnsafeMutablePointer<Float>) -> WritableRow {
    WritableRow(weights: weights, state: stateCore == nil ? state(beside: weights) : state(id))
  }
}

extension TableWriter {
  /// The key's row, at once where the hint was right; nil if there is none.
  @inlinable @inline(__always)
  public func find(_ key: UInt64, _ hint: RowHint) -> RowID? {
    if isRow(hint) && _fastPath(holds(row(hint.rawValue), key)) { return RowID(hint.rawValue) }
    return find(key)
  }
}

/// A row and its optimizer state. A table without state has nothing there.
public struct WritableRow: BitwiseCopyable {
  public let weights: UnsafeMutablePointer<Float>
  public let state: UnsafeMutablePointer<Float>

  @inlinable
  init(weights: UnsafeMutablePointer<Float>, state: UnsafeMutablePointer<Float>) {
    self.weights = weights
    self.state = state
  }
}

/// Where a key's row probably is. Only good for being tried first: whoever uses it checks the key.
public struct RowHint: Equatable, BitwiseCopyable, Sendable {
  @usableFromInline let rawValue: UInt32

  @inlinable init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Of a row that was found.
  @inlinable public init(_ id: RowID) { rawValue = id.rawValue }
  @inlinable public static var none: RowHint { RowHint(rawValue: IndexView.unknown) }
  /// There is no row, for the key and the copy that were asked.
  @inlinable static var absent: RowHint { RowHint(rawValue: IndexView.absent) }
  @inlinable var isRow: Bool { rawValue < IndexView.absent }
  @inlinable public static func == (left: RowHint, right: RowHint) -> Bool { left.rawValue == right.rawValue }
}
