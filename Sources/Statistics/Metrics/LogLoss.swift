// The loss of a predicted probability.

internal import Primitives

/// Logistic loss, also called cross-entropy: -ln p of a positive, -ln(1 - p) of a negative, in nats.
///
/// Probabilities are clipped to [1e-15, 1 - 1e-15], so that one confident error costs at most 34.5.
package enum LogLoss {
  package static func of(probability: Double, isPositive: Bool) -> Double {
    let p = min(max(probability, 1e-15), 1 - 1e-15)
    return -DeterministicMath.log(isPositive ? p : 1 - p)
  }
}
