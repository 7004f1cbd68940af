import CKernels
import Testing

/// Every level must give the bits of the portable one; the levels are a global choice, so these run one by one.
@Suite("Kernels", .serialized)
struct KernelTests {
  private static let lengths = Array(0...36) + [47, 48, 63, 64, 65, 100, 128, 255]

  /// Floats of every kind that may occur: ordinary ones, zeroes of both signs, subnormals, very large and very
  /// small ones.
  private static func floats(_ count: Int, _ random: inout SeededRandom, tame: Bool = false) -> [Float] {
    (0..<count).map { _ in
      let ordinary = Float(Int64(random.next() % 2_000_001) - 1_000_000) / 65536
      if tame { return ordinary / 16 }
      switch random.below(16) {
      case 0: return -0.0
      case 1: return Float(bitPattern: UInt32(random.next() % 0x80_0000))
      case 2: return ordinary * 1e18
      case 3: return ordinary * 1e-18
      default: return ordinary
      }
    }
  }

  private static func tameWeights(_ count: Int, _ seed: Int) -> [Float] {
    var random = SeededRandom(UInt64(seed) + 100)
    return floats(count, &random, tame: true)
  }

  /// Runs `body` at each level that this machine has and expects the same bits as at level 0.
  private static func compare(_ name: String, _ body: () -> [Float]) {
    defer { cowbird_kernels_set_level(2) }
    cowbird_kernels_set_level(0)
    let expected = body().map(\.bitPattern)
    for level: Int32 in 1...2 where cowbird_kernels_set_level(level) == level {
      #expect(body().map(\.bitPattern) == expected, "\(name) at level \(level)")
    }
  }

