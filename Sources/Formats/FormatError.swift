// What is wrong in a file: where, what stands there, and what may stand there.

package struct FormatError: Error, Equatable, CustomStringConvertible {
  package var file: String
  /// From 1; 0: the file as a whole.
  package var line: Int
  /// Name or number of the column, key or token; empty: the line as a whole.
  package var column: String
  /// What stands there, cut to 60 characters.
  package var value: String
  package var problem: String
  package var allowed: String

  package init(
    file: String, line: Int, column: String = "", value: String = "", problem: String, allowed: String
  ) {
    self.file = file
    self.line = line
    self.column = column
    self.value = Self.printable(value)
    self.problem = problem
    self.allowed = allowed
  }

  /// `ratings.tsv:17: column "rating": "abc" is not a number; allowed: a finite decimal number`
  package var description: String {
    var text = line > 0 ? "\(file):\(line): " : "\(file): "
    if !column.isEmpty { text += "column \"\(column)\": " }
    if !value.isEmpty { text += "\"\(value)\" " }
    text += problem
    if !allowed.isEmpty { text += "; allowed: \(allowed)" }
    return text
  }

  /// At most 60 characters, with control characters shown as `\u{..}`.
  static func printable(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < 60 else { return result + "…" }
      let isControl = scalar.properties.generalCategory == .control
      result += isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
      count += 1
    }
    return result
  }
}
