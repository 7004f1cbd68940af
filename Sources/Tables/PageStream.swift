// How tables leave memory and come back: named sections of pages through one pair of protocols.

internal import Glibc
package import Primitives

/// What stands before a section's pages.
package struct PageSection: Equatable, Sendable {
  package var name: String
  /// What the table needs beside its pages, in the table's own encoding.
  package var metadata: [UInt8]
  package var pageBytes: Int
  /// Pages of the whole store, not only of those that follow.
  package var pageCount: Int
  /// The digest of the store upon which the pages are to be laid; nil if all pages follow.
  package var base: Digest?

  package init(
    name: String, metadata: [UInt8] = [], pageBytes: Int = 0, pageCount: Int = 0, base: Digest? = nil
  ) {
    self.name = name
    self.metadata = metadata
    self.pageBytes = pageBytes
    self.pageCount = pageCount
    self.base = base
  }
}

/// Takes sections: `begin`, any number of pages with ascending numbers, `end`.
package protocol PageSink {
  mutating func begin(_ section: PageSection) throws
  mutating func write(page: Int, _ bytes: UnsafeRawBufferPointer) throws
  mutating func end() throws
}

/// Gives sections back in the order in which they were written.
package protocol PageSource {
  mutating func begin() throws -> PageSection
  /// Reads the next page of the section into `target`, which has its `pageBytes`, and returns its number; nil
  /// at the section's end.
  mutating func read(into target: UnsafeMutableRawBufferPointer) throws -> Int?
}

package enum PageStreamError: Error, Equatable, CustomStringConvertible {
  case unexpectedSection(wanted: String, found: String)
  case malformed(section: String, what: String)
  case wrongBase(section: String, wanted: Digest, found: Digest)
  case checksum(section: String, page: Int)
  case truncated
  case notAStream

  package var description: String {
    switch self {
    case .unexpectedSection(let wanted, let found): "expected section \"\(wanted)\", found \"\(found)\""
    case .malformed(let section, let what): "section \"\(section)\": \(what)"
    case .wrongBase(let section, let wanted, let found):
      "section \"\(section)\" changes a table with digest \(wanted), not \(found)"
    case .checksum(let section, let page): "section \"\(section)\", page \(page): the checksum does not match"
    case .truncated: "the stream ends early"
    case .notAStream: "not a stream of pages of a known format version"
    }
  }
}

extension PageSink {
  /// A small value as a section without pages.
  package mutating func write<Value: ByteCodable>(name: String, _ value: Value) throws {
    var writer = ByteWriter()
    value.encode(to: &writer)
    try begin(PageSection(name: name, metadata: writer.bytes))
    try end()
  }
}

extension PageSource {
  package mutating func read<Value: ByteCodable>(name: String, _: Value.Type = Value.self) throws -> Value {
    let section = try begin(name)
    guard try read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == nil else {
      throw PageStreamError.malformed(section: name, what: "a value has no pages")
    }
    var reader = ByteReader(section.metadata)
    let value = try Value(from: &reader)
    guard reader.isAtEnd else {
      throw PageStreamError.malformed(section: name, what: "bytes after the value")
    }
    return value
  }

  /// The next section, which has to have this name.
  package mutating func begin(_ name: String) throws -> PageSection {
    let section = try begin()
    guard section.name == name else {
      throw PageStreamError.unexpectedSection(wanted: name, found: section.name)
    }
    return section
  }
}

/// The digest of each page of a store: stands for the store when it is asked later which pages have changed.
package struct PageMap: Equatable, Sendable, ByteCodable {
  package var pages: [Digest]

  package init(pages: [Digest]) { self.pages = pages }

  /// The digest of the store itself.
  package var digest: Digest {
    var sum = Digest()
    for page in pages { sum &+= page }
    return sum
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(pages) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    pages = try reader.readArray(limit: Int(UInt32.max)) { reader throws(ByteCodecError) in try reader.read()
    }
  }
}

extension PageStore {
  package var pageMap: PageMap { PageMap(pages: (0..<pageCount).map { pageDigest($0) }) }

  /// The pages that are not as in `map`, in order.
  package func differingPages(from map: PageMap) -> [Int] {
    (0..<pageCount).filter { $0 >= map.pages.count || pageDigest($0) != map.pages[$0] }
  }

  /// Writes all pages that are not zeroes, or only `pages`, which changed since the store with digest `base`.
  package func write<Sink: PageSink>(
    to sink: inout Sink, name: String, metadata: [UInt8] = [], pages: [Int]? = nil, base: Digest? = nil
  ) throws {
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

  private func isZero(_ number: Int) -> Bool {
    let bytes = body(number)
    // Each byte like the one before it.
    return bytes.load(as: UInt8.self) == 0 && memcmp(bytes, bytes + 1, bodyBytes - 1) == 0
  }

  /// Lays the pages of a section that has begun upon this store (empty, for a full one).
  package mutating func apply<Source: PageSource>(_ section: PageSection, from source: inout Source) throws {
    let core = try prepare(for: section)
    try Self.lay(section, upon: core, from: &source)
  }

  /// Checks that the section fits and drops the pages that it has not; what follows is `lay`.
  mutating func prepare(for section: PageSection) throws -> UnsafeMutablePointer<PageCore> {
    guard section.pageBytes == bodyBytes else {
      throw PageStreamError.malformed(
        section: section.name, what: "pages of \(section.pageBytes) bytes where \(bodyBytes) are expected")
    }
    if let base = section.base, base != digest {
      throw PageStreamError.wrongBase(section: section.name, wanted: base, found: digest)
    }
    let core = makeWritable()
    core.pointee.truncate(to: section.base == nil ? 0 : section.pageCount)
    return core
  }

  /// Reads the section's pages. `replacing` is called with a page's number before its bytes change, `replaced`
  /// with every page's after.
  static func lay<Source: PageSource>(
    _ section: PageSection, upon core: UnsafeMutablePointer<PageCore>, from source: inout Source,
    replacing: (Int) -> Void = { _ in }, replaced: (Int) -> Void = { _ in }
  ) throws {
    let bodyBytes = core.pointee.bodyBytes
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bodyBytes, alignment: 64)
    defer { buffer.deallocate() }
    var last = -1
    while let number = try source.read(into: buffer) {
      guard number > last, number < section.pageCount else {
        throw PageStreamError.malformed(section: section.name, what: "page \(number) out of order")
      }
      last = number
      let isNew = number >= core.pointee.pageCount
      // A whole store's pages of zeroes are not written; what changed is.
      while section.base == nil && core.pointee.pageCount < number { _ = core.pointee.appendPage() }
      guard !isNew || number == core.pointee.pageCount else {
        throw PageStreamError.malformed(
          section: section.name, what: "page \(core.pointee.pageCount) is missing")
      }
      if !isNew { replacing(number) }
      let page = isNew ? core.pointee.appendPage() : core.pointee.writablePage(number)
      (page + PageHeader.pageBytes).copyMemory(from: buffer.baseAddress!, byteCount: bodyBytes)
      replaced(number)
    }
    while section.base == nil && core.pointee.pageCount < section.pageCount { _ = core.pointee.appendPage() }
    guard core.pointee.pageCount == section.pageCount else {
      throw PageStreamError.malformed(
        section: section.name, what: "\(section.pageCount) pages announced, \(core.pointee.pageCount) there")
    }
  }
}
