// One quantile in five markers.

package import Primitives

/// The P² estimate of one quantile.
///
/// Five markers hold the smallest value, the quantiles q/2, q, (1+q)/2 and the largest; each value moves their
/// wished-for positions, and a marker that lags by a whole place is moved along a parabola through its
/// neighbours (a line where the parabola would leave them). Up to five values the answer is the sorted sample's
/// element at min(n - 1, ⌊n q⌋).
///
/// - `probability`: q in (0, 1); default 0.5.
/// - Error: no bound in theory; about 1% of a deviation on smooth distributions. For a bound use
///   `QuantileSketch`, which also merges.
/// - Complexity: O(1) time, 15 numbers, no allocation.
/// - Source: Jain and Chlamtac, CACM 28(10), 1985.
package struct P2Quantile: Sendable, Equatable {
  package let probability: Double
  package private(set) var count = 0
  private var heights: InlineFive = InlineFive()
  private var positions = InlineFive(1, 2, 3, 4, 5)
  private var wished: InlineFive

  package init(probability: Double = 0.5) {
    precondition(probability > 0 && probability < 1)
    self.probability = probability
    let q = probability
    wished = InlineFive(1, 1 + 2 * q, 1 + 4 * q, 3 + 2 * q, 5)
  }

  /// 0 before the first value.
  package var value: Double {
    if count > 5 { return heights[2] }
    guard count > 0 else { return 0 }
    var sorted = heights
    sorted.sort(count: count)
    return sorted[min(count - 1, Int(Double(count) * probability))]
  }

  /// Takes in a finite value.
  package mutating func update(_ value: Double) {
    if count < 5 {
      heights[count] = value
      count += 1
      return
    }
    if count == 5 { heights.sort(count: 5) }
    count += 1
    var cell = 4
    if value < heights[0] {
      heights[0] = value
      cell = 1
    } else if value >= heights[4] {
      heights[4] = value
    } else {
      cell = 1
      while value >= heights[cell] { cell += 1 }
    }
    for index in cell..<5 { positions[index] += 1 }
    wished[1] += probability / 2
    wished[2] += probability
    wished[3] += (1 + probability) / 2
    wished[4] += 1
    for index in 1...3 { adjust(index) }
  }

  private mutating func adjust(_ index: Int) {
    let n = positions[index]
    let (below, above) = (positions[index - 1], positions[index + 1])
    let lag = wished[index] - n
    guard (lag >= 1 && above - n > 1) || (lag <= -1 && below - n < -1) else { return }
    let d = lag > 0 ? 1.0 : -1.0
    let (low, here, high) = (heights[index - 1], heights[index], heights[index + 1])
    let left = (n - below + d) * (high - here) / (above - n)
    let right = (above - n - d) * (here - low) / (n - below)
    let parabolic = here + d / (above - below) * (left + right)
    if low < parabolic && parabolic < high {
      heights[index] = parabolic
    } else {
      let next = index + Int(d)
      heights[index] = here + d * (heights[next] - here) / (positions[next] - n)
    }
    positions[index] = n + d
  }
}

/// Five numbers in place.
private struct InlineFive: Sendable, Equatable {
  private var storage: (Double, Double, Double, Double, Double)

  init(_ a: Double = 0, _ b: Double = 0, _ c: Double = 0, _ d: Double = 0, _ e: Double = 0) {
    storage = (a, b, c, d, e)
  }

  subscript(index: Int) -> Double {
    get {
      switch index {
      case 0: storage.0
      case 1: storage.1
      case 2: storage.2
      case 3: storage.3
      default: storage.4
      }
    }
    set {
      switch index {
      case 0: storage.0 = newValue
      case 1: storage.1 = newValue
      case 2: storage.2 = newValue
      case 3: storage.3 = newValue
      default: storage.4 = newValue
      }
    }
  }

  /// Sorts the first `count` by insertion.
  mutating func sort(count: Int) {
    for index in 1..<max(1, count) {
      let value = self[index]
      var hole = index
      while hole > 0, self[hole - 1] > value {
        self[hole] = self[hole - 1]
        hole -= 1
      }
      self[hole] = value
    }
  }

  static func == (left: Self, right: Self) -> Bool { left.storage == right.storage }
}

extension P2Quantile: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(probability)
    writer.writeInt(count)
    for index in 0..<5 { writer.writeEach([heights[index], positions[index], wished[index]]) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(
      probability: try reader.readDouble("probability", in: Double.leastNonzeroMagnitude...(1 - 0x1p-53)))
    count = try reader.readInt("count", in: 0...Int.max)
    for index in 0..<5 {
      heights[index] = try reader.readFinite("height")
      positions[index] = try reader.readFinite("position")
      wished[index] = try reader.readFinite("wished position")
    }
  }
}