  @Test("vectors, scans and layers have the same bits at every level", arguments: 1...4)
  func levelsOfVectors(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    for n in Self.lengths {
      let a = Self.floats(n, &random)
      let b = Self.floats(n, &random)
      Self.compare("reductions of \(n)") {
        [cowbird_dot(a, b, n), cowbird_sum(a, n), cowbird_sum_squares(a, n), cowbird_max_abs(a, n)]
      }
      Self.compare("what is outside, of \(n)") {
        let poisoned = a + [.nan, .infinity, 0]
        return (0...3).map { Float(cowbird_outside(poisoned, n + $0, 1e-6, 1e6)) }
      }
      #expect(
        Int(cowbird_outside(a, n, 1e-6, 1e6))
          == a.count { !($0.magnitude <= 1e6) || $0.magnitude < 1e-6 && $0 != 0 })
      Self.compare("steps of \(n)") {
        var y = b
        cowbird_axpy(0.3, a, &y, n)
        cowbird_add(a, &y, n)
        cowbird_scale(1.7, &y, n)
        var z = y
        cowbird_relu(&z, n)
        var d = a
        cowbird_relu_backward(z, &d, n)
        return y + z + d
      }
      Self.compare("exp and sigmoid of \(n)") {
        var e = a
        var s = a
        cowbird_exp_n(a, &e, n)
        cowbird_sigmoid_n(a, &s, n)
        return e + s
      }
      Self.compare("linear steps of \(n)") {
        var w = Self.tameWeights(n, seed)
        var sums = w.map { $0 * $0 }
        cowbird_dense_adagrad(&w, &sums, b, n, 0.7, 0.1, 0, 0.01)
        cowbird_dense_adagrad(&w, &sums, b, n, -0.2, 0.1, 0.001, 0)
        var rows = [Float](repeating: 0, count: 2 * n + 2)
        for place in 0..<n { (rows[2 * place], rows[2 * place + 1]) = (w[place], sums[place]) }
        rows.withUnsafeMutableBufferPointer { rows in
          // The last feature's row is the first's.
          let places = (0..<n).map { place -> UnsafeMutablePointer<Float>? in
            rows.baseAddress! + 2 * (place == n - 1 ? 0 : place)
          }
          cowbird_linear_adagrad(places, b, n, 0.4, 0.1, 0.002, 0.01)
        }
        return rows
      }
      let rows = 7
      let stride = n + random.below(5)
      let w = Self.floats(rows * stride, &random)
      Self.compare("scans of \(n)") {
        var scores = [Float](repeating: 0, count: rows)
        cowbird_dot_rows(a, w, stride, rows, n, &scores)
        var y = [Float](repeating: 0, count: rows)
        cowbird_matvec(w, stride, rows, n, a, scores, &y)
        var dx = [Float](repeating: 0, count: n)
        cowbird_matvec_transposed(w, stride, rows, n, y, &dx)
        var dw = w
        cowbird_outer_add(scores, a, &dw, stride, rows, n)
        var bytes = [Int8](repeating: 0, count: n)
        let scale = cowbird_quantize_i8(a, &bytes, n)
        return scores + y + dx + dw + [scale, Float(cowbird_dot_i8(bytes, bytes, n))]
      }
    }
  }

  @Test("optimizer steps have the same bits at every level", arguments: 1...4)
  func levelsOfOptimizers(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    for n in Self.lengths {
      let w = Self.floats(n, &random)
      let g = Self.floats(n, &random)
      let m = Self.floats(n, &random)
      let v = Self.floats(n, &random).map { abs($0) }
      Self.compare("optimizers of \(n)") {
        var all: [Float] = []
        var (x, p, q) = (w, m, v)
        cowbird_sgd_momentum(&x, &p, g, n, 0.1, 0.9, 0.01)
        all += x + p
        (x, p, q) = (w, m, v)
        cowbird_adagrad(&x, &q, g, n, 0.1, 1e-8, 0.01)
        all += x + q
        (x, p, q) = (w, m, v)
        cowbird_adam(&x, &p, &q, g, n, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.001, 0.01)
        all += x + p + q
        (x, p, q) = (w, m, v)
        cowbird_ftrl(&x, &p, &q, g, n, 0.1, 1, 0.5, 0.1)
        return all + x + p + q
      }
    }
  }

  @Test(
    "the factorisation machine has the same bits at every level",
    arguments: [0, 1, 4, 8, 10, 16, 17, 32, 48, 256])
  func levelsOfMachine(k: Int) {
    var random = SeededRandom(UInt64(k))
    for n in [0, 1, 2, 10, 33] {
      let machine = Machine(n: n, k: k, values: random.below(2) == 0, &random)
      for l2: Float in [0, 0.01] {
        Self.compare("\(n) features, k = \(k)") {
          var copy = machine
          var scores = copy.learn(label: 1, l2: l2)
          scores += copy.learn(label: 0, l2: l2)
          return scores + copy.rows.flatMap { $0 } + copy.state.flatMap { $0 }
        }
      }
    }
  }

  @Test(
    "the machine's score is the sum over pairs, and its step follows the gradient", arguments: [1, 5, 16, 40])
  func machine(k: Int) {
    var random = SeededRandom(UInt64(100 + k))
    for hasValues in [false, true] {
      var machine = Machine(n: 6, k: k, values: hasValues, &random)
      let before = machine
      #expect(abs(Double(machine.score()) - machine.scoreByPairs()) < 1e-4)
      // AdaGrad from accumulators of 0 steps by rate * sign(gradient): its size is the gradient's sign, and the
      // accumulator is the gradient's square, which finite differences of the score must give.
      machine.state = machine.state.map { $0.map { _ in 0 } }
      machine.backward(g: 1, rate: 0.01)
      for row in 0..<6 {
        for place in 0...k {
          var (up, down) = (before, before)
          up.rows[row][place] += 0.01
          down.rows[row][place] -= 0.01
          let slope =
            (up.scoreByPairs() - down.scoreByPairs()) / Double(up.rows[row][place] - down.rows[row][place])
          #expect(
            abs(Double(machine.state[row][place]).squareRoot() - abs(slope)) < 1e-3 * max(1, abs(slope)))
          let moved = Double(machine.rows[row][place] - before.rows[row][place])
          if abs(slope) > 1e-3 { #expect(abs(moved + 0.01 * (slope > 0 ? 1 : -1)) < 1e-4) }
        }
      }
    }
  }

  @Test("a candidate scores as if it had been one of the rows")
  func candidates() {
    var random = SeededRandom(5)
    for k in [3, 16, 32] {
      let machine = Machine(n: 8, k: k, values: false, &random)
      var scores: [Float] = [0, 0]
      machine.withPointers { rows, _, _ in
        var sum = [Float](repeating: 0, count: k)
        let base = cowbird_fm_score(rows, nil, 7, k, 0.5, &sum)
        cowbird_fm_candidates([rows[7], nil], 2, k, base, sum, &scores)
        #expect(abs(scores[0] - cowbird_fm_score(rows, nil, 8, k, 0.5, nil)) < 1e-4)
        #expect(scores[1] == base)
      }
    }
  }

  @Test("optimizer steps are those of the papers, worked by hand")
  func optimizersByHand() {
    // AdaGrad: a = 1 + 4 = 5, w = 1 - 0.5 * 2 / sqrt(5) = 0.5527864
    var (w, a): ([Float], [Float]) = ([1], [1])
    cowbird_adagrad(&w, &a, [2], 1, 0.5, 0, 0)
    #expect(a == [5] && abs(w[0] - 0.552_786_4) < 1e-6)
    // Momentum: m = 0.9 * 1 + (2 + 0.5 * 1) = 3.4, w = 1 - 0.1 * 3.4 = 0.66
    var m: [Float] = [1]
    w = [1]
    cowbird_sgd_momentum(&w, &m, [2], 1, 0.1, 0.9, 0.5)
    #expect(abs(m[0] - 3.4) < 1e-6 && abs(w[0] - 0.66) < 1e-6)
    // Adam's first step has the size of the rate, whatever the gradient.
    var v: [Float] = [0]
    (w, m) = ([1], [0])
    cowbird_adam(&w, &m, &v, [300], 1, 0.01, 0.9, 0.999, 0, 0.1, 0.001, 0)
    #expect(abs(w[0] - 0.99) < 1e-6 && abs(m[0] - 30) < 1e-4 && abs(v[0] - 90) < 1e-2)
    // FTRL from zero: z = g = 3, q = 9, w = (0.5 - 3) / ((1 + 3) / 0.1 + 0) = -0.0625; |g| below l1 leaves 0.
    var z: [Float] = [0, 0]
    (w, v) = ([0, 0], [0, 0])
    cowbird_ftrl(&w, &z, &v, [3, 0.25], 2, 0.1, 1, 0.5, 0)
    #expect(w == [-0.0625, 0] && z == [3, 0.25] && v == [9, 0.0625])
  }

  @Test("reductions follow the tree, and agree with sums in double")
  func reductions() {
    var random = SeededRandom(9)
    for n in Self.lengths {
      let a = Self.floats(n, &random, tame: true)
      let b = Self.floats(n, &random, tame: true)
      var lanes = [Float](repeating: 0, count: 16)
      for (index, pair) in zip(a, b).enumerated() { lanes[index % 16] += pair.0 * pair.1 }
      for half in [8, 4, 2, 1] { for lane in 0..<half { lanes[lane] += lanes[lane + half] } }
      #expect(cowbird_dot(a, b, n) == lanes[0])
      let exact = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      let size = zip(a, b).reduce(0.0) { $0 + abs(Double($1.0) * Double($1.1)) }
      #expect(abs(Double(cowbird_dot(a, b, n)) - exact) <= size * 1e-6)
    }
  }

  @Test("int8 products are exact, and quantising keeps what it can")
  func int8() {
    var random = SeededRandom(11)
    for n in Self.lengths {
      let a = (0..<n).map { _ in Int8(truncatingIfNeeded: random.next()) }
      let b = (0..<n).map { _ in Int8(truncatingIfNeeded: random.next()) }
      #expect(cowbird_dot_i8(a, b, n) == zip(a, b).reduce(0) { $0 + Int32($1.0) * Int32($1.1) })
      let x = Self.floats(n, &random, tame: true)
      var bytes = [Int8](repeating: 1, count: n)
      let scale = cowbird_quantize_i8(x, &bytes, n)
      #expect(zip(x, bytes).allSatisfy { abs($0 - Float($1) * scale) <= scale * 0.5001 })
    }
    var zeroes = [Int8](repeating: 1, count: 3)
    #expect(cowbird_quantize_i8([0, 0, 0], &zeroes, 3) == 0 && zeroes == [0, 0, 0])
  }

  @Test("arrays of exp and sigmoid have the bits of the single ones")
  func arrays() {
    let x: [Float] = [
      -.infinity, -200, -104, -87.5, -1, -0.0, 0, 1e-30, 0.5, 3, 88.8, 150, .infinity, 17, -17, 2, 9,
    ]
    var e = x
    var s = x
    cowbird_exp_n(x, &e, x.count)
    cowbird_sigmoid_n(x, &s, x.count)
    #expect(e.map(\.bitPattern) == x.map { cowbird_expf($0).bitPattern })
    #expect(s.map(\.bitPattern) == x.map { cowbird_sigmoidf($0).bitPattern })
    var nan: [Float] = [.nan]
    cowbird_exp_n([.nan], &nan, 1)
    #expect(nan[0].isNaN)
  }
}

