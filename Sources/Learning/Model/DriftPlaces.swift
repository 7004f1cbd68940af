// Where in the log the drift detectors fired. It speaks of offsets, so it is no part of what is learned nor of its
// digest; versions keep it, so that the places can be found again.

package import Primitives

/// Detectors look at losses some examples after they were put down (see `DriftLog`), so the offsets of the newest
/// examples are remembered, too.
package struct DriftPlaces: Equatable, Sendable {
  package struct Place: Equatable, Sendable {
    package var detector: String
    /// Of the event at which it fired.
    package var offset: UInt64
    package var timeNanos: Int64
    /// How often it had fired by then, this time included.
    package var count: UInt64
  }

  package static let capacity = 256

  /// The newest, in the order in which they were noticed.
  package private(set) var newest: [Place] = []
  /// All there ever were.
  package private(set) var count: UInt64 = 0
  /// What the detectors were seen to have fired.
  private(set) var firings: UInt64 = 0
  private var counts: [UInt64] = []
  private var examples: UInt64 = 0
  /// By the last bits of the example's number.
  private var offsets = [UInt64](repeating: 0, count: DriftLog.blockSize)

  package func last(of detector: String) -> Place? { newest.last { $0.detector == detector } }

  // hot: once per event.
  /// Examples up to number `last` were learned of the record at `offset`, and before.
  @inline(__always)
  mutating func note(examples last: UInt64, at offset: UInt64) {
    if last > examples { put(last, offset) }
  }

  private mutating func put(_ last: UInt64, _ offset: UInt64) {
    examples = max(examples, last - min(last, UInt64(offsets.count)))
    while examples < last {
      examples += 1
      offsets[Int(examples % UInt64(offsets.count))] = offset
    }
  }

  /// Some detector fired since the last call.
  mutating func note(_ signals: [DriftLog.Signal], firings: UInt64) {
    self.firings = firings
    if counts.isEmpty { counts = signals.map { _ in 0 } }
    for (index, signal) in signals.enumerated() where signal.count != counts[index] {
      counts[index] = signal.count
      newest.append(
        Place(
          detector: signal.detector, offset: offsets[Int(signal.example % UInt64(offsets.count))],
          timeNanos: signal.timeNanos, count: signal.count))
      if newest.count > Self.capacity { newest.removeFirst() }
      count += 1
    }
  }
}

extension Model {
  /// To be called after each record: where the examples stand that the detectors will look at.
  @inline(__always)
  mutating func noteDrift(at offset: UInt64) {
    driftPlaces.note(examples: counters.examples, at: offset)
    if driftPlaces.firings != drift.firings { driftPlaces.note(drift.signals, firings: drift.firings) }
  }
}

extension DriftPlaces: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(newest) { writer, place in
      writer.write(place.detector)
      writer.write(place.offset)
      writer.write(place.timeNanos)
      writer.write(place.count)
    }
    writer.write(count)
    writer.write(firings)
    writer.write(counts) { $0.write($1) }
    writer.write(examples)
    for offset in offsets { writer.write(offset) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    newest = try reader.readArray(limit: Self.capacity) { reader throws(ByteCodecError) in
      let detector = try reader.read(String.self)
      let offset = try reader.read(UInt64.self)
      let timeNanos = try reader.read(Int64.self)
      return Place(detector: detector, offset: offset, timeNanos: timeNanos, count: try reader.read())
    }
    count = try reader.read()
    firings = try reader.read()
    counts = try reader.readArray(limit: 16) { reader throws(ByteCodecError) in try reader.read() }
    examples = try reader.read()
    for index in offsets.indices { offsets[index] = try reader.read() }
  }
}
