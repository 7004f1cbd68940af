// A store of pages to a section and back: all its pages, or those that changed; read upon what is there, or beside a
// relative in memory, whose pages are shared where they hold the same bytes.

internal import Glibc
package import Primitives

extension PageStore {
  /// Writes all pages that are not zeroes, or only `pages`, which changed since the store with digest `base`.
  package func write<Sink: PageSink>(
    to sink: inout Sink, name: String, metadata: [UInt8] = [], pages: [Int]? = nil, base: Digest? = nil
  ) throws {
    guard sink.takesPages else { return sink.note(self, name: name) }
    try sink.begin(
      PageSection(name: name, metadata: metadata, pageBytes: bodyBytes, pageCount: pageCount, base: base))
    if let pages {
      for number in pages where number < pageCount { try write(number, to: &sink) }
    } else {
      for number in 0..<pageCount where !isZero(number) { try write(number, to: &sink) }
    }
    try sink.end()
  }

  private func write<Sink: PageSink>(_ number: Int, to sink: inout Sink) throws {
    try sink.write(page: number, UnsafeRawBufferPointer(start: body(number), count: bodyBytes))
  }

  private func isZero(_ number: Int) -> Bool { Self.isZero(body(number), bodyBytes) }

  static func isZero(_ body: UnsafeRawPointer, _ bytes: Int) -> Bool {
    // Each byte like the one before it.
    body.load(as: UInt8.self) == 0 && memcmp(body, body + 1, bytes - 1) == 0
  }

  /// Lays the pages of a section that has begun upon this store (empty, for a full one).
  package mutating func apply<Source: PageSource>(_ section: PageSection, from source: inout Source) throws {
    let core = try prepare(for: section, beside: source.relatives?.stores[section.name])
    try Self.lay(section, upon: core, from: &source)
    revision.lineage.settle()
    revision.lineage.releaseSlots()
  }

  /// Checks that the section fits and drops the pages that it has not; what follows is `lay`.
  /// - Parameter relative: in place of what is here, if the section holds a whole store.
  mutating func prepare(
    for section: PageSection, beside relative: PageStore? = nil
  ) throws -> UnsafeMutablePointer<PageCore> {
    guard section.pageBytes == bodyBytes else {
      throw PageStreamError.malformed(
        section: section.name, what: "pages of \(section.pageBytes) bytes where \(bodyBytes) are expected")
    }
    if let base = section.base, base != digest {
      throw PageStreamError.wrongBase(section: section.name, wanted: base, found: digest)
    }
    if section.base == nil, let relative, relative.bodyBytes == bodyBytes, relative.pageCount > 0,
      let beside = PageLineage.branch(relative.revision)
    {
      revision = beside
      beside.lineage.core.pointee.truncate(to: section.pageCount)
      return beside.lineage.core
    }
    let core = makeWritable()
    core.pointee.truncate(to: section.base == nil ? 0 : section.pageCount)
    return core
  }

  /// Reads the section's pages. A page that is there with the same bytes is left as it is. `replacing` is called with a
  /// page's number before its bytes change, `replaced` with every page's that changed or is new after.
  static func lay<Source: PageSource>(
    _ section: PageSection, upon core: UnsafeMutablePointer<PageCore>, from source: inout Source,
    replacing: (Int) -> Void = { _ in }, replaced: (Int) -> Void = { _ in }
  ) throws {
    let bodyBytes = core.pointee.bodyBytes
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bodyBytes, alignment: 64)
    defer { buffer.deallocate() }
    /// A whole store's pages of zeroes are not written; what changed is.
    func makeZeroes(_ numbers: Range<Int>) {
      guard section.base == nil else { return }
      for number in numbers {
        if number >= core.pointee.pageCount {
          _ = core.pointee.appendPage()
        } else if !isZero(core.pointee.page(number) + PageHeader.pageBytes, bodyBytes) {
          replacing(number)
          memset(core.pointee.writablePage(number) + PageHeader.pageBytes, 0, bodyBytes)
          replaced(number)
        }
      }
    }
    var next = 0
    while let number = try source.read(into: buffer) {
      guard number >= next, number < section.pageCount else {
        throw PageStreamError.malformed(section: section.name, what: "page \(number) out of order")
      }
      makeZeroes(next..<number)
      next = number + 1
      let isNew = number >= core.pointee.pageCount
      guard !isNew || number == core.pointee.pageCount else {
        throw PageStreamError.malformed(
          section: section.name, what: "page \(core.pointee.pageCount) is missing")
      }
      if !isNew {
        let present = core.pointee.page(number) + PageHeader.pageBytes
        if memcmp(present, buffer.baseAddress!, bodyBytes) == 0 { continue }
        replacing(number)
      }
      let page = isNew ? core.pointee.appendPage() : core.pointee.writablePage(number)
      (page + PageHeader.pageBytes).copyMemory(from: buffer.baseAddress!, byteCount: bodyBytes)
      replaced(number)
    }
    makeZeroes(next..<section.pageCount)
    guard core.pointee.pageCount == section.pageCount else {
      throw PageStreamError.malformed(
        section: section.name, what: "\(section.pageCount) pages announced, \(core.pointee.pageCount) there")
    }
  }
}
