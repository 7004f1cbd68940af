// Events from libsvm's and libffm's sparse vectors.

internal import Wire

/// libsvm: `label index:value …`; libffm: `label field:feature:value …`; both with `#` before a comment.
///
/// The label is a class where the configuration learns classes, else the event's value. libsvm's entries become numbers called `f<index>`, `qid:n` a text `qid`. Of libffm the
/// features of a field with value 1 become its categories (`field<n>`), others numbers called `field<n>_<feature>`.
///
/// Source: libsvm's README; Juan et al., Field-aware Factorization Machines for CTR Prediction, RecSys 2016.
final class SparseVectorReader {
  let lines: LineReader
  private let hasFields: Bool

  init(_ lines: LineReader, hasFields: Bool) {
    self.lines = lines
    self.hasFields = hasFields
  }

  func next() throws(FormatError) -> RawEvent? {
    var words: [Substring] = []
    repeat {
      guard try lines.advance() else { return nil }
      let text = try lines.line()
      let body = text.prefix { $0 != "#" }
      words = body.split(whereSeparator: { $0 == " " || $0 == "\t" })
    } while words.isEmpty
    guard let label = FieldParsing.number(words[0]) else {
      throw lines.error(
        column: "label", value: String(words[0]), "is not a number", allowed: "a number before the entries")
    }
    var event = RawEvent()
    event.value = label
    event.isClassified = true
    var categories: [(field: Substring, features: [String])] = []
    for word in words.dropFirst() {
      let parts = word.split(separator: ":", omittingEmptySubsequences: false)
      if !hasFields, parts.count == 2, parts[0] == "qid" {
        event.context.append(NamedAttribute("qid", .text(String(parts[1]))))
        continue
      }
      guard parts.count == (hasFields ? 3 : 2), !parts.contains(where: \.isEmpty),
        let value = FieldParsing.number(parts[parts.count - 1])
      else {
        throw lines.error(
          value: String(word), "is no entry",
          allowed: hasFields ? "field:feature:value" : "index:value or qid:number")
      }
      let name = hasFields ? "field\(parts[0])_\(parts[1])" : "f\(parts[0])"
      try lines.checkLength(name, column: String(word), limit: 64)
      if hasFields, value == 1 {
        if let index = categories.firstIndex(where: { $0.field == parts[0] }) {
          categories[index].features.append(String(parts[1]))
        } else {
          categories.append((parts[0], [String(parts[1])]))
        }
      } else {
        event.context.append(NamedAttribute(name, .number(value)))
      }
    }
    for (field, features) in categories {
      event.context.append(NamedAttribute("field\(field)", .texts(features)))
    }
    return event
  }
}
