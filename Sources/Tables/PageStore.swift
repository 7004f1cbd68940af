// Numbered pages of one size as a value: copying it is a snapshot, writing copies only the pages that a copy
// still sees. Every table is made of these.

package import Primitives
internal import Synchronization

public struct PageStore: @unchecked Sendable {
  // Sound because: see `PageRevision`.
  public var revision: PageRevision

  package init(bodyBytes: Int) {
    revision = PageLineage.make(bodyBytes: bodyBytes)
  }

  init(_ revision: PageRevision) { self.revision = revision }

  @inlinable public var bodyBytes: Int { revision.lineage.core.pointee.bodyBytes }
  @inlinable public var pageCount: Int { revision.pageCount }

  /// The first byte of a page's body, for reading.
  @inlinable
  public func body(_ number: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(revision.page(number) + PageHeader.pageBytes)
  }

  /// The writer's core. Valid until this value is copied: call it at the start of each group of writes.
  public mutating func makeWritable() -> UnsafeMutablePointer<PageCore> {
    if isKnownUniquelyReferenced(&revision) && !revision.isSealed {
      if revision.block.pointee.isDigestCached.load(ordering: .acquiring) { revision.lineage.startEpoch() }
      return revision.lineage.core
    }
    if revision.claim() {
      revision = revision.lineage.seal(revision)
    } else {
      revision = PageLineage.goOn(revision)
    }
    return revision.lineage.core
  }

  /// True if `makeWritable` has nothing to do.
  var isWritable: Bool {
    mutating get {
      isKnownUniquelyReferenced(&revision) && !revision.isSealed
        && !revision.block.pointee.isDigestCached.load(ordering: .acquiring)
    }
  }

  /// True if the next write has to begin a lineage of its own.
  package var mustFork: Bool { revision.isSealed }

  /// The digest of all pages: the sum of the pages' digests, each made with its number as seed. Pages and
  /// chunks keep theirs until they change, so this costs what changed since the last call.
  package var digest: Digest {
    let block = revision.block
    let count = block.pointee.pageCount
    if !revision.isSealed { block.pointee.isDigestCached.store(true, ordering: .releasing) }
    var sum = Digest()
    for top in 0..<((count + 4095) >> 12) {
      let middle = block.pointee.root[top]
      sum &+= cached(middle) {
        var sum = Digest()
        let last = min(count, (top + 1) << 12)
        for leafNumber in (top << 6)..<((last + 63) >> 6) {
          let leaf = PageCore.pointers(middle)[leafNumber & 63]
          sum &+= cached(leaf) {
            var sum = Digest()
            for number in (leafNumber << 6)..<min(count, (leafNumber + 1) << 6) { sum &+= pageDigest(number) }
            return sum
          }
        }
        return sum
      }
    }
    return sum
  }

  /// The digest of one page, cached in it.
  package func pageDigest(_ number: Int) -> Digest {
    let page = revision.page(number)
    if !revision.isSealed { revision.block.pointee.isDigestCached.store(true, ordering: .releasing) }
    return cached(page) {
      Digest(
        of: UnsafeRawBufferPointer(start: page + PageHeader.pageBytes, count: bodyBytes), seed: UInt64(number)
      )
    }
  }

  /// Two threads may both find nothing cached and both store the same: hence the atomics.
  private func cached(_ unit: RawPage, _ compute: () -> Digest) -> Digest {
    let low = atomicWord(unit, PageHeader.digestLow)
    let high = atomicWord(unit, PageHeader.digestHigh)
    let valid = atomicWord(unit, PageHeader.digestValid)
    if valid.pointee.load(ordering: .acquiring) == 1 {
      return Digest(low: low.pointee.load(ordering: .relaxed), high: high.pointee.load(ordering: .relaxed))
    }
    let digest = compute()
    low.pointee.store(digest.low, ordering: .relaxed)
    high.pointee.store(digest.high, ordering: .relaxed)
    valid.pointee.store(1, ordering: .releasing)
    return digest
  }

