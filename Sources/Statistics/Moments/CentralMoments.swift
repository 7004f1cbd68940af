// Skewness and kurtosis of a stream.

package import Primitives

/// Running central moments up to the fourth.
///
/// With d = (x - mean) / n and t = (x - mean) d (n - 1):
/// M4 += t d² (n² - 3n + 3) + 6 d² M2 - 4 d M3; M3 += t d (n - 2) - 3 d M2; M2 += t; mean += d.
/// Skewness and excess kurtosis are the bias-corrected G1 and G2.
///
/// - Units: none (both are ratios).
/// - Complexity: O(1) time and memory.
/// - Source: Pébay, Sandia report SAND2008-6212, 2008; Joanes and Gill 1998 (bias correction).
package struct CentralMoments: Sendable, Equatable {
  package private(set) var count = 0.0
  package private(set) var mean = 0.0
  private var m2 = 0.0
  private var m3 = 0.0
  private var m4 = 0.0

  package init() {}

  /// Takes in a finite value.
  package mutating func update(_ value: Double) {
    count += 1
    let n = count
    let d = (value - mean) / n
    let t = (value - mean) * d * (n - 1)
    mean += d
    m4 += t * d * d * (n * n - 3 * n + 3) + 6 * d * d * m2 - 4 * d * m3
    m3 += t * d * (n - 2) - 3 * d * m2
    m2 += t
  }

  /// G1; 0 for a constant stream, uncorrected below three values.
  package var skewness: Double {
    guard m2 > 0 else { return 0 }
    let biased = count.squareRoot() * m3 / (m2 * m2.squareRoot())
    guard count > 2 else { return biased }
    return (count * (count - 1)).squareRoot() / (count - 2) * biased
  }

  /// G2, 0 for a normal distribution; uncorrected up to three values, and -3 for one alone.
  package var excessKurtosis: Double {
    let raw = m2 > 0 ? count * m4 / (m2 * m2) : 0
    guard count > 3 else { return raw - 3 }
    let scale = 1 / ((count - 2) * (count - 3))
    return scale * ((count * count - 1) * raw - 3 * (count - 1) * (count - 1))
  }
}

extension CentralMoments: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.writeEach([count, mean, m2, m3, m4]) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readDouble("count", in: 0...0x1p63)
    mean = try reader.readFinite("mean")
    m2 = try reader.readFinite("second moment")
    m3 = try reader.readFinite("third moment")
    m4 = try reader.readFinite("fourth moment")
  }
}
