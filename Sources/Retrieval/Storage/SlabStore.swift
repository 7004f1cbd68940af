// Lists that grow: slabs for 1, 2, 4, … times the smallest number of entries, those of each size on pages of their
// own, so that a write to a short list copies little.
//
//   pages of size 0   ┌ slab ┬ slab ┬ slab ┬ slab ┐     several small ones to a page
//   pages of size 3   ┌ slab                      ┐     one large one
//   slab              ┌ head ┬ entries ┐                or, while it is free, the reference of the next free one
//
// A reference is the slab's number, from 1, and its size in the lower four bits; 0 is no slab. Freed slabs are used
// again, last in first out, so that memory is bounded by the largest number of lists of each size that lived at once.

internal import Glibc
internal import Primitives
internal import Tables

struct SlabStore: Sendable {
  /// Small slabs share a page up to about this size.
  private static let pageBytes = 512

  private struct Size: Sendable {
    var slabs: RowStore
    var used: UInt32 = 0
    var free: UInt32 = 0
  }

  private var sizes: [Size] = []
  let smallest: Int
  /// Entries of the largest slab, `smallest` times a power of two.
  let largest: Int

  /// - Parameter headBytes: in front of a slab's entries.
  init(headBytes: Int = 0, entryBytes: Int, smallest: Int, atLeast largest: Int) {
    self.smallest = smallest
    var entries = smallest
    while true {
      let bytes = (headBytes + entries * entryBytes + 3) & ~3
      var perPage = 1
      while 2 * perPage * bytes <= Self.pageBytes { perPage *= 2 }
      sizes.append(Size(slabs: RowStore(rowBytes: bytes, rowsPerPage: perPage)))
      if entries >= largest { break }
      entries *= 2
    }
    self.largest = entries
    precondition(sizes.count <= SlabReference.sizes && sizes[0].slabs.rowBytes >= 4)
  }

  /// The slab, as long as the store is held and not written.
  @inline(__always)
  func slab(_ reference: UInt32) -> UnsafeRawPointer {
    sizes[SlabReference.size(reference)].slabs.reader.row(SlabReference.number(reference))
  }

  /// The slab for writing: its page is copied first if a snapshot sees it.
  @inline(__always)
  mutating func writableSlab(_ reference: UInt32) -> UnsafeMutableRawPointer {
    sizes[SlabReference.size(reference)].slabs.writer().row(SlabReference.number(reference))
  }

  /// Reads without reference counts, as long as the store is held and not written, and `table` serves no other.
  func reader(_ table: Buffer<RowReader>) -> SlabReader {
    table.fit(sizes.count)
    let table = table.base
    for size in sizes.indices { table[size] = sizes[size].slabs.reader }
    return SlabReader(sizes: UnsafePointer(table))
  }

  /// Writes without reference counts, until the store is copied or `table` serves another.
  mutating func writer(_ table: Buffer<RowWriter>) -> SlabWriter {
    table.fit(sizes.count)
    let table = table.base
    for size in sizes.indices { table[size] = sizes[size].slabs.writer() }
    return SlabWriter(sizes: UnsafePointer(table))
  }

  private func size(for capacity: Int) -> Int { (capacity / smallest).trailingZeroBitCount }

  /// Entries of the slab.
  @inline(__always)
  func capacity(_ reference: UInt32) -> Int { Self.capacity(reference, smallest) }

  @inline(__always)
  static func capacity(_ reference: UInt32, _ smallest: Int) -> Int {
    smallest &<< SlabReference.size(reference)
  }

  /// A slab for `capacity` entries (`smallest` times a power of two), of zeroes.
  mutating func allocate(_ capacity: Int) -> UInt32 {
    let size = size(for: capacity)
    let reference = sizes[size].free
    guard reference != 0 else {
      sizes[size].used += 1
      sizes[size].slabs.ensure(Int(sizes[size].used))
      return SlabReference.make(number: Int(sizes[size].used) - 1, size: size)
    }
    let slab = sizes[size].slabs.writer().row(SlabReference.number(reference))
    sizes[size].free = slab.load(as: UInt32.self)
    slab.storeBytes(of: 0, as: UInt32.self)
    return reference
  }

