// Entities come, change and leave; the state goes to disk and back, and is a function of the events alone.
import Configuration
import Primitives
import Tables
import Testing
import Wire

@testable import Features

@Suite struct EntityTests {
  private static let yaml = """
    events: {click: positive}
    entities:
      user: {country: category}
      item: {genres: categories, year: number, category: category}
    features:
      histories: {clicks: {length: 3}}
      values:
        count: {statistic: count, of: user}
        item_count: {statistic: count, of: item}
        pair: {statistic: count, of: [user, item.genres]}
      sparse:
        user: user
        history: {of: history.clicks, normalise: none}
        country: user.country
        genres: {of: item.genres, normalise: none}
      dense: [count, item_count, pair, item.year]
    """

  private func click(_ user: String, _ item: String, _ time: Double = 100) -> EventBuilder {
    Fixture.rating(user, item, at: time, type: "click")
  }

  @Test("set replaces all attributes, merge those of the same name")
  func attributes() throws {
    var fixture = try Fixture(Self.yaml)
    try fixture.set(.item, "i", .set, [.init("genres", .texts(["a", "b"])), .init("year", .number(1990))])
    try fixture.make(click("u", "i"))
    #expect(fixture.features("genres").count == 2 && fixture.dense("item.year") == 1990)
    try fixture.set(.item, "i", .merge, [.init("genres", .texts(["c"])), .init("category", .text("x"))])
    try fixture.make(click("u", "i"))
    #expect(fixture.features("genres").count == 1 && fixture.dense("item.year") == 1990)
    try fixture.set(.item, "i", .set, [.init("genres", .texts(["a", "b", "c"]))])
    try fixture.make(click("u", "i"))
    #expect(fixture.features("genres").count == 3 && fixture.dense("item.year") == 0)
    let names = fixture.state.withAttributes(ofItem: FeatureState.itemKey("i")) { raw in
      raw.compactMap { try? AttributeView($0).name.string }
    }
    #expect(names == ["genres"])
    #expect(
      fixture.state.itemCategories(FeatureState.itemKey("i"), attribute: 0)
        == ["a", "b", "c"].map { StableHash.of($0) })
  }

  @Test("an item that leaves is in no catalogue until its attributes are set again")
  func itemLeaves() throws {
    var fixture = try Fixture(Self.yaml)
    try fixture.learn(click("u", "i"))
    let key = FeatureState.itemKey("i")
    #expect(fixture.state.itemOrdinal(key) == 0 && fixture.state.items.string(of: 0) == "i")
    try fixture.set(.item, "i", .delete)
    #expect(fixture.state.itemOrdinal(key) == nil && fixture.state.items.find("i") == nil)
    try fixture.learn(click("u", "i"))
    #expect(fixture.state.itemOrdinal(key) == nil)
    #expect(fixture.dense("item_count") == 1)  // what was learned of it stays
    try fixture.set(.item, "i", .set)
    #expect(fixture.state.itemOrdinal(key) != nil)
  }

  @Test("a user who is forgotten is a stranger when the same id comes back")
  func forgetting() throws {
    var fixture = try Fixture(Self.yaml)
    try fixture.set(.item, "i", .set, [.init("genres", .texts(["a"]))])
    try fixture.set(.user, "u", .set, [.init("country", .text("PT"))])
    for _ in 0..<5 { try fixture.learn(click("u", "i")) }
    try fixture.make(click("u", "i"))
    let known = fixture.example.features.map(\.key)
    #expect(fixture.dense("count") == 5 && fixture.dense("pair") == 5)
    #expect(fixture.features("history").count == 1 && fixture.features("country") == [1])
    try fixture.set(.user, "u", .delete)
    #expect(fixture.state.users.find("u") == nil)
    try fixture.make(click("u", "i"))
    #expect(fixture.dense("count") == 0 && fixture.dense("pair") == 0)
    #expect(fixture.features("history").isEmpty && fixture.features("country").isEmpty)
    // The weights learned before are out of reach.
    #expect(fixture.example.features.first?.key != known.first)
    try fixture.learn(click("u", "i"))
    #expect(fixture.state.users.find("u") != nil)
  }

  @Test("the history holds the newest, and a retraction takes one out")
  func history() throws {
    var fixture = try Fixture(Self.yaml)
    for item in ["a", "b", "c", "d"] { try fixture.learn(click("u", item)) }
    func keys() throws -> Set<UInt64> {
      try fixture.make(click("u", "x"))
      let slot = fixture.plan.slots.firstIndex { $0.name == "history" }!
      return Set(fixture.example.features.filter { Int($0.slot) == slot }.map(\.key))
    }
    let newest = try keys()
    #expect(newest.count == 3)
    try fixture.retract(click("u", "c"))
    #expect(try keys().count == 2 && keys().isSubset(of: newest))
  }

  @Test("rows beyond the bound go, and their names and records with them in time")
  func bounds() throws {
    var fixture = try Fixture(Self.yaml + "\nlimits: {users: 1000, items: 1000}\n")
    for step in 0..<5_000 { try fixture.learn(click("u\(step)", "i\(step)", Double(step + 1))) }
    #expect(fixture.state.userCount == 1_000 && fixture.state.itemCount == 1_000)
    #expect(fixture.state.users.count <= 1_000 + 1_024 + 1)
    #expect(fixture.state.items.count <= 1_000 + 1_024 + 1)
    #expect(fixture.state.users.find("u4999") != nil && fixture.state.users.find("u0") == nil)
  }

  private func stream(_ seed: UInt64, _ count: Int) -> [EventBuilder] {
    var random = Generator(state: seed)
    return (0..<count).map { step in
      let user = "u\(Int.random(in: 0..<40, using: &random))"
      let item = "i\(Int.random(in: 0..<60, using: &random))"
      switch Int.random(in: 0..<20, using: &random) {
      case 0:
        return EventBuilder(
          timeNanos: Int64(step) * 1_000_000_000,
          .entity(.item, id: item, .merge, attributes: [.init("genres", .texts(["g\(step % 7)", "h"]))]))
      case 1: return EventBuilder(timeNanos: Int64(step) * 1_000_000_000, .entity(.user, id: user, .delete))
      case 2: return EventBuilder(timeNanos: Int64(step) * 1_000_000_000, .entity(.item, id: item, .delete))
      default: return click(user, item, Double(step + 1))
      }
    }
  }

  @Test("the same events give the same digest, with copies taken on the way or not")
  func determinism() throws {
    let events = stream(5, 3_000)
    var plain = try Fixture(Self.yaml)
    var copied = try Fixture(Self.yaml)
    var kept: [FeatureState] = []
    for (place, event) in events.enumerated() {
      try plain.learn(event)
      try copied.learn(event)
      if place % 97 == 0 { kept.append(copied.state) }
      if place % 501 == 0 { kept.removeFirst() }
    }
    #expect(plain.state.digest == copied.state.digest)
    try plain.learn(click("one", "more"))
    #expect(plain.state.digest != copied.state.digest)
  }

  @Test("a state is read back equal, whole and as changes upon its parent, and learns on the same")
  func pages() throws {
    let events = stream(9, 2_000)
    var fixture = try Fixture(Self.yaml)
    for event in events[..<1_200] { try fixture.learn(event) }
    let parent = fixture.state
    var whole = PageBuffer()
    try parent.write(to: &whole)
    var other = try Fixture(Self.yaml)
    let restored = try FeatureState(other.plan, from: &whole)
    #expect(restored.digest == parent.digest)

    for event in events[1_200...] { try fixture.learn(event) }
    var changes = PageBuffer()
    try fixture.state.write(to: &changes, since: parent)
    other.state = restored
    var chain = PageLayers([PageStreamReader(bytes: changes.bytes), PageStreamReader(bytes: whole.bytes)])
    #expect(try FeatureState(other.plan, from: &chain).digest == fixture.state.digest)

    for event in events[1_200...] { try other.learn(event) }
    #expect(other.state.digest == fixture.state.digest)
  }
}
