// Random numbers without state: a number is a function of a seed and a counter (a log offset, a feature's
// key), so that neither the order of calls nor a restart changes it.
//
// Source: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), whose
// output function is a bijection that mixes every bit of the counter.

public enum CounterRandom {
  /// 64 random bits for (`seed`, `counter`).
  @inlinable
  public static func bits(seed: UInt64, counter: UInt64) -> UInt64 {
    mix(mix(seed &+ 0x9E37_79B9_7F4A_7C15) ^ (counter &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03))
  }

  /// Uniform in [0, 1), on a grid of 2^-53.
  @inlinable
  public static func uniform(seed: UInt64, counter: UInt64) -> Double {
    Double(bits(seed: seed, counter: counter) >> 11) * 0x1p-53
  }

  /// Uniform in [0, `bound`), by multiplication (Lemire 2019; bias below bound / 2^64).
  @inlinable
  public static func index(below bound: Int, seed: UInt64, counter: UInt64) -> Int {
    Int(bits(seed: seed, counter: counter).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Mean 0 and variance 1: the sum of twelve uniforms, minus 6. Exact in Double, so the bits are the same
  /// everywhere; the tails end at ±6.
  @inlinable
  public static func gauss(seed: UInt64, counter: UInt64) -> Double {
    var sum = 0.0
    var state = bits(seed: seed, counter: counter)
    for _ in 0..<12 {
      state = mix(state &+ 0x9E37_79B9_7F4A_7C15)
      sum += Double(state >> 11) * 0x1p-53
    }
    return sum - 6
  }

  /// SplitMix64's finaliser.
  @inlinable @inline(__always)
  package static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
