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
    #expect(try entry("features.values.NAME.half_life").when == ["statistic decayed", "statistic rate"])
    #expect(try entry("model.members.NAME.momentum").when == ["optimizer sgd"])
    #expect(try entry("learning.rate").when == [] && entry("learning.rate").effect == .learning)
  }

  @Test("a path is found in the text that it was read from")
  func places() {
    let yaml = "preset: ads\nserver:\n  permissions:\n    x: {user: nobody-there}\n"
    #expect(Configuration.place(of: "server.permissions.x.user", in: yaml) == (4, 15))
    #expect(Configuration.place(of: "server.group", in: yaml) == (3, 3))
    #expect(Configuration.place(of: "log.segment", in: yaml) == (0, 0))
  }
}
