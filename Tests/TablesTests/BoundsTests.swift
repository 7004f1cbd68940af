import Primitives
import Testing

@testable import Tables

@Suite("Bounds of tables")
struct BoundsTests {
  private let layout = TableLayout(weights: 1, rowsPerPage: 4)

  @Test("a full table forgets the least recently seen, one by one", arguments: 1...5)
  func leastRecentlySeen(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    var table = PagedTable(layout: layout, bounds: TableBounds(maximumRows: 50))
    // Every step has a time of its own, so "least recently seen" is one row.
    var seen: [UInt64: Int] = [:]
    var evicted: UInt64 = 0
    for step in 1...1500 {
      let key = UInt64(random.below(120))
      table.prepare(now: UInt32(step), room: 1)
      if seen.count == 50 {
        let oldest = seen.min { $0.value < $1.value }!.key
        seen[oldest] = nil
        evicted += 1
      }
      table.withWriter { writer in
        let id = writer.findOrInsert(key)
        #expect(id != nil)
        if let id { writer.weights(id)[0] = Float(step) }
      }
      seen[key] = step
      #expect(table.rowCount == seen.count)
    }
    for key in 0..<UInt64(120) { #expect(table.weights(of: key)?[0] == seen[key].map { Float($0) }) }
    #expect(table.counters.evicted == evicted)
    #expect(table.counters.refused == 0)
  }

  @Test("a stream of ever new keys needs no more memory than the bound")
  func memoryStaysBounded() {
    var table = PagedTable(
      layout: TableLayout(weights: 4, state: 4), bounds: TableBounds(maximumRows: 1000))
    var copies: [PagedTable] = []
    var most = 0
    for step in 0..<20_000 {
      table.prepare(now: UInt32(step / 7), room: 1)
      table.withWriter { writer in
        if let id = writer.findOrInsert(UInt64(step) &* 0x9E37_79B9_7F4A_7C15) { writer.weights(id)[0] = 1 }
      }
      if step % 50 == 0 {
        copies.append(table.weightsOnly())
        if copies.count > 2 { copies.removeFirst() }
      }
      if step == 5000 { most = table.memory.liveBytes }
    }
    #expect(table.rowCount == 1000)
    #expect(table.pageCount == 125)
    #expect(table.memory.liveBytes < most * 2)
  }

  @Test("without room prepared, a key that does not fit is refused and counted")
  func refused() {
    var table = PagedTable(layout: layout, bounds: TableBounds(maximumRows: 2))
    for key in 0..<5 as Range<UInt64> { table.set(key, weights: [1]) }
    #expect(table.rowCount == 2 && table.counters.refused == 3)
    table.prepare(now: 5, room: 100)
    #expect(table.rowCount == 0 && table.counters.evicted == 2)
    table.prepare(now: 5, room: 1)
    table.set(7, weights: [1])
    #expect(table.contains(7))
  }

  @Test("a smaller bound takes effect at once")
  func boundShrinks() {
    var table = PagedTable(layout: layout)
    for key in 0..<100 as Range<UInt64> {
      table.prepare(now: UInt32(key + 1))
      table.set(key, weights: [1])
    }
    table.bounds = TableBounds(maximumRows: 10)
    #expect(table.rowCount == 10)
    #expect((90..<100).allSatisfy { table.contains(UInt64($0)) })
  }

  @Test("keys go when they were last seen before the time, and the clock never goes back")
  func expiry() {
    var table = PagedTable(layout: layout)
    for key in 0..<100 as Range<UInt64> {
      table.prepare(now: UInt32(1000 + key))
      table.set(key, weights: [Float(key)])
    }
    table.prepare(now: 5)
    #expect(table.now == 1099)
    table.set(3, weights: [3])
    let copy = table
    #expect(table.expire(olderThan: 1050) == 49)
    #expect(table.rowCount == 51 && table.contains(3) && !table.contains(4) && table.contains(50))
    #expect(copy.rowCount == 100 && copy.weights(of: 4) == [4])
    #expect(table.counters.expired == 49)
    table.set(4, weights: [44])
    #expect(table.weights(of: 4) == [44] && copy.weights(of: 4) == [4])
  }

  @Test("a key gets its row when it is seen for the n-th time")
  func admission() {
    var table = PagedTable(layout: layout, bounds: TableBounds(admissionCount: 3, admissionCells: 4096))
    #expect(table.set(0, weights: [1]) == nil)
    #expect(table.set(0, weights: [1]) == nil)
    #expect(table.set(UInt64.max, weights: [1]) == nil)
    #expect(table.set(0, weights: [1]) != nil)
    #expect(table.rowCount == 1 && table.counters.notAdmitted == 3)
    // Five thousand keys seen once: the filter's collisions let few in, and its counters fade.
    for key in 1...5000 as ClosedRange<UInt64> { table.set(key, weights: [1]) }
    #expect(table.rowCount < 1500)
    for _ in 0..<3 { table.set(77_777_777, weights: [1]) }
    #expect(table.contains(77_777_777))
  }

  @Test("rows that were removed are wiped, and their places are used again, last first")
  func reuse() {
    var table = PagedTable(layout: TableLayout(weights: 2, state: 2, rowsPerPage: 4))
    for key in 0..<10 as Range<UInt64> { table.set(key, weights: [1, 2], state: [3, 4]) }
    let second = table.find(2)
    let seventh = table.find(7)
    table.remove(2)
    table.remove(7)
    let (first, next) = (table.set(100, weights: [0, 0]), table.set(101, weights: [0, 0]))
    #expect(first == seventh && next == second)
    #expect(table.state(of: 100) == [0, 0])
    table.set(102, weights: [0, 0])
    #expect(table.find(102) == RowID(10))
  }

  @Test("the index does not fill up with keys that came and went", arguments: [0, 3])
  func indexStaysSmall(copies: Int) {
    var table = PagedTable(layout: layout)
    var kept: [PagedTable] = []
    for step in 0..<40_000 as Range<UInt64> {
      table.set(step, weights: [1])
      if step >= 100 { table.remove(step - 100) }
      if step % 1000 == 0 && copies > 0 {
        kept.append(table)
        if kept.count > copies { kept.removeFirst() }
      }
    }
    #expect(table.rowCount == 100)
    #expect(table.box.index.bytes < 1 << 18)
    for (place, copy) in kept.enumerated() {
      let last = UInt64(40_000 - 1000 * (kept.count - place))
      #expect(
        copy.contains(last) && copy.contains(last - 99) && !copy.contains(last - 101)
          && !copy.contains(last + 1))
    }
  }
}
