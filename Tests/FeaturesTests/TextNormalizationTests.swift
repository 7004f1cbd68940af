import Configuration
import Primitives
import Tables
import Testing
import Wire

@testable import Features

@Suite struct TextNormalizationTests {
  private var keys: [UInt64] = []

  @Test(
    "trimmed, in one case, composed",
    arguments: [
      ("abc", "abc"), ("  Abc\t\n", "abc"), ("\u{A0}x\u{2003}", "x"), ("e\u{301}", "\u{E9}"),
      ("STRASSE", "strasse"), ("", ""), ("   ", ""), ("a b", "a b"), ("\u{212B}", "\u{E5}"),
      ("\0id\u{7F}", "id"),
    ])
  func normal(text: String, expected: String) {
    let rule = TextNormalization(trims: true, foldsCase: true, composes: true)
    // By bytes: Swift's own == would not see the difference.
    #expect(Array(rule.normalized(text).utf8) == Array(expected.utf8))
    #expect(Array(rule.normalized(expected).utf8) == Array(expected.utf8))
  }

  @Test("what is switched off is left alone")
  func off() {
    let rule = TextNormalization(trims: false, foldsCase: false, composes: false)
    #expect(Array(rule.normalized(" E\u{301} ").utf8) == Array(" E\u{301} ".utf8))
  }

  /// What an event leaves in a model whose configuration folds what it can.
  private mutating func state(user: String, item: String, site: String, genre: String, rule: String) throws
    -> FeatureState
  {
    let plan = FeaturePlan(
      try Configuration(
        yaml: """
          label: {minimum: 0, maximum: 1, center: 0.5}
          events: {click: {label: positive}}
          entities: {item: {genre: category}}
          hygiene: {normalise: {ids: \(rule), categories: \(rule)}}
          features:
            context: {site: category}
            sparse: {user: {of: user}, item: {of: item}, site: {of: context.site}, genre: {of: item.genre}}
          model: {members: {linear: {kind: linear}}, stack: {by: first}}
          """))
    var state = FeatureState(plan)
    let example = Example(plan)
    for event in [
      EventBuilder(
        timeNanos: 1, .entity(.item, id: item, .set, attributes: [NamedAttribute("genre", .text(genre))])),
      EventBuilder(
        timeNanos: 2,
        .interaction(type: "click", user: user, item: item, context: [NamedAttribute("site", .text(site))])),
    ] {
      try event.encoded().withUnsafeBytes { bytes in
        let view = try EventView(bytes)
        state.update(entity: view, timeNanos: view.timeNanos)
        if state.makeExample(view, timeNanos: view.timeNanos, into: example) { state.update(view, example) }
      }
    }
    keys = example.features.map(\.key)
    return state
  }

  @Test("ids and categories are the same features and the same rows in every spelling that the rule folds")
  mutating func folded() throws {
    let rule = "{trim: true, fold_case: true, compose: true}"
    let plain = try state(user: "ann", item: "caf\u{E9}", site: "news", genre: "drama", rule: rule)
    let plainKeys = keys
    let spelled = try state(user: " Ann", item: "CAFE\u{301} ", site: "NEWS\t", genre: "Drama", rule: rule)
    #expect(keys == plainKeys && keys.count == 4)
    #expect(spelled.users.count == 1 && spelled.items.count == 1)
    #expect(spelled.items.string(of: 0) == "caf\u{E9}")
    #expect(plain.itemOrdinal(plain.plan.itemKey("Caf\u{E9}")) == 0)
  }

  @Test("without a rule every spelling is its own")
  mutating func exact() throws {
    _ = try state(user: "ann", item: "alien", site: "news", genre: "drama", rule: "{}")
    let plain = keys
    _ = try state(user: "Ann", item: "alien ", site: "NEWS", genre: "Drama", rule: "{}")
    #expect(zip(keys, plain).allSatisfy { $0 != $1 })
  }

  @Test("an id of nothing but white space is no id")
  mutating func blank() throws {
    let state = try state(user: " \t", item: "alien", site: "news", genre: "drama", rule: "{trim: true}")
    #expect(state.users.count == 0 && keys.count == 3)
  }
}
