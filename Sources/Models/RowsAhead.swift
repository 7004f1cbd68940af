// Rows of an example's features in one table, asked for before they are needed. In three steps, each of which uses
// what the one before has fetched: the index's line, the place of the row's page, the row.
//
//   example      n + 3           n + 2           n + 1        n (present)
//   step         index ────────▶ hint ─────────▶ row ───────▶ used
//
// Keys that their events alone do not tell are not known before their example is made; for these the three steps are
// taken one after the other over all of them.

internal import Glibc
internal import Tables

final class RowsAhead {
  /// What is known of a coming example, by the last bits of its number.
  private struct Place {
    /// Whose keys that are wanted these are, and whose hints; 0: none.
    var gathered: UInt64 = 0
    var hinted: UInt64 = 0
    var keys: UnsafePointer<UInt64>?
    var count = 0
  }

  private static let places = 4

  /// Keeps alive what the next two point at, which are asked without a reference count.
  private let ahead: KeysAhead?
  private let entries: UnsafePointer<KeysAhead.Entry>?
  private let present: UnsafePointer<UInt64>?
  private let places: UnsafeMutablePointer<Place>
  /// Of the coming examples, `room` for each.
  @exclusivity(unchecked) private var kept: UnsafeMutablePointer<RowHint>
  @exclusivity(unchecked) private var wanted: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) private var room = 64
  private let hints = Buffer<RowHint>(256)
  private let late = Buffer<Int32>(256)

  init(_ ahead: KeysAhead? = nil) {
    self.ahead = ahead
    entries = ahead.map { UnsafePointer($0.entries) }
    present = ahead.map { UnsafePointer($0.present) }
    places = .allocate(capacity: Self.places)
    places.initialize(repeating: Place(), count: Self.places)
    kept = .allocate(capacity: room * Self.places)
    wanted = .allocate(capacity: room * Self.places)
  }

  deinit {
    places.deallocate()
    kept.deallocate()
    wanted.deallocate()
  }

  /// hot: calls `body` with the place and the hint of every key, in order; where `isWanted` is given, of those that are
  /// wanted by their template.
  @inline(__always)
  func forEach(
    _ keys: UnsafePointer<UInt64>, _ slots: UnsafePointer<UInt16>, _ count: Int, _ writer: TableWriter,
    where isWanted: ((UInt16) -> Bool)? = nil, _ body: (Int, RowHint) -> Void
  ) {
    let hints = hints(keys, slots, count, writer, where: isWanted)
    for place in 0..<count where isWanted?(slots[place]) ?? true { body(place, hints[place]) }
  }

  /// hot: the hint of every key, by its place; where `isWanted` is given, of those that are wanted by their template.
  /// Good until the next example.
  @inline(__always)
  func hints(
    _ keys: UnsafePointer<UInt64>, _ slots: UnsafePointer<UInt16>, _ count: Int, _ writer: TableWriter,
    where isWanted: ((UInt16) -> Bool)? = nil
  ) -> UnsafePointer<RowHint> {
    let known = advance(writer, where: isWanted)
    if isWanted == nil, known.count == count, count > 0,
      memcmp(known.keys.unsafelyUnwrapped, keys, 8 &* count) == 0
    {
      return UnsafePointer(kept(known.hinted))
    }
    return match(keys, slots, count, writer, known, where: isWanted)
  }

  /// The example has other keys than its event told: most come in the same order, the rest is looked for now.
  private func match(
    _ keys: UnsafePointer<UInt64>, _ slots: UnsafePointer<UInt16>, _ count: Int, _ writer: TableWriter,
    _ known: Place, where isWanted: ((UInt16) -> Bool)?
  ) -> UnsafePointer<RowHint> {
    hints.reserve(count)
    late.reserve(count)
    let (hints, late, knownHints) = (hints.base, late.base, kept(known.hinted))
    var lateCount = 0
    var next = 0
    for place in 0..<count where isWanted?(slots[place]) ?? true {
      let key = keys[place]
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
    return UnsafePointer(hints)
  }

  /// hot: the same for keys of no template.
  @inline(__always)
  func forEach(
    _ keys: UnsafePointer<UInt64>, _ count: Int, _ writer: TableWriter, _ body: (Int, RowHint) -> Void
  ) {
    hints.reserve(count)
    let hints = hints.base
    writer.prefetchIndex(keys, count)
    writer.fill(hints, keys, count)
    writer.prefetchRows(hints, count)
    for place in 0..<count { body(place, hints[place]) }
  }

  /// Moves the coming examples' rows one step on.
  /// - Returns: the present example's keys, of which hints are kept; none: count 0.
  @inline(__always)
  private func advance(_ writer: TableWriter, where isWanted: ((UInt16) -> Bool)?) -> Place {
    guard let present = present?.pointee, present != 0 else { return Place() }
    if let far = gather(present &+ 3, where: isWanted) {
      writer.prefetchIndex(far.pointee.keys.unsafelyUnwrapped, far.pointee.count)
    }
    if let middle = gather(present &+ 2, where: isWanted) {
      writer.fill(kept(present &+ 2), middle.pointee.keys.unsafelyUnwrapped, middle.pointee.count)
      middle.pointee.hinted = present &+ 2
    }
    let near = places + Int((present &+ 1) & 3)
    if near.pointee.hinted == present &+ 1 {
      writer.prefetchRows(kept(present &+ 1), near.pointee.count)
    }
    let place = places + Int(present & 3)
    return place.pointee.hinted == present ? place.pointee : Place()
  }

  /// The keys of a coming example that are wanted; nil: none are known.
  @inline(__always)
  private func gather(_ number: UInt64, where isWanted: ((UInt16) -> Bool)?) -> UnsafeMutablePointer<Place>? {
    let entry = entries.unsafelyUnwrapped[KeysAhead.place(of: number)]
    guard entry.number == number, entry.count > 0 else { return nil }
    let place = places + Int(number & 3)
    guard place.pointee.gathered != number else { return place }
    if entry.count > room { grow(entry.count) }
    place.pointee = Place(gathered: number, hinted: 0, keys: entry.keys, count: entry.count)
    guard let isWanted else { return place }
    let (keys, slots) = (entry.keys.unsafelyUnwrapped, entry.slots.unsafelyUnwrapped)
    let own = wanted + Int(number & 3) &* room
    var count = 0
    for index in 0..<entry.count where isWanted(slots[index]) {
      own[count] = keys[index]
      count &+= 1
    }
    place.pointee.keys = UnsafePointer(own)
    place.pointee.count = count
    return place
  }

  @inline(__always)
  private func kept(_ number: UInt64) -> UnsafeMutablePointer<RowHint> {
    kept + Int(number & 3) &* room
  }

  /// Forgets what is kept: examples that have come this far are looked for when their turn comes.
  private func grow(_ count: Int) {
    kept.deallocate()
    wanted.deallocate()
    room = max(count, 2 * room)
    kept = .allocate(capacity: room * Self.places)
    wanted = .allocate(capacity: room * Self.places)
    places.update(repeating: Place(), count: Self.places)
  }
}
