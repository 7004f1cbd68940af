import Primitives
import Testing

@testable import Tables

@Suite("PagedTable")
struct PagedTableTests {
  @Test("many live copies never see each other's mutations", arguments: 1...20)
  func copies(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    let keys = testKeys(10 + random.below(400))
    let layout = TableLayout(
      weights: 1 + random.below(5), state: random.below(2), rowsPerPage: 1 << random.below(5))
    var pairs = [Pair(table: PagedTable(layout: layout))]
    for step in 0..<4000 {
      let index = random.below(pairs.count)
      switch random.below(200) {
      case 0..<3: pairs.append(pairs[index])
      case 3..<5: if pairs.count > 1 { pairs.remove(at: index) }
      default: pairs[index].step(&random, keys: keys)
      }
      if pairs.count > 12 { pairs.removeFirst(6) }
      if step % 500 == 499 {
        for pair in pairs { #expect(pair.complaint(keys: keys) == nil, "step \(step)") }
      }
    }
  }

  @Test("a table comes back from its pages with the same digest and the same future", arguments: 1...10)
  func roundTrip(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    let keys = testKeys(200)
    var pair = Pair(table: PagedTable(layout: TableLayout(weights: 3, state: 3)))
    for _ in 0..<500 { pair.step(&random, keys: keys) }
    var buffer = PageBuffer()
    try pair.table.write(to: &buffer, name: "t")
    let parent = pair.table
    for _ in 0..<100 { pair.step(&random, keys: keys) }
    try pair.table.write(to: &buffer, name: "t", since: parent)
    var restored = Pair(table: try PagedTable(from: &buffer, name: "t"), model: pair.model)
    #expect(restored.table == parent)
    try restored.table.apply(from: &buffer, name: "t")
    #expect(restored.table == pair.table)
    #expect(restored.complaint(keys: keys) == nil)
    var other = random
    for _ in 0..<500 {
      pair.step(&random, keys: keys)
      restored.step(&other, keys: keys)
    }
    #expect(restored.table.digest == pair.table.digest)
    #expect(restored.complaint(keys: keys) == nil)
  }
}
