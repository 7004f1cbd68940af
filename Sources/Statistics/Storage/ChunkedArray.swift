// A fixed number of elements in chunks, so that a copy of a model shares what did not change: after a snapshot
// an update copies one chunk (4 KiB), not the whole histogram or window.
//
//   chunks ─▶ [ 0 ]──▶ elements (shared with a snapshot)
//             [ 1 ]──▶ elements (unique: written in place)
//             [ … ]

public struct ChunkedArray<Element: Equatable & Sendable>: Sendable, Equatable {
  /// log2 of the elements in 4 KiB, rounded down; at least 0.
  @inlinable static var shift: Int {
    Int.bitWidth - 1 - max(1, 4096 / MemoryLayout<Element>.stride).leadingZeroBitCount
  }
  @inlinable static var mask: Int { (1 << shift) - 1 }

  @usableFromInline var chunks: [[Element]]
  public let count: Int

  package init(repeating element: Element, count: Int) {
    precondition(count >= 0)
    self.count = count
    chunks = stride(from: 0, to: count, by: 1 << Self.shift).map {
      Array(repeating: element, count: min(1 << Self.shift, count - $0))
    }
  }

  @inlinable
  public subscript(_ index: Int) -> Element {
    get { chunks[index >> Self.shift][index & Self.mask] }
    _modify { yield &chunks[index >> Self.shift][index & Self.mask] }
  }

  /// Lends the chunk that holds `index`, and the index inside of it: for several elements that lie together. Aligned
  /// groups of a power of two elements, up to a chunk, never cross chunks.
  @inlinable @inline(__always)
  public mutating func withChunk<Result>(
    of index: Int, _ body: (inout [Element], Int) -> Result
  ) -> Result {
    body(&chunks[index >> Self.shift], index & Self.mask)
  }

  /// Replaces each element by what `body` makes of it, in order.
  package mutating func updateEach(_ body: (inout Element) -> Void) {
    for chunk in chunks.indices {
      for index in chunks[chunk].indices { body(&chunks[chunk][index]) }
    }
  }
}
