// The keys of the examples that come next, as far as their events alone tell them: members ask for these rows while
// they learn the present one.

package final class KeysAhead {
  /// How many examples ahead keys are asked for.
  package static let distance = 3
  /// How many are kept: a power of two. Many are read at once, because the instructions of reading and those of
  /// learning do not fit the processor's nearest cache together.
  package static let places = 8

  @inline(__always)
  static func place(of number: UInt64) -> Int { Int(truncatingIfNeeded: number) & (places &- 1) }

  struct Entry {
    /// Number of the example; 0: none.
    var number: UInt64 = 0
    var keys: UnsafePointer<UInt64>?
    var slots: UnsafePointer<UInt16>?
    var count = 0
  }

  /// By the last bits of the example's number.
  let entries: UnsafeMutablePointer<Entry>
  /// Number of the example that is learned now; 0: none of those whose keys are here.
  let present: UnsafeMutablePointer<UInt64>

  init() {
    entries = .allocate(capacity: Self.places)
    entries.initialize(repeating: Entry(), count: Self.places)
    present = .allocate(capacity: 1)
    present.initialize(to: 0)
  }

  deinit {
    entries.deallocate()
    present.deallocate()
  }

  /// The keys have to stay where they are until as many more were put as there are places.
  package func put(
    _ number: UInt64, _ keys: UnsafePointer<UInt64>, _ slots: UnsafePointer<UInt16>, _ count: Int
  ) {
    entries[Self.place(of: number)] = Entry(number: number, keys: keys, slots: slots, count: count)
  }

  /// What is predicted and learned until `leave` is this example.
  package func enter(_ number: UInt64) { present.pointee = number }
  package func leave() { present.pointee = 0 }

  /// The entry of an example; count 0: not known.
  @inline(__always)
  func entry(_ number: UInt64) -> Entry {
    let entry = entries[Self.place(of: number)]
    return entry.number == number ? entry : Entry()
  }
}
