// What the model tells retrieval: which attributes likeness is made of, and its own scores for the blend.

import Configuration
import Features
import Models
import Primitives
import Testing
import Wire

@testable import Learning
@testable import Retrieval

@Suite struct BlendLearningTests {
  private let second: Int64 = 1_000_000_000
  private let start: Int64 = 1_700_000_000_000_000_000

  private func item(_ id: String, brand: String, color: String) -> EventBuilder {
    EventBuilder(
      timeNanos: start,
      .entity(
        .item, id: id, .set,
        attributes: [NamedAttribute("brand", .text(brand)), NamedAttribute("color", .text(color))]))
  }

  private func click(_ user: String, _ item: String, at seconds: Int64) -> EventBuilder {
    EventBuilder(
      timeNanos: start + seconds * second, .interaction(type: "click", user: user, item: item))
  }

  /// Likeness alone decides. The user clicked red things of one brand; two items are new, one of the brand and one red.
  @Test(
    "likeness is made of the attributes that the configuration names, and of all when it names none",
    arguments: ["brand", "color", ""])
  func attributes(_ name: String) throws {
    var stream = try LearnedStream(
      """
      preset: clicks
      entities: {item: {brand: category, color: category}}
      retrieval:
        retrievers:
          factors: {on: false}
          neighbours: {on: false}
          popularity: {on: false}
          content: {kind: content, attributes: [\(name)]}
      """)
    for number in 0..<30 {
      try stream.take(
        item("i\(number)", brand: "b\(number % 5)", color: ["red", "green", "blue"][number % 3]))
    }
    try stream.take(item("of the brand", brand: "b0", color: "white"))
    try stream.take(item("red", brand: "b9", color: "red"))
    try stream.take(item("neither", brand: "b9", color: "white"))
    for number in 0..<60 {
      try stream.take(click("u\(number % 7)", "i\(number * 11 % 30)", at: Int64(number)))
    }
    // Numbers that 15 divides: red, and of brand b0.
    for number in [0, 15] { try stream.take(click("ann", "i\(number)", at: Int64(70 + number))) }
    let retrieval = try #require(stream.model.retrieval)
    let answer = retrieval.topK(
      TopKRequest(user: FeatureState.userKey("ann"), k: 100, nanos: start + 100 * second), RetrievalScratch())
    func score(_ id: String) throws -> Float {
      try #require(answer.items.first { $0.item == FeatureState.itemKey(id) }).score
    }
    let (brand, red, neither) = (try score("of the brand"), try score("red"), try score("neither"))
    switch name {
    case "brand": #expect(brand > red && red == neither)
    case "color": #expect(red > brand && brand == neither)
    default: #expect(brand > neither && red > neither)
    }
  }

  @Test("an attribute that items do not have is refused by name")
  func unknownAttribute() {
    let refusal = #expect(throws: (any Error).self) {
      try Configuration(
        yaml: "preset: clicks\nretrieval: {retrievers: {content: {kind: content, attributes: [colour]}}}\n")
    }
    #expect("\(refusal.map { "\($0)" } ?? "")".contains("retrieval.retrievers.content.attributes"))
  }

  /// Users like what has their number; the rest is chance. Only the ranking model knows users' attributes.
  private func ranked() throws -> LearnedStream {
    try LearnedStream(
      """
      preset: clicks
      events:
        click: {label: positive, negatives: 2}
      retrieval: {rank: true, blend: {every: 1}}
      """)
  }

  private func learn(_ range: Range<Int>, _ stream: inout LearnedStream) throws {
    for number in range {
      let user = CounterRandom.index(below: 12, seed: 3, counter: UInt64(number))
      let shelf = CounterRandom.index(below: 5, seed: 4, counter: UInt64(number))
      try stream.take(click("u\(user)", "i\(user % 6 * 5 + shelf)", at: Int64(number)))
    }
  }

  @Test("the blend takes in the ranking model's scores as they are before the event, and learns their weight")
  func rank() throws {
    var stream = try ranked()
    try learn(0..<150, &stream)
    let event = click("u3", "i7", at: 400)
    let before = stream.model
    try stream.take(event)
    let ranks = stream.workspace.ranks
    #expect(ranks.count > 1 && Set(ranks).count > 1)
    // The same by a model that has not seen the event.
    var asked = try #require(before.retrieval)
    let keys = asked.itemsToRank(
      RetrievalEvent(
        user: FeatureState.userKey("u3"), item: FeatureState.itemKey("i7"), nanos: start + 400 * second),
      RetrievalScratch())
    #expect(keys.first == FeatureState.itemKey("i7"))
    let other = Workspace(before.plan, before.ensemble)
    before.beginRequest(userKey: FeatureState.userKey("u3"), timeNanos: start + 400 * second, in: other)
    #expect(keys.map { before.score(itemKey: $0, in: other).logit } == ranks)
    try learn(150..<300, &stream)
    let blend = try #require(stream.model.retrieval).blend
    let weights = (0...blend.limits.count).map { blend.weights(ofBucket: $0).last! }
    #expect(weights.contains { abs($0) > 0.01 }, "\(weights)")
  }

  @Test("with the ranking model in the blend a replay gives the same digest")
  func digest() throws {
    var (first, second) = (try ranked(), try ranked())
    try learn(0..<80, &first)
    let snapshot = first.model
    try learn(80..<160, &first)
    try learn(0..<160, &second)
    #expect(first.model.digest == second.model.digest)
    #expect(snapshot.digest != first.model.digest)
  }
}
