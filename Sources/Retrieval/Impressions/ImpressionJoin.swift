// What was shown, until it is known what came of it: an answer's items wait with the features they were served with,
// a click finds them, and those without one become negatives after a time.
//
//   remember ─▶ waiting ──(wait is over)──▶ expired ──(late is over)──▶ gone
//                  │ click: served             │ click: late, corrects the negative
//                  ▼                           ▼
//               clicked, stays where it is in its queue, so that the same click again is told from a first one;
//               a click that comes before its impression begins here
//
//   row     ┌ request ┬ item ┬ nanos ┬ own u32 ┬ bytes u32 ┬ shared u32 ┬ bytes u32 ┬ next u32 ┬ state u32 ┐
//   shared  ┌ rows that have it u32 ┬ bytes ┐     what the items of an answer have in common stands once
//   index   (request, item) hashed to a row; the row says whether it is the one
//
// Time is the callers': an impression that comes late waits as if it had come now, and only `turnBack` moves time
// back. Memory is bounded, by the number of rows and by 2 KiB of features for each on average: when a newcomer finds no
// room the oldest goes, from those expired first, and is counted; who wants it takes it out beforehand (`evict`).

package import Primitives
internal import Tables

/// What a click found.
package enum JoinOutcome: Equatable, Sendable {
  /// Nothing of that name is remembered.
  case unknown
  /// The features that the item was served with: learn a positive.
  case served(ServedBytes)
  /// The impression was given out as a negative before: learn a positive that corrects it.
  case late(ServedBytes)
  /// The click was joined before.
  case again
}

/// What an item waits with.
package struct ServedBytes: Equatable, Sendable {
  /// What it has in common with the other items of its answer.
  package var shared: [UInt8]
  package var own: [UInt8]

  package init(shared: [UInt8] = [], own: [UInt8] = []) { (self.shared, self.own) = (shared, own) }
}

/// An impression that nobody answered: a negative.
package struct ExpiredImpression: Equatable, Sendable {
  package let request: UInt64
  package let item: UInt64
  /// When it was shown, as the join counts time.
  package let nanos: Int64
  package let features: ServedBytes
}

