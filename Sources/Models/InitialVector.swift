// First values of vectors: random, yet a function of the seed and the feature's key alone, so that neither the
// order of arrival nor a restart changes them, and a reader knows what a missing row would hold.

internal import Primitives

enum InitialVector {
  /// `scale` times a number of mean 0 and variance 1: four uniforms of 16 bits from one random word, added. Their
  /// sum is exact in a Float, and never beyond 3.47 `scale`.
  @inline(__always)
  static func value(seed: UInt64, key: UInt64, place: Int, scale: Float) -> Float {
    let bits = CounterRandom.bits(seed: seed ^ key, counter: UInt64(place))
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + bits >> 48
    // Mean of the sum 131,070, variance 4 (2^32 - 1) / 12.
    return scale * (Float(Int64(sum) - 131_070) * 2.642_927_4e-5)
  }

  @inline(__always)
  static func fill(
    _ target: UnsafeMutablePointer<Float>, _ count: Int, seed: UInt64, key: UInt64, scale: Float
  ) {
    guard scale != 0 else {
      target.update(repeating: 0, count: count)
      return
    }
    for place in 0..<count { target[place] = value(seed: seed, key: key, place: place, scale: scale) }
  }
}
