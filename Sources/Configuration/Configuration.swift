// The whole of cowbird.yaml as one value: read, checked, rendered, hashed, compared and changed by path.

internal import Primitives
internal import Yams

package struct Configuration: Section {
  package var data = "/var/lib/cowbird"
  package var entities = EntitiesSection()
  package var label = LabelSection()
  package var events: [EventTypeSection] = []
  package var features = FeaturesSection()
  package var model = ModelSection()
  package var learning = LearningSection()
  package var publish = PublishSection()
  package var hygiene = HygieneSection()
  package var retrieval = RetrievalSection()
  package var versions = VersionsSection()
  package var limits = LimitsSection()
  package var server = ServerSection()
  package var log = LogSection()
  package var logging = LoggingSection()

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "data", &data, .text(atMost: 4096, orEmpty: false), .restart, "Directory of the log and the versions.")
    visitor.section("entities", &entities, "Users and items.")
    visitor.named("events", &events, "Event types by name.")
    visitor.section("label", &label, "The range that labels and answers lie in.")
    visitor.section("features", &features, "What examples are made of.")
    visitor.section("model", &model, "Predictors.")
    visitor.section("learning", &learning, "How learning goes.")
    visitor.section("publish", &publish, "When revisions are published.")
    visitor.section("hygiene", &hygiene, "What is done with suspicious events.")
    visitor.section("retrieval", &retrieval, "How the best of the catalogue are found.")
    visitor.section("versions", &versions, "When versions are made, and which are kept.")
    visitor.section("limits", &limits, "Bounds.")
    visitor.section("server", &server, "The socket.")
    visitor.section("log", &log, "The event log.")
    visitor.section("logging", &logging, "Messages of the daemon.")
  }
}

extension Configuration {
  /// Longest configuration that is read.
  package static let maximumBytes = 1 << 20

  /// Reads YAML: defaults, then the preset that `preset:` names, then what the text says.
  /// - Throws: every problem that was found.
  package init(yaml text: String) throws(ConfigurationError) {
    self.init()
    guard let node = try Self.compose(text) else {
      throw ConfigurationError([.init(path: "", message: Self.empty)])
    }
    guard case .mapping(var mapping) = node else {
      throw ConfigurationError([
        SectionReader.problem(
          at: node, path: "", "\(node.shown) where a mapping of keys to values is expected")
      ])
    }
    var problems: [ConfigurationProblem] = []
    if let index = mapping.firstIndex(where: { $0.key.text == "preset" }) {
      let chosen = mapping[index].value
      mapping = Self.withoutPreset(mapping)
      if let preset = chosen.text.flatMap(Preset.init(rawValue:)) {
        self = preset.configuration
      } else if !chosen.isNull {
        let names = Preset.allCases.map(\.rawValue)
        let hint = Suggestion.hint(for: chosen.text ?? "", among: names)
        problems.append(
          SectionReader.problem(
            at: chosen, path: "preset",
            "\(chosen.shown) is not allowed; allowed: one of \(names.joined(separator: ", "))\(hint)"))
      }
    }
    var sources = SourceMap()
    problems += SectionReader.read(&self, from: .mapping(mapping), path: "", sources: &sources)
    if problems.isEmpty { problems = check(sources) }
    guard problems.isEmpty else { throw ConfigurationError(problems) }
  }

  /// Where a path, or the nearest above it, stands in YAML that was read before; of what stands nowhere, where the
  /// document begins.
  package static func place(of path: String, in text: String) -> (line: Int, column: Int) {
    guard let node = try? compose(text), case .mapping(let mapping) = node else { return (0, 0) }
    var sources = SourceMap()
    var scratch = Configuration()
    _ = SectionReader.read(&scratch, from: .mapping(withoutPreset(mapping)), path: "", sources: &sources)
    return sources.place(of: path)
  }

  private static func withoutPreset(_ mapping: Node.Mapping) -> Node.Mapping {
    Node.Mapping(
      mapping.filter { $0.key.text != "preset" }.map { ($0.key, $0.value) }, mapping.tag, mapping.style,
      mapping.mark)
  }

  private static let empty = """
    the configuration is empty; the least is one line, such as "preset: clicks" \
    (\(Preset.allCases.map(\.rawValue).joined(separator: ", ")))
    """

