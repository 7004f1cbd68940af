// All quantiles of a stream in bounded memory, with an error bound, mergeable, and without randomness.

package import Primitives

/// Quantiles with a relative error bound.
///
/// A bucket is a slice of an octave: its key is the number's exponent and the first bits of its mantissa, read
/// straight from the Double, so that no logarithm is taken:
///
///     value   sign │ exponent (11) │ mantissa (52)
///     key     sign │ exponent      │ first k bits          2^k buckets from 2^e to 2^(e+1), of equal width
///
/// The answer is the middle of the bucket that holds the wished rank, so it is off by at most half a width:
/// `relativeError` = 2^-(k+1) of the exact sample quantile. k starts at 8 (0.2%); when more than `maxBuckets` are
/// occupied, neighbouring pairs are joined and k falls by one: 4,096 buckets hold 32 octaves of either sign at 0.8%,
/// and k never falls below 4 (3%).
/// Magnitudes below 2^-64 count as 0, those above 2^64 as 2^64.
///
/// The state depends on the values alone, not on their order (without decay, and up to the joining of buckets,
/// which keeps that too), so merging the sketches of two parts gives the sketch of the whole.
///
/// - `maxBuckets`: default 4,096. `halfLife`: values after which a value counts half; nil (default): all count alike.
/// - Complexity: O(log buckets) per value, no allocation once the buckets are known; O(buckets) per quantile.
/// - Source: Masson, Rim, Lee: DDSketch, VLDB 2019; Epicoco et al.: UDDSketch, 2020 (joining pairs).
package struct QuantileSketch: Sendable, Equatable {
  package let maxBuckets: Int
  package let halfLife: Double?
  /// k: bits of the mantissa that a key keeps.
  package private(set) var bits = 8
  private var keys: [Int32] = []
  private var counts: [Double] = []
  /// Sum of the counts, in units of `gain`.
  private var sum = 0.0
  /// What the next value counts; grows with decay (forward decay), so that no bucket is scaled per value.
  private var gain = 1.0
  private let growth: Double
  /// Where the buckets of recent keys were: a guess that is checked, and no part of the state.
  private var guesses = Array(repeating: 0 as Int32, count: 256)

  /// - Parameters:
  ///   - maxBuckets: at least 1024; 12 bytes each.
  ///   - halfLife: in values, above 0.
  package init(maxBuckets: Int = 4096, halfLife: Double? = nil) {
    precondition(maxBuckets >= 1024 && halfLife ?? 1 > 0)
    self.maxBuckets = maxBuckets
    self.halfLife = halfLife
    growth = halfLife.map { DeterministicMath.exp2(1 / $0) } ?? 1
  }

  /// Half a bucket's width over its lower end.
  package var relativeError: Double { 1 / Double(1 << (bits + 1)) }

  /// Sum of the weights now: the number of values, or with decay at most halfLife / ln 2.
  package var weight: Double { sum / gain }

  package var bucketCount: Int { keys.count }

  /// Takes in a finite value.
  package mutating func update(_ value: Double) {
    add(key(of: value), count: gain)
    sum += gain
    if halfLife != nil {
      gain *= growth
      if gain > 0x1p32 { rescale() }
    }
    if keys.count > maxBuckets { joinPairs() }
  }

  /// The smallest value with at least `probability` of the weight at or below it, within `relativeError`. Nil
  /// before the first value.
  package func quantile(_ probability: Double) -> Double? {
    bucket(at: probability).map { middle(of: keys[$0.index]) }
  }

  /// Median of the distances from the median. Nil before the first value.
  package func medianAbsoluteDeviation() -> Double? {
    guard let start = bucket(at: 0.5) else { return nil }
    let median = middle(of: keys[start.index])
    // Outwards from the median's bucket, the nearer side first, until half of the weight is in.
    var (low, high) = (start.index, start.index)
    var inside = counts[start.index]
    var distance = 0.0
    while inside < sum * 0.5 {
      let below = low > 0 ? median - middle(of: keys[low - 1]) : .infinity
      let above = high + 1 < keys.count ? middle(of: keys[high + 1]) - median : .infinity
      if below <= above {
        guard below < .infinity else { break }
        low -= 1
        inside += counts[low]
        distance = below
      } else {
        high += 1
        inside += counts[high]
        distance = above
      }
    }
    return distance
  }

  private func bucket(at probability: Double) -> (index: Int, below: Double)? {
    guard !keys.isEmpty else { return nil }
    let rank = min(max(probability, 0), 1) * sum
    var below = 0.0
    for index in keys.indices {
      if below + counts[index] >= rank { return (index, below) }
      below += counts[index]
    }
    return (keys.count - 1, below - counts[keys.count - 1])
  }

  private func key(of value: Double) -> Int32 {
    let magnitude = min(value.magnitude, 0x1p64)
    guard magnitude >= 0x1p-64 else { return 0 }
    let key = Int32(truncatingIfNeeded: magnitude.bitPattern >> (52 - UInt64(bits)))
    return value < 0 ? -key : key
  }

  private func middle(of key: Int32) -> Double {
    guard key != 0 else { return 0 }
    let shift = 52 - UInt64(bits)
    let low = UInt64(key.magnitude) << shift
    let value = Double(bitPattern: low + (1 << (shift - 1)))
    return key < 0 ? -value : value
  }

  private mutating func add(_ key: Int32, count: Double) {
    let slot = Int(key & 255)
    let guess = Int(guesses[slot])
    if guess < keys.count, keys[guess] == key {
      counts[guess] += count
      return
    }
    let index = place(of: key)
    guesses[slot] = Int32(index)
    if index < keys.count, keys[index] == key {
      counts[index] += count
    } else {
      keys.insert(key, at: index)
      counts.insert(count, at: index)
    }
  }

  /// Of the first key that is not below.
  private func place(of key: Int32) -> Int {
    var (low, high) = (0, keys.count)
    while low < high {
      let middle = (low + high) >> 1
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.maxBuckets == right.maxBuckets && left.halfLife == right.halfLife && left.bits == right.bits
      && left.sum == right.sum && left.gain == right.gain && left.keys == right.keys
      && left.counts == right.counts
  }

  private mutating func joinPairs() {
    precondition(bits > 0)
    bits -= 1
    var end = 0
    for index in keys.indices {
      let joined = keys[index] / 2
      if end > 0, keys[end - 1] == joined {
        counts[end - 1] += counts[index]
      } else {
        keys[end] = joined
        counts[end] = counts[index]
        end += 1
      }
    }
    keys.removeSubrange(end...)
    counts.removeSubrange(end...)
  }

  /// Divides by 2^32, exactly, and drops buckets that count for nothing any more.
  private mutating func rescale() {
    gain *= 0x1p-32
    var end = 0
    sum = 0
    for index in keys.indices {
      let count = counts[index] * 0x1p-32
      guard count > 0x1p-24 else { continue }
      keys[end] = keys[index]
      counts[end] = count
      sum += count
      end += 1
    }
    keys.removeSubrange(end...)
    counts.removeSubrange(end...)
  }
}

extension QuantileSketch: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(maxBuckets)
    writer.write(halfLife ?? 0)
    writer.writeInt(bits)
    writer.writeEach([sum, gain])
    writer.writeInt(keys.count)
    for index in keys.indices {
      writer.write(keys[index])
      writer.write(counts[index])
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let maxBuckets = try reader.readInt("buckets", in: 1024...(1 << 20))
    let halfLife = try reader.readDouble("half-life", in: 0...Double.greatestFiniteMagnitude)
    self.init(maxBuckets: maxBuckets, halfLife: halfLife > 0 ? halfLife : nil)
    bits = try reader.readInt("bits", in: 0...8)
    sum = try reader.readFinite("weight")
    gain = try reader.readDouble("gain", in: 1...0x1p33)
    let count = try reader.readInt("buckets", in: 0...maxBuckets)
    for _ in 0..<count {
      let place = reader.position
      let key = try reader.read(Int32.self)
      guard keys.last.map({ $0 < key }) ?? true else {
        throw .outOfBounds(what: "order of buckets", value: UInt64(key.magnitude), at: place)
      }
      keys.append(key)
      counts.append(try reader.readDouble("bucket", in: 0...Double.greatestFiniteMagnitude))
    }
  }
}
