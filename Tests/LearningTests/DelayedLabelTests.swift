import Configuration
import Features
import Models
import Primitives
import Retrieval
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

  /// Of the configuration of `model`, with more of it.
  private func stream(_ more: String = "") throws -> LearnedStream {
    let stream = try LearnedStream(
      """
      preset: clicks
      events:
        impression: {label: negative, delay: 30s, answered_by: [click], interaction: false}
      \(more)
      """)
    stream.workspace.late = []
    return stream
  }

  private func event(_ type: String, _ user: String, _ item: String, at nanos: Int64) -> EventBuilder {
    EventBuilder(timeNanos: nanos, .interaction(type: type, user: user, item: item))
  }

  private func event(_ type: String, _ user: String, _ item: String, after seconds: Int64) -> EventBuilder {
    event(type, user, item, at: start + seconds * second)
  }

  @Test("no single event with a wrong time ends a wait, or those that come after it")
  func wrongTimes() throws {
    var stream = try stream()
    try stream.take(event("impression", "ann", "alien", after: 0))
    // 2200, which is set aside, and 2090, which is learned: ahead of the stream.
    #expect(
      try stream.take(event("click", "bob", "heat", at: 7_258_118_400 * second)) == .setAside(.impossibleTime)
    )
    try stream.take(event("click", "bob", "heat", at: 3_786_912_000 * second))
    try stream.take(
      EventBuilder(
        timeNanos: 7_258_118_400 * second,
        .impressions(requestID: "r", user: "bob", items: [ShownItem("heat")])))
    try stream.take(event("impression", "ann", "fargo", after: 1))
    #expect(stream.model.counters.examples == 1)
    #expect(stream.model.counters.eventTimeNanos == start + second)
    try stream.take(event("view", "ann", "heat", after: 30))
    #expect(stream.model.counters.examples == 2)
    try stream.take(event("click", "ann", "fargo", after: 30))
    #expect(stream.model.counters.examples == 3)
    try stream.take(event("view", "ann", "heat", after: 90))
    #expect(stream.model.counters.examples == 3)
  }

  @Test("impressions wait and end again once the stream has left a wrong first time")
  func wrongStart() throws {
    var stream = try stream()
    try stream.take(event("click", "ann", "heat", at: 3_786_912_000 * second))
    for index in 0..<100 {
      try stream.take(event("impression", "user-\(index)", "alien", after: Int64(index)))
    }
    #expect(stream.model.counters.examples < 90)
    try stream.take(event("view", "ann", "heat", after: 200))
    #expect(stream.model.counters.examples == 101)
  }

  @Test("an impression waits with the weight that hygiene left it; without any it does not wait")
  func weights() throws {
    for (weight, expected) in [("0.25", [1, 0.25]), ("0", [1 as Float])] {
      var stream = try stream(
        "hygiene: {burst: {action: weight, weight: \(weight), per_user: 1, within: 1h}}")
      try stream.take(event("impression", "ann", "alien", after: 0))
      try stream.take(event("impression", "ann", "heat", after: 1))
      try stream.take(event("view", "bob", "fargo", after: 60))
      #expect(stream.workspace.late?.map(\.weight) == expected)
    }
  }

  @Test("an impression shown again waits again, and while it waits still is learned at once")
  func again() throws {
    var stream = try stream()
    try stream.take(event("impression", "ann", "alien", after: 0))
    #expect(try stream.take(event("impression", "ann", "alien", after: 10)) != .observed)
    #expect(stream.model.counters.examples == 1)
    for showing in 1..<5 {
      try stream.take(event("impression", "ann", "alien", after: Int64(40 * showing)))
      #expect(stream.model.counters.examples == 1 + UInt64(showing))
    }
    #expect(stream.model.pending?.counters.repeated == 1)
    #expect(stream.model.pending?.counters.expired == 4)
  }

  @Test("no impression is lost for want of room", arguments: [0, 1, 10])
  func room(capacity: Int) throws {
    var stream = try stream("retrieval: {impressions: \(capacity)}")
    for index in 0..<100 { try stream.take(event("impression", "user-\(index)", "alien", after: 0)) }
    #expect(stream.model.counters.examples == 100 - UInt64(capacity))
    try stream.take(event("view", "ann", "heat", after: 60))
    #expect(stream.model.counters.examples == 100)
    #expect(stream.model.pending?.counters.dropped == (capacity == 0 ? 0 : 100 - UInt64(capacity)))
  }

  /// Impressions that wait half a minute for a click, in a linear model.
  private func linear(_ type: String, values: [String], sparse: String, dense: String) throws -> LearnedStream
  {
    try LearnedStream(
      """
      label: {minimum: 0, maximum: 1, center: 0.5}
      events:
        click: {label: positive}
        \(type): {label: none}
        impression: {label: negative, delay: 30s, answered_by: [click]}
      features:
        values: {\(values.joined(separator: ", "))}
        sparse: {\(sparse): {of: \(sparse)}}
        dense: [\(dense)]
      model:
        loss: logistic
        members: {linear: {kind: linear}}
        stack: {by: first}
      """)
  }

  /// What a click would be learned with.
  private func example(_ event: EventBuilder, in stream: LearnedStream) throws -> Example {
    let example = Example(stream.model.plan)
    try event.encoded().withUnsafeBytes {
      _ = stream.model.features.makeExample(try EventView($0), timeNanos: event.timeNanos, into: example)
    }
    return example
  }

  /// Answers of a model that knows of a user how many notes came: after an impression that waited while they came.
  private func afterNotes(_ notes: Int, then more: [EventBuilder] = []) throws -> (LearnedStream, [Float]) {
    var stream = try linear(
      "note", values: ["notes: {statistic: count, of: user, types: [note]}"], sparse: "user", dense: "notes")
    try stream.take(event("impression", "ann", "alien", after: 0))
    for second in 0..<notes { try stream.take(event("note", "ann", "heat", after: Int64(second + 1))) }
    for event in more { try stream.take(event) }
    try stream.take(event("note", "bob", "heat", after: 60))
    let answers = try ["bob", "zoe"].map { user in
      let example = try example(event("click", user, "fargo", after: 70), in: stream)
      return stream.model.predict(example, stream.workspace).logit
    }
    return (stream, answers)
  }

  @Test("an impression is learned with the features of its own moment, not of when its wait was over")
  func features() throws {
    for notes in [0, 5] {
      let (stream, answers) = try afterNotes(notes)
      #expect(stream.model.counters.examples == 1)
      // Nobody had a note when it was shown: the weight of notes is as it was, so one with a note and one without are
      // alike.
      #expect(answers[0] == answers[1])
      #expect(answers[0] < 0)
    }
  }

  @Test("what a user was shown who was forgotten meanwhile is not learned")
  func forgotten() throws {
    let (stream, answers) = try afterNotes(
      3,
      then: [EventBuilder(timeNanos: start + 20 * second, .entity(.user, id: "ann", .delete))])
    #expect(stream.model.counters.examples == 0)
    #expect(stream.model.pending?.counters.expired == 1)
    #expect(answers == [0, 0])
  }

  /// Running means of the label (0 or 1, minus 0.5) over impressions and clicks.
  private func counting() throws -> LearnedStream {
    let types = "types: [click, impression]"
    return try linear(
      "view",
      values: [
        "mean: {statistic: mean, of: item, \(types), missing: 0}",
        "session: {statistic: mean, of: item, \(types), gap: 1h, missing: 0}",
        "last: {statistic: last, of: item, \(types), missing: 0}",
        "count: {statistic: count, of: item, \(types)}",
      ], sparse: "item", dense: "mean, session, last, count")
  }

  private func figures(_ stream: LearnedStream) throws -> [Float] {
    Array(try example(event("click", "zoe", "alien", after: 2_000), in: stream).denseArray.dropFirst())
  }

  @Test("a mean of labels counts an impression when its answer is known, and one that was clicked not at all")
  func means() throws {
    var stream = try counting()
    for user in 0..<10 {
      try stream.take(event("impression", "u\(user)", "alien", after: Int64(100 * user)))
      try stream.take(event("click", "u\(user)", "alien", after: Int64(100 * user + 5)))
    }
    #expect(try figures(stream) == [0.5, 0.5, 0.5, 20])
    try stream.take(event("impression", "ann", "alien", after: 1_000))
    #expect(try figures(stream) == [0.5, 0.5, 0.5, 21])
    try stream.take(event("view", "bob", "heat", after: 1_040))
    // Ten clicks and one negative: (10 x 0.5 - 0.5) / 11.
    let mean = Float(4.5 / 11)
    #expect(try figures(stream) == [mean, mean, -0.5, 21])
    // Nobody's answer comes late for a mean of what was learned: the click counts beside it.
    try stream.take(event("click", "ann", "alien", after: 1_050))
    #expect(try figures(stream) == [Float(5.0 / 12), Float(5.0 / 12), 0.5, 22])
  }

  @Test("a retracted impression takes back what was counted of it, and waits no more")
  func retraction() throws {
    var stream = try counting()
    func retract(_ event: EventBuilder) throws {
      try event.encoded().withUnsafeBytes {
        stream.model.retract(try EventView($0), timeNanos: event.timeNanos, in: stream.workspace)
      }
    }
    try stream.take(event("click", "eve", "alien", after: 0))
    let before = try figures(stream)
    // One waits, one is answered, one is learned.
    let waiting = event("impression", "ann", "alien", after: 10)
    try stream.take(waiting)
    try retract(waiting)
    #expect(try figures(stream) == before)
    let answered = event("impression", "bob", "alien", after: 11)
    let click = event("click", "bob", "alien", after: 12)
    try stream.take(answered)
    try stream.take(click)
    try retract(answered)
    try retract(click)
    #expect(try figures(stream) == before)
    let examples = stream.model.counters.examples
    try stream.take(event("view", "eve", "heat", after: 100))
    #expect(stream.model.counters.examples == examples)
    #expect(try figures(stream) == before)
    let learned = event("impression", "cy", "alien", after: 110)
    try stream.take(learned)
    try stream.take(event("view", "eve", "heat", after: 200))
    #expect(stream.model.counters.examples == examples + 1)
    let counted = try figures(stream)
    try retract(learned)
    // Whether it was answered is forgotten by now, so its label stays in the means of labels.
    #expect(try figures(stream).prefix(3) == counted.prefix(3))
    #expect(try figures(stream)[3] == counted[3] - 1)
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