/// A factorisation machine's rows with their state.
private struct Machine {
  var rows: [[Float]]
  var state: [[Float]]
  var values: [Float]?
  var bias: [Float] = [0.25, 0.1]
  let k: Int

  init(n: Int, k: Int, values: Bool, _ random: inout SeededRandom) {
    self.k = k
    func number() -> Float { Float(Int64(random.next() % 2001) - 1000) / 1000 }
    rows = (0..<n).map { _ in (0...k).map { _ in number() } }
    state = (0..<n).map { _ in (0...k).map { _ in 0.1 } }
    self.values = values ? (0..<n).map { _ in number() } : nil
  }

  func withPointers<Result>(
    _ body: ([UnsafePointer<Float>?], [UnsafePointer<Float>?], UnsafePointer<Float>?) -> Result
  ) -> Result {
    let flatRows = rows.flatMap { $0 }
    let flatState = state.flatMap { $0 }
    return flatRows.withUnsafeBufferPointer { r in
      flatState.withUnsafeBufferPointer { s in
        let places = rows.indices.map { $0 * (k + 1) }
        let first = places.map { place in r.baseAddress.map { $0 + place } }
        let second = places.map { place in s.baseAddress.map { $0 + place } }
        return values.map { $0.withUnsafeBufferPointer { body(first, second, $0.baseAddress) } }
          ?? body(first, second, nil)
      }
    }
  }

