// Where an axis has its numbers, and how they are written.

internal import Glibc

struct Ticks: Equatable {
  var values: [Double]
  var step: Double

  /// Multiples of 1, 2 or 5 times a power of ten inside of `range`: at most `most`, and at least two unless the range
  /// is empty (Heckbert, Nice Numbers for Graph Labels, 1990).
  init(in range: ClosedRange<Double>, most: Int) {
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite, most > 1 else {
      values = [range.lowerBound]
      step = 1
      return
    }
    let power = pow(10, floor(log10(span / Double(most))))
    var chosen = power
    for factor in [1.0, 2, 5, 10] {
      chosen = power * factor
      // A hair of tolerance keeps the ends, which rounding may have put just outside.
      let count = floor(range.upperBound / chosen + 1e-9) - ceil(range.lowerBound / chosen - 1e-9) + 1
      if count <= Double(most) { break }
    }
    step = chosen
    let first = Int(ceil(range.lowerBound / chosen - 1e-9))
    let last = Int(floor(range.upperBound / chosen + 1e-9))
    values = first <= last ? (first...last).map { Double($0) * chosen } : []
  }

  /// `0.935`, `20k`, `1.5M`: as many places as the step needs.
  func label(_ value: Double) -> String {
    let largest = max(abs(values.first ?? 0), abs(values.last ?? 0))
    var (unit, suffix) = (1.0, "")
    if largest >= 1e15 || (largest > 0 && largest < 1e-4) { return exponent(value) }
    for (size, name) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] where largest >= 2 * size {
      (unit, suffix) = (size, name)
      break
    }
    if value == 0 { return "0" }
    let places = max(0, Int(ceil(-log10(step / unit) - 1e-9)))
    return Self.fixed(value / unit, places: places) + suffix
  }

  private func exponent(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    let power = Int(floor(log10(abs(value)) + 1e-12))
    let digits = Self.fixed(value / pow(10, Double(power)), places: 2)
    return "\(digits)e\(power)"
  }

  /// Decimal digits without an exponent.
  static func fixed(_ value: Double, places: Int) -> String {
    let places = min(places, 15)
    let factor = pow(10, Double(places))
    guard abs(value) * factor < 9e18 else { return "\(value)" }
    let scaled = Int64((abs(value) * factor).rounded())
    var digits = String(scaled)
    if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard places > 0 else { return sign + digits }
    return sign + digits.dropLast(places) + "." + digits.suffix(places)
  }
}
