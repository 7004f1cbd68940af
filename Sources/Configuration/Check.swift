// What must hold between fields: names that exist, bounds in order, features that can be made.

extension Configuration {
  /// Every problem between fields, each at the place of the field that should change.
  func check(_ sources: SourceMap) -> [ConfigurationProblem] {
    var checker = Checker(sources: sources)
    checkEvents(&checker)
    checkHygiene(&checker)
    checkAttributes(&checker)
    checkValues(&checker)
    checkTemplates(&checker)
    checkModel(&checker)
    checkRetrieval(&checker)
    return checker.problems
  }

  struct Checker {
    let sources: SourceMap
    var problems: [ConfigurationProblem] = []

    /// - Parameters:
    ///   - index: of the list's element that is wrong.
    ///   - other: the path of what `path` does not go with. Where a preset has `path`, the file changed the other.
    mutating func fail(_ path: String, at index: Int? = nil, for other: String? = nil, _ message: String) {
      let place = sources.place(of: path, at: index, missing: other)
      problems.append(.init(line: place.line, column: place.column, path: path, message: message))
    }

    mutating func require(
      _ condition: Bool, _ path: String, at index: Int? = nil, for other: String? = nil,
      _ message: @autoclosure () -> String
    ) {
      if !condition { fail(path, at: index, for: other, message()) }
    }

    /// - Parameter section: the path of the section that has the `known` names.
    mutating func require(
      _ names: [String], among known: [String], of section: String, _ path: String, what: String
    ) {
      for (index, name) in names.enumerated() where !known.contains(name) {
        fail(
          path, at: index, for: "\(section).\(name)",
          "no \(what) \"\(name)\"" + Suggestion.hintOrList(for: name, among: known))
      }
    }
  }

  private func checkHygiene(_ checker: inout Checker) {
    checker.require(
      hygiene.value.minimum <= hygiene.value.maximum, "hygiene.value.minimum",
      "\(YAMLText.number(hygiene.value.minimum)) is above hygiene.value.maximum "
        + "(\(YAMLText.number(hygiene.value.maximum)))")
    checker.require(
      hygiene.outlier.context, among: features.context.filter { $0.type == .number }.map(\.name),
      of: "features.context", "hygiene.outlier.context", what: "numeric context")
  }

  private func checkEvents(_ checker: inout Checker) {
    let types = events.map(\.name)
    checker.require(
      !types.isEmpty, "events", "no event types; name at least one, or start from a preset (preset: clicks)")
    checker.require(
      types.isEmpty || events.contains { $0.label != .none }, "events",
      "no event type has a label, so nothing would be learned; give one label: value, positive or threshold")
    checker.require(types.count <= 64, "events", "\(types.count) event types; allowed: at most 64")
    checker.require(
      label.minimum < label.maximum, "label.minimum",
      "\(YAMLText.number(label.minimum)) is not below label.maximum (\(YAMLText.number(label.maximum)))")
    checker.require(
      (label.minimum...max(label.minimum, label.maximum)).contains(label.center)
        || label.minimum >= label.maximum,
      "label.center",
      "\(YAMLText.number(label.center)) lies outside label.minimum...label.maximum")
    for event in events {
      let path = "events.\(event.name)"
      checker.require(
        event.answeredBy, among: types, of: "events", "\(path).answered_by", what: "event type")
      checker.require(
        event.answeredBy.isEmpty || event.delay > 0, "\(path).delay",
        "is 0, but answered_by names event types to wait for")
      if let minimum = event.minimum, let maximum = event.maximum {
        checker.require(
          minimum <= maximum, "\(path).minimum",
          "\(YAMLText.number(minimum)) is above \(path).maximum (\(YAMLText.number(maximum)))")
      }
    }
  }

  private func checkAttributes(_ checker: inout Checker) {
    for (path, attributes) in [
      ("entities.user", entities.user), ("entities.item", entities.item),
      ("features.context", features.context),
    ] {
      checker.require(attributes.count <= 256, path, "\(attributes.count) attributes; allowed: at most 256")
      for attribute in attributes where attribute.type == .vector {
        checker.require(
          attribute.dimension > 0, "\(path).\(attribute.name).dimension",
          "a vector needs its dimension; allowed: 1 to 4096")
      }
    }
  }