  func score() -> Float {
    withPointers { rows, _, values in cowbird_fm_score(rows, values, rows.count, k, bias[0], nil) }
  }

  func scoreByPairs() -> Double {
    var score = Double(bias[0])
    let x = (values ?? rows.map { _ in 1 }).map(Double.init)
    for i in rows.indices {
      score += Double(rows[i][0]) * x[i]
      for j in rows.indices where j > i {
        for f in 1...k { score += Double(rows[i][f]) * Double(rows[j][f]) * x[i] * x[j] }
      }
    }
    return score
  }

  /// One logistic step; the score before it.
  mutating func learn(label: Float, l2: Float) -> [Float] {
    let k = k
    return step { rows, state, values, bias in
      [cowbird_fm_learn_logistic(rows, state, values, rows.count, k, label, 1.5, bias, 0.05, 1e-8, l2)]
    }
  }

  mutating func backward(g: Float, rate: Float) {
    let k = k
    var sum = [Float](repeating: 0, count: k)
    _ = withPointers { rows, _, values in cowbird_fm_score(rows, values, rows.count, k, bias[0], &sum) }
    _ = step { rows, state, values, _ in
      cowbird_fm_adagrad(rows, state, values, rows.count, k, sum, g, rate, 1e-12, 0)
      return []
    }
  }

  private mutating func step(
    _ body: (
      [UnsafeMutablePointer<Float>?], [UnsafeMutablePointer<Float>?], UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>
    ) -> [Float]
  ) -> [Float] {
    var flatRows = rows.flatMap { $0 }
    var flatState = state.flatMap { $0 }
    let places = rows.indices.map { $0 * (k + 1) }
    let values = values
    let result = flatRows.withUnsafeMutableBufferPointer { r in
      flatState.withUnsafeMutableBufferPointer { s in
        bias.withUnsafeMutableBufferPointer { b in
          let first = places.map { place in r.baseAddress.map { $0 + place } }
          let second = places.map { place in s.baseAddress.map { $0 + place } }
          return values.map {
            $0.withUnsafeBufferPointer { body(first, second, $0.baseAddress, b.baseAddress!) }
          }
            ?? body(first, second, nil, b.baseAddress!)
        }
      }
    }
    rows = places.map { Array(flatRows[$0..<$0 + k + 1]) }
    state = places.map { Array(flatState[$0..<$0 + k + 1]) }
    return result + bias
  }
}
