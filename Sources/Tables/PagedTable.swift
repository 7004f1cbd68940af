// The heart: from 64-bit keys to rows of floats, as a value whose copies cost nothing and whose mutation
// copies only the pages that another copy still sees.
//
//   PagedTable ─▶ TableBox ┬─▶ weights: PageStore   ─▶ pages of rows, by row id
//                          ├─▶ state:   PageStore?  ─▶ pages of optimizer state, same ids
//                          ├─▶ index:   KeyIndex    ─▶ key to row id, shared by all copies
//                          └─▶ scalars: TableScalars
//
// Row ids are handed out in order and reused last in, first out. Neither depends on which copies live: a copy
// keeps its own pages, and an index entry is only a hint (see `KeyIndex`). So the same operations give the same
// rows at the same places, the same order of iteration and the same digest, copies taken or not.
//
// Time is the caller's (seconds of event time, `prepare`): the table's clock never goes back, so that "least
// recently seen" is a total order of (last seen, row id).

package import Primitives

public struct PagedTable: @unchecked Sendable {
  // Sound because: a box is changed only while this is the only reference to it.
  @usableFromInline var box: TableBox

  package init(layout: TableLayout, bounds: TableBounds = TableBounds(), expectedRows: Int = 0) {
    box = TableBox(layout: layout, bounds: bounds, expectedRows: expectedRows)
  }

  init(box: TableBox) { self.box = box }

  package var layout: TableLayout { box.layout }
  package var bounds: TableBounds {
    get { box.bounds }
    set {
      makeWritable()
      box.setBounds(newValue)
    }
  }
  package var rowCount: Int { box.scalars.pointee.rowCount }
  package var isEmpty: Bool { rowCount == 0 }
  package var counters: TableCounters { box.scalars.pointee.counters }
  /// The table's clock: the latest time that `prepare` was given.
  package var now: UInt32 { box.scalars.pointee.now }

  /// A copy without the optimizer state, for reading: what a revision keeps. The head's next writes copy
  /// weights pages only.
  package func weightsOnly() -> PagedTable { PagedTable(box: box.copy(withState: false)) }

  /// True for what `weightsOnly` returned: it cannot be written.
  package var isWeightsOnly: Bool { box.isWeightsOnly }

  @inlinable @inline(__always)
  mutating func makeWritable() {
    if !(isKnownUniquelyReferenced(&box) && box.isAlone) { takePages() }
  }

  @usableFromInline @inline(never)
  mutating func takePages() {
    if !isKnownUniquelyReferenced(&box) { box = box.copy(withState: true) }
    box.makeWritable()
  }

  // MARK: Scoped access

