// The drift detectors over the loss, and when they fired.
//
// A loss is only put down when it comes; the detectors look at 32 at a time, so that their instructions do not push
// those of learning out of the processor's nearest cache with each event. (ADWIN tests every 32 values anyhow.)

package import Primitives
internal import Statistics

package struct DriftLog: Equatable, Sendable {
  /// A detector, and its last signal.
  package struct Signal: Equatable, Sendable {
    package var detector: String
    package var count: UInt64 = 0
    /// Number of the example at which it fired last; 0: never.
    package var example: UInt64 = 0
    package var timeNanos: Int64 = 0
  }

  private struct Loss: Equatable, Sendable {
    var value: Double
    var isError: Bool?
    var timeNanos: Int64
  }

  static let blockSize = 32

  private var monitor: DriftMonitor
  /// What the detectors have not seen yet; fewer than `blockSize`.
  private var waiting: [Loss] = []
  /// How often any of them fired, ever.
  package private(set) var firings: UInt64 = 0
  package private(set) var signals = ["adwin", "page_hinkley", "ddm"].map { Signal(detector: $0) }

  package init(isBinary: Bool) {
    monitor = DriftMonitor(ddm: isBinary ? DDM() : nil)
  }

  /// Takes one loss into account.
  /// - Parameter isError: for binary labels, whether the prediction was on the wrong side.
  @inline(__always)
  mutating func update(loss: Double, isError: Bool?, example: UInt64, timeNanos: Int64) {
    waiting.append(Loss(value: loss, isError: isError, timeNanos: timeNanos))
    if waiting.count == Self.blockSize { look(newest: example) }
  }

  /// Shows the detectors what was put down, the last of which was example number `newest`.
  @inline(never)
  private mutating func look(newest: UInt64) {
    for (place, loss) in waiting.enumerated() {
      let fired = monitor.update(loss: loss.value, isError: loss.isError)
      // Not `isEmpty`, which would be a call through a witness.
      guard fired.rawValue != 0 else { continue }
      for (index, flag) in [DriftMonitor.Fired.adwin, .pageHinkley, .ddm].enumerated()
      where fired.contains(flag) {
        signals[index].count += 1
        firings += 1
        signals[index].example = newest - UInt64(waiting.count - 1 - place)
        signals[index].timeNanos = loss.timeNanos
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  package func encode(to writer: inout ByteWriter) {
    monitor.encode(to: &writer)
    for signal in signals {
      writer.write(signal.count)
      writer.write(signal.example)
      writer.write(signal.timeNanos)
    }
    writer.write(waiting) { writer, loss in
      writer.write(loss.value)
      writer.write(loss.isError.map { $0 ? 2 : 1 } ?? 0 as UInt8)
      writer.write(loss.timeNanos)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    monitor = try DriftMonitor(from: &reader)
    for index in signals.indices {
      signals[index].count = try reader.read()
      signals[index].example = try reader.read()
      signals[index].timeNanos = try reader.read()
      firings += signals[index].count
    }
    waiting = try reader.readArray(limit: Self.blockSize - 1) { reader throws(ByteCodecError) in
      let value = try reader.readFinite("loss")
      let side = try reader.read(UInt8.self)
      return Loss(value: value, isError: side == 0 ? nil : side == 2, timeNanos: try reader.read())
    }
  }
}
