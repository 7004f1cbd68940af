// exp and log whose bits are the same on every machine and in every build: additions, multiplications and
// divisions in a fixed order, no libm. For scalars that enter the state of a model or its metrics; rows of
// floats go through CKernels.
//
// Method: reduce to a small interval around 0 or 1 with ln 2 in two parts, then sum the Taylor series, whose
// first left-out term is below 2^-56 of the result. Error: at most 2 units in the last place (tested).

package enum DeterministicMath {
  /// Upper 33 bits of ln 2, so that its product with an exponent is exact, and the rest.
  private static let ln2High = Double(bitPattern: 0x3FE6_2E42_FEE0_0000)
  private static let ln2Low = Double(bitPattern: 0x3DEA_39EF_3579_3C76)
  private static let log2e = 0x1.71547652b82fep0

  /// Natural logarithm. `x` > 0; 0 gives -infinity, a negative number NaN.
  @inline(never)
  package static func log(_ x: Double) -> Double {
    guard x > 0 else { return x == 0 ? -.infinity : .nan }
    guard x < .infinity else { return x }
    var bits = x.bitPattern
    var exponent = -1023
    if bits < 0x0010_0000_0000_0000 {
      bits = (x * 0x1p54).bitPattern
      exponent -= 54
    }
    exponent += Int(bits >> 52)
    var mantissa = Double(bitPattern: bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
    if mantissa > 0x1.6a09e667f3bcdp0 {
      mantissa *= 0.5
      exponent += 1
    }
    // log(1 + f) = 2 artanh(s) with s = f / (2 + f), |s| < 0.172, written so that f itself stays exact.
    let f = mantissa - 1
    let s = f / (2 + f)
    let z = s * s
    // Σ 2 z^n / (2n + 3), in pairs (Estrin), so that the processor need not wait for each term.
    let z2 = z * z
    let z4 = z2 * z2
    let low = (2.0 / 3 + z * (2.0 / 5)) + z2 * (2.0 / 7 + z * (2.0 / 9))
    let middle = (2.0 / 11 + z * (2.0 / 13)) + z2 * (2.0 / 15 + z * (2.0 / 17))
    let high = (2.0 / 19 + z * (2.0 / 21)) + z2 * (2.0 / 23)
    let tail = low + z4 * (middle + z4 * high)
    let correction = s * (f - z * tail)
    if exponent == 0 { return f - correction }
    let k = Double(exponent)
    return k * ln2High - ((correction - k * ln2Low) - f)
  }

  /// e to the power of `x`: infinity above 709.78, 0 below -745.13, NaN for NaN.
  @inline(never)
  package static func exp(_ x: Double) -> Double {
    guard x < 709.782712893384 else { return x.isNaN ? x : .infinity }
    guard x > -745.1332191019412 else { return x.isNaN ? x : 0 }
    // Adding and taking away 1.5 * 2^52 rounds to the nearest integer.
    let k = (x * log2e + 0x1.8p52) - 0x1.8p52
    let r = (x - k * ln2High) - k * ln2Low
    var tail = 1.0 / 6_227_020_800
    tail = 1.0 / 479_001_600 + r * tail
    tail = 1.0 / 39_916_800 + r * tail
    tail = 1.0 / 3_628_800 + r * tail
    tail = 1.0 / 362_880 + r * tail
    tail = 1.0 / 40_320 + r * tail
    tail = 1.0 / 5_040 + r * tail
    tail = 1.0 / 720 + r * tail
    tail = 1.0 / 120 + r * tail
    tail = 1.0 / 24 + r * tail
    tail = 1.0 / 6 + r * tail
    tail = 0.5 + r * tail
    let significand = 1 + (r + r * r * tail)
    // In two halves, because 2^k alone can overflow or be subnormal.
    let exponent = Int(k)
    let half = exponent >> 1
    return significand * powerOfTwo(half) * powerOfTwo(exponent - half)
  }

  /// Logarithm to the base 2.
  package static func log2(_ x: Double) -> Double { log(x) * log2e }

  /// 2 to the power of `x`.
  package static func exp2(_ x: Double) -> Double { exp(x * 0x1.62e42fefa39efp-1) }

  /// 1 / (1 + e^-x), in (0, 1) for |x| < 36.
  package static func sigmoid(_ x: Double) -> Double {
    if x >= 0 { return 1 / (1 + exp(-x)) }
    let e = exp(x)
    return e / (1 + e)
  }

  /// 2^k for a normal result, -1022...1023.
  private static func powerOfTwo(_ k: Int) -> Double {
    Double(bitPattern: UInt64(bitPattern: Int64(k + 1023)) << 52)
  }
}
