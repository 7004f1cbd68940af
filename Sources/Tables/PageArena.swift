// Raw memory for units of one size: pages, or chunks of the directory. Units are cut from large blocks and
// recycled through a free list, because a fresh heap object costs thirty times as much as a recycled unit.
//
//   block (64 KiB, doubling to 8 MiB; from 2 MiB on aligned for huge pages)
//   ┌──────┬──────┬──────┬─ ─ ─┬──────┐
//   │ unit │ unit │ unit │     │ unit │   a unit is an odd number of cache lines, so that equal offsets in
//   └──────┴──────┴──────┴─ ─ ─┴──────┘   neighbouring units do not fall into the same cache sets
//
// An arena is plain memory inside its lineage's core; only the lineage's writer (or, when there is none any
// more, the holder of the lineage's lock) touches it.

internal import CKernels
internal import Glibc
internal import Synchronization

/// What the tables of this process hold from the kernel.
package enum PageMemory {
  private static let mapped = Atomic<Int>(0)

  /// Bytes mapped by all arenas and indexes; what is mapped is not yet all touched.
  package static var mappedBytes: Int { mapped.load(ordering: .relaxed) }

  static func add(_ bytes: Int) { mapped.add(bytes, ordering: .relaxed) }

  /// Maps `bytes` of zeroes, aligned to 2 MiB and backed by huge pages where they are that large.
  static func map(_ bytes: Int) -> UnsafeMutableRawPointer {
    let huge = 2 << 20
    let slack = bytes >= huge ? huge : 0
    let address = mmap(nil, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address, address != MAP_FAILED else {
      fatalError("out of memory: the kernel refused \(bytes) bytes for a table (errno \(errno))")
    }
    add(bytes)
    guard slack > 0 else { return address }
    let aligned = UnsafeMutableRawPointer(
      bitPattern: (UInt(bitPattern: address) + UInt(huge) - 1) & ~UInt(huge - 1))!
    let before = aligned - address
    if before > 0 { munmap(address, before) }
    let after = slack - before
    if after > 0 { munmap(aligned + bytes, after) }
    // Advice only: without huge pages all is slower by a tenth, not wrong.
    madvise(aligned, bytes, MADV_HUGEPAGE)
    return aligned
  }

  static func unmap(_ address: UnsafeMutableRawPointer, _ bytes: Int) {
    munmap(address, bytes)
    add(-bytes)
  }
}

package struct PageArena {
  package let unitBytes: Int
  private var cursor: UnsafeMutableRawPointer
  private var remaining = 0
  private var free: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var freeCount = 0
  private var freeCapacity = 64
  /// Units handed out and not returned.
  package var liveUnits = 0
  private var blocks: UnsafeMutablePointer<(UnsafeMutableRawPointer, Int)>
  private var blockCount = 0
  private var blockCapacity = 8
  private var nextBlockBytes: Int
  package private(set) var mappedBytes = 0
  /// Asked for units that nothing uses any more before new memory is mapped; answers nil when there are none. What was
  /// lent is this arena's from then on, and its memory has to outlive it.
  var borrow: (() -> UnsafeMutableRawPointer?)?

  package init(unitBytes: Int) {
    var lines = (unitBytes + 63) / 64
    if lines % 2 == 0 { lines += 1 }
    self.unitBytes = lines * 64
    var first = 64 << 10
    while first < self.unitBytes * 4 { first *= 2 }
    nextBlockBytes = first
    free = .allocate(capacity: 64)
    blocks = .allocate(capacity: 8)
    cursor = UnsafeMutableRawPointer(bitPattern: 64)!
  }

  /// Gives everything back to the kernel.
  package mutating func destroy() {
    for index in 0..<blockCount { PageMemory.unmap(blocks[index].0, blocks[index].1) }
    free.deallocate()
    blocks.deallocate()
  }

  /// A unit with whatever it held before.
  package mutating func allocate() -> UnsafeMutableRawPointer {
    liveUnits &+= 1
    if freeCount > 0 {
      freeCount &-= 1
      if freeCount > 1 {
        // The unit after the next: its lines arrive while the next is filled.
        let ahead = free[freeCount &- 2]
        var offset = 0
        while offset < min(unitBytes, 1024) {
          cowbird_prefetch_write(ahead + offset)
          offset &+= 64
        }
      }
      return free[freeCount]
    }
    return cut()
  }

  private mutating func cut() -> UnsafeMutableRawPointer {
    if remaining < unitBytes {
      // Memory that was touched before is several times faster than what the kernel has to clear first.
      if let borrow, let unit = borrow() { return unit }
      addBlock()
    }
    let unit = cursor
    cursor += unitBytes
    remaining -= unitBytes
    return unit
  }

  private mutating func addBlock() {
    let bytes = nextBlockBytes
    nextBlockBytes = max(nextBlockBytes, min(nextBlockBytes * 2, 8 << 20))
    if blockCount == blockCapacity {
      let larger = UnsafeMutablePointer<(UnsafeMutableRawPointer, Int)>.allocate(capacity: blockCapacity * 2)
      larger.moveInitialize(from: blocks, count: blockCount)
      blocks.deallocate()
      blocks = larger
      blockCapacity *= 2
    }
    cursor = PageMemory.map(bytes)
    remaining = bytes
    blocks[blockCount] = (cursor, bytes)
    blockCount += 1
    mappedBytes += bytes
  }

  /// A unit for another arena with units of this size; nil: none is free.
  mutating func lend() -> UnsafeMutableRawPointer? {
    guard freeCount > 0 else { return nil }
    freeCount &-= 1
    return free[freeCount]
  }

  package mutating func deallocate(_ unit: UnsafeMutableRawPointer) {
    liveUnits &-= 1
    if freeCount == freeCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: freeCapacity * 2)
      larger.moveInitialize(from: free, count: freeCount)
      free.deallocate()
      free = larger
      freeCapacity *= 2
    }
    free[freeCount] = unit
    freeCount &+= 1
  }
}
