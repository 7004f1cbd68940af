// A long array of trivial elements as a value: a write copies the one page that it touches.

package import Primitives

public struct PagedArray<Element: BitwiseCopyable & Sendable>: Sendable {
  @usableFromInline var store: PageStore
  public private(set) var count = 0
  private let zero: Element
  @usableFromInline let shift: Int

  /// `zero` fills what `resize` adds. Elements are compared, digested and stored by their bytes: they should
  /// have no padding. A page holds `pageBytes` or less.
  package init(repeating zero: Element, count: Int = 0, pageBytes: Int = 2048) {
    let size = MemoryLayout<Element>.stride
    precondition(size <= 65536, "elements of at most 64 KiB")
    var shift = 0
    while size << (shift + 1) <= pageBytes { shift += 1 }
    self.shift = shift
    self.zero = zero
    store = PageStore(bodyBytes: (size << shift + 7) & ~7)
    if count > 0 { resize(to: count) }
  }

  package var isEmpty: Bool { count == 0 }

  @inlinable
  func place(_ index: Int) -> Int {
    PageHeader.pageBytes &+ (index & (1 &<< shift &- 1)) &* MemoryLayout<Element>.stride
  }

  @inlinable
  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "index out of range")
      defer { withExtendedLifetime(store.revision) {} }
      return store.revision.page(index &>> shift).load(fromByteOffset: place(index), as: Element.self)
    }
    set {
      precondition(index >= 0 && index < count, "index out of range")
      let core = store.makeWritable()
      core.pointee.writablePage(index &>> shift).storeBytes(
        of: newValue, toByteOffset: place(index), as: Element.self)
    }
  }

  package mutating func append(_ element: Element) {
    let core = store.makeWritable()
    let page =
      count >> shift == core.pointee.pageCount
      ? core.pointee.appendPage() : core.pointee.writablePage(count >> shift)
    page.storeBytes(of: element, toByteOffset: place(count), as: Element.self)
    count += 1
  }

  /// Adds zeroes at the end, or drops elements from there.
  package mutating func resize(to newCount: Int) {
    let core = store.makeWritable()
    if newCount < count {
      let pages = (newCount + (1 << shift) - 1) >> shift
      core.pointee.truncate(to: pages)
      if newCount & ((1 << shift) - 1) != 0 {
        // What was dropped leaves no trace: equal arrays have equal bytes.
        let page = core.pointee.writablePage(pages - 1)
        let start = place(newCount - 1) + MemoryLayout<Element>.stride
        let end = PageHeader.pageBytes + core.pointee.bodyBytes
        UnsafeMutableRawBufferPointer(start: page + start, count: end - start).initializeMemory(
          as: UInt8.self, repeating: 0)
      }
      count = newCount
    }
    guard isZeroBytes else {
      while count < newCount { append(zero) }
      return
    }
    // New pages are zeroes, and so is what is behind the end of the last.
    while core.pointee.pageCount << shift < newCount { _ = core.pointee.appendPage() }
    count = newCount
  }

  private var isZeroBytes: Bool { withUnsafeBytes(of: zero) { $0.allSatisfy { $0 == 0 } } }

  /// Writes through a view that retains nothing, valid until `body` returns. `body` gets a function's worth of
  /// access: `writer[index]`.
  @inlinable
  public mutating func withWriter<Result: ~Copyable, Failure: Error>(
    _ body: (inout PagedArrayWriter<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var writer = PagedArrayWriter<Element>(core: store.makeWritable(), count: count, shift: shift)
    defer { withExtendedLifetime(store.revision) {} }
    return try body(&writer)
  }

  /// Calls `body` with each run of elements that lie beside one another, in order.
  package func forEachRun(_ body: (_ first: Int, _ elements: UnsafeBufferPointer<Element>) throws -> Void)
    rethrows
  {
    defer { withExtendedLifetime(store.revision) {} }
    var first = 0
    while first < count {
      let length = min(1 << shift, count - first)
      let base = store.body(first >> shift).assumingMemoryBound(to: Element.self)
      try body(first, UnsafeBufferPointer(start: base, count: length))
      first += length
    }
  }

  package var digest: Digest {
    var digest = Digest(low: UInt64(count), high: UInt64(MemoryLayout<Element>.stride))
    digest.append(store.digest)
    return digest
  }

  package var memory: MemoryUse { store.memory }

  // MARK: Streams

  private var metadata: [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt64(count))
    writer.write(UInt32(MemoryLayout<Element>.stride))
    return writer.bytes
  }

  package func write<Sink: PageSink>(to sink: inout Sink, name: String) throws {
    try store.write(to: &sink, name: name, metadata: metadata)
  }

  package func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: Self) throws {
    try store.write(
      to: &sink, name: name, metadata: metadata, pages: store.differingPages(from: parent.store),
      base: parent.store.digest)
  }

  package init<Source: PageSource>(
    from source: inout Source, name: String, repeating zero: Element, pageBytes: Int = 2048
  ) throws {
    self.init(repeating: zero, pageBytes: pageBytes)
    let section = try source.begin(name)
    guard section.base == nil else {
      throw PageStreamError.malformed(section: name, what: "holds changes, not a whole array")
    }
    try lay(section, from: &source)
  }

  /// Reads what was written `since` an array equal to this one. When it throws, the array is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    var next = self
    try next.lay(try source.begin(name), from: &source)
    self = next
  }

  private mutating func lay<Source: PageSource>(_ section: PageSection, from source: inout Source) throws {
    var reader = ByteReader(section.metadata)
    let total = Int(clamping: try reader.read(UInt64.self))
    guard try reader.read(UInt32.self) == MemoryLayout<Element>.stride, reader.isAtEnd,
      total <= Int(UInt32.max) << shift, section.pageCount == (total + (1 << shift) - 1) >> shift
    else {
      throw PageStreamError.malformed(section: section.name, what: "a header that no such array writes")
    }
    try store.apply(section, from: &source)
    count = total
  }
}

extension PagedArray: Equatable {
  public static func == (left: Self, right: Self) -> Bool {
    left.count == right.count && (left.store.revision === right.store.revision || left.digest == right.digest)
  }
}

public struct PagedArrayWriter<Element: BitwiseCopyable & Sendable> {
  @usableFromInline let core: UnsafeMutablePointer<PageCore>
  public let count: Int
  @usableFromInline let shift: Int

  @inlinable
  init(core: UnsafeMutablePointer<PageCore>, count: Int, shift: Int) {
    self.core = core
    self.count = count
    self.shift = shift
  }

  @inlinable
  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "index out of range")
      return core.pointee.page(index &>> shift).load(fromByteOffset: place(index), as: Element.self)
    }
    nonmutating set {
      precondition(index >= 0 && index < count, "index out of range")
      core.pointee.writablePage(index &>> shift).storeBytes(
        of: newValue, toByteOffset: place(index), as: Element.self)
    }
  }

  @inlinable
  func place(_ index: Int) -> Int {
    PageHeader.pageBytes &+ (index & (1 &<< shift &- 1)) &* MemoryLayout<Element>.stride
  }
}
