import Primitives
import Testing

@testable import Tables

@Suite("Determinism of tables")
struct DeterminismTests {
  /// One step of a stream of examples, as a learner would take it.
  private func learn(_ table: inout PagedTable, _ step: Int) {
    table.prepare(now: UInt32(1000 + step / 10), room: 4)
    table.withWriter { writer in
      for feature in 0..<4 {
        let key = CounterRandom.bits(seed: UInt64(feature), counter: UInt64(step)) % 700
        guard let id = writer.findOrInsert(key, initialise: { weights, _ in weights[0] = Float(key) }) else {
          continue
        }
        writer.weights(id)[1] += Float(step)
        writer.state(id)[0] += 1
      }
    }
    if step % 97 == 0 { table.expire(olderThan: UInt32(1000 + step / 10 - 5)) }
    if step % 13 == 0 { table.remove(UInt64(step % 700)) }
  }

  private static let layout = TableLayout(weights: 2, state: 1, rowsPerPage: 4)
  private static let bounds = TableBounds(maximumRows: 300, admissionCount: 2, admissionCells: 4096)

  private static let plain: [Digest] = {
    var table = PagedTable(layout: layout, bounds: bounds)
    let suite = DeterminismTests()
    return (0..<800).map { step in
      suite.learn(&table, step)
      return table.digest
    }
  }()

  @Test(
    "copies taken or not, kept or dropped, asked for digests or not: the digests are the same",
    arguments: 1...6)
  func copies(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    var table = PagedTable(layout: Self.layout, bounds: Self.bounds)
    var copies: [PagedTable] = []
    for step in 0..<800 {
      if random.below(5) == 0 { copies.append(random.below(2) == 0 ? table : table.weightsOnly()) }
      if random.below(6) == 0, !copies.isEmpty { copies.remove(at: random.below(copies.count)) }
      learn(&table, step)
      if random.below(4) == 0 || step == 1499 { #expect(table.digest == Self.plain[step], "step \(step)") }
    }
    #expect(table.counters.evicted > 0 && table.counters.expired > 0 && table.counters.notAdmitted > 0)
  }

  @Test("a table that was written and read at any point goes on to the same digests", arguments: 1...6)
  func roundTrips(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    var table = PagedTable(layout: Self.layout, bounds: Self.bounds)
    var parent: PagedTable?
    for step in 0..<800 {
      if random.below(40) == 0 {
        var buffer = PageBuffer()
        switch (random.below(3), parent) {
        case (0...1, .some(let parent)):
          try table.write(to: &buffer, name: "t", since: parent)
          table = parent
          try table.apply(from: &buffer, name: "t")
        default:
          try table.write(to: &buffer, name: "t")
          table = try PagedTable(from: &buffer, name: "t")
        }
        #expect(buffer.isAtEnd)
        parent = table
      }
      learn(&table, step)
      if random.below(4) == 0 || step == 1499 { #expect(table.digest == Self.plain[step], "step \(step)") }
    }
  }

  @Test("an older copy that learns the same again gets to the same digest", arguments: 1...6)
  func forks(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    var table = PagedTable(layout: Self.layout, bounds: Self.bounds)
    var step = 0
    for _ in 0..<8 {
      let older = (table: table, step: step)
      for _ in 0..<random.below(200) {
        learn(&table, step)
        step += 1
      }
      if random.below(2) == 0 {
        table = older.table
        step = older.step
      } else {
        var second = older.table
        for step in older.step..<step { learn(&second, step) }
        #expect(second == table)
        #expect(second.sharedPages(with: table) <= table.pageCount)
      }
      guard step > 0 else { continue }
      #expect(table.digest == Self.plain[step - 1])
    }
  }

  @Test("the digest tells apart what differs: a weight, state, a key, a place, the clock")
  func differences() {
    var table = PagedTable(layout: Self.layout)
    table.set(1, weights: [1, 2], state: [3])
    table.set(2, weights: [1, 2], state: [3])
    var digests: Set<Digest> = [table.digest]
    func changed(_ change: (inout PagedTable) -> Void) {
      var copy = table
      change(&copy)
      #expect(digests.insert(copy.digest).inserted)
    }
    changed { $0.set(1, weights: [1, 2.5], state: [3]) }
    changed { $0.set(1, weights: [1, 2], state: [4]) }
    changed { $0.set(1, weights: [1, -0.0], state: [3]) }
    changed { $0.set(1, weights: [1, 0], state: [3]) }
    changed { $0.remove(2) }
    changed { $0.set(3, weights: [1, 2], state: [3]) }
    changed { $0.prepare(now: 99) }
    var swapped = PagedTable(layout: Self.layout)
    swapped.set(2, weights: [1, 2], state: [3])
    swapped.set(1, weights: [1, 2], state: [3])
    #expect(digests.insert(swapped.digest).inserted)
    var same = PagedTable(layout: Self.layout)
    same.set(1, weights: [1, 2], state: [3])
    same.set(2, weights: [1, 2], state: [3])
    #expect(same == table)
  }
}
