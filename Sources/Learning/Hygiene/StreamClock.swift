// Where the stream is in time, by its events alone, and which events cannot belong there.

package import Primitives

/// The newest plausible event time, which one event with a wrong clock cannot move far.
///
/// An event at most `maxAhead` after the mark moves it; one further ahead, or further than `maxBehind` behind, is
/// out of place. When `confirmations` such events follow each other with no event in place between them, and lie
/// within `maxAhead` of each other, the stream itself has moved (a gap, a replay of older data): the mark goes
/// there and they are in place from then on. The first event sets the mark.
///
///     behind │◀─── maxBehind ───▶│ mark │◀─ maxAhead ─▶│ ahead
///
/// - `maxAhead`, `maxBehind`: nanoseconds. `confirmations`: default 16.
/// - Complexity: O(1). No clock is read.
package struct StreamClock: Sendable, Equatable {
  package enum Place: Sendable, Equatable { case inPlace, ahead, behind }

  package let maxAheadNanos: Int64
  package let maxBehindNanos: Int64
  package let confirmations: Int
  /// Nil before the first event.
  package private(set) var markNanos: Int64?
  private var candidateNanos: Int64 = 0
  private var confirmed = 0

  package init(maxAheadNanos: Int64, maxBehindNanos: Int64, confirmations: Int = 16) {
    precondition(maxAheadNanos >= 0 && maxBehindNanos >= 0 && confirmations > 0)
    self.maxAheadNanos = maxAheadNanos
    self.maxBehindNanos = maxBehindNanos
    self.confirmations = confirmations
  }

  // hot: once per event.
  package mutating func observe(_ timeNanos: Int64) -> Place {
    guard let mark = markNanos else {
      markNanos = timeNanos
      return .inPlace
    }
    let ahead = timeNanos.subtractingReportingOverflow(mark)
    let isAhead = timeNanos > mark && (ahead.overflow || ahead.partialValue > maxAheadNanos)
    let isBehind = timeNanos < mark && (ahead.overflow || ahead.partialValue < -maxBehindNanos)
    guard isAhead || isBehind else {
      markNanos = max(mark, timeNanos)
      confirmed = 0
      return .inPlace
    }
    let gap = timeNanos.subtractingReportingOverflow(candidateNanos)
    let isNear = !gap.overflow && gap.partialValue.magnitude <= UInt64(maxAheadNanos)
    candidateNanos = confirmed > 0 && isNear ? max(candidateNanos, timeNanos) : timeNanos
    confirmed = confirmed > 0 && isNear ? confirmed + 1 : 1
    if confirmed >= confirmations {
      markNanos = candidateNanos
      confirmed = 0
      return .inPlace
    }
    return isAhead ? .ahead : .behind
  }
}

extension StreamClock: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(maxAheadNanos)
    writer.write(maxBehindNanos)
    writer.write(UInt32(confirmations))
    writer.write(markNanos != nil)
    writer.write(markNanos ?? 0)
    writer.write(candidateNanos)
    writer.write(UInt32(confirmed))
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let place = reader.position
    let ahead = try reader.read(Int64.self)
    let behind = try reader.read(Int64.self)
    let confirmations = try reader.read(UInt32.self)
    guard ahead >= 0, behind >= 0, confirmations > 0 else {
      throw .outOfBounds(what: "stream clock", value: UInt64(confirmations), at: place)
    }
    self.init(maxAheadNanos: ahead, maxBehindNanos: behind, confirmations: Int(confirmations))
    let isSet = try reader.read(Bool.self)
    let mark = try reader.read(Int64.self)
    markNanos = isSet ? mark : nil
    candidateNanos = try reader.read()
    confirmed = Int(try reader.read(UInt32.self))
  }
}
