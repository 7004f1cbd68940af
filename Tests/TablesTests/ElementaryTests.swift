import CKernels
import Glibc
import Testing

/// Distance of `value` from `exact` in units of the last place of `exact` as a Float.
private func ulps(_ value: Float, _ exact: Float80) -> Double {
  let rounded = Float(exact)
  if !rounded.isFinite || !value.isFinite { return value == rounded ? 0 : .infinity }
  return Double(abs(Float80(value) - exact) / Float80(max(rounded.ulp, Float.leastNonzeroMagnitude)))
}

private func ulps(_ value: Double, _ exact: Float80) -> Double {
  let rounded = Double(exact)
  if !rounded.isFinite || !value.isFinite { return value == rounded ? 0 : .infinity }
  return Double(abs(Float80(value) - exact) / Float80(max(rounded.ulp, Double.leastNonzeroMagnitude)))
}

@Suite("Elementary functions")
struct ElementaryTests {
  /// Arguments of every size: a sweep through the bits of all floats, and a dense grid where results are not
  /// trivial.
  private func floats(_ range: ClosedRange<Float>) -> [Float] {
    let sweep = stride(from: UInt32(0), to: UInt32.max - 65537, by: 65537).map { Float(bitPattern: $0) }
    let grid = (0...40_000).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / 40_000
    }
    return sweep.filter { $0.isFinite } + grid
  }

  private func doubles(_ range: ClosedRange<Double>, seed: UInt64) -> [Double] {
    var random = SeededRandom(seed)
    return (0..<60_000).map { _ in
      range.lowerBound + (range.upperBound - range.lowerBound) * Double(random.next() >> 11) * 0x1p-53
    }
  }

  @Test("float functions are within 0.51 ulp")
  func floatBounds() {
    var worst: [String: Double] = [:]
    func check(_ name: String, _ x: Float, _ value: Float, _ exact: Float80) {
      worst[name] = max(worst[name] ?? 0, ulps(value, exact))
    }
    for x in floats(-110...95) {
      let wide = Float80(x)
      check("exp", x, cowbird_expf(x), expl(wide))
      check("sigmoid", x, cowbird_sigmoidf(x), x < 0 ? expl(wide) / (1 + expl(wide)) : 1 / (1 + expl(-wide)))
      check("softplus", x, cowbird_softplusf(x), max(wide, 0) + log1pl(expl(-abs(wide))))
    }
    for x in floats(-10...10) {
      check("tanh", x, cowbird_tanhf(x), tanhl(Float80(x)))
      if x > 0 { check("log", x, cowbird_logf(x), logl(Float80(x))) }
      if x > -1 { check("log1p", x, cowbird_log1pf(x), log1pl(Float80(x))) }
    }
    #expect(worst.values.allSatisfy { $0 <= 0.51 }, "\(worst)")
  }

  @Test("double functions are within 2 ulp, powers within their bound")
  func doubleBounds() {
    var worst: [String: Double] = [:]
    func check(_ name: String, _ value: Double, _ exact: Float80) {
      worst[name] = max(worst[name] ?? 0, ulps(value, exact))
    }
    for x in doubles(-750...712, seed: 1) + doubles(-1...1, seed: 2) {
      check("exp", cowbird_exp(x), expl(Float80(x)))
      check(
        "sigmoid", cowbird_sigmoid(x),
        x < 0 ? expl(Float80(x)) / (1 + expl(Float80(x))) : 1 / (1 + expl(-Float80(x))))
      check("softplus", cowbird_softplus(x), max(Float80(x), 0) + log1pl(expl(-abs(Float80(x)))))
    }
    for x in doubles(-1080...1030, seed: 3) + doubles(-1...1, seed: 4) {
      check("exp2", cowbird_exp2(x), exp2l(Float80(x)))
    }
    for x in doubles(0...2, seed: 5) + doubles(0.9...1.1, seed: 6) + doubles(1...1e300, seed: 7) where x > 0 {
      check("log", cowbird_log(x), logl(Float80(x)))
      check("log2", cowbird_log2(x), log2l(Float80(x)))
      check("log1p", cowbird_log1p(x - 1), log1pl(Float80(x - 1)))
      check("log1p of little", cowbird_log1p(x * 1e-9), log1pl(Float80(x * 1e-9)))
    }
    #expect(worst.values.allSatisfy { $0 <= 2 }, "\(worst)")
    var random = SeededRandom(8)
    for _ in 0..<50_000 {
      let x = Double(random.next() >> 11) * 0x1p-53 * 100
      let y = (Double(random.next() >> 11) * 0x1p-53 - 0.5) * 100
      let exact = powl(Float80(x), Float80(y))
      let bound = (abs(Float80(y) * logl(Float80(x))) + 2) * 0x1p-52
      #expect(abs(Float80(cowbird_pow(x, y)) - exact) <= exact * bound, "\(x) to the power \(y)")
    }
  }

  @Test("edges are IEEE's")
  func edges() {
    let infinity = Float.infinity
    #expect(cowbird_expf(-infinity) == 0 && cowbird_expf(infinity) == infinity && cowbird_expf(0) == 1)
    #expect(cowbird_logf(0) == -infinity && cowbird_logf(infinity) == infinity && cowbird_logf(1) == 0)
    #expect(cowbird_logf(-1).isNaN && cowbird_log1pf(-2).isNaN && cowbird_log1pf(-1) == -infinity)
    #expect(cowbird_sigmoidf(-infinity) == 0 && cowbird_sigmoidf(infinity) == 1 && cowbird_sigmoidf(0) == 0.5)
    #expect(
      cowbird_tanhf(-infinity) == -1 && cowbird_tanhf(infinity) == 1 && cowbird_tanhf(-0.0).sign == .minus)
    #expect(cowbird_softplusf(infinity) == infinity && cowbird_softplusf(-infinity) == 0)
    for function in [
      cowbird_expf, cowbird_logf, cowbird_log1pf, cowbird_sigmoidf, cowbird_tanhf, cowbird_softplusf,
    ] { #expect(function(.nan).isNaN) }
    #expect(cowbird_exp(-.infinity) == 0 && cowbird_exp(.infinity) == .infinity && cowbird_exp(0) == 1)
    #expect(cowbird_exp2(10) == 1024 && cowbird_exp2(-1074) == Double.leastNonzeroMagnitude)
    #expect(cowbird_exp2(-1) == 0.5 && cowbird_exp2(1023) == 0x1p1023 && cowbird_exp2(1024) == .infinity)
    #expect(cowbird_log2(0x1p-1074) == -1074 && cowbird_log2(8) == 3)
    #expect(cowbird_pow(0, 2) == 0 && cowbird_pow(0, -1) == .infinity && cowbird_pow(0, 0) == 1)
    #expect(cowbird_pow(2, 0.5) == 2.0.squareRoot() || abs(cowbird_pow(2, 0.5) - 2.0.squareRoot()) < 1e-15)
    #expect(cowbird_pow(-1, 2).isNaN && cowbird_log(-1).isNaN && cowbird_log(0) == -.infinity)
    for function in [
      cowbird_exp, cowbird_exp2, cowbird_log, cowbird_log2, cowbird_log1p, cowbird_sigmoid, cowbird_softplus,
    ] { #expect(function(.nan).isNaN) }
  }
}
