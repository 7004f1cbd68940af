// Where a feature's input comes from: the text of the configuration resolved against what it declares.

/// A resolved source; indices are places in the configuration's lists.
package enum Source: Hashable, Sendable {
  /// The ids of the event's user and item.
  case user, item
  /// The event's type, and where it came from.
  case type, origin
  case userAttribute(Int), itemAttribute(Int), contextAttribute(Int)
  /// UTC hour (0 to 23) and weekday (0 Monday to 6 Sunday) of the event's time.
  case hour, weekday
  /// The user's last items.
  case history(Int)
  /// One of `features.values`.
  case value(Int)
}

/// What a source gives.
package enum SourceNature: Sendable, Equatable {
  case category, categories, number
  case vector(Int)

  package var isCategorical: Bool { self == .category || self == .categories }
}

extension Configuration {
  /// The source that `text` names, or what is wrong with it.
  package func source(_ text: String) -> Result<Source, SourceError> {
    switch text {
    case "user": return .success(.user)
    case "item": return .success(.item)
    case "type": return .success(.type)
    case "source": return .success(.origin)
    case "time.hour": return .success(.hour)
    case "time.weekday": return .success(.weekday)
    default: break
    }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let found: Source?
    if parts.count == 1 {
      found = features.values.firstIndex { $0.name == text }.map(Source.value)
    } else {
      let name = parts[1]
      switch parts[0] {
      case "user": found = entities.user.firstIndex { $0.name == name }.map(Source.userAttribute)
      case "item": found = entities.item.firstIndex { $0.name == name }.map(Source.itemAttribute)
      case "context": found = features.context.firstIndex { $0.name == name }.map(Source.contextAttribute)
      case "history": found = features.histories.firstIndex { $0.name == name }.map(Source.history)
      default: found = nil
      }
    }
    if let found { return .success(found) }
    return .failure(
      SourceError(
        message: "no source \"\(text)\"" + Suggestion.hintOrList(for: text, among: sourceNames)))
  }

  /// The path of the section that a source is, or would be, declared by.
  static func declaration(of text: String) -> String {
    let parts = text.split(separator: ".", maxSplits: 1)
    guard parts.count == 2 else { return "features.values.\(text)" }
    switch parts[0] {
    case "context": return "features.\(text)"
    case "history": return "features.histories.\(parts[1])"
    default: return "entities.\(text)"
    }
  }

  /// All that may be named, in the order of the configuration.
  package var sourceNames: [String] {
    ["user", "item", "type", "source", "time.hour", "time.weekday"]
      + entities.user.map { "user.\($0.name)" } + entities.item.map { "item.\($0.name)" }
      + features.context.map { "context.\($0.name)" } + features.histories.map { "history.\($0.name)" }
      + features.values.map(\.name)
  }

  /// What a source gives; values must not refer to themselves (checked before).
  package func nature(_ source: Source) -> SourceNature {
    switch source {
    case .user, .item, .type, .origin, .hour, .weekday: .category
    case .history: .categories
    case .userAttribute(let index): Self.nature(entities.user[index])
    case .itemAttribute(let index): Self.nature(entities.item[index])
    case .contextAttribute(let index): Self.nature(features.context[index])
    case .value(let index): nature(features.values[index], depth: 0)
    }
  }

  private static func nature(_ attribute: AttributeSection) -> SourceNature {
    switch attribute.type {
    case .category: .category
    case .categories, .text: .categories
    case .number: .number
    case .vector: .vector(attribute.dimension)
    }
  }

  func nature(_ value: ValueSection, depth: Int) -> SourceNature {
    if !value.bucketise.isEmpty || value.step > 0 { return .category }
    if value.isSet { return .category }
    if let statistic = value.statistic { return statistic == .session ? .category : .number }
    guard depth < 16, case .success(let inner) = source(value.from) else { return .number }
    if case .value(let index) = inner { return nature(features.values[index], depth: depth + 1) }
    return nature(inner)
  }
}

package struct SourceError: Error, Equatable, Sendable {
  package var message: String
}
