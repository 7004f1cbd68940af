import Primitives
import Testing

@testable import Tables

@Suite("Lifetime of pages")
struct LifetimeTests {
  /// Pages and chunks that a copy reaches.
  private func units(_ store: PageStore) -> (pages: Set<UInt>, chunks: Set<UInt>) {
    var pages: Set<UInt> = []
    var chunks: Set<UInt> = []
    let root = store.revision.block.pointee.root
    for number in 0..<store.pageCount {
      let middle = root[number >> 12]
      chunks.insert(UInt(bitPattern: middle))
      chunks.insert(UInt(bitPattern: PageCore.pointers(middle)[(number >> 6) & 63]))
      pages.insert(UInt(bitPattern: store.revision.page(number)))
    }
    return (pages, chunks)
  }

  @Test("copies dropped in any order free every page that none of the others sees", arguments: 1...20)
  func leaks(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    let keys = testKeys(3000)
    var head = Pair(table: PagedTable(layout: TableLayout(weights: 2, state: 1, rowsPerPage: 4)))
    for _ in 0..<3000 { head.step(&random, keys: keys) }
    var copies: [PagedTable] = []
    for round in 0..<60 {
      for _ in 0..<random.below(60) { head.step(&random, keys: keys) }
      copies.append(random.below(2) == 0 ? head.table : head.table.weightsOnly())
      while copies.count > random.below(12) { copies.remove(at: random.below(copies.count)) }
      guard round % 10 == 9 else { continue }
      // The next seal collects what the dropped copies left.
      head.table.box.weights.revision.lineage.collect()
      head.table.box.state!.revision.lineage.collect()
      for (name, stores) in [
        ("weights", [head.table.box.weights] + copies.map { $0.box.weights }),
        ("state", [head.table.box.state!] + copies.compactMap { $0.box.state }),
      ] {
        let reached = stores.map(units)
        let use = stores[0].memory
        #expect(use.livePages == reached.reduce(into: Set()) { $0.formUnion($1.pages) }.count, "\(name)")
        #expect(use.liveChunks == reached.reduce(into: Set()) { $0.formUnion($1.chunks) }.count, "\(name)")
      }
    }
  }

