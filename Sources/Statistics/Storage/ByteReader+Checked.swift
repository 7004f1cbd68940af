// What every estimator checks when it is read back: numbers that are finite, counts that are in range.

package import Primitives

extension ByteReader {
  /// A Double that is neither NaN nor infinite.
  package mutating func readFinite(_ what: String) throws(ByteCodecError) -> Double {
    let place = position
    let value = try read(Double.self)
    guard value.isFinite else { throw .outOfBounds(what: what, value: value.bitPattern, at: place) }
    return value
  }

  /// A count or an index inside `range`.
  mutating func readInt(_ what: String, in range: ClosedRange<Int>) throws(ByteCodecError) -> Int {
    let place = position
    let value = Int(truncatingIfNeeded: try read(Int64.self))
    guard range.contains(value) else {
      throw .outOfBounds(what: what, value: UInt64(bitPattern: Int64(value)), at: place)
    }
    return value
  }

  /// A Double inside `range`.
  mutating func readDouble(
    _ what: String, in range: ClosedRange<Double>
  ) throws(ByteCodecError) -> Double {
    let place = position
    let value = try read(Double.self)
    guard range.contains(value) else { throw .outOfBounds(what: what, value: value.bitPattern, at: place) }
    return value
  }

  /// Exactly `count` finite numbers.
  package mutating func readFinite(_ what: String, count: Int) throws(ByteCodecError) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(Swift.min(count, remaining / 8))
    for _ in 0..<count { values.append(try readFinite(what)) }
    return values
  }
}

extension ByteWriter {
  mutating func writeInt(_ value: Int) { write(Int64(value)) }

  /// The numbers alone; their count is known from elsewhere.
  mutating func writeEach(_ values: [Double]) {
    for value in values { write(value) }
  }
}