  mutating func release(_ reference: UInt32) {
    let size = SlabReference.size(reference)
    let slab = sizes[size].slabs.writer().row(SlabReference.number(reference))
    memset(slab, 0, sizes[size].slabs.rowBytes)
    slab.storeBytes(of: sizes[size].free, as: UInt32.self)
    sizes[size].free = reference
  }

  private var scalars: [UInt64] { sizes.flatMap { [UInt64($0.used), UInt64($0.free)] } }

  var digest: Digest {
    var digest = scalars.withUnsafeBytes { Digest(of: $0) }
    for size in sizes { digest.append(size.slabs.digest) }
    return digest
  }

  var bytes: Int { sizes.reduce(0) { $0 + $1.slabs.bytes } }
  var copiedBytes: Int { sizes.reduce(0) { $0 + $1.slabs.copiedBytes } }

  /// Bytes of so many lists, were there as many of each size at once.
  func bytesBound(lists: Int) -> Int {
    sizes.reduce(0) { sum, size in
      let perPage = 1 << size.slabs.shift
      return sum + (lists + perPage - 1) / perPage * (size.slabs.rowBytes * perPage + PageHeader.pageBytes)
    }
  }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: SlabStore?) throws {
    try sink.write(name: name, Words(words: scalars))
    for (number, size) in sizes.enumerated() {
      try size.slabs.write(to: &sink, name: "\(name).\(number)", since: parent?.sizes[number].slabs)
    }
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let words = try source.read(name: name, Words.self).words
    guard words.count == 2 * sizes.count, words.allSatisfy({ $0 <= UInt64(UInt32.max) }) else {
      throw PageStreamError.malformed(section: name, what: "sizes of another store")
    }
    for size in sizes.indices {
      try sizes[size].slabs.apply(from: &source, name: "\(name).\(size)")
      (sizes[size].used, sizes[size].free) = (UInt32(words[2 * size]), UInt32(words[2 * size + 1]))
      guard Int(sizes[size].used) <= sizes[size].slabs.capacity,
        sizes[size].free == 0 || holds(sizes[size].free, smallest << size)
      else { throw PageStreamError.malformed(section: name, what: "slabs that lie outside of it") }
    }
  }

  /// True if `reference` may be a slab of `capacity` entries: what restored state is checked with.
  func holds(_ reference: UInt32, _ capacity: Int) -> Bool {
    let size = SlabReference.size(reference)
    return reference >> 4 > 0 && size < sizes.count && smallest << size == capacity
      && SlabReference.number(reference) < Int(sizes[size].used)
  }
}

private enum SlabReference {
  static let sizes = 16

  @inline(__always) static func size(_ reference: UInt32) -> Int { Int(reference & 15) }
  @inline(__always) static func number(_ reference: UInt32) -> Int { Int(reference &>> 4) &- 1 }
  static func make(number: Int, size: Int) -> UInt32 { UInt32(number + 1) << 4 | UInt32(size) }
}

struct SlabReader {
  fileprivate let sizes: UnsafePointer<RowReader>

  @inline(__always)
  func slab(_ reference: UInt32) -> UnsafeRawPointer {
    sizes[SlabReference.size(reference)].row(SlabReference.number(reference))
  }
}

struct SlabWriter {
  fileprivate let sizes: UnsafePointer<RowWriter>

  /// The slab for writing: its page is copied first if a snapshot sees it.
  @inline(__always)
  func slab(_ reference: UInt32) -> UnsafeMutableRawPointer {
    sizes[SlabReference.size(reference)].row(SlabReference.number(reference))
  }

  /// The slab for reading.
  @inline(__always)
  func peek(_ reference: UInt32) -> UnsafeRawPointer {
    sizes[SlabReference.size(reference)].peek(SlabReference.number(reference))
  }

  /// Asks for a slab that will be written: the first `bytes` of it, or its page if that has to be copied first.
  @inline(__always)
  func prefetch(_ reference: UInt32, _ bytes: Int) {
    sizes[SlabReference.size(reference)].prefetch(SlabReference.number(reference), bytes)
  }
}
