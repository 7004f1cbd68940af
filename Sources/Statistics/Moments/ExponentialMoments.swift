// Exponentially weighted mean and variance, by place in the stream.

package import Primitives

/// Exponentially weighted mean: the first value, then mean += α (x - mean).
///
/// - `alpha`: weight of the newest value, in (0, 1]; default 0.5.
/// - Complexity: O(1).
/// - Source: Finch, Incremental calculation of weighted mean and variance, 2009.
package struct ExponentialMean: Sendable, Equatable {
  package let alpha: Double
  /// 0 before the first value.
  package private(set) var mean = 0.0
  package private(set) var isEmpty = true

  package init(alpha: Double = 0.5) {
    precondition(alpha > 0 && alpha <= 1)
    self.alpha = alpha
  }

  /// The `alpha` with which a value's weight halves in `halfLife` values: 1 - 2^(-1 / halfLife).
  package init(halfLife: Double) {
    precondition(halfLife > 0)
    self.init(alpha: 1 - DeterministicMath.exp2(-1 / halfLife))
  }

  package mutating func update(_ value: Double) {
    mean = isEmpty ? value : alpha * value + (1 - alpha) * mean
    isEmpty = false
  }
}

/// Exponentially weighted variance: mean of the squares less the square of the mean, both weighted by α.
///
/// - `alpha`: weight of the newest value, in (0, 1]; default 0.5.
/// - Complexity: O(1). Cancellation costs accuracy when the mean is many deviations away from 0.
/// - Source: as `ExponentialMean`.
package struct ExponentialVariance: Sendable, Equatable {
  private var first: ExponentialMean
  private var second: ExponentialMean

  package init(alpha: Double = 0.5) {
    first = ExponentialMean(alpha: alpha)
    second = ExponentialMean(alpha: alpha)
  }

  package mutating func update(_ value: Double) {
    first.update(value)
    second.update(value * value)
  }

  package var mean: Double { first.mean }
  package var variance: Double { max(0, second.mean - first.mean * first.mean) }
}

extension ExponentialMean: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(alpha)
    writer.write(mean)
    writer.write(isEmpty)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(alpha: try reader.readDouble("alpha", in: Double.leastNonzeroMagnitude...1))
    mean = try reader.readFinite("mean")
    isEmpty = try reader.read(Bool.self)
  }
}

extension ExponentialVariance: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(first)
    writer.write(second)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    first = try reader.read(ExponentialMean.self)
    second = try reader.read(ExponentialMean.self)
  }
}
