// Scalers by the range that was seen, and by quantiles.

package import Primitives

/// (x - min) / (max - min), so 0...1 for values seen; 0 while min = max.
///
/// - Complexity: O(1).
package struct MinMaxScaler: Sendable, Equatable {
  package private(set) var minimum = Double.infinity
  package private(set) var maximum = -Double.infinity

  package init() {}

  package mutating func learn(_ value: Double) {
    minimum = min(minimum, value)
    maximum = max(maximum, value)
  }

  package func transform(_ value: Double) -> Double {
    maximum > minimum ? (value - minimum) / (maximum - minimum) : 0
  }
}

/// x / max|x|, so -1...1 for values seen; 0 while only zeros were.
///
/// - Complexity: O(1).
package struct MaxAbsScaler: Sendable, Equatable {
  package private(set) var largest = 0.0

  package init() {}

  package mutating func learn(_ value: Double) { largest = max(largest, value.magnitude) }

  package func transform(_ value: Double) -> Double { largest > 0 ? value / largest : 0 }
}

/// (x - median) / (Q3 - Q1), each by P²; 0 while the quartiles coincide.
///
/// - `lower`, `upper`: the quantiles, default 0.25 and 0.75.
/// - Complexity: O(1).
/// - Source: `P2Quantile`.
package struct RobustScaler: Sendable, Equatable {
  package private(set) var median = P2Quantile(probability: 0.5)
  package private(set) var lower: P2Quantile
  package private(set) var upper: P2Quantile

  package init(lower: Double = 0.25, upper: Double = 0.75) {
    precondition(lower < upper)
    self.lower = P2Quantile(probability: lower)
    self.upper = P2Quantile(probability: upper)
  }

  package mutating func learn(_ value: Double) {
    median.update(value)
    lower.update(value)
    upper.update(value)
  }

  package func transform(_ value: Double) -> Double {
    let range = upper.value - lower.value
    return range != 0 ? (value - median.value) / range : 0
  }
}

extension MinMaxScaler: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.writeEach([minimum, maximum]) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    minimum = try reader.readDouble("minimum", in: -Double.greatestFiniteMagnitude...Double.infinity)
    maximum = try reader.readDouble("maximum", in: -Double.infinity...Double.greatestFiniteMagnitude)
  }
}

extension MaxAbsScaler: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.write(largest) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    largest = try reader.readDouble("maximum", in: 0...Double.greatestFiniteMagnitude)
  }
}

extension RobustScaler: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(median)
    writer.write(lower)
    writer.write(upper)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    median = try reader.read(P2Quantile.self)
    lower = try reader.read(P2Quantile.self)
    upper = try reader.read(P2Quantile.self)
  }
}
