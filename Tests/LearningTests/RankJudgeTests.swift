// The ranking metrics that the learner keeps while it learns.

import Configuration
import Features
import Learning
import Models
import Primitives
import Retrieval
import Statistics
import Testing
import Wire

@Suite struct RankJudgeTests {
  private static let second: Int64 = 1_000_000_000

  private func configuration(every: Int) -> Configuration {
    var configuration = Preset.clicks.configuration
    configuration.retrieval.judgeEvery = every
    return configuration
  }

  /// Users who walk through the catalogue, item after item.
  private func click(_ number: Int) -> EventBuilder {
    let user = number % 30
    return EventBuilder(
      timeNanos: 1_700_000_000 * Self.second + Int64(number) * Self.second,
      .interaction(type: "click", user: "u\(user)", item: "i\((user * 3 + number / 30) % 90)"))
  }

  private func learn(_ range: Range<Int>, _ model: inout Model, _ workspace: Workspace) throws {
    for number in range {
      try click(number).encoded().withUnsafeBytes { bytes in
        let event = try EventView(bytes)
        model.learn(event, encoded: bytes, timeNanos: event.timeNanos, offset: UInt64(number), in: workspace)
      }
    }
  }

  @Test("one interaction in so many is judged before it is learned, as the protocol of evaluate judges it")
  func figures() throws {
    let plan = FeaturePlan(configuration(every: 1))
    var model = try Model(plan)
    let workspace = Workspace(plan, model.ensemble)
    var evaluator = RankEvaluator(try #require(model.retrieval).plan)
    var state = RetrievalState(try #require(model.retrieval).plan)
    for number in 0..<1_200 {
      let event = try #require(retrievalEvent(click(number)))
      evaluator.take(event, isTest: number > 0, into: &state)
    }
    try learn(0..<1_200, &model, workspace)
    func value(_ name: String) -> Double? {
      model.figures.first { $0.name == name && $0.scope == .total }?.value
    }
    #expect(model.figures.first { $0.name == "hr@10" }?.count == 1_199)
    for name in ["hr@10", "ndcg@10"] {
      #expect(abs(try #require(value(name)) - #require(evaluator.blend[name])) < 0.01)
    }
    #expect(try #require(value("hr@10")) > 0.5)
    #expect(try #require(value("catalogue_coverage")) > 0.5)

    for (every, count) in [(100, UInt64(11)), (0, 0)] {
      let other = FeaturePlan(configuration(every: every))
      var model = try Model(other)
      try learn(0..<1_200, &model, Workspace(other, model.ensemble))
      #expect(model.figures.first { $0.name == "hr@10" }?.count ?? 0 == count)
    }
  }

  @Test("judging changes nothing that is learned, and a replay judges the same")
  func digests() throws {
    let plan = FeaturePlan(configuration(every: 7))
    let never = FeaturePlan(configuration(every: 0))
    var (one, two, other) = (try Model(plan), try Model(plan), try Model(never))
    let (workspace, elsewhere) = (Workspace(plan, one.ensemble), Workspace(plan, one.ensemble))
    try learn(0..<900, &one, workspace)
    try learn(0..<450, &two, elsewhere)
    try learn(450..<900, &two, workspace)
    try learn(0..<900, &other, Workspace(never, other.ensemble))
    #expect(one.digest == two.digest)
    #expect(one.ranking == two.ranking)
    #expect(one.retrieval?.digest == other.retrieval?.digest)
    #expect(one.ensemble.digest == other.ensemble.digest)
  }
}

/// What retrieval is told of a click.
private func retrievalEvent(_ builder: EventBuilder) -> RetrievalEvent? {
  builder.encoded().withUnsafeBytes { bytes in
    guard let event = try? EventView(bytes) else { return nil }
    return RetrievalEvent(
      user: FeatureState.userKey(event.user.bytes), item: FeatureState.itemKey(event.item.bytes),
      nanos: event.timeNanos)
  }
}
