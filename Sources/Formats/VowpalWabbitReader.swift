// Events from Vowpal Wabbit's text format.

internal import Wire

/// `[label] [importance] ['tag]|namespace[:scale] feature[:value] … |namespace …`
///
/// The label is a class (1, and -1 or 0) where the configuration learns classes, else the event's value; the importance
/// is its weight, the tag its id. A namespace called `user`, `u`, `item` or `i` with one feature is the user's or the item's id; of any other namespace
/// the features without a value become one attribute of several categories with its name (`features` if it has none),
/// and each feature with a value a number called `namespace_feature`. A scale multiplies the values.
///
/// Source: the Vowpal Wabbit wiki, "Input format". Multi-line and contextual bandit labels are refused.
final class VowpalWabbitReader {
  let lines: LineReader

  init(_ lines: LineReader) { self.lines = lines }

  func next() throws(FormatError) -> RawEvent? {
    var text = ""
    repeat {
      guard try lines.advance() else { return nil }
      text = try lines.line()
    } while text.allSatisfy { $0 == " " || $0 == "\t" }
    let parts = text.split(separator: "|", omittingEmptySubsequences: false)
    guard parts.count > 1 else {
      throw lines.error(value: text, "has no bar", allowed: "[label] [importance] ['tag]|namespace feature…")
    }
    var event = RawEvent()
    try readHead(parts[0], into: &event)
    for part in parts.dropFirst() { try readNamespace(part, into: &event) }
    return event
  }

  private func readHead(_ head: Substring, into event: inout RawEvent) throws(FormatError) {
    var numbers: [Double] = []
    for word in head.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
      if word.first == "'" {
        try lines.checkLength(String(word.dropFirst()), column: "tag", limit: 256)
        event.id = String(word.dropFirst())
      } else if let number = FieldParsing.number(word), numbers.count < 3 {
        numbers.append(number)
      } else if event.id.isEmpty, word == head.split(separator: " ").last, !numbers.isEmpty, head.last != " "
      {
        // A tag without an apostrophe stands right before the bar.
        event.id = String(word)
      } else {
        throw lines.error(
          column: "label", value: String(word), "is not a number",
          allowed: "a label, an importance and a base of simple labels")
      }
    }
    event.value = numbers.first
    event.isClassified = true
    if numbers.count > 1 {
      guard numbers[1] >= 0, Float(numbers[1]).isFinite else {
        throw lines.error(
          column: "importance", value: "\(numbers[1])", "is not a weight",
          allowed: "a finite number of at least 0")
      }
      event.weight = Float(numbers[1])
    }
  }

  private func readNamespace(_ part: Substring, into event: inout RawEvent) throws(FormatError) {
    let words = part.split(whereSeparator: { $0 == " " || $0 == "\t" })
    // A namespace's name touches the bar.
    let isNamed = part.first.map { $0 != " " && $0 != "\t" } ?? false
    var name = "features"
    var scale = 1.0
    if isNamed, let first = words.first {
      (name, scale) = try split(first, column: "namespace")
    }
    let features = isNamed ? words.dropFirst() : words[...]
    if features.count == 1, let only = features.first, !only.contains(":") {
      switch name.lowercased() {
      case "user", "u":
        try lines.checkLength(String(only), column: name, limit: 256)
        event.user = String(only)
        return
      case "item", "i":
        try lines.checkLength(String(only), column: name, limit: 256)
        event.item = String(only)
        return
      default: break
      }
    }
    var categories: [String] = []
    for feature in features {
      guard feature.contains(":") || scale != 1 else {
        categories.append(String(feature))
        continue
      }
      let (key, value) = try split(feature, column: name)
      let attribute = isNamed ? "\(name)_\(key)" : key
      try lines.checkLength(attribute, column: name, limit: 64)
      event.context.append(NamedAttribute(attribute, .number(value * scale)))
    }
    if !categories.isEmpty { event.context.append(NamedAttribute(name, .texts(categories))) }
  }

  /// `name:value`, where the value is 1 if not said.
  private func split(_ word: Substring, column: String) throws(FormatError) -> (String, Double) {
    guard let colon = word.lastIndex(of: ":") else { return (String(word), 1) }
    let text = word[word.index(after: colon)...]
    guard let value = FieldParsing.number(text) else {
      throw lines.error(
        column: column, value: String(word), "has a value that is not a number",
        allowed: "name or name:number")
    }
    return (String(word[..<colon]), value)
  }
}
