import Configuration
import Features
import Primitives
import Retrieval
import Testing
import Wire

@testable import Learning
@testable import Models

/// How far "learned with a smaller weight" reaches: everything that learns from an event.
@Suite struct WeightReachTests {
  private static let second: Int64 = 1_000_000_000
  private static let start: Int64 = 1_700_000_000 * second

  private func click(_ index: Int, user: String, item: String, at seconds: Int64) -> EventBuilder {
    EventBuilder(
      timeNanos: Self.start + seconds * Self.second + Int64(index), source: "shop",
      .interaction(type: "click", user: user, item: item))
  }

  /// Everybody's usual clicks.
  private func takeUsual(_ stream: inout LearnedStream) throws {
    for index in 0..<400 {
      try stream.take(
        click(0, user: "user-\(index % 23)", item: "item-\(index * 7 % 31)", at: Int64(index)))
    }
  }

  private struct Learned: Equatable {
    var features: Digest
    var ensemble: Digest
    var retrieval: Digest?

    init(_ model: Model) {
      (features, ensemble, retrieval) = (
        model.features.digest, model.ensemble.digest, model.retrieval?.digest
      )
    }
  }

  @Test("of a flood by one user only what the rule allows changes what is learned")
  func flood() throws {
    var stream = try LearnedStream("preset: clicks")
    var allowed = try LearnedStream("preset: clicks")
    try takeUsual(&stream)
    try takeUsual(&allowed)
    var count = 0
    for index in 0..<10_000 {
      let event = click(index, user: "bot", item: "evil", at: 500)
      if case .setAside(.userBurst) = try stream.take(event) { continue }
      try allowed.take(event)
      count += 1
    }
    #expect(count == 1_000)
    #expect(Learned(stream.model) == Learned(allowed.model))
    #expect(stream.model.retrieval != nil)
  }

  /// Usual events, and as many of a bot as it may send at full weight.
  private func bursting(weight: Double) throws -> LearnedStream {
    var stream = try LearnedStream(
      "preset: clicks\nhygiene: {burst: {action: weight, weight: \(weight), per_user: 10, within: 10s}}\n")
    try takeUsual(&stream)
    for index in 0..<10 { try stream.take(click(index, user: "bot", item: "evil", at: 500)) }
    return stream
  }

  @Test("an event with no weight left changes nothing that is learned, by whatever part of the model")
  func nothing() throws {
    var stream = try bursting(weight: 0)
    let before = stream.model
    for index in 10..<2_000 { try stream.take(click(index, user: "bot", item: "worse", at: 500)) }
    #expect(Learned(stream.model) == Learned(before))
    #expect(stream.model.metrics == before.metrics)
    #expect(stream.model.ranking == before.ranking)
    #expect(stream.model.features.itemOrdinal(FeatureState.itemKey("worse")) == nil)
    #expect(stream.model.hygieneCounts.count(.userBurst) == 1_990)
  }

  @Test("of events with a tenth of their weight a tenth enter statistics, histories and retrieval")
  func tenth() throws {
    var stream = try bursting(weight: 0.1)
    let interactions = try #require(stream.model.retrieval?.events)
    let examples = stream.model.counters.examples
    for index in 10..<4_010 { try stream.take(click(index, user: "bot", item: "evil", at: 500)) }
    #expect(stream.model.counters.examples == examples + 4_000)
    let counted = stream.model.features.eventCount(ofItem: FeatureState.itemKey("evil")) - 10
    // 400 expected, with a deviation of 19.
    #expect((320...480).contains(counted))
    #expect(try #require(stream.model.retrieval?.events) - interactions == UInt64(counted))
  }

  @Test("a value that is learned with a smaller weight enters statistics clipped to what is usual")
  func statistics() throws {
    // Weight 1: the example keeps it all, and what is drawn is certain.
    var stream = try LearnedStream(
      """
      label: {minimum: 0, maximum: 1000000}
      events: {r: {label: value, minimum: -1000000, maximum: 1000000}}
      features:
        values: {last: {statistic: last, of: user, target: value}, label: {statistic: last, of: user}}
        dense: [last, label]
      model: {loss: squared, members: {linear: {kind: linear}}, stack: {by: first}}
      hygiene: {burst: off, outlier: {action: weight, weight: 1, warmup: 100}}
      """)
    func take(_ value: Double, user: String, at seconds: Int64) throws {
      try stream.take(
        EventBuilder(
          timeNanos: Self.start + seconds * Self.second,
          .interaction(type: "r", user: user, item: "i", value: value)))
    }
    for index in 0..<400 {
      try take(500 + 100 * CounterRandom.gauss(seed: 3, counter: UInt64(index)), user: "u", at: Int64(index))
    }
    try take(90_000, user: "odd", at: 400)
    #expect(stream.workspace.example.label == 90_000)
    #expect(stream.model.hygieneCounts.count(.outlier) == 1)
    try take(500, user: "odd", at: 401)
    for known in stream.workspace.example.denseArray[1...] {
      #expect((1_000..<3_000).contains(known), "\(known)")
    }
  }

