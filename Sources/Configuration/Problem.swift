// What is wrong with a configuration, said so that it can be put right: where, what stands there, what may.

/// One thing that is wrong.
package struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
  /// Line in the file, from 1; 0 when the value did not come from a file.
  package var line: Int
  /// Column, from 1; 0 when the value did not come from a file.
  package var column: Int
  /// Path of the key, such as `events.click.weight`; empty for the document.
  package var path: String
  /// What is wrong, what is allowed, and what may have been meant.
  package var message: String

  package init(line: Int = 0, column: Int = 0, path: String, message: String) {
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  package var description: String {
    let place = line > 0 ? "line \(line), column \(column): " : ""
    return place + (path.isEmpty ? message : "\(path): \(message)")
  }
}

/// All that is wrong, in the order of the file.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  package var problems: [ConfigurationProblem]

  package init(_ problems: [ConfigurationProblem]) {
    self.problems = problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
  }

  /// One problem a line.
  package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The name nearest to what was written, for "did you mean".
package enum Suggestion {
  /// The nearest of `names` by Levenshtein distance, when it is near enough to be a slip; the first of equals.
  package static func nearest(to written: String, among names: [String]) -> String? {
    let limit = max(1, min(3, written.count / 3 + 1))
    var best: (name: String, distance: Int)?
    for name in names {
      let distance = distance(Array(written.lowercased()), Array(name.lowercased()))
      if distance <= limit, best.map({ distance < $0.distance }) ?? true { best = (name, distance) }
    }
    return best?.name
  }

  /// The words to append to a message: empty, or `; did you mean "x"?`.
  package static func hint(for written: String, among names: [String]) -> String {
    nearest(to: written, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
  }

  /// Like `hint`; where nothing is near, what there is: `; known: a, b`.
  package static func hintOrList(for written: String, among names: [String]) -> String {
    let hint = hint(for: written, among: names)
    guard hint.isEmpty else { return hint }
    return "; known: \(names.isEmpty ? "none" : names.joined(separator: ", "))"
  }

  private static func distance(_ first: [Character], _ second: [Character]) -> Int {
    var row = Array(0...second.count)
    for (index, character) in first.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in 0..<second.count {
        let substituted = diagonal + (character == second[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[second.count]
  }
}
