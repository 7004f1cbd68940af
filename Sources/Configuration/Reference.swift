// Every setting there can be, for the reference: what a configuration might have, where `fields` says what one has.

internal import Yams

/// A setting, under NAME where users choose the name.
package struct ReferenceEntry: Equatable, Sendable {
  package var path: String
  /// Of a section as it is without a preset; nil: it must be set.
  package var defaultValue: String?
  package var effect: Effect
  package var about: String
  package var allowed: String
  /// On which settings beside it it depends; empty: on none.
  package var when: [String]
}

struct ReferenceVisitor: FieldVisitor {
  private(set) var entries: [ReferenceEntry] = []
  private var path = ""
  private var when: [String] = []

  mutating func value<Value: Equatable & Sendable>(
    _ key: String, _ value: inout Value, _ kind: Kind<Value>, _ effect: Effect, _ about: String
  ) {
    let path = SectionReader.join(path, key)
    // The same field of another sample: one more thing that it may depend on.
    if let place = entries.firstIndex(where: {
      $0.path == path && $0.about == about && $0.allowed == kind.allowed
    }) {
      entries[place].when += when
      return
    }
    // A default that may not be written stands for one that must be.
    let text = kind.write(value)
    let isAllowed = kind.read((try? Yams.compose(yaml: text)) ?? Node("")) != nil
    entries.append(
      ReferenceEntry(
        path: path, defaultValue: isAllowed ? text : nil, effect: effect, about: about, allowed: kind.allowed,
        when: when))
  }

  mutating func section<S: Section>(_ key: String, _ section: inout S, _ about: String) {
    within(key) { section.visit(&$0) }
  }

  mutating func named<S: NamedSection>(_ key: String, _ sections: inout [S], _ about: String) {
    let outer = when
    let first = entries.count
    within(SectionReader.join(key, "NAME")) { visitor in
      for sample in S.samples {
        var section = sample.section
        visitor.when = [sample.when]
        section.visit(&visitor)
      }
    }
    when = outer
    // What every sample has depends on none, and is by default what it is in a section that says nothing.
    let samples = S.samples.map(\.when)
    var untouched = ReferenceVisitor()
    var section = S()
    section.visit(&untouched)
    for place in first..<entries.count where entries[place].when.count == samples.count {
      entries[place].when = []
      let key = entries[place].path.split(separator: ".").last
      let entry = untouched.entries.first { $0.path[...] == key }
      if let entry { entries[place].defaultValue = entry.defaultValue }
    }
  }

  private mutating func within(_ key: String, _ body: (inout ReferenceVisitor) -> Void) {
    let outer = path
    path = SectionReader.join(path, key)
    body(&self)
    path = outer
  }
}

extension Configuration {
  /// Every setting that a configuration can have, in the order of the rendering.
  package static var reference: [ReferenceEntry] {
    var visitor = ReferenceVisitor()
    var configuration = Configuration()
    configuration.visit(&visitor)
    return visitor.entries
  }

  /// The reference as Markdown tables, one for each part of the file.
  package static var referenceTables: String {
    var text = ""
    var part: Substring?
    for entry in reference {
      let own = entry.path.prefix { $0 != "." }
      if own != part {
        text +=
          "\n## `\(own)`\n\n| setting | default | in force | meaning | allowed |\n| --- | --- | --- | --- | --- |\n"
        part = own
      }
      let when = entry.when.isEmpty ? "" : " (\(entry.when.joined(separator: ", ")))"
      let cells = [
        "`\(entry.path)`\(when)", entry.defaultValue.map { "`\($0)`" } ?? "must be set", entry.effect.meaning,
        entry.about, entry.allowed,
      ]
      text += "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    return text
  }
}
