// How a weight goes down a gradient. One weight, its state, one step; `g` is the loss's derivative.
//
//   adagrad   G += g^2               w -= rate g / sqrt(G)                      (Duchi et al. 2011)
//   sgd       m = momentum m + g     w -= rate m                                (Polyak 1964)
//   adam      m += 0.1 (g - m), v += 0.001 (g^2 - v)                            (Kingma, Ba 2015)
//             w -= rate (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + epsilon)     t: steps of this rule
//   ftrl      see `FollowTheLeader`
//
// With l2, g gets l2 w; with l1, w then goes towards 0 by rate l1 (with AdaGrad: rate l1 / sqrt(G)), not past it.

internal import Configuration

struct StepRule {
  let optimizer: Optimizer
  let rate: Float
  let momentum: Float
  let epsilon: Float
  let l1: Float
  let l2: Float
  /// 1 / (1 - 0.9^t) and 1 / (1 - 0.999^t)
  private let firstCorrection: Float
  private let secondCorrection: Float

  init(
    optimizer: Optimizer, rate: Float, momentum: Float = 0, steps: UInt64 = 1, epsilon: Float = 1e-8,
    l1: Float = 0, l2: Float = 0
  ) {
    self.optimizer = optimizer
    self.rate = rate
    self.momentum = momentum
    self.epsilon = epsilon
    self.l1 = l1
    self.l2 = l2
    switch optimizer {
    case .adam: (firstCorrection, secondCorrection) = Self.corrections(steps)
    case .adagrad, .sgd, .ftrl: (firstCorrection, secondCorrection) = (1, 1)
    }
  }

  /// Powers by squaring: the same in every process.
  static func corrections(_ steps: UInt64) -> (Float, Float) {
    func power(_ base: Double, _ exponent: UInt64) -> Double {
      var (result, base, exponent) = (1.0, base, exponent)
      while exponent > 0 {
        if exponent & 1 == 1 { result *= base }
        base *= base
        exponent >>= 1
      }
      return result
    }
    let steps = max(1, min(steps, 1 << 20))
    return (Float(1 / (1 - power(0.9, steps))), Float(1 / (1 - power(0.999, steps))))
  }

  /// `first` and `second`: the weight's state (AdaGrad: G in the first; momentum: m in the first).
  @inline(__always)
  func step(
    _ weight: inout Float, _ gradient: Float, _ first: UnsafeMutablePointer<Float>,
    _ second: UnsafeMutablePointer<Float>
  ) {
    let g = min(max(gradient + l2 * weight, -1e15), 1e15)
    var threshold = rate * l1
    switch optimizer {
    case .adagrad:
      first[0] = min(first[0] + g * g, 1e30)
      // Without a gradient yet there is no step.
      let scale = first[0] > 0 ? 1 / first[0].squareRoot() : 0
      weight -= rate * g * scale
      threshold *= scale
    case .sgd:
      first[0] = Bounds.weight(momentum * first[0] + g)
      weight -= rate * first[0]
    case .adam:
      first[0] = Bounds.weight(first[0] + 0.1 * (g - first[0]))
      let square = second[0] + 0.001 * (g * g - second[0])
      second[0] = square < 1e-30 ? 0 : min(square, 1e30)
      weight -=
        rate * (first[0] * firstCorrection) / ((second[0] * secondCorrection).squareRoot() + epsilon)
    case .ftrl: preconditionFailure("FollowTheLeader steps for FTRL")
    }
    if l1 > 0 {
      weight = weight > threshold ? weight - threshold : weight < -threshold ? weight + threshold : 0
    }
    weight = Bounds.weight(weight)
  }
}

/// FTRL-proximal (McMahan et al. 2013, "Ad click prediction", algorithm 1): the weight is a function of two sums.
///
///   sigma = (sqrt(n + g^2) - sqrt(n)) / rate      z += g - sigma w      n += g^2
///   w = 0 if |z| <= l1, else -(z - sign(z) l1) / ((beta + sqrt(n)) / rate + l2)
enum FollowTheLeader {
  static let beta: Float = 1

  @inline(__always)
  static func step(
    _ weight: inout Float, _ gradient: Float, _ z: UnsafeMutablePointer<Float>,
    _ n: UnsafeMutablePointer<Float>,
    rate: Float, l1: Float, l2: Float
  ) {
    guard rate > 0 else { return }
    let g = min(max(gradient, -1e15), 1e15)
    let next = min(n[0] + g * g, 1e30)
    let sigma = (next.squareRoot() - n[0].squareRoot()) / rate
    z[0] = min(max(z[0] + g - sigma * weight, -1e30), 1e30)
    n[0] = next
    if z[0].magnitude <= l1 {
      weight = 0
    } else {
      let sign: Float = z[0] < 0 ? -1 : 1
      weight = Bounds.weight(-(z[0] - sign * l1) / ((beta + next.squareRoot()) / rate + l2))
    }
  }
}

enum Clip {
  /// 0: no bound.
  @inline(__always)
  static func apply(_ gradient: Float, _ bound: Float) -> Float {
    let bound = bound > 0 ? bound : 1e15
    return min(max(gradient, -bound), bound)
  }
}
