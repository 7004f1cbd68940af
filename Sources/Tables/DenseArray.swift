// Dense weights: one contiguous, aligned block of floats as a value. Copied whole at the first write after a
// copy was taken, which for the layers of a small network costs less than any bookkeeping.

internal import Glibc
package import Primitives

public struct DenseArray: @unchecked Sendable {
  // Sound because: a block is written only while this is the only reference to it.
  @usableFromInline var block: DenseBlock

  package init(count: Int, repeating value: Float = 0) {
    block = DenseBlock(count: count)
    block.floats.update(repeating: value, count: count)
  }

  package init(_ floats: [Float]) {
    block = DenseBlock(count: floats.count)
    block.floats.update(from: floats, count: floats.count)
  }

  @inlinable public var count: Int { block.count }

  @usableFromInline
  mutating func makeWritable() {
    guard !isKnownUniquelyReferenced(&block) else { return }
    let copy = DenseBlock(count: block.count)
    copy.floats.update(from: block.floats, count: block.count)
    block = copy
  }

  @inlinable
  public subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "index out of range")
      return block.floats[index]
    }
    set {
      precondition(index >= 0 && index < count, "index out of range")
      makeWritable()
      block.floats[index] = newValue
    }
  }

  /// The floats, 64-byte aligned, for reading until `body` returns.
  @inlinable
  public func withUnsafeBufferPointer<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(block) {} }
    return try body(UnsafeBufferPointer(start: block.floats, count: block.count))
  }

  /// The floats, 64-byte aligned, for writing until `body` returns.
  @inlinable
  public mutating func withUnsafeMutableBufferPointer<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    makeWritable()
    defer { withExtendedLifetime(block) {} }
    return try body(UnsafeMutableBufferPointer(start: block.floats, count: block.count))
  }

  package var digest: Digest { Digest(of: UnsafeRawBufferPointer(start: block.floats, count: 4 * count)) }
  package var bytes: Int { 4 * count }

  private static let pageBytes = 4096

  package func write<Sink: PageSink>(to sink: inout Sink, name: String) throws {
    try sink.begin(section(name, base: nil))
    try writePages(to: &sink) { _ in true }
    try sink.end()
  }

  /// Writes the pages of 4 KiB in which this array and `parent` differ.
  package func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: DenseArray) throws {
    guard parent.count == count else { return try write(to: &sink, name: name) }
    try sink.begin(section(name, base: parent.digest))
    try writePages(to: &sink) { range in
      memcmp(block.floats + range.lowerBound / 4, parent.block.floats + range.lowerBound / 4, range.count)
        != 0
    }
    try sink.end()
  }

  private func section(_ name: String, base: Digest?) -> PageSection {
    var metadata = ByteWriter()
    metadata.write(UInt64(count))
    return PageSection(
      name: name, metadata: metadata.bytes, pageBytes: Self.pageBytes,
      pageCount: (4 * count + Self.pageBytes - 1) / Self.pageBytes, base: base)
  }

  private func writePages<Sink: PageSink>(
    to sink: inout Sink, where isWanted: (Range<Int>) -> Bool
  ) throws {
    var last = [UInt8](repeating: 0, count: Self.pageBytes)
    for start in stride(from: 0, to: 4 * count, by: Self.pageBytes) {
      let range = start..<min(start + Self.pageBytes, 4 * count)
      guard isWanted(range) else { continue }
      let bytes = UnsafeRawBufferPointer(start: UnsafeRawPointer(block.floats) + start, count: range.count)
      if range.count == Self.pageBytes {
        try sink.write(page: start / Self.pageBytes, bytes)
      } else {
        last.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
        try last.withUnsafeBytes { try sink.write(page: start / Self.pageBytes, $0) }
      }
    }
  }

  package init<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    guard section.base == nil else {
      throw PageStreamError.malformed(section: name, what: "holds changes, not a whole array")
    }
    self.init(count: 0)
    try lay(section, from: &source)
  }

  /// Reads what was written `since` an array equal to this one. When it throws, the array is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    var next = self
    if let base = section.base, base != digest {
      throw PageStreamError.wrongBase(section: name, wanted: base, found: digest)
    }
    try next.lay(section, from: &source)
    self = next
  }

  private mutating func lay<Source: PageSource>(_ section: PageSection, from source: inout Source) throws {
    var reader = ByteReader(section.metadata)
    let total = Int(clamping: try reader.read(UInt64.self))
    guard total <= 1 << 30, section.pageBytes == Self.pageBytes, reader.isAtEnd,
      section.pageCount == (4 * total + Self.pageBytes - 1) / Self.pageBytes,
      section.base == nil || total == count
    else { throw PageStreamError.malformed(section: section.name, what: "a header that no array writes") }
    if section.base == nil { self = DenseArray(count: total) } else { makeWritable() }
    var page = [UInt8](repeating: 0, count: Self.pageBytes)
    var seen = 0
    while let number = try page.withUnsafeMutableBytes({ try source.read(into: $0) }) {
      guard number < section.pageCount else {
        throw PageStreamError.malformed(section: section.name, what: "page \(number) out of range")
      }
      let start = number * Self.pageBytes
      page.withUnsafeBytes {
        UnsafeMutableRawPointer(block.floats).advanced(by: start)
          .copyMemory(from: $0.baseAddress!, byteCount: min(Self.pageBytes, 4 * total - start))
      }
      seen += 1
    }
    guard section.base != nil || seen == section.pageCount else {
      throw PageStreamError.malformed(section: section.name, what: "pages are missing")
    }
  }
}

extension DenseArray: Equatable {
  /// Equal bits.
  public static func == (left: DenseArray, right: DenseArray) -> Bool {
    left.block === right.block
      || (left.count == right.count && memcmp(left.block.floats, right.block.floats, 4 * left.count) == 0)
  }
}

@usableFromInline
final class DenseBlock {
  @usableFromInline let floats: UnsafeMutablePointer<Float>
  @usableFromInline let count: Int

  init(count: Int) {
    self.count = count
    // Whole cache lines, so that a kernel may run over the end of the last.
    let bytes = max(64, (4 * count + 63) & ~63)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    memset(memory, 0, bytes)
    floats = memory.bindMemory(to: Float.self, capacity: count)
  }

  deinit { UnsafeMutableRawPointer(floats).deallocate() }
}
