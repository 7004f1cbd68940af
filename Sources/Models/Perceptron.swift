// A small multilayer perceptron with one output: leaky rectifiers (slope 0.01), mini-batches of a few examples.
//
//   h1 = r(W1 x + b1)    h2 = r(W2 h1 + b2)    …    z = c . h + c0
//
// Weights stand layer after layer in one dense array, each unit's row followed by its bias. First weights are
// random with variance 1 / inputs, the last layer's are 0, so that a new perceptron says 0.

internal import Configuration
internal import Primitives
package import Tables

package struct Perceptron: Sendable {
  /// Numbers of the input, of each hidden layer, and 1.
  let sizes: [Int]
  let optimizer: Optimizer
  private(set) var rate: Float
  let batch: Int
  private(set) var decay: Float
  private(set) var momentum: Float
  private(set) var clip: Float
  /// First weight of each layer.
  let starts: [Int]
  package internal(set) var weights: DenseArray
  /// Sums of the mini-batch's gradients, then the optimizer's moments. Empty in a copy for reading.
  package internal(set) var state: DenseArray
  /// Examples in the mini-batch that is being gathered.
  package internal(set) var gathered = 0
  package internal(set) var steps: UInt64 = 0

  package var inputCount: Int { sizes[0] }

  init(
    inputs: Int, hidden: [Int], optimizer: Optimizer, rate: Double, batch: Int, decay: Double, seed: Int,
    momentum: Double = 0.9, clip: Double = 0
  ) {
    sizes = [max(1, inputs)] + hidden + [1]
    self.optimizer = optimizer
    self.rate = Float(rate)
    self.batch = batch
    self.decay = Float(decay)
    self.momentum = Float(momentum)
    self.clip = Float(clip)
    var starts: [Int] = []
    var total = 0
    for layer in 1..<sizes.count {
      starts.append(total)
      total += sizes[layer] * (sizes[layer - 1] + 1)
    }
    self.starts = starts
    var first = [Float](repeating: 0, count: total)
    let key = CounterRandom.mix(UInt64(seed) &+ 0x6D6C_70)
    for layer in 1..<(sizes.count - 1) {
      let width = sizes[layer - 1]
      let scale = 1 / Float(width).squareRoot()
      for unit in 0..<sizes[layer] {
        for input in 0..<width {
          let place = starts[layer - 1] + unit * (width + 1) + input
          first[place] = InitialVector.value(seed: key, key: 0, place: place, scale: scale)
        }
      }
    }
    weights = DenseArray(first)
    state = DenseArray(count: 3 * total)
  }

  mutating func adopt(rate: Double = 1, decay: Double, momentum: Double = 0.9, clip: Double = 0) {
    self.rate = Float(rate)
    self.decay = Float(decay)
    self.momentum = Float(momentum)
    self.clip = Float(clip)
  }

  // MARK: Forward

  private static let slope: Float = 0.01
  /// Bound of a unit's output.
  private static let largest: Float = 1e6

  /// hot: z for the inputs; `scratch` keeps the layers' outputs for `learn`.
  func predict(_ inputs: UnsafePointer<Float>, _ scratch: PerceptronScratch) -> Float {
    weights.withUnsafeBufferPointer { weights in
      var below = inputs
      for layer in 1..<sizes.count {
        let width = sizes[layer - 1]
        let out = scratch.outputs[layer - 1].base
        let isLast = layer == sizes.count - 1
        for unit in 0..<sizes[layer] {
          let row = weights.baseAddress! + starts[layer - 1] + unit * (width + 1)
          let sum = Dot.product(row, below, width) + row[width]
          out[unit] = min(max(isLast || sum > 0 ? sum : Self.slope * sum, -Self.largest), Self.largest)
        }
        below = UnsafePointer(out)
      }
      return Bounds.logit(below[0])
    }
  }

  // MARK: Backward

  /// hot: adds the gradient of the example that `predict` saw last; steps when the mini-batch is full. `error` is
  /// minus the derivative of the loss with respect to z; `scratch.deltas[0]` then has it for each input.
  mutating func learn(
    _ inputs: UnsafePointer<Float>, _ scratch: PerceptronScratch, error: Float, rateScale: Float = 1
  ) {
    accumulate(inputs, scratch, error: Clip.apply(error, clip))
    gathered += 1
    if gathered == batch { step(rateScale: rateScale) }
  }

  private mutating func accumulate(
    _ inputs: UnsafePointer<Float>, _ scratch: PerceptronScratch, error: Float
  ) {
    let (sizes, starts) = (sizes, starts)
    let weights = weights
    weights.withUnsafeBufferPointer { weights in
      state.withUnsafeMutableBufferPointer { state in
        scratch.deltas[sizes.count - 1][0] = error
        for layer in stride(from: sizes.count - 1, to: 0, by: -1) {
          let width = sizes[layer - 1]
          let below = layer == 1 ? inputs : UnsafePointer(scratch.outputs[layer - 2].base)
          let deltaBelow = scratch.deltas[layer - 1].base
          deltaBelow.update(repeating: 0, count: width)
          for unit in 0..<sizes[layer] {
            let delta = scratch.deltas[layer][unit]
            let start = starts[layer - 1] + unit * (width + 1)
            let row = weights.baseAddress! + start
            let sums = state.baseAddress! + start
            for input in 0..<width {
              sums[input] += delta * below[input]
              deltaBelow[input] += delta * row[input]
            }
            sums[width] += delta
          }
          guard layer > 1 else { continue }
          for input in 0..<width where below[input] <= 0 { deltaBelow[input] *= Self.slope }
        }
      }
    }
  }

  private mutating func step(rateScale: Float) {
    gathered = 0
    steps += 1
    let total = weights.count
    let rule = StepRule(
      optimizer: optimizer, rate: rate * rateScale, momentum: momentum, steps: steps, epsilon: 1e-6)
    let scale = 1 / Float(batch)
    let shrink = rate * rateScale * decay
    weights.withUnsafeMutableBufferPointer { weights in
      state.withUnsafeMutableBufferPointer { state in
        let sums = state.baseAddress!
        for place in 0..<total {
          let gradient = Bounds.weight(-sums[place] * scale)
          sums[place] = 0
          let former = weights[place]
          rule.step(&weights[place], gradient, sums + total + place, sums + 2 * total + place)
          weights[place] = Bounds.weight(weights[place] - shrink * former)
        }
      }
    }
  }

  func weightsOnly() -> Perceptron {
    var copy = self
    copy.state = DenseArray(count: 0)
    return copy
  }
}

final class PerceptronScratch {
  /// By layer, from the first hidden one.
  let outputs: [Buffer<Float>]
  /// By layer, from the inputs.
  let deltas: [Buffer<Float>]

  init(_ perceptron: Perceptron) {
    outputs = perceptron.sizes.dropFirst().map { Buffer($0) }
    deltas = perceptron.sizes.map { Buffer($0) }
  }
}

enum Dot {
  /// In sixteen lanes and then a fixed tree: the same bits whatever the machine.
  @inline(__always)
  static func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = SIMD16<Float>.zero
    var place = 0
    while place + 16 <= count {
      let x = UnsafeRawPointer(a + place).loadUnaligned(as: SIMD16<Float>.self)
      let y = UnsafeRawPointer(b + place).loadUnaligned(as: SIMD16<Float>.self)
      lanes += x * y
      place += 16
    }
    var lane = 0
    while place < count {
      lanes[lane] += a[place] * b[place]
      lane += 1
      place += 1
    }
    let eight = lanes.lowHalf + lanes.highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
  }
}
