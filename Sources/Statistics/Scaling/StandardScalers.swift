// Scalers to mean 0 and variance 1.

package import Primitives

/// (x - mean) / deviation over the whole stream; 0 while the deviation is 0.
///
/// - Complexity: O(1). Learn first, then transform, so that the value itself counts.
/// - Source: Welford 1962, with the population's variance.
package struct StandardScaler: Sendable, Equatable {
  package private(set) var moments = RunningMoments()

  package init() {}

  package mutating func learn(_ value: Double) { moments.update(value) }

  package func transform(_ value: Double) -> Double {
    let deviation = moments.standardDeviation
    return deviation > 0 ? (value - moments.mean) / deviation : 0
  }
}

/// (x - mean) / deviation with exponentially weighted figures, for streams that drift.
///
/// - `alpha`: weight of the newest value; default 0.3.
/// - Complexity: O(1).
/// - Source: Finch 2009.
package struct AdaptiveStandardScaler: Sendable, Equatable {
  package private(set) var moments: ExponentialVariance

  package init(alpha: Double = 0.3) { moments = ExponentialVariance(alpha: alpha) }

  package mutating func learn(_ value: Double) { moments.update(value) }

  package func transform(_ value: Double) -> Double {
    let deviation = moments.variance.squareRoot()
    return deviation > 0 ? (value - moments.mean) / deviation : 0
  }
}

extension StandardScaler: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.write(moments) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    moments = try reader.read(RunningMoments.self)
  }
}

extension AdaptiveStandardScaler: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.write(moments) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    moments = try reader.read(ExponentialVariance.self)
  }
}