package struct ImpressionCounters: Equatable, Sendable, ByteCodable {
  package internal(set) var remembered: UInt64 = 0
  package internal(set) var repeated: UInt64 = 0
  package internal(set) var joined: UInt64 = 0
  package internal(set) var joinedLate: UInt64 = 0
  package internal(set) var joinedAgain: UInt64 = 0
  package internal(set) var unknown: UInt64 = 0
  package internal(set) var expired: UInt64 = 0
  /// Went before their time, because there was no room.
  package internal(set) var dropped: UInt64 = 0
  /// Had more features than a row may have.
  package internal(set) var refused: UInt64 = 0

  package init() {}

  package func encode(to writer: inout ByteWriter) {
    for count in [remembered, repeated, joined, joinedLate, joinedAgain, unknown, expired, dropped, refused] {
      writer.write(count)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    remembered = try reader.read()
    repeated = try reader.read()
    joined = try reader.read()
    joinedLate = try reader.read()
    joinedAgain = try reader.read()
    unknown = try reader.read()
    expired = try reader.read()
    dropped = try reader.read()
    refused = try reader.read()
  }
}

package struct ImpressionJoin: Sendable {
  /// Bytes of one item's own features, and of what an answer's items have in common, at most.
  package static let longestFeatures = 8_192
  /// Chunks of features for each impression, on average and at most.
  private static let chunksEach = 8

  package let capacity: Int
  package let waitNanos: Int64
  package let lateNanos: Int64
  package internal(set) var counters = ImpressionCounters()
  var index: Roster
  var rows = RowStore(rowBytes: MemoryLayout<ImpressionRow>.stride, rowsPerPage: 64)
  var features = ChainStore()
  var waiting = ImpressionQueue()
  var expired = ImpressionQueue()
  var now = Int64.min

  /// - Parameters:
  ///   - capacity: impressions that are remembered at once, 0...16,777,216.
  ///   - waitNanos: after which one is a negative.
  ///   - lateNanos: for which a negative can still be corrected after that.
  package init(capacity: Int, waitNanos: Int64, lateNanos: Int64? = nil) {
    self.capacity = min(max(0, capacity), Roster.rowLimit)
    self.waitNanos = max(0, waitNanos)
    self.lateNanos = max(0, lateNanos ?? waitNanos)
    index = Roster(bound: max(16, capacity))
  }

  /// Chunks that features may hold: always enough for one impression.
  private var chunkLimit: Int {
    max(capacity * Self.chunksEach, 2 * ChainStore.chunks(Self.longestFeatures + 4))
  }

  /// What `bytes` stays within.
  package var bytesBound: Int {
    let rowCount = max(16, capacity)
    let rowPages = (rowCount + 63) / 64 * (64 * MemoryLayout<ImpressionRow>.stride + PageHeader.pageBytes)
    // A roster's row, generation and touch, and up to four cells of its index.
    return ChainStore.bytesBound(chunks: chunkLimit) + rowPages + rowCount * 40 + (64 << 10)
  }

  /// Impressions that are remembered, whatever has become of them.
  package var count: Int { index.count }

  /// An item was shown. False if it is not remembered: it was already, it has too many features, or the capacity
  /// is 0.
  @discardableResult
  package mutating func remember(
    request: UInt64, item: UInt64, shared: UnsafeRawBufferPointer = .init(start: nil, count: 0),
    features own: UnsafeRawBufferPointer, nanos: Int64
  ) -> Bool {
    advance(to: nanos)
    guard capacity > 0, max(own.count, shared.count) <= Self.longestFeatures else {
      counters.refused += 1
      return false
    }
    let key = StableHash.combine(request, item)
    guard index.find(key) == nil else {
      counters.repeated += 1
      return false
    }
    var entry = ImpressionRow(request: request, item: item, nanos: now)
    let chunks = Self.chunks(own: own.count, shared: shared.count)
    while !hasRoom(chunks) { dropOldest() }
    entry.ownLength = UInt32(own.count)
    entry.own = features.store(own)
    if !shared.isEmpty {
      entry.sharedLength = UInt32(shared.count)
      entry.shared = share(shared, request)
    }
    insert(key, entry)
    counters.remembered += 1
    return true
  }

  private static func chunks(own: Int, shared: Int) -> Int {
    ChainStore.chunks(own) + (shared == 0 ? 0 : ChainStore.chunks(shared + 4))
  }

  private func hasRoom(_ chunks: Int) -> Bool {
    index.count < capacity && features.held + chunks <= chunkLimit
  }

  /// Takes out the oldest that waits, if it would have to go for an impression with so many bytes of its own and of
  /// what it shares; nil: there is room.
  package mutating func evict(toFit own: Int, shared: Int) -> ExpiredImpression? {
    guard capacity > 0, max(own, shared) <= Self.longestFeatures else { return nil }
    let chunks = Self.chunks(own: own, shared: shared)
    while !hasRoom(chunks) {
      if first(expired) == nil, let row = first(waiting), entry(row).state == .waiting {
        let oldest = impression(entry(row))
        dropOldest()
        return oldest
      }
      dropOldest()
    }
    return nil
  }

  /// What an answer's items have in common: that of the impression that came last, if it is the same answer's.
  private mutating func share(_ bytes: UnsafeRawBufferPointer, _ request: UInt64) -> UInt32 {
    if waiting.last != 0 {
      let last = entry(Int(waiting.last) - 1)
      if last.request == request, last.shared != 0, Int(last.sharedLength) == bytes.count,
        features.bytes(last.shared, bytes.count + 4).dropFirst(4).elementsEqual(bytes)
      {
        _ = features.add(1, toFirstWordOf: last.shared)
        return last.shared
      }
    }
    return withUnsafeTemporaryAllocation(byteCount: bytes.count + 4, alignment: 4) { memory in
      memory.storeBytes(of: 1, as: UInt32.self)
      UnsafeMutableRawBufferPointer(rebasing: memory[4...]).copyBytes(from: bytes)
      return features.store(UnsafeRawBufferPointer(memory))
    }
  }

  private mutating func insert(_ key: UInt64, _ entry: ImpressionRow) {
    while index.count >= capacity { dropOldest() }
    let row = index.insert(key, at: 0)
    rows.ensure(row + 1)
    rows.writer().row(row).storeBytes(of: entry, as: ImpressionRow.self)
    append(row, to: \.waiting)
  }

  /// A click, or whatever answers an impression.
  /// - Parameter isExpected: an impression may still come for it, and is answered then: the click is remembered.
  package mutating func join(
    request: UInt64, item: UInt64, nanos: Int64, isExpected: Bool = false
  ) -> JoinOutcome {
    advance(to: nanos)
    let key = StableHash.combine(request, item)
    guard let row = index.find(key) else {
      counters.unknown += 1
      if isExpected && capacity > 0 {
        insert(key, ImpressionRow(request: request, item: item, nanos: now, state: .clicked))
      }
      return .unknown
    }
    guard entry(row).request == request, entry(row).item == item else {
      counters.unknown += 1
      return .unknown
    }
    let entry = entry(row)
    guard entry.state != .clicked else {
      counters.joinedAgain += 1
      return .again
    }
    setState(row, .clicked)
    let bytes = bytes(entry)
    if entry.state == .waiting {
      counters.joined += 1
      return .served(bytes)
    }
    counters.joinedLate += 1
    return .late(bytes)
  }

  /// Ends the wait of an impression that is taken back.
  /// - Parameter isIt: whether it is the one that waits, by its own features.
  /// - Returns: whether it is remembered, waiting or answered.
  package mutating func withdraw(
    request: UInt64, item: UInt64, where isIt: (UnsafeRawBufferPointer) -> Bool
  ) -> Bool {
    guard let row = index.find(StableHash.combine(request, item)) else { return false }
    let entry = entry(row)
    guard entry.request == request, entry.item == item, entry.state != .expired,
      features.bytes(entry.own, Int(entry.ownLength)).withUnsafeBytes(isIt)
    else { return false }
    setState(row, .clicked)
    return true
  }

  /// The impressions whose wait is over, oldest first; the rest of them with the next call.
  package mutating func expire(nanos: Int64, atMost limit: Int = .max) -> [ExpiredImpression] {
    advance(to: nanos)
    var negatives: [ExpiredImpression] = []
    while negatives.count < limit, let row = first(waiting), isOver(entry(row).nanos, waitNanos) {
      removeFirst(from: \.waiting)
      let entry = entry(row)
      if entry.state == .waiting {
        setState(row, .expired)
        negatives.append(impression(entry))
        counters.expired += 1
      }
      append(row, to: \.expired)
    }
    while let row = first(expired), isOver(entry(row).nanos, waitNanos &+ lateNanos) {
      removeFirst(from: \.expired)
      forget(row)
    }
    return negatives
  }

  private mutating func advance(to nanos: Int64) { now = max(now, nanos) }

  /// The callers' clock had gone wrong: what waits since a time that lies ahead of this has waited long enough.
  package mutating func turnBack(to nanos: Int64) { now = min(now, nanos) }

  private func isOver(_ since: Int64, _ wait: Int64) -> Bool {
    if since > now { return true }
    let (end, overflow) = since.addingReportingOverflow(wait < 0 ? .max : wait)
    return !overflow && end <= now
  }

  private mutating func dropOldest() {
    if let row = first(expired) {
      removeFirst(from: \.expired)
      forget(row)
    } else if let row = first(waiting) {
      if entry(row).state == .waiting { counters.dropped += 1 }
      removeFirst(from: \.waiting)
      forget(row)
    }
  }

  private mutating func forget(_ row: Int) {
    let entry = entry(row)
    features.release(entry.own)
    if entry.shared != 0, features.add(-1, toFirstWordOf: entry.shared) == 0 {
      features.release(entry.shared)
    }
    rows.writer().row(row).storeBytes(
      of: ImpressionRow(request: 0, item: 0, nanos: 0), as: ImpressionRow.self)
    index.remove(row)
  }

  // MARK: Rows and queues

  func entry(_ row: Int) -> ImpressionRow { rows.reader.row(row).load(as: ImpressionRow.self) }

  private func impression(_ entry: ImpressionRow) -> ExpiredImpression {
    ExpiredImpression(
      request: entry.request, item: entry.item, nanos: entry.nanos, features: bytes(entry))
  }

  private func bytes(_ entry: ImpressionRow) -> ServedBytes {
    ServedBytes(
      shared: entry.shared == 0 ? [] : Array(features.bytes(entry.shared, Int(entry.sharedLength) + 4)[4...]),
      own: features.bytes(entry.own, Int(entry.ownLength)))
  }

  private mutating func setState(_ row: Int, _ state: ImpressionRow.State) {
    rows.writer().row(row).assumingMemoryBound(to: ImpressionRow.self).pointee.state = state
  }

  private func first(_ queue: ImpressionQueue) -> Int? { queue.first == 0 ? nil : Int(queue.first) - 1 }

  private mutating func append(_ row: Int, to queue: WritableKeyPath<ImpressionJoin, ImpressionQueue>) {
    let writer = rows.writer()
    func entry(_ row: Int) -> UnsafeMutablePointer<ImpressionRow> {
      writer.row(row).assumingMemoryBound(to: ImpressionRow.self)
    }
    entry(row).pointee.next = 0
    let last = self[keyPath: queue].last
    if last == 0 {
      self[keyPath: queue].first = UInt32(row + 1)
    } else {
      entry(Int(last) - 1).pointee.next = UInt32(row + 1)
    }
    self[keyPath: queue].last = UInt32(row + 1)
  }

  private mutating func removeFirst(from queue: WritableKeyPath<ImpressionJoin, ImpressionQueue>) {
    let next = entry(Int(self[keyPath: queue].first) - 1).next
    self[keyPath: queue].first = next
    if next == 0 { self[keyPath: queue].last = 0 }
  }
}

struct ImpressionRow {
  enum State: UInt32 { case waiting, expired, clicked }

  var request: UInt64
  var item: UInt64
  var nanos: Int64
  /// Names of chains, and their bytes.
  var own: UInt32 = 0
  var ownLength: UInt32 = 0
  var shared: UInt32 = 0
  var sharedLength: UInt32 = 0
  /// The row behind it in its queue, + 1.
  var next: UInt32 = 0
  /// What became of it: a `State`, kept as its number so that any bytes are a row.
  private var stateNumber: UInt32 = 0

  init(request: UInt64, item: UInt64, nanos: Int64, state: State = .waiting) {
    (self.request, self.item, self.nanos, stateNumber) = (request, item, nanos, state.rawValue)
  }

  var state: State {
    get { State(rawValue: stateNumber) ?? .clicked }
    set { stateNumber = newValue.rawValue }
  }
}

/// First and last row, + 1; 0 if empty.
struct ImpressionQueue: Equatable, Sendable {
  var first: UInt32 = 0
  var last: UInt32 = 0
}
