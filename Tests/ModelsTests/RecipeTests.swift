// The whole port against an independent implementation: predictions of one pass over ml-100k, test then learn,
// without anything random (no vectors), as the C++ prototype printed them.

import Testing

@testable import Models

@Suite("Recipe")
struct RecipeTests {
  private func predictions(
    hasSide: Bool = true, isBinary: Bool = false, at events: [Int]
  ) throws -> (joint: [Float], ensemble: [Float]) {
    var state = RecipeState(
      try MovieLens(limit: events.last!), hasSide: hasSide, isBinary: isBinary)
    var ensemble = Ensemble(try state.plan(factors: 0, members: ["joint"]))
    let scratch = EnsembleScratch(ensemble)
    var found: ([Float], [Float]) = ([], [])
    for (index, event) in state.data.events.enumerated() {
      state.touch(event)
      state.make(event)
      try state.withView(event) { view in
        let prediction = try ensemble.predict(learning: view, scratch)
        if events.contains(index + 1) {
          found.0.append(ensemble.prediction(scratch.memberOutputs[0].total).value)
          found.1.append(prediction.value)
        }
        try ensemble.learn(label: state.label(event), scratch)
      }
      state.learn(event)
    }
    return found
  }

  private func expect(_ found: [Float], _ wanted: [Float]) {
    for (found, wanted) in zip(found, wanted) { #expect(abs(found - wanted) < 2e-5) }
    #expect(found.count == wanted.count)
  }

  @Test(
    "ratings: the joint model and least squares predict what the prototype predicted",
    .enabled(if: MovieLens.isThere))
  func ratings() throws {
    let found = try predictions(at: [1, 2, 3, 5, 100, 1_000])
    expect(found.joint, [3.00000, 3.24025, 3.41019, 3.71383, 3.73276, 2.44443])
    expect(found.ensemble, [3.00000, 3.35137, 3.59284, 3.98260, 3.63062, 1.99546])
  }

  @Test("ids and time only: as the prototype", .enabled(if: MovieLens.isThere))
  func ids() throws {
    let found = try predictions(hasSide: false, at: [1, 2, 3, 5, 100, 1_000])
    expect(found.joint, [3.00000, 3.27570, 3.48096, 3.75095, 3.67624, 2.47588])
  }

  @Test("binary: the logistic joint model as the prototype", .enabled(if: MovieLens.isThere))
  func binary() throws {
    let found = try predictions(isBinary: true, at: [1, 2, 3, 5, 100, 1_000])
    expect(found.joint, [0.50000, 0.56384, 0.60923, 0.69816, 0.62118, 0.16068])
  }
}
