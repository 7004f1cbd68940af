// The byte format of a stream of sections.
//
//   stream   ┌ "CBPAGES1" ┬ section ┬ section ┬ …
//   section  ┌ 1 ┬ length u32 ┬ header bytes ┬ xxh3 u64 ┬ page ┬ page ┬ … ┬ 3 ┐
//   page     ┌ 2 ┬ number u32 ┬ bytes ┬ xxh3 u64, seeded with the number ┐
//
// Pages of zeroes are left out where a section holds a whole store.
// All numbers are little-endian.

internal import Primitives

/// Writes sections as bytes to wherever `output` puts them.
package struct PageStreamWriter: PageSink {
  private let output: (UnsafeRawBufferPointer) throws -> Void
  private var hasBegun = false
  package private(set) var bytesWritten = 0

  package init(_ output: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.output = output }

  private mutating func put(_ bytes: UnsafeRawBufferPointer) throws {
    try output(bytes)
    bytesWritten += bytes.count
  }

  private mutating func put(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try put($0) } }

  package mutating func begin(_ section: PageSection) throws {
    if !hasBegun { try put(PageStreamFormat.magic) }
    hasBegun = true
    var header = ByteWriter()
    header.write(section.name)
    header.write(section.metadata)
    header.write(UInt64(section.pageBytes))
    header.write(UInt64(section.pageCount))
    header.write(section.base != nil)
    if let base = section.base { header.write(base) }
    var record = ByteWriter()
    record.write(PageStreamFormat.sectionMark)
    record.write(header.bytes)
    record.write(header.bytes.withUnsafeBytes { StableHash.of($0) })
    try put(record.bytes)
  }

  package mutating func write(page: Int, _ bytes: UnsafeRawBufferPointer) throws {
    var front = ByteWriter()
    front.write(PageStreamFormat.pageMark)
    front.write(UInt32(page))
    try put(front.bytes)
    try put(bytes)
    var back = ByteWriter()
    back.write(StableHash.of(bytes, seed: UInt64(page)))
    try put(back.bytes)
  }

  package mutating func end() throws { try put([PageStreamFormat.endMark]) }
}

