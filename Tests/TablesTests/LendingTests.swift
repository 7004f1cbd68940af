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

  @Test("hints of a table that a rollback has made smaller lead nowhere, and not out of it")
  func staleHints() {
    var large = Self.table()
    let small = large
    for key in 41...20_000 as ClosedRange<UInt64> { Self.write(Float(key), to: key, in: &large) }
    let keys: [UInt64] = [1, 19_999, 20_000, 7]
    let hints = large.withWriter { writer in keys.map { writer.hint($0) } }
    var table = small
    // Their pages are its own then.
    for key in [1, 7] as [UInt64] { Self.write(Float(key), to: key, in: &table) }
    table.withWriter { writer in
      for (key, hint) in zip(keys, hints) {
        writer.prefetchRow(hint)
        #expect(writer.find(key, hint) == (key <= 40 ? writer.find(key) : nil))
        #expect((writer.row(key, hint) != nil) == (key <= 40))
      }
      writer.prefetchRows(hints, hints.count)
      var rows = [UnsafeMutablePointer<Float>?](repeating: nil, count: keys.count)
      writer.rows(keys, hints, keys.count, into: &rows)
      #expect(rows.map { $0?[0] } == [1, nil, nil, 7])
    }
    table.withReader { reader in
      for (key, hint) in zip(keys, hints) {
        reader.prefetchRow(hint)
        #expect(reader.find(key, hint)?[0] == (key <= 40 ? Float(key) : nil))
      }
    }
    Self.write(-1, to: 20_000, in: &table)
    #expect(table.rowCount == 41)
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