  private static func compose(_ text: String) throws(ConfigurationError) -> Node? {
    guard text.utf8.count <= maximumBytes else {
      throw ConfigurationError([
        .init(path: "", message: "\(text.utf8.count) bytes are too many; allowed: \(maximumBytes)")
      ])
    }
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw ConfigurationError([problem(from: error, in: text)])
    } catch {
      throw ConfigurationError([.init(path: "", message: "not YAML: \(error)")])
    }
  }

  private static func problem(from error: YamlError, in text: String) -> ConfigurationProblem {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let around = context.map { " (\($0.text))" } ?? ""
      return .init(line: mark.line, column: mark.column, path: "", message: "not YAML: \(problem)\(around)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let key = RepeatedKey(name: duplicates.first ?? "", first: context.mark)
      let mark = key.repetition(in: text) ?? key.first
      return .init(
        line: mark.line, column: mark.column, path: "",
        message: "repeated key \"\(key.name)\"; it stands on line \(key.first.line) already")
    default: return .init(path: "", message: "not YAML: \(error)")
    }
  }

  /// Changes settings by their paths (`learning.rate` to `0.05`), all or none, with the same checks as a file.
  /// - Throws: every problem; its path is the setting's.
  package func setting(_ settings: [(path: String, value: String)]) throws(ConfigurationError)
    -> Configuration
  {
    var changed = self
    var problems: [ConfigurationProblem] = []
    for (path, value) in settings {
      var node: Node
      do {
        node = try Self.compose(value) ?? Node("")
      } catch {
        problems.append(.init(path: path, message: "\"\(value)\" is not a value"))
        continue
      }
      let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard keys.allSatisfy({ !$0.isEmpty }), !keys.isEmpty else {
        problems.append(
          .init(path: path, message: "a path is keys with points between, such as learning.rate"))
        continue
      }
      for key in keys.reversed() { node = Node([(Node(key), node)]) }
      var sources = SourceMap()
      problems += SectionReader.read(
        &changed, from: node, path: "", sources: &sources, isByPath: true
      ).map { problem in
        var problem = problem
        (problem.line, problem.column) = (0, 0)
        return problem
      }
    }
    if problems.isEmpty { problems = changed.check(SourceMap()) }
    guard problems.isEmpty else { throw ConfigurationError(problems) }
    return changed
  }

  /// Canonical YAML with all defaults filled in; reads back equal.
  /// - Parameter isCommented: each field says what it means and what is allowed.
  package func rendered(isCommented: Bool = false) -> String {
    var renderer = SectionRenderer(isCommented: isCommented)
    var copy = self
    copy.visit(&renderer)
    return renderer.text
  }

  /// Every field with its path, value, effect and meaning, in the order of the rendering.
  package var fields: [FlatField] {
    var flattener = SectionFlattener()
    var copy = self
    copy.visit(&flattener)
    return flattener.fields
  }

  /// Of all that decides what is learned from a log; what a model remembers.
  package var learnedHash: UInt64 { hash { $0.isLearned } }

  /// Of the rest: how the daemon runs.
  package var operationalHash: UInt64 { hash { !$0.isLearned } }

  private func hash(_ takes: (Effect) -> Bool) -> UInt64 {
    var text = ""
    for field in fields where takes(field.effect) { text += "\(field.path)=\(field.value)\n" }
    return StableHash.of(text)
  }

  /// What differs in `other`, with the effect of each change: fields of both, of one, in the order of their paths' first mention.
  package func changes(to other: Configuration) -> [FieldChange] {
    let before = fields
    let after = other.fields
    let old = Dictionary(before.map { ($0.path, $0) }) { first, _ in first }
    let new = Dictionary(after.map { ($0.path, $0) }) { first, _ in first }
    var changes: [FieldChange] = []
    for field in before where new[field.path]?.value != field.value {
      changes.append(
        FieldChange(path: field.path, from: field.value, to: new[field.path]?.value, effect: field.effect))
    }
    for field in after where old[field.path] == nil {
      changes.append(FieldChange(path: field.path, from: nil, to: field.value, effect: field.effect))
    }
    return changes
  }
}

/// One field that two configurations have differently.
package struct FieldChange: Equatable, Sendable {
  package var path: String
  /// Nil: not there before.
  package var from: String?
  /// Nil: not there any more.
  package var to: String?
  package var effect: Effect
}

extension Configuration {
  /// This one, with the settings of `other` that need no restart.
  package func takingOperation(from other: Configuration) -> Configuration {
    var changed = self
    changed.server.permissions = other.server.permissions
    let live = changed.changes(to: other).filter { $0.effect == .live && $0.to != nil }
    return (try? changed.setting(live.map { (path: $0.path, value: $0.to ?? "") })) ?? changed
  }
}