/// Reads what `PageStreamWriter` wrote. Whatever the bytes are, it answers with sections or an error.
package struct PageStreamReader: PageSource {
  /// Fills as much of the buffer as there is and returns how many bytes that was; 0 only at the end.
  private let input: (UnsafeMutableRawBufferPointer) throws -> Int
  private var hasBegun = false
  private var section = PageSection(name: "")
  /// Of pages, those of zeroes included, that are not in the file.
  private var bytesLeft: Int

  /// - Parameter maximumBytes: of all pages that the headers announce; more is refused before memory is taken for it.
  package init(
    maximumBytes: Int = .max, _ input: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) {
    self.input = input
    bytesLeft = maximumBytes
  }

  /// Of a stream that is in memory.
  package init(bytes: [UInt8]) {
    var position = 0
    self.init { target in
      let count = min(target.count, bytes.count - position)
      target.copyBytes(from: bytes[position..<position + count])
      position += count
      return count
    }
  }

  private mutating func fill(_ target: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < target.count {
      let count = try input(UnsafeMutableRawBufferPointer(rebasing: target[done...]))
      guard count > 0 else { throw PageStreamError.truncated }
      done += count
    }
  }

  private mutating func bytes(_ count: Int) throws -> [UInt8] {
    // In steps, so that a false length meets the stream's end before it meets the memory's.
    var bytes: [UInt8] = []
    while bytes.count < count {
      var part = [UInt8](repeating: 0, count: min(count - bytes.count, 1 << 16))
      try part.withUnsafeMutableBytes { try fill($0) }
      bytes.append(contentsOf: part)
    }
    return bytes
  }

  private mutating func number<T: FixedWidthInteger>(_: T.Type = T.self) throws -> T {
    var value = T.zero
    try withUnsafeMutableBytes(of: &value) { try fill($0) }
    return T(littleEndian: value)
  }

  package mutating func begin() throws -> PageSection {
    if !hasBegun {
      guard try bytes(PageStreamFormat.magic.count) == PageStreamFormat.magic else {
        throw PageStreamError.notAStream
      }
      hasBegun = true
    }
    guard try number(UInt8.self) == PageStreamFormat.sectionMark else {
      throw PageStreamError.malformed(section: section.name, what: "no section follows it")
    }
    let header = try bytes(Int(try number(UInt32.self)))
    guard try number(UInt64.self) == header.withUnsafeBytes({ StableHash.of($0) }) else {
      throw PageStreamError.malformed(section: section.name, what: "the header after it fails its checksum")
    }
    var reader = ByteReader(header)
    section.name = try reader.read()
    section.metadata = try reader.read()
    section.pageBytes = Int(clamping: try reader.read(UInt64.self))
    section.pageCount = Int(clamping: try reader.read(UInt64.self))
    section.base = try reader.read(Bool.self) ? try reader.read(Digest.self) : nil
    guard section.pageBytes <= 1 << 24, section.pageCount <= Int(UInt32.max), reader.isAtEnd else {
      throw PageStreamError.malformed(section: section.name, what: "a header that no table writes")
    }
    let (bytes, isTooLarge) = section.pageBytes.multipliedReportingOverflow(by: section.pageCount)
    guard !isTooLarge, bytes <= bytesLeft else { throw PageStreamError.tooLarge(section: section.name) }
    bytesLeft -= bytes
    return section
  }

  package mutating func read(into target: UnsafeMutableRawBufferPointer) throws -> Int? {
    guard let page = try nextPage() else { return nil }
    try readPage(page, into: target)
    return page
  }

  /// The number of the section's next page, whose bytes are to be read then; nil at the section's end.
  mutating func nextPage() throws -> Int? {
    switch try number(UInt8.self) {
    case PageStreamFormat.endMark: nil
    case PageStreamFormat.pageMark: Int(try number(UInt32.self))
    default: throw PageStreamError.malformed(section: section.name, what: "an unknown record")
    }
  }

  mutating func readPage(_ page: Int, into target: UnsafeMutableRawBufferPointer) throws {
    guard target.count == section.pageBytes else {
      throw PageStreamError.malformed(section: section.name, what: "pages that nobody wants")
    }
    try fill(target)
    guard try number(UInt64.self) == StableHash.of(UnsafeRawBufferPointer(target), seed: UInt64(page)) else {
      throw PageStreamError.checksum(section: section.name, page: page)
    }
  }
}

enum PageStreamFormat {
  static let magic = Array("CBPAGES1".utf8)
  static let sectionMark: UInt8 = 1
  static let pageMark: UInt8 = 2
  static let endMark: UInt8 = 3
}

/// A stream of sections in memory: written from its end, read from its beginning.
package struct PageBuffer: PageSink, PageSource {
  private final class Bytes {
    var bytes: [UInt8] = []
    var position = 0
  }

  private let storage: Bytes
  private var writer: PageStreamWriter
  private var reader: PageStreamReader

  package init(bytes: [UInt8] = []) {
    let storage = Bytes()
    storage.bytes = bytes
    self.storage = storage
    writer = PageStreamWriter { storage.bytes.append(contentsOf: $0) }
    reader = PageStreamReader { target in
      let count = min(target.count, storage.bytes.count - storage.position)
      storage.bytes.withUnsafeBytes {
        target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: $0[storage.position..<storage.position + count]))
      }
      storage.position += count
      return count
    }
  }

  package var bytes: [UInt8] { storage.bytes }
  package var isAtEnd: Bool { storage.position == storage.bytes.count }

  package mutating func begin(_ section: PageSection) throws { try writer.begin(section) }
  package mutating func write(page: Int, _ bytes: UnsafeRawBufferPointer) throws {
    try writer.write(page: page, bytes)
  }
  package mutating func end() throws { try writer.end() }
  package mutating func begin() throws -> PageSection { try reader.begin() }
  package mutating func read(into target: UnsafeMutableRawBufferPointer) throws -> Int? {
    try reader.read(into: target)
  }
}
