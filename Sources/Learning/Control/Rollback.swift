// Going back to a version, and what is left out on the way forward again.

package import Primitives

/// Makes `to` head and serving. What came after it is dropped, or learned again but for what is excluded.
package struct Rollback: Equatable, Sendable {
  package var to: VersionID
  /// True: the log after the version is replayed.
  package var replays: Bool
  package var exclude: EventFilter
  /// Offsets of earlier rollback records whose exclusions end here.
  package var readmit: [UInt64]

  package init(to: VersionID, replays: Bool, exclude: EventFilter = EventFilter(), readmit: [UInt64] = []) {
    self.to = to
    self.replays = replays
    self.exclude = exclude
    self.readmit = readmit
  }

  /// A plain rollback leaves out all that came after the version.
  package var leavesOut: Bool { !replays || !exclude.isEmpty }
  /// What it leaves out, of the records between the version and itself.
  package var filter: EventFilter { replays ? exclude : EventFilter() }

  /// What makes the version's model the head that comes after the rollback.
  /// - Parameters:
  ///   - range: from the version's offset to the rollback's record.
  ///   - exclusions: all there ever were.
  package func replay(
    over range: Range<UInt64>, exclusions: [Exclusion], _ learner: RecordLearner
  ) -> Replay {
    replays
      ? Replay(learner, range, leavingOut: exclusions.clauses(at: range.upperBound))
      : Replay(learner, dropping: range)
  }
}

/// Events that a rollback left out, and that later replays leave out too.
package struct Exclusion: Equatable, Sendable, ByteCodable {
  /// Offset of the rollback's record.
  package var rollback: UInt64
  /// Empty: every event of the range.
  package var filter: EventFilter
  /// The records that it speaks of: from the version's offset to the rollback.
  package var range: Range<UInt64>
  /// Offset of the rollback that admitted them again; nil: none did.
  package var readmitted: UInt64?

  package init(rollback: UInt64, filter: EventFilter, range: Range<UInt64>) {
    self.rollback = rollback
    self.filter = filter
    self.range = range
  }

  /// Whether it holds for a replay that the record at `offset` asks for.
  package func isActive(at offset: UInt64) -> Bool {
    rollback <= offset && (readmitted.map { $0 > offset } ?? true)
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(rollback)
    writer.write(filter)
    writer.write(range.lowerBound)
    writer.write(range.upperBound)
    writer.writeOptional(readmitted) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    rollback = try reader.read()
    filter = try reader.read()
    let lower = try reader.read(UInt64.self)
    let upper = try reader.read(UInt64.self)
    guard lower <= upper else { throw .outOfBounds(what: "range", value: lower, at: reader.position) }
    range = lower..<upper
    readmitted = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
  }
}
