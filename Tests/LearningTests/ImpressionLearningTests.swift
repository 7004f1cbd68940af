// Impressions and what came of them, in a model: learned as served, negatives after their time, late answers, either
// order, floods, and the same bits after a replay or from a file.

import Configuration
import Features
import Models
import Primitives
import Retrieval
import Tables
import Testing
import Wire

@testable import Learning

@Suite struct ImpressionLearningTests {
  private let second: Int64 = 1_000_000_000
  private let start: Int64 = 1_700_000_000_000_000_000

  private func shop(capacity: Int = 1_000) throws -> LearnedStream {
    try LearnedStream(
      "preset: clicks\nretrieval: {impressions: \(capacity), impressions_expire: 60s}\n")
  }

  private func click(_ item: String, at seconds: Int64, request: String = "", user: String = "ann")
    -> EventBuilder
  {
    EventBuilder(
      timeNanos: start + seconds * second,
      .interaction(type: "click", user: user, item: item, requestID: request))
  }

  private func shown(_ request: String, _ items: [String], at seconds: Int64, user: String = "ann")
    -> EventBuilder
  {
    EventBuilder(
      timeNanos: start + seconds * second,
      .impressions(requestID: request, user: user, items: items.map { ShownItem($0) }))
  }

  @Test("what was shown and clicked is one positive, and what was not clicked a negative after its time")
  func basic() throws {
    var stream = try shop()
    try stream.take(shown("r1", ["a", "b", "c"], at: 0))
    #expect(stream.model.counters.examples == 0)
    try stream.take(click("b", at: 10, request: "r1"))
    #expect(stream.model.counters.examples == 1)
    try stream.take(click("z", at: 59))
    #expect(stream.model.counters.examples == 2)
    try stream.take(click("z", at: 60))
    #expect(stream.model.counters.examples == 5)
    #expect(stream.model.impressions.joined == 1)
    #expect(stream.model.impressions.expired == 2)
  }

  @Test("an interaction is learned with the features as they were served, not as they are")
  func served() throws {
    // Between the answer and the click the item becomes popular, which its features show.
    func predictions(request: String) throws -> (atServing: Float, learned: Float) {
      var stream = try shop()
      for number in 0..<50 { try stream.take(click("x\(number % 7)", at: Int64(number), user: "u\(number)")) }
      let workspace = stream.workspace
      workspace.example.resetBuffers()
      stream.model.beginRequest(
        userKey: FeatureState.userKey("ann"), timeNanos: start + 100 * second, in: workspace)
      let served = stream.model.score(itemKey: FeatureState.itemKey("a"), in: workspace)
      try stream.take(shown("r", ["a"], at: 100))
      // Views are no examples, so the served features still give the served score; but they change the features.
      for number in 0..<20 {
        try stream.take(
          EventBuilder(
            timeNanos: start + (110 + Int64(number)) * second,
            .interaction(type: "view", user: "ann", item: number == 9 ? "a" : "x\(number % 7)")))
      }
      guard case .learned(let prediction, _) = try stream.take(click("a", at: 140, request: request)) else {
        return (served.value, .nan)
      }
      return (served.value, prediction)
    }
    let joined = try predictions(request: "r")
    #expect(joined.atServing == joined.learned)
    let free = try predictions(request: "")
    #expect(free.atServing != free.learned)
  }

  @Test("a late interaction corrects the negative, and the same one again is an interaction like any other")
  func late() throws {
    var stream = try shop()
    try stream.take(shown("r1", ["a"], at: 0))
    try stream.take(click("z", at: 61))
    #expect(stream.model.impressions.expired == 1)
    try stream.take(click("a", at: 70, request: "r1"))
    #expect(stream.model.impressions.joinedLate == 1)
    try stream.take(click("a", at: 71, request: "r1"))
    #expect(stream.model.impressions.joinedAgain == 1)
    #expect(stream.model.counters.examples == 4)
    // After twice the time it is forgotten.
    try stream.take(click("z", at: 200))
    #expect(stream.model.shown?.count == 0)
  }

