// What a table's head takes for its own: it asks once whether anything beside it sees its pages, and has to ask again
// after each way of letting somebody see them.

import Testing

@testable import Tables

@Suite("A head that was alone notices whoever looks at its pages")
struct LendingTests {
  private static func table() -> PagedTable {
    var table = PagedTable(layout: TableLayout(weights: 2, state: 2, isStateBeside: true))
    for key in 1...40 as ClosedRange<UInt64> { write(Float(key), to: key, in: &table) }
    return table
  }

  private static func write(_ value: Float, to key: UInt64, in table: inout PagedTable) {
    table.prepare(now: 1, room: 1)
    table.withWriter { writer in
      if let id = writer.findOrInsert(key) { writer.weights(id)[0] = value }
    }
  }

  @Test("a copy and a copy without state keep what they saw")
  func copies() {
    var table = Self.table()
    let (whole, weights) = (table, table.weightsOnly())
    Self.write(-1, to: 7, in: &table)
    #expect(whole.weights(of: 7) == [7, 0])
    #expect(weights.weights(of: 7) == [7, 0])
    #expect(table.weights(of: 7) == [-1, 0])
    // The head goes on alone, and lends again.
    let second = table.weightsOnly()
    Self.write(-2, to: 7, in: &table)
    #expect(second.weights(of: 7) == [-1, 0])
    #expect(weights.weights(of: 7) == [7, 0])
  }

  @Test("a digest of the head itself, taken between writes, is of what it holds then")
  func digests() {
    var (table, other) = (Self.table(), Self.table())
    for step in 0..<20 {
      let digest = table.digest
      Self.write(Float(100 + step), to: 5, in: &table)
      #expect(table.digest != digest)
      Self.write(Float(100 + step), to: 5, in: &other)
      #expect(table.digest == other.digest)
    }
  }

  @Test("what differs between two heads is found again after each wrote")
  func differences() {
    var (table, other) = (Self.table(), Self.table())
    #expect(table.differingPages(from: other).isEmpty)
    Self.write(-1, to: 3, in: &table)
    #expect(!table.differingPages(from: other).isEmpty)
    Self.write(-1, to: 3, in: &other)
    #expect(table.differingPages(from: other).isEmpty)
    let parent = other
    Self.write(-2, to: 9, in: &other)
    #expect(!other.differingPages(from: parent).isEmpty)
    #expect(parent.weights(of: 9) == [9, 0])
  }
}
