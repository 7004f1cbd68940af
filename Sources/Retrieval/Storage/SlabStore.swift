// Lists that grow: slabs of 1, 2, 4, … times the smallest size, many small ones or one large one to a page.
//
//   page  ┌ slab ┬ slab ┬ slab ┬ slab ┐   all of one size; a page never changes its size
//   slab  its entries, or while it is free the reference of the next free one
//
// A reference counts in units of the smallest slab, from 1; 0 is no slab. Freed slabs are used again, last in
// first out, so that memory is bounded by the largest number of lists of each size that lived at once.

internal import Glibc
internal import Primitives
internal import Tables

struct SlabStore: Sendable {
  private var pages: PageStore
  let entryBytes: Int
  let smallest: Int
  /// Entries of the largest slab, `smallest` times a power of two; a page is one of these.
  let largest: Int
  private var free: [UInt32]

  init(entryBytes: Int, smallest: Int, atLeast largest: Int) {
    var size = smallest
    while size < largest { size *= 2 }
    self.entryBytes = entryBytes
    self.smallest = smallest
    self.largest = size
    free = Array(repeating: 0, count: (size / smallest).trailingZeroBitCount + 1)
    pages = PageStore(bodyBytes: (size * entryBytes + 63) & ~63)
  }

  private var unitsPerPage: Int { largest / smallest }

  /// Reads without reference counts, as long as the store is held and not written.
  var reader: SlabReader {
    SlabReader(
      pages: RowReader(
        root: pages.revision.block.pointee.root, shift: 0, mask: 0, rowBytes: pages.bodyBytes),
      place: place)
  }

  /// Writes without reference counts, until the store is copied.
  mutating func writer() -> SlabWriter {
    SlabWriter(
      pages: RowWriter(core: pages.makeWritable(), shift: 0, mask: 0, rowBytes: pages.bodyBytes), place: place
    )
  }

  private var place: SlabPlace {
    SlabPlace(
      shift: unitsPerPage.trailingZeroBitCount, mask: unitsPerPage - 1, unitBytes: smallest * entryBytes)
  }

  /// A slab for `capacity` entries (`smallest` times a power of two), of zeroes.
  mutating func allocate(_ capacity: Int) -> UInt32 {
    let size = (capacity / smallest).trailingZeroBitCount
    let writer = writer()
    if free[size] == 0 {
      let page = writer.pages.core.pointee.pageCount
      _ = writer.pages.core.pointee.appendPage()
      let step = capacity / smallest
      // Linked backwards, so that slabs are handed out from the page's beginning.
      for place in stride(from: unitsPerPage - step, through: 0, by: -step) {
        let reference = UInt32(page * unitsPerPage + place + 1)
        writer.slab(reference).storeBytes(of: free[size], as: UInt32.self)
        free[size] = reference
      }
    }
    let reference = free[size]
    let slab = writer.slab(reference)
    free[size] = slab.load(as: UInt32.self)
    memset(slab, 0, capacity * entryBytes)
    return reference
  }

  mutating func release(_ reference: UInt32, _ capacity: Int) {
    let size = (capacity / smallest).trailingZeroBitCount
    let slab = writer().slab(reference)
    memset(slab, 0, capacity * entryBytes)
    slab.storeBytes(of: free[size], as: UInt32.self)
    free[size] = reference
  }

  var digest: Digest {
    var digest = pages.digest
    var writer = ByteWriter()
    for reference in free { writer.write(reference) }
    digest.append(Digest(of: writer.bytes))
    return digest
  }

  var bytes: Int { pages.pageCount * (pages.bodyBytes + PageHeader.pageBytes) }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: SlabStore?) throws {
    var writer = ByteWriter()
    for reference in free { writer.write(reference) }
    try pages.write(
      to: &sink, name: name, metadata: writer.bytes,
      pages: parent.map { pages.differingPages(from: $0.pages) }, base: parent?.pages.digest)
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    var reader = ByteReader(section.metadata)
    for size in free.indices { free[size] = try reader.read() }
    try pages.apply(section, from: &source)
    let units = pages.pageCount * unitsPerPage
    guard reader.isAtEnd, free.allSatisfy({ $0 <= units }) else {
      throw PageStreamError.malformed(section: name, what: "free slabs lie outside of it")
    }
  }

  /// True if `reference` may be a slab of `capacity` entries: what restored state is checked with.
  func holds(_ reference: UInt32, _ capacity: Int) -> Bool {
    guard reference > 0, capacity >= smallest, capacity <= largest,
      capacity % smallest == 0, (capacity / smallest).nonzeroBitCount == 1
    else { return false }
    let units = capacity / smallest
    return Int(reference) - 1 + units <= pages.pageCount * unitsPerPage && (Int(reference) - 1) % units == 0
  }
}

/// Where a slab is: references count units of the smallest slab from 1, `mask` + 1 of them to a page.
struct SlabPlace {
  let shift: Int
  let mask: Int
  let unitBytes: Int

  @inline(__always)
  func callAsFunction(_ reference: UInt32) -> (page: Int, offset: Int) {
    let unit = Int(reference) &- 1
    return (unit &>> shift, (unit & mask) &* unitBytes)
  }
}

struct SlabReader {
  let pages: RowReader
  let place: SlabPlace

  @inline(__always)
  func slab(_ reference: UInt32) -> UnsafeRawPointer {
    let (page, offset) = place(reference)
    return pages.page(page) + offset
  }
}

struct SlabWriter {
  let pages: RowWriter
  let place: SlabPlace

  @inline(__always)
  func slab(_ reference: UInt32) -> UnsafeMutableRawPointer {
    let (page, offset) = place(reference)
    return pages.page(page) + offset
  }

  @inline(__always)
  func peek(_ reference: UInt32) -> UnsafeRawPointer {
    let (page, offset) = place(reference)
    return pages.peekPage(page) + offset
  }
}
