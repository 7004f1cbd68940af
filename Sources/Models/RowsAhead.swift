// Rows of an example's features, asked for before they are needed: the index's lines of a block of keys, then the
// places of their pages, then the rows; by the time the first is looked up, it has arrived.

internal import Tables

enum RowsAhead {
  private static let block = 48

  /// hot: calls `body` with the place and the hint of every key that is wanted, in order.
  @inline(__always)
  static func forEach(
    _ keys: UnsafePointer<UInt64>, _ count: Int, _ writer: TableWriter, where isWanted: (Int) -> Bool,
    _ body: (Int, RowHint) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: RowHint.self, capacity: block) { hints in
      let hints = hints.baseAddress.unsafelyUnwrapped
      var start = 0
      while start < count {
        let end = min(start + block, count)
        for place in start..<end where isWanted(place) { writer.prefetchIndex(keys[place]) }
        for place in start..<end where isWanted(place) { hints[place - start] = writer.hint(keys[place]) }
        for place in start..<end where isWanted(place) { writer.prefetchRow(hints[place - start]) }
        for place in start..<end where isWanted(place) { body(place, hints[place - start]) }
        start = end
      }
    }
  }
}
