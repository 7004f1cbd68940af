// An exact quantile of the last values.

package import Primitives

/// Exact quantile of the last `size` values, interpolated linearly between the two nearest ranks (type 7 of
/// Hyndman and Fan 1996): index h = q (n - 1).
///
/// - `probability`: q in [0, 1]; `size`: values in the window.
/// - Complexity: O(log size) to find and O(size) to move per value, 16 bytes per place; for small windows.
package struct RollingQuantile: Sendable, Equatable {
  package let probability: Double
  package let size: Int
  private var ring: [Double] = []
  private var sorted: [Double] = []
  private var next = 0

  package init(probability: Double = 0.5, size: Int) {
    precondition((0...1).contains(probability) && size > 0)
    self.probability = probability
    self.size = size
    ring.reserveCapacity(size)
    sorted.reserveCapacity(size + 1)
  }

  package var count: Int { sorted.count }

  /// 0 before the first value.
  package var value: Double {
    guard let last = sorted.last else { return 0 }
    let index = probability * Double(sorted.count - 1)
    let lower = Int(index)
    guard lower + 1 < sorted.count else { return last }
    return sorted[lower] + (sorted[lower + 1] - sorted[lower]) * (index - Double(lower))
  }

  /// Takes in a finite value.
  package mutating func update(_ value: Double) {
    if ring.count == size {
      sorted.remove(at: sorted.lowerBound(of: ring[next]))
      ring[next] = value
    } else {
      ring.append(value)
    }
    next = (next + 1) % size
    sorted.insert(value, at: sorted.lowerBound(of: value))
  }
}

extension Array where Element: Comparable {
  /// Index of the first element that is not below `value`, in a sorted array.
  func lowerBound(of value: Element) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) >> 1
      if self[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension RollingQuantile: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(probability)
    writer.writeInt(size)
    writer.writeInt(next)
    writer.writeInt(ring.count)
    writer.writeEach(ring)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(
      probability: try reader.readDouble("probability", in: 0...1),
      size: try reader.readInt("window", in: 1...(1 << 24)))
    next = try reader.readInt("next place", in: 0...(size - 1))
    ring = try reader.readFinite("value", count: try reader.readInt("count", in: 0...size))
    sorted = ring.sorted()
  }
}
