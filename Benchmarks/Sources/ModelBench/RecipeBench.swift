// One pass over ml-100k with the plain features of the tests: RMSE or logloss and AUC of the first member and of
// the ensemble, and the time of each example.

import Foundation
import Models

enum RecipeBench {
  static func run(_ arguments: [String]) throws {
    let mode = arguments.first ?? "rating"
    let factors = arguments.count > 1 ? Int(arguments[1]) ?? 8 : 8
    let members =
      arguments.count > 2
      ? arguments[2].split(separator: ",").map(String.init) : ["joint", "neighbours", "pooled"]
    let isBinary = mode == "binary"
    var state = RecipeState(try MovieLens(), hasSide: mode != "ids", isBinary: isBinary)
    var ensemble = Ensemble(try state.plan(factors: factors, members: members))
    let scratch = EnsembleScratch(ensemble)
    var losses = [[0.0, 0.0], [0.0, 0.0]]
    var scored: [(Float, Bool)] = []
    let events = state.data.events
    // What making the features costs, to be taken from the whole.
    var alone = state
    let beforeFeatures = CPUTime.now
    for event in events {
      alone.touch(event)
      alone.make(event)
      alone.learn(event)
    }
    let start = CPUTime.now
    for (index, event) in events.enumerated() {
      state.touch(event)
      state.make(event)
      let label = state.label(event)
      let part = index >= events.count * 3 / 10 ? 1 : 0
      let prior = isBinary ? 0 : ensemble.prior.mean
      try state.withView(event) { view in
        let prediction = try ensemble.predict(learning: view, scratch)
        let z = scratch.memberOutputs[0].total
        let first = isBinary ? 1 / (1 + exp(-z)) : min(max(z + prior, 1), 5)
        losses[0][part] += loss(first, label, isBinary)
        losses[1][part] += loss(prediction.value, label, isBinary)
        scored.append((prediction.value, label > 0.5))
        try ensemble.learn(label: label, scratch)
      }
      state.learn(event)
    }
    let counts = [Double(events.count * 3 / 10), Double(events.count - events.count * 3 / 10)]
    for (name, sums) in zip([members[0], "ensemble"], losses) {
      var figures = [sums[0] / counts[0], (sums[0] + sums[1]) / (counts[0] + counts[1]), sums[1] / counts[1]]
      if !isBinary { figures = figures.map { $0.squareRoot() } }
      let text = figures.map { String(format: "%.5f", $0) }.joined(separator: " / ")
      print("\(name): first 30% / whole / last 70%: \(text)")
    }
    if isBinary { print(String(format: "AUC %.4f", auc(scored))) }
    let seconds = CPUTime.now - start - (start - beforeFeatures)
    print(String(format: "%.2f us of CPU an event, predict and learn", seconds * 1e6 / Double(events.count)))
    print("rows \(ensemble.rowCount), digest \(ensemble.digest)")
  }

  private static func loss(_ p: Float, _ y: Float, _ isBinary: Bool) -> Double {
    guard isBinary else { return Double((p - y) * (p - y)) }
    let q = Double(min(0.9995, max(0.0005, p)))
    return y > 0.5 ? -log(q) : -log(1 - q)
  }

  private static func auc(_ scored: [(Float, Bool)]) -> Double {
    let sorted = scored.sorted { $0.0 < $1.0 }
    var (positive, negative, area) = (0.0, 0.0, 0.0)
    var index = 0
    while index < sorted.count {
      var (p, q) = (0.0, 0.0)
      let value = sorted[index].0
      while index < sorted.count, sorted[index].0 == value {
        if sorted[index].1 { p += 1 } else { q += 1 }
        index += 1
      }
      area += p * (negative + q / 2)
      (positive, negative) = (positive + p, negative + q)
    }
    return area / (positive * negative)
  }
}
