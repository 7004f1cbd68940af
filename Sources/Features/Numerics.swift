// The few functions that statistics need, the same bits on every machine: plain IEEE operations in one order,
// no library's exp or log.

package enum Numerics {
  /// ln(1 + x) for x >= 0, within 1e-10 of its size (features are floats).
  @inlinable
  package static func log1p(_ x: Double) -> Double {
    let y = 1 + x
    let bits = y.bitPattern
    var exponent = Int(bits >> 52) - 1023
    var mantissa = Double(bitPattern: bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
    if mantissa > 1.4142135623730951 {
      mantissa *= 0.5
      exponent += 1
    }
    // ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716.
    let s = (mantissa - 1) / (mantissa + 1)
    let q = s * s
    // Terms in pairs (Estrin), so that the processor need not wait for each.
    let q2 = q * q
    let low = (1 + q * (1.0 / 3)) + q2 * (1.0 / 5 + q * (1.0 / 7))
    let high = (1.0 / 9 + q * (1.0 / 11)) + q2 * (1.0 / 13)
    return 2 * s * (low + q2 * q2 * high) + Double(exponent) * 0.6931471805599453
  }

  /// 2 to the x for x <= 0, within 1e-12 of its size; 0 below -1000.
  @inlinable
  package static func exp2(_ x: Double) -> Double {
    guard x > -1000 else { return 0 }
    // Towards 0, which is to the nearest here: x is not above 0.
    let whole = Int(x - 0.5)
    let f = (x - Double(whole)) * 0.6931471805599453
    let f2 = f * f
    let f4 = f2 * f2
    let low = (1 + f) + f2 * (0.5 + f * (1.0 / 6))
    let middle = (1.0 / 24 + f * (1.0 / 120)) + f2 * (1.0 / 720 + f * (1.0 / 5_040))
    let high = (1.0 / 40_320 + f * (1.0 / 362_880)) + f2 * (1.0 / 3_628_800)
    return (low + f4 * (middle + f4 * high)) * Double(bitPattern: UInt64(whole + 1023) << 52)
  }

  /// Whole seconds since 1970 for a table's clock: 1 for earlier times, the largest for times after 2106.
  @inlinable
  package static func tableSeconds(_ nanos: Int64) -> UInt32 {
    UInt32(clamping: max(1, nanos / 1_000_000_000))
  }
}
