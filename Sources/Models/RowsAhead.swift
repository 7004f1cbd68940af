// Rows of an example's features in one table, asked for before they are needed. In three steps, each of which uses
// what the one before has fetched: the index's line, the place of the row's page, the row.
//
//   example      n + 3           n + 2           n + 1        n (present)
//   step         index ────────▶ hint ─────────▶ row ───────▶ used
//
// Keys that their events alone do not tell are not known before their example is made; for these the three steps are
// taken one after the other over all of them.

internal import Tables

final class RowsAhead {
  private let ahead: KeysAhead?
  /// Of which example the kept hints are, by the last bits of its number; 0: none.
  private let numbers: UnsafeMutablePointer<UInt64>
  private let kept: [Buffer<RowHint>]
  private let hints = Buffer<RowHint>(256)
  private let late = Buffer<Int32>(256)

  init(_ ahead: KeysAhead? = nil) {
    self.ahead = ahead
    numbers = .allocate(capacity: KeysAhead.places)
    numbers.initialize(repeating: 0, count: KeysAhead.places)
    kept = (0..<(ahead == nil ? 0 : KeysAhead.places)).map { _ in Buffer(64) }
  }

  deinit { numbers.deallocate() }

  /// hot: calls `body` with the place and the hint of every key that is wanted by its template, in order.
  @inline(__always)
  func forEach(
    _ keys: UnsafePointer<UInt64>, _ slots: UnsafePointer<UInt16>, _ count: Int, _ writer: TableWriter,
    where isWanted: (UInt16) -> Bool, _ body: (Int, RowHint) -> Void
  ) {
    hints.reserve(count)
    late.reserve(count)
    let (hints, late) = (hints.base, late.base)
    var known = KeysAhead.Entry()
    var knownHints = hints
    if let ahead, ahead.present.pointee != 0 {
      let present = ahead.present.pointee
      advance(ahead, present, writer, where: isWanted)
      let place = Int(present & 3)
      if numbers[place] == present {
        known = ahead.entry(present)
        knownHints = kept[place].base
      }
    }
    var lateCount = 0
    var next = 0
    for place in 0..<count where isWanted(slots[place]) {
      let key = keys[place]
      while next < known.count, !isWanted(known.slots.unsafelyUnwrapped[next]) { next &+= 1 }
      if next < known.count, known.keys.unsafelyUnwrapped[next] == key {
        hints[place] = knownHints[next]
        next &+= 1
      } else if next + 1 < known.count, known.keys.unsafelyUnwrapped[next + 1] == key {
        hints[place] = knownHints[next + 1]
        next &+= 2
      } else {
        writer.prefetchIndex(key)
        late[lateCount] = Int32(truncatingIfNeeded: place)
        lateCount &+= 1
      }
    }
    for index in 0..<lateCount { hints[Int(late[index])] = writer.hint(keys[Int(late[index])]) }
    for index in 0..<lateCount { writer.prefetchRow(hints[Int(late[index])]) }
    for place in 0..<count where isWanted(slots[place]) { body(place, hints[place]) }
  }

  /// hot: the same for keys of no template.
  @inline(__always)
  func forEach(
    _ keys: UnsafePointer<UInt64>, _ count: Int, _ writer: TableWriter, _ body: (Int, RowHint) -> Void
  ) {
    hints.reserve(count)
    let hints = hints.base
    for place in 0..<count { writer.prefetchIndex(keys[place]) }
    for place in 0..<count { hints[place] = writer.hint(keys[place]) }
    for place in 0..<count { writer.prefetchRow(hints[place]) }
    for place in 0..<count { body(place, hints[place]) }
  }

  /// Moves the coming examples' rows one step on.
  @inline(__always)
  private func advance(
    _ ahead: KeysAhead, _ present: UInt64, _ writer: TableWriter, where isWanted: (UInt16) -> Bool
  ) {
    let far = ahead.entry(present &+ 3)
    for index in 0..<far.count where isWanted(far.slots.unsafelyUnwrapped[index]) {
      writer.prefetchIndex(far.keys.unsafelyUnwrapped[index])
    }
    let middle = ahead.entry(present &+ 2)
    if middle.count > 0 {
      let place = Int((present &+ 2) & 3)
      kept[place].reserve(middle.count)
      let hints = kept[place].base
      for index in 0..<middle.count where isWanted(middle.slots.unsafelyUnwrapped[index]) {
        hints[index] = writer.hint(middle.keys.unsafelyUnwrapped[index])
      }
      numbers[place] = present &+ 2
    }
    let near = ahead.entry(present &+ 1)
    let place = Int((present &+ 1) & 3)
    guard numbers[place] == present &+ 1 else { return }
    let hints = kept[place].base
    for index in 0..<near.count where isWanted(near.slots.unsafelyUnwrapped[index]) {
      writer.prefetchRow(hints[index])
    }
  }
}
