import CMessages
import Primitives
import Testing

@testable import Wire

@Suite struct MessageArenaTests {
  @Test("what is allocated does not overlap and keeps what is written")
  func disjoint() {
    let arena = MessageArena(capacity: 1024)
    for round in 0..<3 {
      var blocks: [(UnsafeMutableRawPointer, Int)] = []
      for number in 0..<200 {
        let size = CounterRandom.index(below: 300, seed: UInt64(round), counter: UInt64(number))
        let block = arena.allocate(size)!
        #expect(UInt(bitPattern: block) % 16 == 0)
        block.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: number), count: size)
        blocks.append((block, size))
      }
      for (number, (block, size)) in blocks.enumerated() {
        let bytes = UnsafeRawBufferPointer(start: block, count: size)
        #expect(bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) })
      }
      arena.reset()
    }
  }

  @Test("after a reset the same memory is handed out again")
  func reuse() {
    let arena = MessageArena(capacity: 1024)
    let first = arena.allocate(100)
    _ = arena.allocate(5000)
    arena.reset()
    #expect(arena.allocate(100) == first)
  }

  @Test("a message that would take more than the limit is refused, and the next one is not")
  func limit() throws {
    let arena = MessageArena(capacity: 1024, limit: 64 << 10)
    // Empty events: two bytes each on the wire, a hundred and more in memory.
    let bomb = [UInt8](repeating: 0, count: 20_000).enumerated().map { $0.offset % 2 == 0 ? UInt8(0x12) : 0 }
    #expect(throws: Status.self) {
      try bomb.withUnsafeBytes { _ = try Wire.unpack(Cowbird__V1__AppendRequest.self, from: $0, in: arena) }
    }
    #expect(arena.overflowed)
    arena.reset()
    let count = try ([0x12, 0] as [UInt8]).withUnsafeBytes {
      try Wire.unpack(Cowbird__V1__AppendRequest.self, from: $0, in: arena).pointee.n_events
    }
    #expect(count == 1)
  }
}