  private func checkValues(_ checker: inout Checker) {
    let types = events.map(\.name)
    let reserved = ["user", "item", "type", "source", "time", "context", "history"]
    for (index, value) in features.values.enumerated() {
      let path = "features.values.\(value.name)"
      checker.require(
        !reserved.contains(value.name), path, "\"\(value.name)\" is a source's name; choose another")
      checkTransforms(value, path, &checker)
      checker.require(value.types, among: types, of: "events", "\(path).types", what: "event type")
      checker.require(value.numerator, among: types, of: "events", "\(path).numerator", what: "event type")
      if let statistic = value.statistic {
        checkStatistic(value, statistic, path, &checker)
        checkAcyclic(index, path, &checker)
      } else {
        if value.from.isEmpty {
          checker.fail(path, "needs a source (from: item.price) or a statistic (statistic: mean)")
        } else if case .failure(let error) = source(value.from) {
          checker.fail("\(path).from", for: Self.declaration(of: value.from), error.message)
        } else {
          checkAcyclic(index, path, &checker)
          checkNature(value, path, &checker)
        }
      }
    }
  }

  private func checkNature(_ value: ValueSection, _ path: String, _ checker: inout Checker) {
    guard case .success(let inner) = source(value.from) else { return }
    let nature = nature(inner)
    let transforms =
      !value.clip.isEmpty || value.log1p || value.sqrt || value.standardise || value.offset != 0
      || value.scale != 1 || !value.bucketise.isEmpty || value.step != 0 || !value.within.isEmpty
      || value.missing != nil
    checker.require(
      !transforms || nature == .number, "\(path).from", for: Self.declaration(of: value.from),
      "\"\(value.from)\" is no number, so it cannot be transformed")
    checker.require(
      !value.isSet || nature == .categories, "\(path).set", for: Self.declaration(of: value.from),
      "\"\(value.from)\" is not several categories")
  }

  private func checkStatistic(
    _ value: ValueSection, _ kind: StatisticKind, _ path: String, _ checker: inout Checker
  ) {
    checkCategorical(value.of, "\(path).of", &checker)
    for (index, name) in value.minus.enumerated() {
      checkNumeric(name, "\(path).minus", at: index, &checker)
    }
    if kind == .decayed {
      checker.require(
        value.halfLife > 0, "\(path).half_life",
        "a decayed count needs a half-life above 0, such as 1d")
    }
    if kind == .session {
      checker.require(
        value.gap > 0, "\(path).gap",
        "a session needs a gap above 0, such as 30m")
    }
    if kind == .rate {
      checker.require(
        !value.numerator.isEmpty, "\(path).numerator",
        "names none; a rate needs the event types above the line, of \(events.map(\.name).joined(separator: ", "))"
      )
      checker.require(
        value.shrinkage > 0, "\(path).shrinkage",
        "a rate needs a shrinkage above 0 (events that the prior weighs), such as 20")
    }
  }

  private func checkTransforms(_ value: ValueSection, _ path: String, _ checker: inout Checker) {
    for (key, bounds) in [("clip", value.clip), ("within", value.within)] where !bounds.isEmpty {
      checker.require(
        bounds.count == 2 && bounds[0] <= bounds[1], "\(path).\(key)",
        "[\(bounds.map(YAMLText.number).joined(separator: ", "))] is not allowed; allowed: two numbers, lowest first"
      )
    }
    requireGrowing(value.bucketise, "\(path).bucketise", &checker)
    let ends = [
      ("bucketise", !value.bucketise.isEmpty), ("step", value.step > 0), ("within", !value.within.isEmpty),
    ].filter(\.1).map(\.0)
    checker.require(
      ends.count <= 1, path,
      "has \(ends.joined(separator: " and ")); allowed: one of bucketise, step and within")
  }

  private func requireGrowing(_ numbers: [Double], _ path: String, _ checker: inout Checker) {
    for (index, (before, number)) in zip(numbers, numbers.dropFirst()).enumerated() where before >= number {
      checker.fail(
        path, at: index + 1,
        "\(YAMLText.number(number)) after \(YAMLText.number(before)); allowed: numbers that grow")
    }
  }

