// Mean, variance and extremes of the last values.

package import Primitives

/// Mean and sample variance of the last `size` values.
///
/// Sums around the first value seen (so that a large offset does not cancel) are added to and taken from; once
/// a window they are replaced by sums that were only added to, so that rounding errors do not pile up.
///
/// - `size`: values in the window; default none.
/// - Complexity: O(1) per value, 8 bytes per place.
package struct RollingMoments: Sendable, Equatable {
  package let size: Int
  private var ring: ChunkedArray<Double>
  private var seen = 0
  private var origin = 0.0
  private var sum = 0.0
  private var squares = 0.0
  private var freshSum = 0.0
  private var freshSquares = 0.0

  package init(size: Int) {
    precondition(size > 0)
    self.size = size
    ring = ChunkedArray(repeating: 0, count: size)
  }

  package var count: Int { min(seen, size) }
  package var mean: Double { count == 0 ? 0 : origin + sum / Double(count) }

  /// Unbiased; 0 up to the first value.
  package var sampleVariance: Double {
    guard count > 1 else { return 0 }
    let n = Double(count)
    return max(0, (squares - sum * sum / n) / (n - 1))
  }

  package mutating func update(_ value: Double) {
    if seen == 0 { origin = value }
    let place = seen % size
    let x = value - origin
    if seen >= size {
      let old = ring[place]
      sum -= old
      squares -= old * old
    }
    ring[place] = x
    sum += x
    squares += x * x
    freshSum += x
    freshSquares += x * x
    seen += 1
    if place == size - 1 {
      (sum, squares) = (freshSum, freshSquares)
      (freshSum, freshSquares) = (0, 0)
    }
  }
}

/// Smallest (or largest) of the last `size` values: a queue of the values that can still become it.
///
/// - Complexity: O(1) amortised per value; memory at most `size` values, few in practice.
/// - Source: Lemire, Streaming maximum-minimum filter using no more than three comparisons per element, 2006.
package struct RollingExtremum: Sendable, Equatable {
  package enum Kind: UInt8, Sendable { case minimum, maximum }

  package let kind: Kind
  package let size: Int
  private var seen = 0
  private var queue: [Candidate] = []
  private var head = 0

  private struct Candidate: Sendable, Equatable {
    var place: Int
    var value: Double
  }

  package init(_ kind: Kind, size: Int) {
    precondition(size > 0)
    self.kind = kind
    self.size = size
  }

  /// Nil before the first value.
  package var value: Double? { head < queue.count ? queue[head].value : nil }

  package mutating func update(_ value: Double) {
    while queue.count > head, let last = queue.last {
      guard kind == .minimum ? last.value >= value : last.value <= value else { break }
      queue.removeLast()
    }
    queue.append(Candidate(place: seen, value: value))
    if queue[head].place <= seen - size { head += 1 }
    if head > size {
      queue.removeFirst(head)
      head = 0
    }
    seen += 1
  }
}

extension RollingMoments: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(size)
    writer.writeInt(seen)
    writer.writeEach([origin, sum, squares, freshSum, freshSquares])
    for place in 0..<count { writer.write(ring[place]) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(size: try reader.readInt("window", in: 1...(1 << 24)))
    seen = try reader.readInt("count", in: 0...Int.max)
    origin = try reader.readFinite("origin")
    sum = try reader.readFinite("sum")
    squares = try reader.readFinite("sum of squares")
    freshSum = try reader.readFinite("sum")
    freshSquares = try reader.readFinite("sum of squares")
    for place in 0..<count { ring[place] = try reader.readFinite("value") }
  }
}

extension RollingExtremum: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(kind.rawValue)
    writer.writeInt(size)
    writer.writeInt(seen)
    writer.writeInt(queue.count - head)
    for candidate in queue[head...] {
      writer.writeInt(candidate.place)
      writer.write(candidate.value)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let tag = try reader.read(UInt8.self)
    guard let kind = Kind(rawValue: tag) else {
      throw .outOfBounds(what: "kind of extremum", value: UInt64(tag), at: reader.position - 1)
    }
    self.init(kind, size: try reader.readInt("window", in: 1...(1 << 24)))
    seen = try reader.readInt("count", in: 0...Int.max)
    let candidates = try reader.readInt("candidates", in: 0...size)
    for _ in 0..<candidates {
      let place = try reader.readInt("place", in: 0...max(0, seen - 1))
      queue.append(Candidate(place: place, value: try reader.readFinite("value")))
    }
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.kind == right.kind && left.size == right.size && left.seen == right.seen
      && left.queue[left.head...] == right.queue[right.head...]
  }
}
