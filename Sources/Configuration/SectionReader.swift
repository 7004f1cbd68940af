// Reads sections from YAML nodes over what is there already (defaults, a preset, the configuration in force),
// and gathers every problem instead of stopping at the first.

internal import Yams

/// Where each path was read from, for problems that are found only when all is read.
struct SourceMap {
  private(set) var marks: [String: (line: Int, column: Int)] = [:]

  mutating func note(_ path: String, _ node: Node) {
    if let mark = node.mark { marks[path] = (mark.line, mark.column) }
  }

  /// Remembers a list with its elements: `path[0]` and so on.
  mutating func note(list path: String, _ node: Node) {
    note(path, node)
    guard case .sequence(let elements) = node else { return }
    for (index, element) in elements.enumerated() { note("\(path)[\(index)]", element) }
  }

  /// The place of `path`, or of the nearest of its ancestors that was read; of a list's element, if it says which.
  /// What stands nowhere is missing from the document, so that is its place; (0, 0): there is none.
  /// - Parameter missing: the path of something that is not there, though `path` needs it: where `path` was not
  ///   read (a preset has it), the place that took the other away.
  func place(of path: String, at index: Int? = nil, missing: String? = nil) -> (line: Int, column: Int) {
    if let index, let mark = marks["\(path)[\(index)]"] { return mark }
    return marks[path] ?? missing.flatMap { marks[$0] } ?? nearest(path) ?? missing.flatMap(nearest)
      ?? marks[""] ?? (0, 0)
  }

  private func nearest(_ path: String) -> (line: Int, column: Int)? {
    var path = path[...]
    while true {
      if let mark = marks[String(path)] { return mark }
      guard let dot = path.lastIndex(of: ".") else { return nil }
      path = path[..<dot]
    }
  }
}

struct SectionReader: FieldVisitor {
  private var entries: [(key: String, keyNode: Node, node: Node, isUsed: Bool)] = []
  private var known: [String] = []
  private let path: String
  var problems: [ConfigurationProblem] = []
  var sources = SourceMap()
  private let isByPath: Bool

  /// Reads `section` from `node`; what the node does not mention stays as it is.
  /// - Parameter isByPath: a path leads to `node`, as to a setting: what it names is there, as a rule.
  static func read<S: Section>(
    _ section: inout S, from node: Node, path: String, sources: inout SourceMap, isByPath: Bool = false
  ) -> [ConfigurationProblem] {
    sources.note(path, node)
    if node.isNull { return [] }
    var reader = SectionReader(path: path, isByPath: isByPath)
    switch node {
    case .mapping(let mapping):
      for (key, value) in mapping {
        guard let text = key.text else {
          reader.problems.append(problem(at: key, path: path, "a key must be text, not \(key.shown)"))
          continue
        }
        reader.entries.append((text, key, value, false))
      }
    default:
      guard let key = S.shorthand else {
        return [problem(at: node, path: path, "\(node.shown) where a mapping of keys to values is expected")]
      }
      reader.entries.append((key, node, node, false))
    }
    section.visit(&reader)
    for entry in reader.entries where !entry.isUsed {
      reader.problems.append(
        problem(
          at: entry.keyNode, path: join(path, entry.key),
          "unknown key \"\(entry.key)\"" + Suggestion.hintOrList(for: entry.key, among: reader.known)))
    }
    sources.merge(reader.sources)
    return reader.problems
  }

  private init(path: String, isByPath: Bool) {
    self.path = path
    self.isByPath = isByPath
  }

  static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  static func problem(at node: Node, path: String, _ message: String) -> ConfigurationProblem {
    ConfigurationProblem(
      line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, path: path, message: message)
  }

  private mutating func take(_ key: String) -> Node? {
    known.append(key)
    guard let index = entries.firstIndex(where: { $0.key == key && !$0.isUsed }) else { return nil }
    entries[index].isUsed = true
    return entries[index].node
  }

  mutating func value<Value: Equatable & Sendable>(
    _ key: String, _ value: inout Value, _ kind: Kind<Value>, _ effect: Effect, _ about: String
  ) {
    guard let node = take(key) else { return }
    let path = Self.join(path, key)
    sources.note(list: path, node)
    if let read = kind.read(node) {
      value = read
      return
    }
    let (wrong, allowed) = kind.wrongElement(node) ?? (node, kind.allowed)
    var shown = wrong.shown
    if case .sequence(let elements) = wrong { shown += " of \(elements.count)" }
    var message = "\(shown) is not allowed; allowed: \(allowed)"
    if allowed.hasPrefix("one of "), let text = wrong.text {
      message += Suggestion.hint(
        for: text, among: allowed.dropFirst(7).split(separator: ", ").map(String.init))
    }
    problems.append(Self.problem(at: wrong, path: path, message))
  }

  mutating func section<S: Section>(_ key: String, _ section: inout S, _ about: String) {
    guard let node = take(key) else { return }
    problems += Self.read(
      &section, from: node, path: Self.join(path, key), sources: &sources, isByPath: isByPath)
  }

  mutating func named<S: NamedSection>(_ key: String, _ sections: inout [S], _ about: String) {
    guard let node = take(key) else { return }
    let path = Self.join(path, key)
    sources.note(path, node)
    if node.isNull {
      if node.isExplicitNull { sections = [] }
      return
    }
    guard case .mapping(let mapping) = node else {
      problems.append(
        Self.problem(at: node, path: path, "\(node.shown) where a mapping of names is expected"))
      return
    }
    for (nameNode, child) in mapping {
      guard let name = nameNode.text, Name.isValid(name) else {
        problems.append(
          Self.problem(
            at: nameNode, path: path, "name \(nameNode.shown) is not allowed; allowed: \(Name.allowed)"))
        continue
      }
      let place = sections.firstIndex { $0.name == name }
      if place == nil, child.isExplicitNull || (isByPath && !S.canBeAddedByPath) {
        let known = sections.map(\.name)
        problems.append(
          Self.problem(
            at: nameNode, path: Self.join(path, name),
            "there is no \"\(name)\"\(child.isExplicitNull ? " to take away" : "")"
              + Suggestion.hintOrList(for: name, among: known)))
        continue
      }
      if child.isExplicitNull, let place {
        sources.note(Self.join(path, name), child)
        sections.remove(at: place)
        continue
      }
      var section = place.map { sections[$0] } ?? S()
      section.name = name
      problems += Self.read(
        &section, from: child, path: Self.join(path, name), sources: &sources, isByPath: isByPath)
      if let place { sections[place] = section } else { sections.append(section) }
    }
  }
}

extension SourceMap {
  mutating func merge(_ other: SourceMap) { marks.merge(other.marks) { $1 } }
}
