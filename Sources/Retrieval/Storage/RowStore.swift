// Rows of a fixed size by their number, on copy-on-write pages: what every retriever keeps its state in.

internal import CKernels
internal import Glibc
internal import Primitives
internal import Tables

struct RowStore: Sendable {
  private(set) var pages: PageStore
  let rowBytes: Int
  let shift: Int

  /// `rowsPerPage` is a power of two.
  init(rowBytes: Int, rowsPerPage: Int) {
    precondition(rowsPerPage > 0 && rowsPerPage & (rowsPerPage - 1) == 0 && rowBytes > 0)
    self.rowBytes = rowBytes
    shift = rowsPerPage.trailingZeroBitCount
    pages = PageStore(bodyBytes: rowBytes << shift)
  }

  /// Rows that there is room for.
  @inline(__always)
  var capacity: Int { pages.pageCount &<< shift }

  /// Makes room for `count` rows of zeroes.
  @inline(__always)
  mutating func ensure(_ count: Int) {
    if count > capacity { grow(count) }
  }

  private mutating func grow(_ count: Int) {
    let core = pages.makeWritable()
    while count > core.pointee.pageCount << shift { _ = core.pointee.appendPage() }
  }

  /// Reads without reference counts, as long as the store is held and not written.
  var reader: RowReader {
    @inline(__always) get {
      RowReader(
        root: pages.revision.block.pointee.root, shift: shift, mask: (1 &<< shift) &- 1, rowBytes: rowBytes)
    }
  }

  /// Writes without reference counts, until the store is copied or grows.
  @inline(__always)
  mutating func writer() -> RowWriter {
    RowWriter(core: pages.makeWritable(), shift: shift, mask: (1 &<< shift) &- 1, rowBytes: rowBytes)
  }

  var digest: Digest { pages.digest }
  /// Bytes that were copied because a snapshot saw them.
  var copiedBytes: Int { pages.memory.copiedPages * pages.bodyBytes }
  var bytes: Int { pages.pageCount * (pages.bodyBytes + PageHeader.pageBytes) }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: RowStore?) throws {
    try pages.write(
      to: &sink, name: name, pages: parent.map { pages.differingPages(from: $0.pages) },
      base: parent?.pages.digest)
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    try pages.apply(try source.begin(name), from: &source)
  }
}

struct RowReader {
  let root: UnsafeMutablePointer<RawPage>
  let shift: Int
  let mask: Int
  let rowBytes: Int

  @inline(__always)
  func page(_ number: Int) -> UnsafeRawPointer {
    // The directory: see PageCore. Written out, because calls across modules cost more than the three loads.
    let middle = (root[number &>> 12] + PageHeader.chunkBytes).assumingMemoryBound(to: RawPage.self)
    let leaf = (middle[(number &>> 6) & 63] + PageHeader.chunkBytes).assumingMemoryBound(to: RawPage.self)
    return UnsafeRawPointer(leaf[number & 63] + PageHeader.pageBytes)
  }

  @inline(__always)
  func row(_ number: Int) -> UnsafeRawPointer {
    page(number &>> shift) + (number & mask) &* rowBytes
  }
}

struct RowWriter {
  let core: UnsafeMutablePointer<PageCore>
  let shift: Int
  let mask: Int
  let rowBytes: Int

  /// The row for writing: its page is copied first if a snapshot sees it.
  @inline(__always)
  func row(_ number: Int) -> UnsafeMutableRawPointer {
    page(number &>> shift) + (number & mask) &* rowBytes
  }

  @inline(__always)
  func page(_ number: Int) -> UnsafeMutableRawPointer {
    let slot = core.pointee.slots + number
    if _fastPath(slot.pointee.stamp == core.pointee.epoch) { return slot.pointee.page + PageHeader.pageBytes }
    return core.pointee.writablePage(number) + PageHeader.pageBytes
  }

  /// Asks for a row that will be written: `bytes` of it, or its whole page if that has to be copied first.
  @inline(__always)
  func prefetch(_ number: Int, _ bytes: Int) {
    let page = number &>> shift
    let slot = core.pointee.slots + page
    var line = slot.pointee.page
    var end = line + PageHeader.pageBytes
    if _fastPath(slot.pointee.stamp == core.pointee.epoch) {
      line = end + (number & mask) &* rowBytes
      end = line + bytes
    } else {
      // And its place in the directory.
      let leaf = PageCore.pointers(core.pointee.head.pointee.root[page &>> 12])[(page &>> 6) & 63]
      cowbird_prefetch(leaf)
      cowbird_prefetch(PageCore.pointers(leaf) + (page & 63))
      end += core.pointee.bodyBytes
    }
    while line < end {
      cowbird_prefetch(line)
      line += 64
    }
  }

  /// The row for reading. A write to the same page makes the pointer stale if the page had to be copied.
  @inline(__always)
  func peek(_ number: Int) -> UnsafeRawPointer {
    peekPage(number &>> shift) + (number & mask) &* rowBytes
  }

  @inline(__always)
  func peekPage(_ number: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(core.pointee.slots[number].page + PageHeader.pageBytes)
  }
}