  @Test(
    "an interaction that comes before its impression answers it all the same, and duplicates change nothing")
  func reordering() throws {
    var stream = try shop()
    try stream.take(click("a", at: 5, request: "r1"))
    try stream.take(shown("r1", ["a", "b"], at: 0))
    try stream.take(shown("r1", ["b", "a"], at: 1))
    #expect(stream.model.impressions.remembered == 1)
    try stream.take(click("z", at: 100))
    #expect(stream.model.impressions.expired == 1)
    #expect(stream.model.counters.examples == 3)
  }

  @Test("each item shown counts once in a rate by impressions, whoever sends the record again")
  func rates() throws {
    func rate(of item: String, in stream: LearnedStream) throws -> Float {
      let place = try #require(stream.model.plan.denseNames.firstIndex(of: "item_click_rate"))
      stream.workspace.example.resetBuffers()
      stream.model.beginRequest(
        userKey: FeatureState.userKey("eve"), timeNanos: start + 60 * second, in: stream.workspace)
      stream.model.features.makeCandidate(itemKey: FeatureState.itemKey(item), into: stream.workspace.example)
      return stream.workspace.example.denseArray[place]
    }
    var stream = try shop()
    try stream.take(click("a", at: 0))
    for number in 0..<20 {
      let record = shown("r\(number)", ["a", "b"], at: Int64(number), user: "u\(number)")
      try stream.take(record)
      try stream.take(record)
    }
    // (clicks + 20 · 0.1) / (clicks + impressions + 20), as the preset has it; nothing fades in a minute.
    #expect(abs(try rate(of: "a", in: stream) - 3 / 41) < 1e-3)
    #expect(abs(try rate(of: "b", in: stream) - 2 / 40) < 1e-3)
    #expect(abs(try rate(of: "c", in: stream) - 0.1) < 1e-3)
    // They are no examples, and no interactions that anything is recommended for.
    #expect(stream.model.counters.examples == 1)
    #expect(stream.model.retrieval?.interactions(with: FeatureState.itemKey("b")) == 0)
  }

  @Test("a flood stays within the bound, and what is not learned is counted")
  func flood() throws {
    var stream = try shop(capacity: 100)
    for number in 0..<2_000 {
      try stream.take(shown("r\(number)", ["a", "b", "c"], at: 0, user: "u\(number)"))
    }
    #expect(stream.model.shown?.count == 100)
    #expect(stream.model.impressions.dropped == 5_900)
    #expect(stream.model.shown.map { $0.bytes < 1 << 20 } == true)
    try stream.take(click("a", at: 30, request: "r0"))
    #expect(stream.model.impressions.unknown == 1)
    try stream.take(click("a", at: 30, request: "r1999"))
    #expect(stream.model.impressions.joined == 1)
  }

  @Test("a flood of what was shown to one user is quarantined as a flood of events is, each item a token")
  func burst() throws {
    var stream = try shop(capacity: 100_000)
    for request in 0..<200 {
      try stream.take(shown("r\(request)", (0..<100).map { "i\($0)" }, at: 0, user: "bot"))
    }
    // A thousand at once, the rest set aside and told.
    #expect(stream.model.impressions.remembered == 1_000)
    #expect(stream.model.hygieneCounts.count(.userBurst) == 190)
    #expect(stream.model.quarantine.count == 190)
    try stream.take(shown("honest", ["i1"], at: 0, user: "ben"))
    #expect(stream.model.impressions.remembered == 1_001)
  }

  @Test("what was shown to a user who was forgotten since is not learned")
  func forgotten() throws {
    var stream = try shop()
    try stream.take(click("a", at: 0))
    try stream.take(shown("r1", ["a", "b"], at: 1))
    try stream.take(
      EventBuilder(timeNanos: start + 2 * second, .entity(.user, id: "ann", .delete)))
    try stream.take(click("z", at: 100, user: "ben"))
    #expect(stream.model.impressions.expired == 2)
    #expect(stream.model.counters.examples == 2)
  }