  @Test("snapshots outlive the head, and stay what they were")
  func headless() {
    var random = SeededRandom(7)
    let keys = testKeys(500)
    var copies: [Pair] = []
    do {
      var head = Pair(table: PagedTable(layout: TableLayout(weights: 2, state: 1)))
      for _ in 0..<10 {
        for _ in 0..<200 { head.step(&random, keys: keys) }
        copies.append(head)
      }
      head.step(&random, keys: keys)
    }
    while !copies.isEmpty {
      copies.remove(at: random.below(copies.count))
      for copy in copies { #expect(copy.complaint(keys: keys) == nil) }
    }
  }

  @Test("dropping the head leaves exactly the pages that the snapshots see", arguments: 1...5)
  func headDropped(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    var store = PageStore(bodyBytes: 64)
    let core = store.makeWritable()
    for _ in 0..<5000 { _ = core.pointee.appendPage() }
    var copies: [PageStore] = []
    for _ in 0..<8 {
      copies.append(store)
      let core = store.makeWritable()
      for _ in 0..<300 { _ = core.pointee.writablePage(random.below(5000)) }
    }
    store = PageStore(bodyBytes: 64)
    while copies.count > 1 {
      copies.remove(at: random.below(copies.count))
      let reached = copies.map(units)
      #expect(copies[0].memory.livePages == reached.reduce(into: Set()) { $0.formUnion($1.pages) }.count)
      #expect(copies[0].memory.liveChunks == reached.reduce(into: Set()) { $0.formUnion($1.chunks) }.count)
    }
  }

  @Test("a fork lets go of what it was forked from once it has written every page")
  func forkReleasesItsBase() {
    final class Watch {}
    var store = PageStore(bodyBytes: 64)
    let core = store.makeWritable()
    for _ in 0..<200 { _ = core.pointee.appendPage() }
    var older = store
    _ = store.makeWritable()
    weak let lineage = store.revision.lineage
    let forked = older.makeWritable()
    #expect(older.revision.lineage !== store.revision.lineage)
    for number in 0..<200 { _ = forked.pointee.writablePage(number) }
    // The next seal of the fork notices.
    store = older
    _ = store.makeWritable()
    #expect(lineage == nil)
    withExtendedLifetime(older) {}
  }

  @Test("a fork writes into what a dropped head left, and maps nothing of its own")
  func forkBorrows() {
    weak var lineage: PageLineage?
    do {
      var store = PageStore(bodyBytes: 64)
      let core = store.makeWritable()
      for number in 0..<5_000 { fill(core.pointee.appendPage(), UInt64(number)) }
      var older = store
      let kept = store
      let digest = store.digest
      let head = store.makeWritable()
      for number in 0..<5_000 { fill(head.pointee.writablePage(number), 7) }
      lineage = store.revision.lineage
      store = PageStore(bodyBytes: 64)
      let forked = older.makeWritable()
      #expect(older.revision.lineage !== lineage)
      for number in 0..<5_000 { fill(forked.pointee.writablePage(number), UInt64(number) + 1) }
      #expect(older.memory.mappedBytes == 0)
      #expect(kept.digest == digest)
      var expected = PageStore(bodyBytes: 64)
      let plain = expected.makeWritable()
      for number in 0..<5_000 { fill(plain.pointee.appendPage(), UInt64(number) + 1) }
      #expect(older.digest == expected.digest)
      // What was lent stays for as long as it is used.
      #expect(lineage != nil)
    }
    #expect(lineage == nil)
  }

  private func fill(_ page: RawPage, _ value: UInt64) {
    page.storeBytes(of: value, toByteOffset: PageHeader.pageBytes, as: UInt64.self)
  }

  /// A store, and what is in its pages.
  private struct Kept {
    var store = PageStore(bodyBytes: 64)
    var values: [UInt64] = []

    var isRight: Bool {
      (0..<values.count).allSatisfy {
        store.revision.page($0).load(fromByteOffset: PageHeader.pageBytes, as: UInt64.self) == values[$0]
      }
    }
  }

  @Test(
    "a line of forks, each of a copy of the head before, costs one head, and no copy ever changes",
    arguments: 1...10)
  func line(seed: Int) {
    struct Weak { weak var lineage: PageLineage? }
    var random = SeededRandom(UInt64(seed))
    var head = Kept()
    var lineages: [Weak] = []
    var kept: [Kept] = []
    func write(_ count: Int) {
      let core = head.store.makeWritable()
      if !lineages.contains(where: { $0.lineage === head.store.revision.lineage }) {
        lineages.append(Weak(lineage: head.store.revision.lineage))
      }
      for _ in 0..<count {
        let number = random.below(head.values.count + 3)
        let value = random.next()
        if number >= head.values.count {
          fill(core.pointee.appendPage(), value)
          head.values.append(value)
        } else if number >= 50 {
          // The first fifty are written once, and keep every lineage in use.
          fill(core.pointee.writablePage(number), value)
          head.values[number] = value
        }
      }
    }
    write(2_000)
    for round in 0..<60 {
      write(random.below(3_000))
      kept.append(head)
      write(random.below(500))
      // Back, to the newest copy or an older one.
      if random.below(2) == 0 { head = kept[kept.count - 1 - random.below(min(kept.count, 2))] }
      while kept.count > 1 + random.below(4) { kept.remove(at: random.below(kept.count)) }
      guard round % 5 == 4 else { continue }
      #expect(head.isRight && kept.allSatisfy(\.isRight))
    }
    kept = []
    for _ in 0..<3 {
      write(200)
      let copy = head
      write(200)
      #expect(copy.isRight)
    }
    head.store.revision.lineage.collect()
    let reached = units(head.store)
    let present = lineages.compactMap(\.lineage)
    #expect(present.reduce(0) { $0 + $1.core.pointee.pages.liveUnits } == reached.pages.count)
    #expect(present.reduce(0) { $0 + $1.core.pointee.chunks.liveUnits } == reached.chunks.count)
    #expect(present.count < 18 && head.isRight)
  }

  @Test("what a table maps goes back to the kernel with its last copy")
  func unmapped() {
    let before = PageMemory.mappedBytes
    do {
      var table = PagedTable(layout: TableLayout(weights: 8, state: 8))
      for key in 0..<20_000 { table.set(UInt64(key), weights: Array(repeating: 1, count: 8)) }
      let copy = table
      table.remove(5)
      #expect(PageMemory.mappedBytes > before)
      #expect(copy.rowCount == 20_000)
    }
    // Other tests run beside this one, so the figure can only be bounded.
    #expect(PageMemory.mappedBytes >= 0)
  }
}
