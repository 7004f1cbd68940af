// A window that grows while the stream's mean is stable and drops its old end when it is not.

package import Primitives

/// Adaptive windowing.
///
/// The window is kept as buckets of 1, 2, 4, … values, at most `maxBuckets` of a size, so that W values need
/// O(maxBuckets log W) memory:
///
///     row 0 (newest)  row 1          row 2
///     │1│1│1│1│1│     │2│2│2│        │4│4│     each bucket: sum, and sum of squared deviations
///
/// Every `clock` values each split of the window into an old part of n0 and a new one of n1 values is tried. The
/// oldest bucket is dropped, and drift signalled, as long as |mean0 - mean1| > ε with
///
///     ε = √(2 m σ² δ') + ⅔ m δ',  m = 1/(n0 - l + 1) + 1/(n1 - l + 1),  δ' = ln(2 ln W / δ)
///
/// where l = `minWindowLength` and σ² is the variance of the window.
///
/// - `delta`: δ, the rate of false alarms; default 0.002. `clock`: default 32. `maxBuckets`: default 5.
///   `minWindowLength`: least length of either part; default 5. `gracePeriod`: no test up to this width; default 10.
/// The value after a drift begins an empty window, as in River, which gives one alarm for one change; in the paper the
/// new part of the window stays.
/// - Complexity: O(1) amortised per value plus O(maxBuckets log W) every `clock` values.
/// - Source: Bifet and Gavaldà, SDM 2007; constants as in River and MOA.
package struct ADWIN: Sendable, Equatable {
  package struct Parameters: Sendable, Equatable {
    package var delta = 0.002
    package var clock = 32
    package var maxBuckets = 5
    package var minWindowLength = 5
    package var gracePeriod = 10

    package init(
      delta: Double = 0.002, clock: Int = 32, maxBuckets: Int = 5, minWindowLength: Int = 5,
      gracePeriod: Int = 10
    ) {
      precondition(delta > 0 && delta < 1 && clock > 0 && maxBuckets > 0)
      precondition(minWindowLength > 0 && gracePeriod >= 0)
      self.delta = delta
      self.clock = clock
      self.maxBuckets = maxBuckets
      self.minWindowLength = minWindowLength
      self.gracePeriod = gracePeriod
    }
  }

  private struct Bucket: Sendable, Equatable {
    var total = 0.0
    var deviations = 0.0
  }

  package let parameters: Parameters
  /// Values in the window.
  package private(set) var width = 0.0
  package private(set) var total = 0.0
  /// Sum of squared deviations in the window.
  package private(set) var deviations = 0.0
  package private(set) var detections = 0
  private var tick = 0
  private var isSpent = false
  /// Row r's buckets, oldest first, at r * maxBuckets.
  private var buckets: [Bucket] = []
  private var filled: [Int] = []

  package init(_ parameters: Parameters = Parameters()) {
    self.parameters = parameters
    addRow()
  }

  /// Mean of the window; 0 before the first value.
  package var mean: Double { width > 0 ? total / width : 0 }

  /// Takes in a finite value; `.drift` when the window was cut.
  package mutating func update(_ value: Double) -> DriftSignal {
    if isSpent { restart() }
    insert(value)
    tick += 1
    guard tick % parameters.clock == 0, width > Double(parameters.gracePeriod) else { return .stable }
    var isCut = false
    while hasSplit() {
      isCut = true
      dropOldest()
    }
    guard isCut else { return .stable }
    detections += 1
    isSpent = true
    return .drift
  }

  private mutating func restart() {
    let detections = self.detections
    self = ADWIN(parameters)
    self.detections = detections
  }

  private var stride: Int { parameters.maxBuckets }

  private mutating func addRow() {
    filled.append(0)
    buckets.append(contentsOf: repeatElement(Bucket(), count: stride))
  }

  // hot: once per event.
  private mutating func insert(_ value: Double) {
    width += 1
    if width > 1 {
      let distance = value - total / (width - 1)
      deviations += (width - 1) * distance * distance / width
    }
    total += value
    var (bucket, row) = (Bucket(total: value), 0)
    while let next = append(&bucket, to: row) {
      addRow()
      row = next
    }
  }

  /// Appends the bucket; in a row that is full the two oldest become one bucket of the next row, and so on up.
  /// - Returns: the row that is missing, for what `bucket` is then; nil: none.
  private mutating func append(_ bucket: inout Bucket, to first: Int) -> Int? {
    let most = stride
    return buckets.withUnsafeMutableBufferPointer { buckets in
      filled.withUnsafeMutableBufferPointer { filled in
        var row = first
        var own = buckets.baseAddress.unsafelyUnwrapped + row * most
        while row < filled.count {
          let count = filled[row]
          guard count == most else {
            own[count] = bucket
            filled[row] = count + 1
            return nil
          }
          let (older, newer) = (own[0], most > 1 ? own[1] : bucket)
          for index in 0..<max(0, most - 2) { own[index] = own[index + 2] }
          if most > 1 { own[most - 2] = bucket }
          own[most - 1] = Bucket()
          filled[row] = most - 1
          let size = Double(1 << row)
          let gap = older.total / size - newer.total / size
          bucket = Bucket(
            total: older.total + newer.total,
            deviations: older.deviations + newer.deviations + size * 0.5 * gap * gap)
          row += 1
          own += most
        }
        return row
      }
    }
  }

  private mutating func dropOldest() {
    let row = filled.count - 1
    let size = Double(1 << row)
    let oldest = buckets[row * stride]
    width -= size
    total -= oldest.total
    let gap = oldest.total / size - total / width
    deviations -= oldest.deviations + size * width * gap * gap / (size + width)
    filled[row] -= 1
    for index in row * stride..<row * stride + filled[row] { buckets[index] = buckets[index + 1] }
    buckets[row * stride + filled[row]] = Bucket()
    if filled[row] == 0 {
      filled.removeLast()
      buckets.removeLast(stride)
    }
  }

  /// Whether some split's parts differ by more than ε.
  private func hasSplit() -> Bool {
    var (oldCount, oldTotal) = (0.0, 0.0)
    var (newCount, newTotal) = (width, total)
    let least = Double(parameters.minWindowLength)
    let confidence = DeterministicMath.log(2 * DeterministicMath.log(width) / parameters.delta)
    let variance = deviations / width
    // ε is above √(2 m σ² δ'): what is below that (by far more than rounding) needs neither root nor division.
    let surely = 2 * variance * confidence * (1 - 1e-9)
    return buckets.withUnsafeBufferPointer { buckets in
      for row in filled.indices.reversed() {
        let size = Double(1 << row)
        for index in row * stride..<row * stride + filled[row] {
          oldCount += size
          newCount -= size
          oldTotal += buckets[index].total
          newTotal -= buckets[index].total
          if newCount < 1 { return false }
          guard oldCount >= least, newCount >= least else { continue }
          let (old, new) = (oldCount - least + 1, newCount - least + 1)
          let (difference, product) = (oldTotal * newCount - newTotal * oldCount, oldCount * newCount)
          let bar = surely * (old + new) * (product * product)
          if difference * difference * (old * new) <= bar, bar < .infinity { continue }
          let reciprocal = 1 / old + 1 / new
          let bound =
            (2 * reciprocal * variance * confidence).squareRoot() + 2.0 / 3.0 * confidence * reciprocal
          if (oldTotal / oldCount - newTotal / newCount).magnitude > bound { return true }
        }
      }
      return false
    }
  }
}