  /// A value must not be made from itself; `minus` may, because it is read as it was before the event.
  private func checkAcyclic(_ start: Int, _ path: String, _ checker: inout Checker) {
    var seen: Set<Int> = []
    var open = [start]
    while let index = open.popLast() {
      let value = features.values[index]
      for name in value.statistic == nil ? [value.from] : value.of {
        guard case .success(.value(let inner)) = source(name) else { continue }
        if inner == start {
          checker.fail(path, "is made from itself")
          return
        }
        if seen.insert(inner).inserted { open.append(inner) }
      }
    }
  }

  private func checkCategorical(_ names: [String], _ path: String, _ checker: inout Checker) {
    for (index, name) in names.enumerated() {
      switch source(name) {
      case .failure(let error): checker.fail(path, at: index, for: Self.declaration(of: name), error.message)
      case .success(let source):
        checker.require(
          nature(source).isCategorical, path, at: index, for: Self.declaration(of: name),
          "\"\(name)\" is a number; make a category of it with bucketise or step")
      }
    }
  }

  private func checkTemplates(_ checker: inout Checker) {
    let types = events.map(\.name)
    for history in features.histories {
      checker.require(
        history.types, among: types, of: "events", "features.histories.\(history.name).types",
        what: "event type")
    }
    checker.require(
      features.sparse.count <= 512, "features.sparse",
      "\(features.sparse.count) templates; allowed: at most 512")
    for template in features.sparse {
      let path = "features.sparse.\(template.name)"
      checker.require(!template.of.isEmpty, "\(path).of", "needs at least one source")
      checkCategorical(template.of, "\(path).of", &checker)
      if !template.times.isEmpty { checkNumeric(template.times, "\(path).times", &checker) }
    }
    for (index, entry) in features.dense.enumerated() {
      for factor in Self.factors(of: entry) { checkDense(factor, entry, at: index, &checker) }
    }
  }

  /// `a * b` to `a` and `b`.
  package static func factors(of entry: String) -> [String] {
    entry.split(separator: "*", omittingEmptySubsequences: false).map { part in
      var part = part
      while part.first == " " { part.removeFirst() }
      while part.last == " " { part.removeLast() }
      return String(part)
    }
  }

  private func checkNumeric(_ name: String, _ path: String, at index: Int? = nil, _ checker: inout Checker) {
    switch source(name) {
    case .failure(let error): checker.fail(path, at: index, for: Self.declaration(of: name), error.message)
    case .success(let source):
      checker.require(
        nature(source) == .number, path, at: index, for: Self.declaration(of: name),
        "\"\(name)\" is no number")
    }
  }

  private func checkDense(_ name: String, _ entry: String, at index: Int, _ checker: inout Checker) {
    let path = "features.dense"
    switch source(name) {
    case .failure(let error): checker.fail(path, at: index, for: Self.declaration(of: name), error.message)
    case .success(let source):
      switch nature(source) {
      case .number: break
      case .vector:
        checker.require(
          name == entry, path, at: index, "\"\(entry)\": a vector cannot be a factor of a product")
      default:
        checker.fail(
          path, at: index, for: Self.declaration(of: name), "\"\(name)\" is no number and no vector")
      }
    }
  }