  @Test("a value that was clipped is taken back as it was counted", arguments: ["clip", "weight"])
  func takenBack(action: String) throws {
    var stream = try LearnedStream(
      """
      label: {minimum: 0, maximum: 10}
      events: {r: {label: value, minimum: 0, maximum: 10}}
      features: {values: {mean: {statistic: mean, of: item, target: value}}, dense: [mean]}
      model: {loss: squared, members: {linear: {kind: linear}}, stack: {by: first}}
      hygiene: {burst: off, outlier: off, range: {action: \(action), weight: 1}}
      """)
    func event(_ value: Double, at seconds: Int64) -> EventBuilder {
      EventBuilder(
        timeNanos: Self.start + seconds * Self.second,
        .interaction(type: "r", user: "u\(seconds)", item: "i", value: value))
    }
    for index in 0..<8 { try stream.take(event(Double(index), at: Int64(index))) }
    let odd = event(1e6, at: 10)
    try stream.take(odd)
    try odd.encoded().withUnsafeBytes {
      let event = try EventView($0)
      stream.model.retract(event, timeNanos: event.timeNanos, in: stream.workspace)
    }
    try stream.take(event(3, at: 20))
    #expect(stream.workspace.example.denseArray[1] == 3.5)
  }

  private static let members = """
    label: {minimum: 1, maximum: 5, center: 3}
    events: {rating: value}
    features: {sparse: {user: user, item: item}}
    model:
      loss: squared
      members:
        linear: {kind: linear}
        neighbours: {kind: neighbours, of: user, residual_of: linear}
        pooled: {kind: pooled, factors: 4, length: 8, residual_of: linear}
    """

  private func takeRatings(_ stream: inout LearnedStream, _ flip: Int, weight: Float = 1) throws {
    for index in 0..<300 {
      let (user, item) = (index % 20, index / 20)
      try stream.take(
        EventBuilder(
          timeNanos: Self.start + Int64(flip * 300 + index) * Self.second,
          .interaction(
            type: "rating", user: "u\(user)", item: "i\(item)",
            value: (user + item + flip) % 2 == 0 ? 1 : 5, weight: weight)))
    }
  }

  @Test(
    "members that keep histories take in of light examples the share that their weight is",
    arguments: [1, 0.1])
  func histories(weight: Float) throws {
    var stream = try LearnedStream(Self.members)
    try takeRatings(&stream, 0, weight: weight)
    let met = stream.model.ensemble.neighbours[0].pairs
    var meetings = 0
    for place in 0...met.mask { meetings += Int(met[place].meetings) }
    // Each item's 20 raters meet the 19 others once: 190 pairs for 15 items; of a tenth of the raters 1 in 100.
    #expect(weight == 1 ? meetings > 2_500 : meetings < 2_850 / 10)
  }

  @Test("at rate 0 no member learns")
  func still() throws {
    var stream = try LearnedStream(Self.members)
    try takeRatings(&stream, 0)
    stream.model.configure([Setting(path: "learning.rate", value: "0")])
    func scores() -> [Float] {
      (0..<20).map { user in
        stream.model.beginRequest(
          userKey: FeatureState.userKey("u\(user)"), timeNanos: Self.start, in: stream.workspace)
        return stream.model.score(itemKey: FeatureState.itemKey("i3"), in: stream.workspace).value
      }
    }
    let before = scores()
    try takeRatings(&stream, 1)
    #expect(scores() == before)
  }

  @Test(
    "an event's weight is cut down to the rule's largest, and to 10,000 without the rule",
    arguments: [true, false])
  func largest(isRuleOn: Bool) throws {
    let yaml = "preset: ratings\nhygiene: {weight: {action: \(isRuleOn ? "clip" : "off"), maximum: 50}}\n"
    func learned(_ weight: Float) throws -> Model {
      var stream = try LearnedStream(yaml)
      for index in 0..<100 {
        try stream.take(
          EventBuilder(
            timeNanos: Self.start + Int64(index) * Self.second, source: "web",
            .interaction(
              type: "rating", user: "u\(index % 7)", item: "i\(index % 5)", value: Double(1 + index % 5),
              weight: index == 60 ? weight : 1)))
      }
      return stream.model
    }
    #expect(Example.maximumWeight == Bounds.exampleWeight)
    let (huge, largest) = (try learned(1e17), try learned(isRuleOn ? 50 : Example.maximumWeight))
    #expect(Learned(huge) == Learned(largest))
    #expect(huge.metrics == largest.metrics)
    #expect(huge.hygieneCounts.count(.weight, source: "web") == (isRuleOn ? 1 : 0))
    #expect(largest.hygieneCounts.count(.weight) == 0)
  }
}
