// Which records of the log are not in a model, though they stand before its place: what a rollback dropped or left out
// on the way to it, and what was taken back. It goes with the model, as versions of one log differ in it: going
// forward to a version that was made before a rollback brings back what the rollback left out.

package import Primitives
internal import Wire

package struct Omissions: Equatable, Sendable, ByteCodable {
  /// What is left out of a stretch of the log.
  package struct Clause: Equatable, Sendable {
    package var range: Range<UInt64>
    /// Empty: every record of the range.
    package var filter: EventFilter

    package init(_ range: Range<UInt64>, _ filter: EventFilter = EventFilter()) {
      (self.range, self.filter) = (range, filter)
    }

    /// The part of it that lies in a range; nil: none does.
    package func clamped(to bounds: Range<UInt64>) -> Clause? {
      let range = range.clamped(to: bounds)
      return range.isEmpty ? nil : Clause(range, filter)
    }
  }

  package private(set) var clauses: [Clause] = []
  private var matcher = EventMatcher([])
  /// Offsets of events that were taken back, in order; the lowest go when there are too many.
  private var takenBack: [UInt64] = []
  private static let takenBackCapacity = 1_000_000

  package init() {}

  /// The records of `range` were learned but for what `clauses` say, whatever was true of them before.
  mutating func replace(in range: Range<UInt64>, with clauses: [Clause]) {
    var kept = self.clauses.flatMap { clause in
      [0..<range.lowerBound, range.upperBound..<UInt64.max].compactMap { clause.clamped(to: $0) }
    }
    for clause in clauses.compactMap({ $0.clamped(to: range) }) {
      // What goes on where it ended is one, so that their number does not grow with every rollback.
      if let before = kept.firstIndex(where: {
        $0.range.upperBound == clause.range.lowerBound && $0.filter == clause.filter
      }) {
        kept[before].range = kept[before].range.lowerBound..<clause.range.upperBound
      } else if !kept.contains(where: {
        $0.filter == clause.filter && clause.range.clamped(to: $0.range) == clause.range
      }) {
        kept.append(clause)
      }
    }
    takenBack.removeAll { range.contains($0) }
    self.clauses = kept
    matcher = EventMatcher(kept)
  }

  /// None of the range is in the model.
  package mutating func drop(_ range: Range<UInt64>) { replace(in: range, with: [Clause(range)]) }

  /// Whether the model lacks the event that stands at `offset`.
  func contain(
    _ event: EventView, timeNanos: Int64, producer: UnsafeRawBufferPointer, at offset: UInt64
  ) -> Bool {
    matcher.matches(event, timeNanos: timeNanos, producer: producer, at: offset)
  }

  /// Notes that the event at `offset` is taken back.
  /// - Returns: false when it was before.
  mutating func takeBack(_ offset: UInt64) -> Bool {
    // Most often one of the newest.
    var place = takenBack.count
    if let last = takenBack.last, last >= offset {
      var low = 0
      while low < place {
        let middle = (low + place) / 2
        if takenBack[middle] < offset { low = middle + 1 } else { place = middle }
      }
      if takenBack[place] == offset { return false }
    }
    takenBack.insert(offset, at: place)
    if takenBack.count > Self.takenBackCapacity { takenBack.removeFirst() }
    return true
  }

  package static func == (left: Omissions, right: Omissions) -> Bool {
    left.clauses == right.clauses && left.takenBack == right.takenBack
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(clauses) { writer, clause in
      writer.write(clause.range.lowerBound)
      writer.write(clause.range.upperBound)
      writer.write(clause.filter)
    }
    writer.write(takenBack) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    clauses = try reader.readArray(limit: 1_000_000) { reader throws(ByteCodecError) in
      let lower = try reader.read(UInt64.self)
      let upper = try reader.read(UInt64.self)
      guard lower <= upper else {
        throw .outOfBounds(what: "range of omissions", value: lower, at: reader.position)
      }
      return Clause(lower..<upper, try reader.read())
    }
    matcher = EventMatcher(clauses)
    takenBack = try reader.readArray(limit: Self.takenBackCapacity) { reader throws(ByteCodecError) in
      try reader.read(UInt64.self)
    }
    guard zip(takenBack, takenBack.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw .outOfBounds(what: "offsets that were taken back", value: 0, at: reader.position)
    }
  }
}

extension Model {
  /// It comes from another log to `offset` of this one: none of this log's records is in it, nor set aside.
  package mutating func transplant(to offset: UInt64) {
    omissions = Omissions()
    omissions.drop(0..<offset)
    quarantine = Quarantine()
    uncounted = Quarantine()
  }
}

extension [Exclusion] {
  /// What a replay leaves out that the record at `offset` asks for.
  package func clauses(at offset: UInt64) -> [Omissions.Clause] {
    filter { $0.isActive(at: offset) }.map { Omissions.Clause($0.range, $0.filter) }
  }
}