  /// Reads through a view that retains nothing. Pointers are valid until `body` returns.
  @inlinable
  public func withReader<Result: ~Copyable, Failure: Error>(
    _ body: (TableReader) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(box) {} }
    return try body(TableReader(box))
  }

  /// Writes through a view that retains nothing. Pointers are valid until `body` returns; `body` must not
  /// touch the table by another way.
  @inlinable
  public mutating func withWriter<Result: ~Copyable, Failure: Error>(
    _ body: (TableWriter) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    makeWritable()
    defer { withExtendedLifetime(box) {} }
    return try body(TableWriter(box))
  }

  // MARK: Before each example

  /// Moves the clock on to `now` (seconds; it never goes back) and makes room under the bound for `room` new
  /// rows, the least recently seen rows going first.
  @inlinable @inline(__always)
  public mutating func prepare(now: UInt32, room: Int = 0) {
    if !box.scalars.pointee.isPrepared(now: now, room: room) { moveOn(now, room) }
  }

  @usableFromInline
  mutating func moveOn(_ now: UInt32, _ room: Int) {
    makeWritable()
    let scalars = box.scalars
    scalars.pointee.now = max(scalars.pointee.now, now)
    if scalars.pointee.rowCount + room > scalars.pointee.maximumRows { box.makeRoom(for: room) }
  }

  // MARK: Single rows

  package func find(_ key: UInt64) -> RowID? { withReader { $0.findID(key) } }
  package func contains(_ key: UInt64) -> Bool { find(key) != nil }

  /// The key of a row that is there.
  package func key(of id: RowID) -> UInt64 { withReader { $0.key(of: id) } }

  /// When the row was last seen, in seconds; 0 if there is no such row.
  package func lastSeen(of id: RowID) -> UInt32 {
    withReader { Int(id.rawValue) < $0.limit ? $0.lastSeen(of: id) : 0 }
  }

  package func weights(of key: UInt64) -> [Float]? {
    withReader { reader in
      reader.find(key).map { Array(UnsafeBufferPointer(start: $0, count: layout.weights)) }
    }
  }

  package func state(of key: UInt64) -> [Float]? {
    guard layout.state > 0, !isWeightsOnly, let id = find(key) else { return nil }
    defer { withExtendedLifetime(box) {} }
    return Array(UnsafeBufferPointer(start: box.state(of: Int(id.rawValue)), count: layout.state))
  }

  /// Writes a whole row, inserting it if it is new; nil if it was not admitted or found no room.
  @discardableResult
  package mutating func set(_ key: UInt64, weights: [Float], state: [Float] = []) -> RowID? {
    precondition(weights.count == layout.weights, "a row has \(layout.weights) weights")
    precondition(state.isEmpty || state.count == layout.state, "a row has \(layout.state) floats of state")
    return withWriter { writer in
      guard let id = writer.findOrInsert(key) else { return nil }
      writer.weights(id).update(from: weights, count: weights.count)
      if !state.isEmpty { writer.state(id).update(from: state, count: state.count) }
      return id
    }
  }

  /// Removes the key's row; false if there is none. Weights and state are wiped.
  @discardableResult
  package mutating func remove(_ key: UInt64) -> Bool {
    guard let id = find(key) else { return false }
    makeWritable()
    box.remove(id.rawValue)
    box.scalars.pointee.counters.removed += 1
    return true
  }

  /// Removes all rows last seen before `time` and returns how many. Visits every row.
  @discardableResult
  package mutating func expire(olderThan time: UInt32) -> Int {
    makeWritable()
    return box.expire(olderThan: time)
  }

  /// All rows in the order of their ids. State is nil where the table has none.
  package func forEachRow(
    _ body: (
      _ id: RowID, _ key: UInt64, _ lastSeen: UInt32, _ weights: UnsafePointer<Float>,
      _ state: UnsafePointer<Float>?
    ) -> Void
  ) {
    let hasState = layout.state > 0 && !isWeightsOnly
    withReader { reader in
      for id in 0..<reader.limit {
        let row = reader.row(UInt32(id))
        let seen = row.load(fromByteOffset: RowHeader.seen, as: UInt32.self)
        guard seen != 0 else { continue }
        body(
          RowID(UInt32(id)), row.load(as: UInt64.self), seen,
          (row + RowHeader.weights).assumingMemoryBound(to: Float.self),
          hasState ? box.state(of: id) : nil)
      }
    }
  }

  // MARK: Comparing

  /// Stands for all that the table holds: rows at their places, state, clock, counters, bounds. Costs what
  /// changed since the last call on any copy.
  package var digest: Digest {
    box.lend()
    var digest = Digest(of: box.metadata(), seed: 1)
    digest.append(box.weights.digest)
    if let state = box.state { digest.append(state.digest) }
    if let filter = box.filter { digest.append(filter.cells.digest) }
    return digest
  }

  package func sharedPages(with other: PagedTable) -> Int { box.weights.sharedPages(with: other.box.weights) }

  /// The weights pages in which the tables differ; row id / rowsPerPage is its page.
  package func differingPages(from other: PagedTable) -> [Int] {
    box.lend()
    other.box.lend()
    return box.weights.differingPages(from: other.box.weights)
  }

  package var pageCount: Int { box.weights.pageCount }

  /// Weights, state, filter and index, with what snapshots keep of them. To be asked where the table is
  /// written.
  package var memory: MemoryUse {
    var use = box.weights.memory
    if let state = box.state { use = use + state.memory }
    if let filter = box.filter { use = use + filter.cells.memory }
    use.liveBytes += box.indexBytes
    use.mappedBytes += box.indexBytes
    use.rowBytes = rowCount * (layout.rowStride + layout.stateStride)
    return use
  }
}

extension PagedTable: Equatable {
  public static func == (left: PagedTable, right: PagedTable) -> Bool {
    left.box === right.box || left.digest == right.digest
  }
}
