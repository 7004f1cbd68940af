// The keys of the examples that come next, as far as their events alone tell them: members ask for these rows while
// they learn the present one.

package final class KeysAhead {
  /// How many examples ahead keys are known.
  package static let distance = 3
  package static let places = 4

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

  /// The keys have to stay where they are until `distance` more were put.
  package func put(
    _ number: UInt64, _ keys: UnsafePointer<UInt64>, _ slots: UnsafePointer<UInt16>, _ count: Int
  ) {
    entries[Int(number & 3)] = Entry(number: number, keys: keys, slots: slots, count: count)
  }

  /// What is predicted and learned until `leave` is this example.
  package func enter(_ number: UInt64) { present.pointee = number }
  package func leave() { present.pointee = 0 }

  /// The entry of an example; count 0: not known.
  @inline(__always)
  func entry(_ number: UInt64) -> Entry {
    let entry = entries[Int(number & 3)]
    return entry.number == number ? entry : Entry()
  }
}
