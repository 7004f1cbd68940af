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

  @Test("many keys looked up at once are found as one by one, by readers and by hints")
  func batches() {
    var table = PagedTable(layout: TableLayout(weights: 2, state: 1))
    for key in 0..<3000 as Range<UInt64> where key % 3 != 0 { table.set(key, weights: [Float(key), 0]) }
    let copy = table
    for key in 0..<300 as Range<UInt64> { table.remove(key) }
    for key in 5000..<5400 as Range<UInt64> { table.set(key, weights: [Float(key), 0]) }
    var random = SeededRandom(3)
    for count in Array(0...70) + [1000] {
      let keys = (0..<count).map { _ in UInt64(random.below(6000)) }
      for each in [table, copy] {
        var rows = [UnsafePointer<Float>?](repeating: nil, count: count)
        each.withReader { reader in
          keys.withUnsafeBufferPointer { keys in
            rows.withUnsafeMutableBufferPointer {
              reader.find(keys, into: $0.baseAddress ?? .init(bitPattern: 8)!)
            }
          }
          #expect(rows == keys.map { reader.find($0) })
          #expect(rows == keys.map { reader.find($0, reader.hint($0)) })
          #expect(rows == keys.map { reader.find($0, reader.hint(UInt64(random.below(6000)))) })
        }
        #expect(rows.map { $0?[0] } == keys.map { each.weights(of: $0)?[0] })
      }
      let expected = keys.map { table.find($0) }
      let found = table.withWriter { writer in
        keys.map { key in
          let hint = writer.hint(random.below(3) == 0 ? UInt64(random.below(6000)) : key)
          writer.prefetchRow(hint)
          return writer.find(key) == nil ? nil : writer.findOrInsert(key, hint)
        }
      }
      #expect(found == expected)
    }
  }
}
