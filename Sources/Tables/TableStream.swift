// Tables to sections and back: `name` (weights, and the scalars as metadata), `name.state`, `name.filter`.

internal import Primitives

extension PagedTable {
  /// Writes the whole table. A copy without its optimizer state is not one.
  package func write<Sink: PageSink>(to sink: inout Sink, name: String) throws {
    guard sink.takesPages else {
      sink.note(self, name: name)
      try box.filter?.cells.write(to: &sink, name: name + ".filter")
      return
    }
    precondition(!isWeightsOnly, "a copy without optimizer state cannot be written to a stream")
    box.lend()
    try box.weights.write(to: &sink, name: name, metadata: streamMetadata)
    try box.state?.write(to: &sink, name: name + ".state")
    try box.filter?.cells.write(to: &sink, name: name + ".filter")
  }

  /// Writes what has changed since `parent`, an older copy or another table altogether.
  package func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: PagedTable) throws {
    box.lend()
    parent.box.lend()
    try box.weights.write(
      to: &sink, name: name, metadata: streamMetadata,
      pages: box.weights.differingPages(from: parent.box.weights),
      base: parent.box.weights.digest)
    if let state = box.state {
      let base = parent.box.state
      try state.write(
        to: &sink, name: name + ".state", pages: base.map { state.differingPages(from: $0) },
        base: base?.digest)
    }
    if let cells = box.filter?.cells {
      let base = parent.box.filter?.cells
      try cells.write(
        to: &sink, name: name + ".filter", pages: base.map { cells.differingPages(from: $0) },
        base: base?.digest)
    }
  }

  /// Reads a table that was written whole.
  package init<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    let header = try TableHeader(section)
    guard section.base == nil else {
      throw PageStreamError.malformed(section: name, what: "holds changes, not a whole table")
    }
    let empty = TableBox(
      layout: header.layout, bounds: header.bounds, expectedRows: header.limit,
      comingRows: min(header.limit, section.pageCount * header.layout.rowsPerPage))
    self.init(box: empty)
    let relative = source.relatives?.tables[name]
    try lay(
      section, header, upon: empty, beside: relative?.layout == header.layout ? relative?.box : nil,
      from: &source)
  }

  /// Reads what was written `since` a table equal to this one. When it throws, the table is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    let header = try TableHeader(section)
    guard header.layout == layout else {
      throw PageStreamError.malformed(section: name, what: "the layout is another one")
    }
    guard !isWeightsOnly else {
      throw PageStreamError.malformed(section: name, what: "a copy without optimizer state cannot be written")
    }
    guard section.base != nil else {
      throw PageStreamError.malformed(section: name, what: "holds a whole table, not changes")
    }
    var next = PagedTable(box: box.copy(withState: true))
    next.makeWritable()
    try next.lay(section, header, upon: next.box, from: &source)
    self = next
  }

  private var streamMetadata: [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt8((box.state == nil ? 0 : 1) | (box.filter == nil ? 0 : 2)))
    return writer.bytes + box.metadata()
  }

  private func lay<Source: PageSource>(
    _ section: PageSection, _ header: TableHeader, upon box: TableBox, beside relative: TableBox? = nil,
    from source: inout Source
  ) throws {
    relative?.lend()
    defer { box.lend() }
    // A whole table is laid upon an empty one only; keys of pages that a diff drops or replaces are gone.
    let rowsPerPage = layout.rowsPerPage
    let former = box.scalars.pointee.limit
    for id in min(former, section.pageCount * rowsPerPage)..<former { unindex(UInt32(id), box) }
    let core = try box.weights.prepare(for: section, beside: relative?.weights)
    let isBeside = relative != nil && box.weights.revision.lineage.isForked
    let (rows, index, lineage) = (HeadRows(box), box.index, box.weights.revision.lineage)
    var strayID: UInt32?
    // Lines of the index lie anywhere: those of a whole batch are asked for before the first is needed.
    var batch: [(key: UInt64, id: UInt32)] = []
    batch.reserveCapacity(64)
    func insertBatch() {
      for row in batch { index.prefetchForWriting(row.key) }
      for row in batch {
        if let replaced = index.insert(row.key, row.id, rows) {
          lineage.deferUntilUnseen(payload: replaced, extra: KeyIndex.segmentMark)
        }
        // Keys of changed pages may still stand where they were before: those are looked at in the end.
        if former == 0, index.view.find(row.key, where: { rows.key(of: $0) == row.key }) != row.id {
          strayID = strayID ?? row.id
        }
      }
      batch.removeAll(keepingCapacity: true)
    }
    try PageStore.lay(section, upon: core, from: &source) { number in
      insertBatch()
      for id in (number * rowsPerPage)..<((number + 1) * rowsPerPage) { unindex(UInt32(id), box) }
    } replaced: { number in
      // Beside a relative, what its index has not is found when all pages are there.
      if isBeside { return }
      for id in UInt32(number * rowsPerPage)..<UInt32((number + 1) * rowsPerPage) {
        if let key = rows.key(of: id) { batch.append((key, id)) }
      }
      if batch.count > 48 { insertBatch() }
    }
    insertBatch()
    if header.hasState {
      let name = section.name + ".state"
      let begun = try source.begin(name)
      _ = try box.state?.prepare(for: begun, beside: relative?.state)
      if let state = box.state?.revision.lineage {
        try PageStore.lay(begun, upon: state.core, from: &source)
        state.settle()
      }
    }
    if header.hasFilter {
      var cells = box.filter?.cells ?? AdmissionFilter.emptyCells()
      try cells.apply(try source.begin(section.name + ".filter"), from: &source)
      guard cells.pageCount * cells.bodyBytes == header.bounds.admissionCells else {
        throw PageStreamError.malformed(section: section.name, what: "the filter's size is not as announced")
      }
      box.filter = AdmissionFilter(cells: cells, sightings: header.sightings)
    } else {
      box.filter = nil
    }
    box.bounds = header.bounds
    box.queue = header.queue
    box.scalars.pointee.limit = header.limit
    box.scalars.pointee.rowCount = header.rowCount
    box.scalars.pointee.firstFree = header.firstFree
    box.scalars.pointee.now = header.now
    box.scalars.pointee.counters = header.counters
    if former > 0 {
      for id in 0..<UInt32(core.pointee.pageCount * rowsPerPage) {
        guard let key = rows.key(of: id) else { continue }
        if index.view.find(key, where: { rows.key(of: $0) == key }) != id { strayID = strayID ?? id }
      }
    }
    if let relative, isBeside {
      box.weights.revision.lineage.settle()
      strayID = box.index(beside: relative)
    }
    if let strayID {
      throw PageStreamError.malformed(section: section.name, what: "the key of row \(strayID) has two rows")
    }
    try checkRows(box, section.name)
    box.weights.revision.lineage.releaseSlots()
    box.state?.revision.lineage.releaseSlots()
  }

  private func unindex(_ id: UInt32, _ box: TableBox) {
    if let key = HeadRows(box).key(of: id) { box.unindex(key, id) }
  }

  /// What was read may be damaged in ways that checksums do not see; what is trusted later is checked here.
  private func checkRows(_ box: TableBox, _ name: String) throws {
    let scalars = box.scalars.pointee
    let capacity = box.weights.pageCount * layout.rowsPerPage
    func require(_ claim: Bool, _ what: @autoclosure () -> String) throws {
      if !claim { throw PageStreamError.malformed(section: name, what: what()) }
    }
    try require(
      scalars.limit <= capacity && scalars.limit + layout.rowsPerPage > capacity, "rows and pages differ")
    try require(box.state.map { $0.pageCount == box.weights.pageCount } ?? true, "state and weights differ")
    let rows = HeadRows(box)
    var live = 0
    for id in 0..<UInt32(capacity) {
      guard rows.key(of: id) != nil else { continue }
      live += 1
      try require(Int(id) < scalars.limit, "a row stands past the end")
    }
    try require(live == scalars.rowCount, "\(scalars.rowCount) rows announced, \(live) there")
    var free = scalars.firstFree
    for _ in 0..<(scalars.limit - live) {
      try require(
        free != 0 && free <= scalars.limit && rows.key(of: UInt32(free - 1)) == nil, "free rows are lost")
      free = box.row(UInt32(free - 1)).load(as: UInt64.self)
    }
    try require(free == 0, "free rows are linked in a ring")
  }
}

/// The metadata of a table's section.
private struct TableHeader {
  var hasState: Bool
  var hasFilter: Bool
  var layout: TableLayout
  var bounds: TableBounds
  var limit: Int
  var rowCount: Int
  var firstFree: UInt64
  var now: UInt32
  var counters: TableCounters
  var sightings: UInt64
  var queue: EvictionQueue

  init(_ section: PageSection) throws {
    var reader = ByteReader(section.metadata)
    let parts = try reader.read(UInt8.self)
    hasState = parts & 1 != 0
    hasFilter = parts & 2 != 0
    layout = try reader.read()
    bounds = try reader.read()
    limit = Int(clamping: try reader.read(UInt64.self))
    rowCount = Int(clamping: try reader.read(UInt64.self))
    firstFree = try reader.read()
    now = try reader.read()
    counters = try reader.read()
    sightings = try reader.read()
    queue = try reader.read()
    guard reader.isAtEnd, hasState == layout.hasStatePages, hasFilter == (bounds.admissionCount > 1),
      limit <= TableBounds.rowLimit, now > 0
    else {
      throw PageStreamError.malformed(section: section.name, what: "a header that no table writes")
    }
  }
}
