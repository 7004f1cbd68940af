import Foundation
import Testing

@testable import Configuration

@Suite struct ReferenceTests {
  @Test("the reference has a line for every setting that any preset shows, and for every kind of section")
  func complete() {
    let known = Set(Configuration.reference.map(\.path))
    let named = [
      "entities.user", "entities.item", "events", "features.context", "features.values", "features.histories",
      "features.sparse", "model.members", "retrieval.retrievers", "server.permissions",
    ]
    for preset in Preset.allCases {
      for field in preset.configuration.fields {
        var path = field.path
        for section in named where path.hasPrefix(section + ".") {
          // The name is the user's.
          let rest = path.dropFirst(section.count + 1).drop { $0 != "." }
          path = section + ".NAME" + rest
        }
        #expect(known.contains(path), "\(field.path)")
      }
    }
  }

  @Test("docs/reference.md is what `cowbird config reference` prints")
  func fresh() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("docs/reference.md"), encoding: .utf8)
    #expect(
      text.hasSuffix(Configuration.referenceTables),
      "run: (sed '/^## /,$d' docs/reference.md; cowbird config reference) > out && mv out docs/reference.md")
  }

  @Test("what a setting depends on stands beside it")
  func dependence() throws {
    func entry(_ path: String) throws -> ReferenceEntry {
      try #require(Configuration.reference.first { $0.path == path })
    }
    #expect(try entry("entities.user.NAME.dimension").when == ["type vector"])
    #expect(try entry("entities.user.NAME.type").when == [])
    #expect(try entry("events.NAME.threshold").when == ["label threshold"])
    #expect(try entry("features.values.NAME.half_life").when == ["statistic decayed"])
    #expect(
      try entry("features.values.NAME.prior").when == [
        "statistic rate", "statistic mean", "statistic square",
      ])
    #expect(try entry("model.members.NAME.momentum").when == ["optimizer sgd"])
    #expect(try entry("learning.rate").when == [] && entry("learning.rate").effect == .learning)
  }

  @Test("a default is what is in force where nothing is said, and what may not be left so must be set")
  func defaults() throws {
    func value(_ path: String) throws -> String? {
      try #require(Configuration.reference.first { $0.path == path }).defaultValue
    }
    let fields = try Configuration(
      yaml: """
        events: {e: {}, r: value}
        features: {context: {c: {}}, values: {v: {from: user}}, histories: {h: {}}, sparse: {s: {of: user}}}
        model: {members: {m: {}}}
        retrieval: {retrievers: {p: {}}}
        """
    ).fields
    for (section, name) in [
      ("events", "e"), ("features.context", "c"), ("features.values", "v"), ("features.histories", "h"),
      ("features.sparse", "s"), ("model.members", "m"), ("retrieval.retrievers", "p"),
    ] {
      let inForce = fields.filter { $0.path.hasPrefix("\(section).\(name).") }
      #expect(!inForce.isEmpty, "\(section)")
      for field in inForce where !["from", "of"].contains(field.path.split(separator: ".").last) {
        let path = "\(section).NAME" + field.path.dropFirst(section.count + 1 + name.count)
        let entries = Configuration.reference.filter { $0.path == path && $0.allowed == field.allowed }
        #expect(entries.contains { $0.defaultValue == field.value }, "\(field.path)")
        if let only = entries.first, only.when.isEmpty { #expect(only.defaultValue == field.value) }
      }
    }
    for path in [
      "entities.item.NAME.dimension", "features.values.NAME.half_life", "features.values.NAME.numerator",
      "features.values.NAME.from", "features.sparse.NAME.of",
    ] {
      #expect(try value(path) == nil, "\(path)")
    }
  }

  @Test("a path is found in the text that it was read from")
  func places() {
    let yaml = "preset: ads\nserver:\n  permissions:\n    x: {user: nobody-there}\n"
    #expect(Configuration.place(of: "server.permissions.x.user", in: yaml) == (4, 15))
    #expect(Configuration.place(of: "server.group", in: yaml) == (3, 3))
    #expect(Configuration.place(of: "log.segment", in: yaml) == (1, 1))
  }
}
