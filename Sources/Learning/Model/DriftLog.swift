// The drift detectors over the loss, and when they fired.

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

  private var monitor: DriftMonitor
  /// How often any of them fired, ever.
  package private(set) var firings: UInt64 = 0
  package private(set) var signals = ["adwin", "page_hinkley", "ddm"].map { Signal(detector: $0) }

  package init(isBinary: Bool) {
    monitor = DriftMonitor(ddm: isBinary ? DDM() : nil)
  }

  /// Takes one loss into account.
  /// - Parameter isError: for binary labels, whether the prediction was on the wrong side.
  /// - Returns: the names of the detectors that fired.
  @discardableResult
  mutating func update(loss: Double, isError: Bool?, example: UInt64, timeNanos: Int64) -> Bool {
    let fired = monitor.update(loss: loss, isError: isError)
    // Not `isEmpty`, which would be a call through a witness.
    guard fired.rawValue != 0 else { return false }
    for (index, flag) in [DriftMonitor.Fired.adwin, .pageHinkley, .ddm].enumerated()
    where fired.contains(flag) {
      signals[index].count += 1
      firings += 1
      signals[index].example = example
      signals[index].timeNanos = timeNanos
    }
    return true
  }

  package func encode(to writer: inout ByteWriter) {
    monitor.encode(to: &writer)
    for signal in signals {
      writer.write(signal.count)
      writer.write(signal.example)
      writer.write(signal.timeNanos)
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
  }
}