  /// The pages in which this store differs from `other`, in order: those that only one of them has, and those
  /// whose bytes differ. What both share is not looked at.
  package func differingPages(from other: PageStore) -> [Int] {
    var differing: [Int] = []
    visitUnshared(with: other) { number in
      if pageDigest(number) != other.pageDigest(number) { differing.append(number) }
    }
    let common = min(pageCount, other.pageCount)
    differing.append(contentsOf: common..<max(pageCount, other.pageCount))
    return differing
  }

  /// How many pages this store and `other` share in memory.
  package func sharedPages(with other: PageStore) -> Int {
    var unshared = 0
    visitUnshared(with: other) { _ in unshared += 1 }
    return min(pageCount, other.pageCount) - unshared
  }

  /// The pages that are not the very ones of `other`, in order.
  func forEachUnshared(with other: PageStore, _ body: (Int) -> Void) {
    visitUnshared(with: other, body)
    for number in min(pageCount, other.pageCount)..<pageCount { body(number) }
  }

  private func visitUnshared(with other: PageStore, _ body: (Int) -> Void) {
    let common = min(pageCount, other.pageCount)
    let mine = revision.block.pointee.root
    let others = other.revision.block.pointee.root
    var number = 0
    while number < common {
      if number & 4095 == 0 && mine[number >> 12] == others[number >> 12] {
        number += 4096
        continue
      }
      let leaf = PageCore.pointers(mine[number >> 12])[(number >> 6) & 63]
      let otherLeaf = PageCore.pointers(others[number >> 12])[(number >> 6) & 63]
      if leaf == otherLeaf {
        number = (number | 63) + 1
        continue
      }
      repeat {
        if PageCore.pointers(leaf)[number & 63] != PageCore.pointers(otherLeaf)[number & 63] { body(number) }
        number += 1
      } while number < common && number & 63 != 0
    }
  }

  package var memory: MemoryUse {
    let core = revision.lineage.core
    return MemoryUse(
      livePages: core.pointee.pages.liveUnits, liveChunks: core.pointee.chunks.liveUnits,
      liveBytes: core.pointee.pages.liveUnits * core.pointee.pages.unitBytes
        + core.pointee.chunks.liveUnits * core.pointee.chunks.unitBytes
        + core.pointee.slotCapacity * MemoryLayout<PageSlot>.stride,
      mappedBytes: core.pointee.pages.mappedBytes + core.pointee.chunks.mappedBytes,
      copiedPages: core.pointee.copiedPages)
  }
}

/// What a table holds, with all that its snapshots still see of it. Read it where the table is written: the
/// counts belong to the writer.
package struct MemoryUse: Equatable, Sendable {
  package var livePages = 0
  package var liveChunks = 0
  package var liveBytes = 0
  package var mappedBytes = 0
  /// Rows times the stride of their weights and state: what they would take side by side.
  package var rowBytes = 0
  /// Pages copied because a snapshot saw them, since the lineage began.
  package var copiedPages = 0

  package init(
    livePages: Int = 0, liveChunks: Int = 0, liveBytes: Int = 0, mappedBytes: Int = 0, rowBytes: Int = 0,
    copiedPages: Int = 0
  ) {
    self.livePages = livePages
    self.liveChunks = liveChunks
    self.liveBytes = liveBytes
    self.mappedBytes = mappedBytes
    self.rowBytes = rowBytes
    self.copiedPages = copiedPages
  }

  package static func + (left: MemoryUse, right: MemoryUse) -> MemoryUse {
    MemoryUse(
      livePages: left.livePages + right.livePages, liveChunks: left.liveChunks + right.liveChunks,
      liveBytes: left.liveBytes + right.liveBytes, mappedBytes: left.mappedBytes + right.mappedBytes,
      rowBytes: left.rowBytes + right.rowBytes, copiedPages: left.copiedPages + right.copiedPages)
  }
}
