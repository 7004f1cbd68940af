// Memory for one decoded message: a pointer that moves forward, set back for the next message.
//
//   chunk 0 (kept)                     chunk 1 (freed at reset)
//   +----------+-----------+-------+   +--------------+---------+
//   | message  | its parts |  free |   | its parts    |   free  |
//   +----------+-----------+-------+   +--------------+---------+
//                           ^cursor (only the newest chunk is handed out from)

package import CMessages

/// A bump allocator behind protobuf-c's allocator interface. One thread uses it at a time; what it handed out
/// is valid until `reset`. In the steady state a message costs no malloc.
package final class MessageArena {
  /// Alignment of every allocation: protobuf-c's structs need no more than a pointer's or a double's.
  private static let alignment = 16

  private let firstCapacity: Int
  /// A message that needs more than this is refused: 4 MiB of empty submessages would ask for hundreds.
  private let limit: Int
  private let first: UnsafeMutableRawPointer
  /// Those after the first.
  private var chunks: [UnsafeMutableRawPointer] = []
  // One thread at a time: see above. Checks of exclusive access would cost as much as the allocation.
  @exclusivity(unchecked) private var cursor: UnsafeMutableRawPointer
  @exclusivity(unchecked) private var end: UnsafeMutableRawPointer
  @exclusivity(unchecked) private var total: Int
  /// True when the last message was refused for its size in memory.
  @exclusivity(unchecked) package private(set) var overflowed = false
  private let allocator: UnsafeMutablePointer<ProtobufCAllocator>

  package init(capacity: Int = 64 << 10, limit: Int = 128 << 20) {
    firstCapacity = capacity
    self.limit = limit
    first = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: Self.alignment)
    cursor = first
    end = first + capacity
    total = capacity
    allocator = .allocate(capacity: 1)
    // protobuf-c calls back with the arena as its data; the arena owns the allocator, so it is alive.
    allocator.initialize(
      to: ProtobufCAllocator(
        alloc: { data, size in
          Unmanaged<MessageArena>.fromOpaque(data!)._withUnsafeGuaranteedRef { $0.allocate(size) }
        },
        free: { _, _ in },
        allocator_data: nil))
    allocator.pointee.allocator_data = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    for chunk in chunks { chunk.deallocate() }
    first.deallocate()
    allocator.deallocate()
  }

  /// For protobuf-c's `unpack`.
  package var protobufAllocator: UnsafeMutablePointer<ProtobufCAllocator> { allocator }

  /// `size` bytes, not initialised; nil when the message would pass the limit.
  package func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    let rounded = (size + Self.alignment - 1) & ~(Self.alignment - 1)
    if rounded <= end - cursor {
      defer { cursor += rounded }
      return cursor
    }
    return allocateChunk(rounded)
  }

  /// Forgets all that was handed out.
  package func reset() {
    cursor = first
    end = first + firstCapacity
    overflowed = false
    if total > firstCapacity { freeChunks() }
  }

  private func freeChunks() {
    for chunk in chunks { chunk.deallocate() }
    chunks.removeAll()
    total = firstCapacity
  }

  private func allocateChunk(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size <= limit - total else {
      overflowed = true
      return nil
    }
    // Doubling keeps the number of chunks small; the bound keeps the sum of them under the limit.
    let capacity = max(size, min(total, limit - total))
    let chunk = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: Self.alignment)
    chunks.append(chunk)
    total += capacity
    cursor = chunk + size
    end = chunk + capacity
    return chunk
  }
}
