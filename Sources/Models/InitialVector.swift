// First values of vectors: random, yet a function of the seed and the feature's key alone, so that neither the
// order of arrival nor a restart changes them, and a reader knows what a missing row would hold.

internal import Primitives

enum InitialVector {
  /// `scale` times a number of mean 0 and variance 1.
  @inline(__always)
  static func value(seed: UInt64, key: UInt64, place: Int, scale: Float) -> Float {
    scale * Float(CounterRandom.gauss(seed: seed ^ key, counter: UInt64(place)))
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