  @Test("features of another form are made anew, and bytes that are none are not learned")
  func foreign() throws {
    var stream = try shop()
    let plan = stream.model.plan
    func count(_ shared: [UInt8], _ own: [UInt8]) -> Int? {
      ServedFeatures.withView(ServedBytes(shared: shared, own: own), plan, label: 1, weight: 1) { $0.count }
    }
    let none = [UInt8](repeating: 255, count: 64)
    #expect(count([], []) == nil)
    #expect(count(none, none) == nil)
    try stream.take(click("a", at: 0))
    let example = stream.workspace.example
    stream.model.beginRequest(userKey: FeatureState.userKey("ann"), timeNanos: start, in: stream.workspace)
    let shared = ServedFeatures.encodeShared(example)
    for item in ["a", "b"] {
      stream.model.features.makeCandidate(itemKey: FeatureState.itemKey(item), into: example)
      let own = ServedFeatures.encodeOwn(example)
      #expect(count(shared, own) == example.count)
      let view = example.view
      let keys = (0..<view.count).map { view.keys[$0] }
      let served = ServedBytes(shared: shared, own: own)
      let isSame = ServedFeatures.withView(served, plan, label: 1, weight: 1) { other in
        (0..<other.count).map { other.keys[$0] } == keys && other.user == view.user && other.item == view.item
          && other.sharedCount == view.sharedCount
          && (0..<view.denseCount).allSatisfy { other.dense[$0] == view.dense[$0] }
      }
      #expect(isSame == true)
      for cut in stride(from: 0, to: own.count, by: 7) { #expect(count(shared, Array(own[..<cut])) == nil) }
      for cut in stride(from: 0, to: shared.count, by: 7) {
        #expect(count(Array(shared[..<cut]), own) == nil)
      }
    }
    #expect(try stream.take(shown("", ["a"], at: 1)) == .ignored)
  }

  @Test("a replay and a file give the same digest as never having stopped", arguments: [UInt64(1), 2])
  func digests(seed: UInt64) throws {
    var stream = try shop(capacity: 60)
    func random(_ bound: Int, _ counter: Int) -> Int {
      CounterRandom.index(below: bound, seed: seed, counter: UInt64(counter))
    }
    var parent: Model?
    for step in 0..<400 {
      let (item, user) = ("i\(random(12, step * 8))", "u\(random(5, step * 8 + 1))")
      let time = Int64(step * 3 + random(20, step * 8 + 2))
      if random(3, step * 8 + 3) == 0 {
        let items = (0..<1 + random(6, step * 8 + 4)).map { "i\((random(12, step * 8) + $0) % 12)" }
        try stream.take(shown("r\(step)", items, at: time, user: user))
      } else {
        let request = "r\(max(0, step - random(60, step * 8 + 5)))"
        try stream.take(click(item, at: time, request: request, user: user))
      }
      if step == 200 { parent = stream.model }
    }
    #expect(stream.model.impressions.joined > 0 && stream.model.impressions.expired > 0)
    var replayed = try shop(capacity: 60)
    for record in stream.records { try replayed.take(record) }
    #expect(replayed.model.digest == stream.model.digest)
    var whole = PageBuffer()
    try stream.model.write(to: &whole)
    var restored = try Model(stream.model.plan, from: &whole)
    #expect(restored.digest == stream.model.digest)
    var changes = PageBuffer()
    try stream.model.write(to: &changes, since: parent)
    var base = PageBuffer()
    try parent?.write(to: &base)
    var layers = PageLayers([changes.bytes, base.bytes].map { Self.reader($0) })
    restored = try Model(stream.model.plan, from: &layers)
    #expect(restored.digest == stream.model.digest)
  }

  private static func reader(_ bytes: [UInt8]) -> PageStreamReader {
    var rest = bytes[...]
    return PageStreamReader { target in
      let count = min(target.count, rest.count)
      target.copyBytes(from: rest.prefix(count))
      rest = rest.dropFirst(count)
      return count
    }
  }
}
