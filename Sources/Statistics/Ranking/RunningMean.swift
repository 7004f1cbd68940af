// The mean of a stream.

package import Primitives

/// Mean of a stream: for each value x, n += 1, mean += (x - mean) / n, which loses nothing far from 0.
///
/// - Complexity: O(1) time and memory, no allocation.
/// - Source: Welford 1962.
package struct RunningMean: Sendable, Equatable {
  /// Number of the values.
  package private(set) var count = 0.0
  /// 0 before the first value.
  package private(set) var mean = 0.0

  package init() {}

  /// Takes in a finite `value`.
  package mutating func update(_ value: Double) {
    count += 1
    mean += (value - mean) / count
  }
}

extension RunningMean: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.writeEach([count, mean]) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readDouble("count", in: 0...Double.greatestFiniteMagnitude)
    mean = try reader.readFinite("mean")
  }
}
