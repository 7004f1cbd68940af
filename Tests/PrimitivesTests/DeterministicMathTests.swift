import Glibc
import Testing

@testable import Primitives

@Suite struct DeterministicMathTests {
  /// Distance in units in the last place of the expected value.
  private func ulps(_ value: Double, _ expected: Double) -> Double {
    value == expected ? 0 : abs(value - expected) / expected.ulp
  }

  @Test("log is within 2 ulp of libm's, subnormals and the neighbours of 1 included")
  func logAccuracy() {
    var worst = 0.0
    for counter in 0..<50_000 as Range<UInt64> {
      let bits = CounterRandom.bits(seed: 1, counter: counter) & 0x7FEF_FFFF_FFFF_FFFF
      let anywhere = Double(bitPattern: bits)
      worst = max(worst, ulps(DeterministicMath.log(anywhere), log(anywhere)))
      let near = 0.5 + 1.5 * CounterRandom.uniform(seed: 2, counter: counter)
      worst = max(worst, ulps(DeterministicMath.log(near), log(near)))
    }
    #expect(worst <= 2, "\(worst) ulp")
    #expect(DeterministicMath.log(1) == 0)
    #expect(DeterministicMath.log(0) == -.infinity)
    #expect(DeterministicMath.log(.infinity) == .infinity)
    #expect(DeterministicMath.log(-1).isNaN)
  }

  @Test("exp is within 2 ulp of libm's over its whole range")
  func expAccuracy() {
    var worst = 0.0
    for counter in 0..<50_000 as Range<UInt64> {
      let wide = -744 + 1453 * CounterRandom.uniform(seed: 3, counter: counter)
      worst = max(worst, ulps(DeterministicMath.exp(wide), exp(wide)))
      let near = -2 + 4 * CounterRandom.uniform(seed: 4, counter: counter)
      worst = max(worst, ulps(DeterministicMath.exp(near), exp(near)))
    }
    #expect(worst <= 2, "\(worst) ulp")
    #expect(DeterministicMath.exp(0) == 1)
    #expect(DeterministicMath.exp(710) == .infinity)
    #expect(DeterministicMath.exp(-800) == 0)
    #expect(DeterministicMath.exp(.nan).isNaN)
    #expect(DeterministicMath.sigmoid(0) == 0.5)
    #expect(DeterministicMath.exp2(-1) == 0.5)
  }
}
