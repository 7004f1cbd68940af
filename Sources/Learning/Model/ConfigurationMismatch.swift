// In what two configurations differ that teach different models: what is told when one cannot go on from the other.

package import Configuration

/// Settings that decide what is learned, changed from those of what was learned before.
package struct ConfigurationMismatch {
  package let changes: [FieldChange]

  /// - Parameter old: nil: it cannot be read.
  package init(from old: Configuration?, to new: Configuration) {
    changes = old?.changes(to: new).filter(\.effect.isLearned) ?? []
  }

  /// "a: 1 -> 2, b: none -> 3": eight of them at most; nil: nothing is known.
  package var summary: String? {
    guard !changes.isEmpty else { return nil }
    let shown = changes.prefix(8).map { "\($0.path): \($0.from ?? "none") -> \($0.to ?? "none")" }
    let rest = changes.count - shown.count
    return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }
}
