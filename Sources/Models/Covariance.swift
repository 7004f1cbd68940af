// The covariance A of a block of weights that is learned by recursive least squares with forgetting (Haykin,
// Adaptive Filter Theory, ch. 10; as an extended Kalman filter for logistic loss):
//
//   step      w += A x k                       k from the caller's error and curvature
//   downdate  A  = (A - (A x)(A x)' c) / lambda
//
// Up to 64 numbers the whole matrix is kept, in Double; beyond, its diagonal alone. Forgetting lets A grow where
// no example ever points (a feature that is always 0), and rounding may cost it its positive diagonal in the long
// run; so its diagonal is bounded to 10,000 times what it started at, and a matrix that is no covariance any more
// starts again.

package import Primitives

package struct Covariance: Equatable, Sendable, ByteCodable {
  package let count: Int
  let prior: Double
  let isFull: Bool
  /// Row by row; or the diagonal. Empty in a copy for reading.
  private(set) var elements: [Double]

  static let largestFull = 64
  private static let growth = 1e4

  init(count: Int, prior: Double) {
    self.count = count
    self.prior = prior
    isFull = count <= Self.largestFull
    elements = Self.initial(count, prior, isFull)
  }

  private static func initial(_ count: Int, _ prior: Double, _ isFull: Bool) -> [Double] {
    guard isFull else { return Array(repeating: prior, count: count) }
    var elements = Array(repeating: 0.0, count: count * count)
    for index in 0..<count { elements[index * count + index] = prior }
    return elements
  }

  /// Whole, and of so many numbers.
  func fits(_ count: Int) -> Bool {
    self.count == count && elements.count == (isFull ? count * count : count)
  }

  func weightsOnly() -> Covariance {
    var copy = self
    copy.elements = []
    return copy
  }

  /// Sets `product` to A x and returns x' A x, not below 0.
  func multiply(_ x: UnsafePointer<Double>, into product: UnsafeMutablePointer<Double>) -> Double {
    var square = 0.0
    elements.withUnsafeBufferPointer { a in
      guard isFull else {
        for row in 0..<count {
          product[row] = a[row] * x[row]
          square += product[row] * x[row]
        }
        return
      }
      // Columns side by side: the sums of the rows are independent, so they run in parallel, each in order.
      for row in 0..<count { product[row] = 0 }
      for column in 0..<count {
        let factor = x[column]
        let start = column * count
        for row in 0..<count { product[row] += a[start + row] * factor }
      }
      for row in 0..<count { square += product[row] * x[row] }
    }
    return max(square, 0)
  }

  /// `product` is A x.
  mutating func downdate(_ product: UnsafePointer<Double>, _ factor: Double, forgetting: Double) {
    let scale = 1 / forgetting
    let limit = prior * Self.growth
    let count = count
    let stride = isFull ? count + 1 : 1
    let isFull = isFull
    var isSound = true
    elements.withUnsafeMutableBufferPointer { a in
      if isFull {
        for row in 0..<count {
          let weight = product[row] * factor
          let start = row * count
          for column in 0..<count {
            a[start + column] = (a[start + column] - weight * product[column]) * scale
          }
        }
        // Both triangles alike to the last bit.
        for row in 1..<max(1, count) {
          for column in 0..<row { a[column * count + row] = a[row * count + column] }
        }
      } else {
        for row in 0..<count { a[row] = (a[row] - product[row] * factor * product[row]) * scale }
      }
      for index in 0..<count {
        let variance = a[index * stride]
        if variance >= 0 && variance <= limit { continue }
        guard variance > limit, variance.isFinite else {
          isSound = false
          return
        }
        let shrink = (limit / variance).squareRoot()
        if isFull {
          for other in 0..<count {
            a[index * count + other] *= shrink
            a[other * count + index] *= shrink
          }
        } else {
          a[index] = limit
        }
      }
    }
    if !isSound { elements = Self.initial(count, prior, isFull) }
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(count))
    writer.write(prior)
    writer.write(elements) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let position = reader.position
    count = Int(try reader.read(UInt32.self))
    prior = try reader.read()
    isFull = count <= Self.largestFull
    let wanted = isFull ? count * count : count
    elements = try reader.readArray(limit: wanted) { reader throws(ByteCodecError) in try reader.read() }
    guard elements.isEmpty || elements.count == wanted else {
      throw .outOfBounds(what: "covariance", value: UInt64(elements.count), at: position)
    }
  }
}
