// Pointers into a paged array, for loops over places that are far apart: asked for ahead, read without a copy.

public import CKernels

/// Reads one copy of an array, on any thread. Retains nothing: `PagedArray.withReader` keeps the pages alive.
public struct PagedArrayReader<Element: BitwiseCopyable & Sendable> {
  @usableFromInline let root: UnsafeMutablePointer<RawPage>
  public let count: Int
  @usableFromInline let shift: Int

  @inlinable
  init(root: UnsafeMutablePointer<RawPage>, count: Int, shift: Int) {
    self.root = root
    self.count = count
    self.shift = shift
  }

  @inlinable @inline(__always)
  public func pointer(_ index: Int) -> UnsafePointer<Element> {
    precondition(index >= 0 && index < count, "index out of range")
    let place = PageHeader.pageBytes &+ (index & (1 &<< shift &- 1)) &* MemoryLayout<Element>.stride
    return UnsafePointer(
      (PageRevision.page(index &>> shift, of: root) + place).assumingMemoryBound(to: Element.self))
  }

  @inlinable @inline(__always)
  public func prefetch(_ pointer: UnsafePointer<Element>) { cowbird_prefetch(pointer) }
}

extension PagedArray {
  /// Reads through a view that retains nothing, valid until `body` returns.
  @inlinable
  public func withReader<Result: ~Copyable, Failure: Error>(
    _ body: (PagedArrayReader<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(store.revision) {} }
    return try body(
      PagedArrayReader(root: store.revision.block.pointee.root, count: count, shift: shift))
  }
}

extension PagedArrayWriter {
  /// For reading; stale as soon as an element of its page is written.
  @inlinable @inline(__always)
  public func pointer(_ index: Int) -> UnsafePointer<Element> {
    precondition(index >= 0 && index < count, "index out of range")
    return UnsafePointer(
      (core.pointee.page(index &>> shift) + place(index)).assumingMemoryBound(to: Element.self))
  }

  /// For writing, until the view ends.
  @inlinable @inline(__always)
  public func mutablePointer(_ index: Int) -> UnsafeMutablePointer<Element> {
    precondition(index >= 0 && index < count, "index out of range")
    return (core.pointee.writablePage(index &>> shift) + place(index)).assumingMemoryBound(to: Element.self)
  }

  @inlinable @inline(__always)
  public func prefetch(_ index: Int) { cowbird_prefetch(pointer(index)) }
}