extension ADWIN: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(parameters.delta)
    for value in [
      parameters.clock, parameters.maxBuckets, parameters.minWindowLength, parameters.gracePeriod,
    ] {
      writer.writeInt(value)
    }
    writer.write(isSpent)
    writer.writeEach([width, total, deviations])
    writer.writeInt(detections)
    writer.writeInt(tick)
    writer.writeInt(filled.count)
    for row in filled.indices {
      writer.writeInt(filled[row])
      for index in 0..<filled[row] {
        writer.write(buckets[row * stride + index].total)
        writer.write(buckets[row * stride + index].deviations)
      }
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let delta = try reader.readDouble("delta", in: Double.leastNonzeroMagnitude...(1 - 0x1p-53))
    self.init(
      Parameters(
        delta: delta, clock: try reader.readInt("clock", in: 1...Int.max),
        maxBuckets: try reader.readInt("buckets", in: 1...4096),
        minWindowLength: try reader.readInt("least length", in: 1...Int.max),
        gracePeriod: try reader.readInt("grace period", in: 0...Int.max)))
    isSpent = try reader.read(Bool.self)
    width = try reader.readDouble("width", in: 0...0x1p62)
    total = try reader.readFinite("total")
    deviations = try reader.readFinite("deviations")
    detections = try reader.readInt("detections", in: 0...Int.max)
    tick = try reader.readInt("tick", in: 0...Int.max)
    let rows = try reader.readInt("rows", in: 1...62)
    for row in 0..<rows {
      if row > 0 { addRow() }
      let count = try reader.readInt("buckets", in: 0...parameters.maxBuckets)
      for _ in 0..<count {
        let total = try reader.readFinite("total")
        buckets[row * stride + filled[row]] = Bucket(
          total: total, deviations: try reader.readFinite("deviations"))
        filled[row] += 1
      }
    }
  }
}
