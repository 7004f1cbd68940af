// Renders a configuration with every default filled in, and lists it flat for hashes and comparisons.

/// Canonical YAML: two configurations are equal exactly when their renderings are.
struct SectionRenderer: FieldVisitor {
  private(set) var text = ""
  private var depth = 0
  /// Each field is followed by what it means.
  var isCommented = false

  init(isCommented: Bool = false) { self.isCommented = isCommented }

  private var indent: String { String(repeating: "  ", count: depth) }

  private mutating func comment(_ about: String) {
    if isCommented, !about.isEmpty { text += "\(indent)# \(about)\n" }
  }

  mutating func value<Value: Equatable & Sendable>(
    _ key: String, _ value: inout Value, _ kind: Kind<Value>, _ effect: Effect, _ about: String
  ) {
    comment(isCommented ? "\(about) Allowed: \(kind.allowed). In force: \(effect.meaning)." : "")
    text += "\(indent)\(key): \(kind.write(value))\n"
  }

  mutating func section<S: Section>(_ key: String, _ section: inout S, _ about: String) {
    comment(about)
    body(key, &section)
  }

  mutating func named<S: NamedSection>(_ key: String, _ sections: inout [S], _ about: String) {
    comment(about)
    guard !sections.isEmpty else {
      text += "\(indent)\(key): {}\n"
      return
    }
    text += "\(indent)\(key):\n"
    depth += 1
    for index in sections.indices { body(YAMLText.scalar(sections[index].name), &sections[index]) }
    depth -= 1
  }

  private mutating func body<S: Section>(_ key: String, _ section: inout S) {
    let start = text.utf8.count
    text += "\(indent)\(key):\n"
    let head = text.utf8.count
    depth += 1
    section.visit(&self)
    depth -= 1
    if text.utf8.count == head {
      text = String(text.utf8.prefix(start)) ?? text
      text += "\(indent)\(key): {}\n"
    }
  }
}

/// One field with its value.
package struct FlatField: Equatable, Sendable {
  package var path: String
  package var value: String
  package var effect: Effect
  package var about: String
  package var allowed: String
}

struct SectionFlattener: FieldVisitor {
  private(set) var fields: [FlatField] = []
  private var path = ""

  mutating func value<Value: Equatable & Sendable>(
    _ key: String, _ value: inout Value, _ kind: Kind<Value>, _ effect: Effect, _ about: String
  ) {
    fields.append(
      FlatField(
        path: SectionReader.join(path, key), value: kind.write(value), effect: effect, about: about,
        allowed: kind.allowed))
  }

  mutating func section<S: Section>(_ key: String, _ section: inout S, _ about: String) {
    within(key) { section.visit(&$0) }
  }

  mutating func named<S: NamedSection>(_ key: String, _ sections: inout [S], _ about: String) {
    for index in sections.indices {
      within(SectionReader.join(key, sections[index].name)) { sections[index].visit(&$0) }
    }
  }

  private mutating func within(_ key: String, _ body: (inout SectionFlattener) -> Void) {
    let outer = path
    path = SectionReader.join(path, key)
    body(&self)
    path = outer
  }
}
