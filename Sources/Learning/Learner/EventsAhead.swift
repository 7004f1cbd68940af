// The next few events of a batch, read ahead of the one that is learned, so that the memory that they need is on its
// way. What is read depends on the events' bytes alone; what is learned is the same without.

internal import CKernels
internal import EventLog
internal import Features
internal import Models
internal import Retrieval
internal import Wire

/// Belongs to one thread, as the workspace does.
final class EventsAhead {
  private struct Entry {
    /// Where the record lies.
    var record: UnsafeRawPointer?
    var payload = UnsafeRawBufferPointer(start: nil, count: 0)
    var isEvent = false
    let inputs: Unmanaged<EventInputs>
  }

  /// An event that was read.
  struct Event {
    let view: UnsafePointer<EventView>
    let payload: UnsafeRawBufferPointer
    let inputs: Unmanaged<EventInputs>
  }

  // Of this module, because another's would be calls.
  private static let places = 8
  private static let distance = 3

  @inline(__always)
  private static func place(of number: UInt64) -> Int { Int(truncatingIfNeeded: number) & (places &- 1) }

  private let inputs: [EventInputs]
  private let keys: KeysAhead
  private let entries: UnsafeMutablePointer<Entry>
  private let events: UnsafeMutablePointer<EventView>
  @exclusivity(unchecked) private var upcoming: RecordBatch.Iterator?
  /// Number of the newest that was read, and of the one that is learned.
  @exclusivity(unchecked) private var newest: UInt64 = 0
  @exclusivity(unchecked) private var present: UInt64 = 0

  init(_ plan: FeaturePlan, _ keys: KeysAhead) {
    precondition(Self.places == KeysAhead.places && Self.distance == KeysAhead.distance)
    self.keys = keys
    inputs = (0..<Self.places).map { _ in EventInputs(plan) }
    entries = .allocate(capacity: Self.places)
    for place in 0..<Self.places {
      (entries + place).initialize(to: Entry(inputs: .passUnretained(inputs[place])))
    }
    events = .allocate(capacity: Self.places)
  }

  deinit {
    entries.deallocate()
    events.deallocate()
  }

  /// From now on the records of this batch come, in order; some may be left out.
  func begin(_ batch: RecordBatch) {
    upcoming = batch.makeIterator()
    present = newest
  }

  /// The batch's bytes are not looked at any more.
  func end() {
    upcoming = nil
    present = newest
  }

  // hot: once per record.
  /// Lends the event that the record holds, and what was read of it; nil if the record is none of the batch's, or
  /// no event. To be followed by `leave`.
  @inline(__always)
  func take(_ record: LogRecord) -> Event? {
    guard upcoming != nil else { return nil }
    while true {
      if present == newest {
        readMore()
        if present == newest { return nil }
      }
      present &+= 1
      let entry = entries + Self.place(of: present)
      guard entry.pointee.record == record.base else { continue }
      if newest &- present < UInt64(Self.distance) { readMore() }
      guard entry.pointee.isEvent else { return nil }
      keys.enter(present)
      return Event(
        view: UnsafePointer(events + Self.place(of: present)), payload: entry.pointee.payload,
        inputs: entry.pointee.inputs)
    }
  }

  func leave() { keys.leave() }

  /// The interaction so many events ahead, at most three.
  @inline(__always)
  func interaction(_ distance: UInt64) -> ComingInteraction {
    inputs(distance)?._withUnsafeGuaranteedRef { ComingInteraction(user: $0.userKey, item: $0.itemKey) }
      ?? ComingInteraction(user: 0, item: 0)
  }

  /// Hash of the id of a user who comes soon; 0: none.
  @inline(__always)
  var comingUser: UInt64 { inputs(2)?._withUnsafeGuaranteedRef { $0.userKey } ?? 0 }

  /// Tells the example of the present event whose rows come next.
  func tell(_ example: Example) { example.expect(near: inputs(1), middle: inputs(2), far: inputs(3)) }

  @inline(__always)
  private func inputs(_ distance: UInt64) -> Unmanaged<EventInputs>? {
    let number = present &+ distance
    guard number <= newest, entries[Self.place(of: number)].isEvent else { return nil }
    return entries[Self.place(of: number)].inputs
  }

  /// Asks for the record that follows, as far as it is about as long.
  @inline(__always)
  private func prefetch(after payload: UnsafeRawBufferPointer) {
    guard let base = payload.baseAddress else { return }
    for line in 0..<min(8, payload.count / 64 + 1) { cowbird_prefetch(base + payload.count + 64 * line) }
  }

  /// As many as there is room for beside the present one.
  @inline(never)
  private func readMore() {
    while newest &- present < UInt64(Self.places &- 1), readNext() {}
  }

  private func readNext() -> Bool {
    guard let record = upcoming?.next() else { return false }
    newest &+= 1
    let place = Self.place(of: newest)
    let payload = record.payload
    prefetch(after: payload)
    entries[place].record = record.base
    entries[place].payload = payload
    entries[place].isEvent = false
    return entries[place].inputs._withUnsafeGuaranteedRef { inputs in
      // A tombstone's payload is empty.
      guard record.kind == RecordKind.event, !payload.isEmpty, EventView.read(payload, into: events + place)
      else {
        keys.put(newest, inputs.keys, inputs.slots, 0)
        return true
      }
      entries[place].isEvent = true
      inputs.read(events[place])
      keys.put(newest, inputs.keys, inputs.slots, inputs.keyCount)
      return true
    }
  }
}
