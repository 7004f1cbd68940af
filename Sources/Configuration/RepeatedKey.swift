// Where a key comes a second time: the parser says only where it came first.

internal import Yams

struct RepeatedKey {
  let name: String
  let first: Mark

  /// The place of the key's next coming in the same mapping; nil: it cannot be told.
  ///
  /// With the first one renamed the rest is read again: either it comes twice even then, or it is the renamed one's
  /// sibling.
  func repetition(in text: String) -> Mark? {
    var text = text
    var mark = first
    for _ in 0..<16 {
      guard let renamed = Self.renaming(at: mark, in: text) else { return nil }
      text = renamed
      do {
        return try Yams.compose(yaml: text).flatMap(sibling)
      } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
        mark = context.mark
        if duplicates.first == name { return mark }
      } catch {
        return nil
      }
    }
    return nil
  }

  /// A letter of private use, which no key begins with.
  private static let prefix: Character = "\u{E000}"

  private static func renaming(at mark: Mark, in text: String) -> String? {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.indices.contains(mark.line - 1) else { return nil }
    var scalars = Array(lines[mark.line - 1].unicodeScalars)
    guard scalars.indices.contains(mark.column - 1) else { return nil }
    let isQuoted = scalars[mark.column - 1] == "\"" || scalars[mark.column - 1] == "'"
    scalars.insert(contentsOf: prefix.unicodeScalars, at: mark.column - 1 + (isQuoted ? 1 : 0))
    var line = String.UnicodeScalarView()
    line.append(contentsOf: scalars)
    lines[mark.line - 1] = String(line)
    return lines.joined(separator: "\n")
  }

  private func sibling(in node: Node) -> Mark? {
    switch node {
    case .mapping(let mapping):
      let keys = mapping.map(\.key)
      if keys.contains(where: { $0.text == "\(Self.prefix)\(name)" }),
        let again = keys.first(where: { $0.text == name })
      {
        return again.mark
      }
      return mapping.lazy.compactMap { sibling(in: $0.value) }.first
    case .sequence(let sequence): return sequence.lazy.compactMap { sibling(in: $0) }.first
    case .scalar, .alias: return nil
    }
  }
}
