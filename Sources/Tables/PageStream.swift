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
  /// False for one that only looks at what there is: it is given stores and tables instead of their pages.
  var takesPages: Bool { get }
  mutating func note(_ store: PageStore, name: String)
  mutating func note(_ table: PagedTable, name: String)
}

extension PageSink {
  package var takesPages: Bool { true }
  package mutating func note(_ store: PageStore, name: String) {}
  package mutating func note(_ table: PagedTable, name: String) {}
}

/// Gives sections back in the order in which they were written.
package protocol PageSource {
  mutating func begin() throws -> PageSection
  /// Reads the next page of the section into `target`, which has its `pageBytes`, and returns its number; nil
  /// at the section's end.
  mutating func read(into target: UnsafeMutableRawBufferPointer) throws -> Int?
  /// What is in memory and may share its pages with what is read.
  var relatives: PageRelatives? { get }
}

extension PageSource {
  package var relatives: PageRelatives? { nil }
}

package enum PageStreamError: Error, Equatable, CustomStringConvertible {
  case unexpectedSection(wanted: String, found: String)
  case malformed(section: String, what: String)
  case wrongBase(section: String, wanted: Digest, found: Digest)
  case checksum(section: String, page: Int)
  /// More memory is announced than may be taken.
  case tooLarge(section: String)
  case truncated
  case notAStream

  package var description: String {
    switch self {
    case .unexpectedSection(let wanted, let found): "expected section \"\(wanted)\", found \"\(found)\""
    case .malformed(let section, let what): "section \"\(section)\": \(what)"
    case .wrongBase(let section, let wanted, let found):
      "section \"\(section)\" changes a table with digest \(wanted), not \(found)"
    case .checksum(let section, let page): "section \"\(section)\", page \(page): the checksum does not match"
    case .tooLarge(let section): "section \"\(section)\" announces more pages than there is to be memory for"
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