  private func checkModel(_ checker: inout Checker) {
    let names = model.members.map(\.name)
    checker.require(
      model.use.filter { $0 != "auto" }, among: names, of: "model.members", "model.use", what: "member")
    for member in model.members {
      let path = "model.members.\(member.name)"
      checker.require(
        member.residualOf.isEmpty ? [] : [member.residualOf], among: names, of: "model.members",
        "\(path).residual_of", what: "member")
      checker.require(
        member.kind != .mlp || member.optimizer != .ftrl, "\(path).optimizer",
        "\"ftrl\" is not allowed for kind: mlp, whose weights cannot begin at 0; allowed: adagrad, adam, sgd")
    }
    let taking = model.takingPart.map(\.name)
    if taking.isEmpty, !names.isEmpty {
      checker.fail(
        "model.members",
        "none takes part; set model.use to auto, or model.members.NAME.on of one of "
          + "\(names.joined(separator: ", ")) to true")
    } else if taking.isEmpty, checker.sources.marks["model.members"] != nil {
      checker.fail("model.members", "there is none; name at least one, such as linear: {kind: linear}")
    }
    for (place, name) in taking.enumerated() {
      guard let member = model.members.first(where: { $0.name == name }), !member.residualOf.isEmpty,
        names.contains(member.residualOf), !taking[..<place].contains(member.residualOf)
      else { continue }
      let before = taking[..<place].joined(separator: ", ")
      checker.fail(
        "model.members.\(name).residual_of", for: "model.members.\(member.residualOf)",
        "\"\(member.residualOf)\" is no member that takes part and stands before it; allowed: "
          + (before.isEmpty ? "nothing, because it is the first" : "one of \(before)"))
    }
    checker.require(
      model.loss != .logistic || (label.minimum == 0 && label.maximum == 1), "model.loss", for: "label",
      "logistic loss needs labels from 0 to 1 (label.minimum and label.maximum)")
    for grant in server.permissions {
      checker.require(
        grant.user.isEmpty != grant.group.isEmpty, "server.permissions.\(grant.name)",
        "needs exactly one of user and group")
    }
  }

  /// Whether the source needs an item to have a value.
  private func isOfItem(_ source: Source) -> Bool {
    switch source {
    case .item, .itemAttribute: true
    case .value(let index):
      ([features.values[index].from] + features.values[index].of).contains { name in
        guard !name.isEmpty, case .success(let inner) = self.source(name), inner != source else {
          return false
        }
        return isOfItem(inner)
      }
    case .user, .type, .origin, .userAttribute, .contextAttribute, .hour, .weekday, .history: false
    }
  }

  private func checkRetrieval(_ checker: inout Checker) {
    checkKinds(&checker)
    for retriever in retrieval.retrievers {
      let path = "retrieval.retrievers.\(retriever.name)"
      checker.require(
        retriever.types, among: events.map(\.name), of: "events", "\(path).types", what: "event type")
      if retriever.kind == .content {
        checker.require(
          retriever.attributes, among: entities.item.map(\.name), of: "entities.item", "\(path).attributes",
          what: "item attribute")
      }
      if !retriever.segment.isEmpty {
        checkCategorical([retriever.segment], "\(path).segment", &checker)
        if case .success(let source) = self.source(retriever.segment) {
          checker.require(
            !isOfItem(source), "\(path).segment",
            "is the item's, and no item is known when one is asked for; name a source of the user or the moment"
          )
        }
      }
    }
    checker.require(
      retrieval.impressionsType.isEmpty ? [] : [retrieval.impressionsType], among: events.map(\.name),
      of: "events", "retrieval.impressions_count_as", what: "event type")
    requireGrowing(retrieval.blend.buckets.map(Double.init), "retrieval.blend.buckets", &checker)
  }

  /// Of each kind one takes part; of popularity by segment, which is a kind of its own, four.
  private func checkKinds(_ checker: inout Checker) {
    let segments = retrieval.segments
    for retriever in segments.dropFirst(RetrievalSection.maximumSegments) {
      checker.fail(
        "retrieval.retrievers.\(retriever.name)",
        "counts by segment, as \(segments.prefix(RetrievalSection.maximumSegments).map(\.name).joined(separator: ", ")) do; "
          + "allowed: \(RetrievalSection.maximumSegments) that do")
    }
    var first: [RetrieverKind: String] = [:]
    for retriever in retrieval.retrievers where retriever.isOn && !segments.contains(retriever) {
      guard let other = first[retriever.kind] else {
        first[retriever.kind] = retriever.name
        continue
      }
      let kinds = RetrieverKind.allCases.filter { $0 != retriever.kind }.map(\.rawValue)
      checker.fail(
        "retrieval.retrievers.\(retriever.name)", for: "retrieval.retrievers.\(other)",
        "is a second retriever of kind \(retriever.kind.rawValue), beside \(other); allowed: one of each kind"
          + (retriever.kind == .popularity ? ", but with a segment of its own" : "")
          + "; give it kind \(kinds.joined(separator: ", ")), or set retrieval.retrievers.\(other).on to false"
      )
    }
  }
}
