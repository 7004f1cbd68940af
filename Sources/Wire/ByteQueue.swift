// Bytes that wait: filled at the end, drained at the start. What a peer has sent and nobody has read, what
// was packed and is not sent yet.
//
//   base          start               end               capacity
//   +-------------+-------------------+-----------------+
//   |  done       |  bytes            |  free           |
//   +-------------+-------------------+-----------------+

internal import Glibc

package final class ByteQueue {
  // One thread uses a queue at a time, and no access is held while another begins.
  @exclusivity(unchecked) private var base: UnsafeMutableRawPointer
  @exclusivity(unchecked) package private(set) var capacity: Int
  @exclusivity(unchecked) private var start = 0
  @exclusivity(unchecked) private var end = 0

  package init(capacity: Int = 64 << 10) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  package var count: Int { end - start }
  package var isEmpty: Bool { start == end }

  /// What waits. Valid until the queue changes.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + start, count: end - start)
  }

  /// Room for `count` more bytes at the end, which count as written.
  @inline(__always)
  package func extend(by count: Int) -> UnsafeMutableRawPointer {
    if capacity - end < count { makeRoom(for: count) }
    defer { end += count }
    return base + end
  }

  package func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    extend(by: bytes.count).copyMemory(from: source, byteCount: bytes.count)
  }

  /// The first `count` bytes are done with.
  package func consume(_ count: Int) {
    start += count
    if start == end { (start, end) = (0, 0) }
  }

  /// Takes back what stands after the first `count` bytes.
  package func truncate(to count: Int) {
    end = start + count
    if start == end { (start, end) = (0, 0) }
  }

  /// Puts `replacement` in the place of `range` (counted from the first byte that waits).
  package func replace(_ range: Range<Int>, with replacement: [UInt8]) {
    let tail = count - range.upperBound
    let growth = replacement.count - range.count
    if growth > 0 { _ = extend(by: growth) } else { end += growth }
    let place = base + start + range.lowerBound
    memmove(place + replacement.count, place + range.count, tail)
    replacement.withUnsafeBytes { source in
      if let address = source.baseAddress { place.copyMemory(from: address, byteCount: source.count) }
    }
  }

  private func makeRoom(for count: Int) {
    let used = end - start
    if capacity - used >= count && start >= used {
      base.copyMemory(from: base + start, byteCount: used)
    } else {
      let grown = max(capacity * 2, used + count)
      let target = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
      target.copyMemory(from: base + start, byteCount: used)
      base.deallocate()
      base = target
      capacity = grown
    }
    (start, end) = (0, used)
  }
}
