// The last N (key, number) of each owner: the items of a user, the users of an item. A ring in chunks, so that an
// owner with few entries costs little and appending to a long one copies little.
//
//   chunk row (49 floats)  ┌ entries ever ┬ number × 16 ┬ key lo, hi × 16 ┐
//
// Entry t stands at place t mod N: chunk place / 16, slot place mod 16. Chunk 0 has the owner's key and the count
// (in its bits, not as a float); chunk c has a key made of both. A chunk that was evicted is a gap: its entries
// have key 0 and are passed over.

internal import Primitives
package import Tables

package struct HistoryTable: Sendable {
  package private(set) var table: PagedTable
  let length: Int

  static let chunk = 16
  private static let numbers = 1
  private static let keys = 1 + chunk

  init(length: Int, bounds: TableBounds) {
    self.length = length
    table = PagedTable(
      layout: TableLayout(weights: 1 + 3 * Self.chunk, rowsPerPage: 2),
      bounds: TableBounds(maximumRows: bounds.maximumRows))
  }

  @inline(__always)
  static func rowKey(_ owner: UInt64, _ chunk: Int) -> UInt64 {
    chunk == 0 ? owner : StableHash.combine(owner, UInt64(chunk))
  }

  @inline(__always)
  private static func total(_ row: UnsafePointer<Float>) -> Int { Int(row[0].bitPattern) }

  @inline(__always)
  static func key(_ row: UnsafePointer<Float>, _ slot: Int) -> UInt64 {
    UnsafeRawPointer(row + keys + 2 * slot).loadUnaligned(as: UInt64.self)
  }

  /// hot: puts the owner's entries into `keys` and `numbers`, which have room for `length`, and returns how many.
  func read(
    _ owner: UInt64, _ keys: UnsafeMutablePointer<UInt64>, _ numbers: UnsafeMutablePointer<Float>
  ) -> Int {
    guard owner != 0 else { return 0 }
    return table.withReader { reader in
      guard let head = reader.find(owner) else { return 0 }
      let places = min(Self.total(head), length)
      var count = 0
      var place = 0
      var chunk = 0
      for chunk in 1..<max(1, (places + Self.chunk - 1) / Self.chunk) {
        reader.prefetchRow(Self.rowKey(owner, chunk))
      }
      while place < places {
        let end = min(Self.chunk, places - place)
        if let row = chunk == 0 ? head : reader.find(Self.rowKey(owner, chunk)) {
          for slot in 0..<end {
            let key = Self.key(row, slot)
            guard key != 0 else { continue }
            keys[count] = key
            numbers[count] = row[Self.numbers + slot]
            count += 1
          }
        }
        place += Self.chunk
        chunk += 1
      }
      return count
    }
  }

  mutating func append(_ owner: UInt64, _ key: UInt64, _ number: Float, seconds: UInt32) {
    guard owner != 0, key != 0 else { return }
    table.prepare(now: seconds, room: 2)
    let length = length
    table.withWriter { writer in
      guard let headID = writer.findOrInsert(owner) else { return }
      let head = writer.weights(headID)
      var total = Self.total(head)
      let place = total % length
      total += 1
      // Counts for ever: past 2^31 it goes back by whole turns of the ring.
      if total >= 1 << 31 { total -= (1 << 31) / length * length - length }
      head[0] = Float(bitPattern: UInt32(total))
      let chunk = place / Self.chunk
      let row: UnsafeMutablePointer<Float>
      if chunk == 0 {
        row = head
      } else {
        guard let id = writer.findOrInsert(Self.rowKey(owner, chunk)) else { return }
        row = writer.weights(id)
      }
      let slot = place % Self.chunk
      row[Self.numbers + slot] = number
      UnsafeMutableRawPointer(row + Self.keys + 2 * slot).storeBytes(of: key, as: UInt64.self)
    }
  }

  static func chunks(of length: Int) -> Int { (length + chunk - 1) / chunk }

  static func clear(_ row: UnsafeMutablePointer<Float>, _ slot: Int) {
    row[numbers + slot] = 0
    UnsafeMutableRawPointer(row + keys + 2 * slot).storeBytes(of: UInt64(0), as: UInt64.self)
  }

  func weightsOnly() -> HistoryTable {
    var copy = self
    copy.table = table.weightsOnly()
    return copy
  }

  mutating func withTable(_ body: (inout PagedTable) throws -> Void) rethrows { try body(&table) }
}
