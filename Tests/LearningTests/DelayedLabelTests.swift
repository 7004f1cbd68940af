import Configuration
import Features
import Models
import Primitives
import Testing
import Wire

@testable import Learning

@Suite struct DelayedLabelTests {
  private let second: Int64 = 1_000_000_000
  private let start: Int64 = 1_700_000_000_000_000_000

  private func model() throws -> (Model, Workspace) {
    let configuration = try Configuration(
      yaml: """
        preset: clicks
        events:
          impression: {label: negative, delay: 30s, answered_by: [click], interaction: false}
        """)
    let model = try Model(FeaturePlan(configuration))
    return (model, Workspace(model.plan, model.ensemble))
  }

  private func take(
    _ type: String, _ item: String, at seconds: Int64, _ model: inout Model, _ workspace: Workspace
  ) throws {
    let bytes = EventBuilder(
      timeNanos: start + seconds * second, .interaction(type: type, user: "ann", item: item)
    ).encoded()
    try bytes.withUnsafeBytes { bytes in
      _ = model.learn(
        try EventView(bytes), encoded: bytes, timeNanos: start + seconds * second, offset: 0, in: workspace)
    }
  }

  @Test("an impression is learned as a negative when nothing answered it in time, and not before")
  func expiry() throws {
    var (model, workspace) = try model()
    try take("impression", "alien", at: 0, &model, workspace)
    try take("view", "heat", at: 29, &model, workspace)
    #expect(model.counters.examples == 0)
    try take("view", "heat", at: 31, &model, workspace)
    #expect(model.counters.examples == 1)
    #expect(model.counters.events == 3)
  }

  @Test("an impression that was clicked is a positive only")
  func answered() throws {
    var (model, workspace) = try model()
    try take("impression", "alien", at: 0, &model, workspace)
    try take("click", "alien", at: 10, &model, workspace)
    try take("view", "heat", at: 100, &model, workspace)
    #expect(model.counters.examples == 1)
  }

  @Test("an impression that says what came of it is learned at once")
  func outright() throws {
    var (model, workspace) = try model()
    let bytes = EventBuilder(
      timeNanos: start, .interaction(type: "impression", user: "ann", item: "alien", value: 0)
    ).encoded()
    let outcome = try bytes.withUnsafeBytes {
      model.learn(try EventView($0), encoded: $0, timeNanos: start, offset: 0, in: workspace)
    }
    guard case .learned(_, let label) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(label == 0)
    try take("click", "alien", at: 10, &model, workspace)
    try take("view", "heat", at: 100, &model, workspace)
    #expect(model.counters.examples == 2)
  }

  @Test("an evaluation scores what waited when it is learned, and says what still waits", arguments: [1, 2])
  func evaluated(publishEvery: Int) throws {
    var options = EvaluationOptions()
    options.publishEvery = publishEvery
    var evaluation = try Evaluation(model().0.plan, options: options)
    func take(_ type: String, _ item: String, at seconds: Int64) throws {
      let event = EventBuilder(
        timeNanos: start + seconds * second, .interaction(type: type, user: "ann", item: item))
      try event.encoded().withUnsafeBytes { try evaluation.take($0) }
    }
    try take("impression", "alien", at: 0)
    try take("impression", "heat", at: 1)
    try take("click", "heat", at: 2)
    #expect(evaluation.scored.map(\.label) == [1])
    #expect(evaluation.onlyLabel == nil && evaluation.waitingCount == 1)
    try take("click", "tootsie", at: 40)
    #expect(evaluation.scored.map(\.label) == [1, 0, 1])
    try take("impression", "fargo", at: 41)
    #expect(evaluation.waitingCount == 1)
  }

  @Test("drawn negatives are the same in every run")
  func negatives() throws {
    func digest() throws -> String {
      let configuration = try Configuration(
        yaml: "preset: clicks\nevents:\n  click: {label: positive, negatives: 3}\n")
      var model = try Model(FeaturePlan(configuration))
      let workspace = Workspace(model.plan, model.ensemble)
      for number in 0..<40 {
        try take("click", "item-\(number % 11)", at: Int64(number), &model, workspace)
      }
      #expect(model.counters.examples == 40)
      #expect(model.ensemble.examples > 100)
      return model.digest.description
    }
    #expect(try digest() == digest())
  }
}
