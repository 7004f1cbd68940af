// Puts a column's text into its part of an event, with the checks that hold for every format.

internal import Wire

struct Column: Equatable {
  var name: String
  var role: ColumnRoles.Role?
  var kind: ColumnRoles.Kind

  init(_ name: String, roles: ColumnRoles) {
    self.name = name
    role = roles.role(of: name)
    kind = roles.kind(of: name)
  }
}

extension LineReader {
  func put(_ text: String, _ column: Column, into event: inout RawEvent) throws(FormatError) {
    switch column.role {
    case .ignored: return
    case .user:
      try checkLength(text, column: column.name, limit: 256)
      event.user = text
    case .item:
      try checkLength(text, column: column.name, limit: 256)
      event.item = text
    case .id:
      try checkLength(text, column: column.name, limit: 256)
      event.id = text
    case .source:
      try checkLength(text, column: column.name, limit: 256)
      event.source = text
    case .type:
      try checkLength(text, column: column.name, limit: 64)
      event.type = text
    case .label:
      event.isClassified = true
      if FieldParsing.isMissing(text) { return }
      event.value = try value(text, column: column.name)
    case .value:
      if FieldParsing.isMissing(text) { return }
      event.value = try value(text, column: column.name)
    case .weight:
      if FieldParsing.isMissing(text) { return }
      event.weight = try weight(text, column: column.name)
    case .time:
      if FieldParsing.isMissing(text) { return }
      event.timeNanos = try time(text, column: column.name)
    case nil:
      if let attribute = try attribute(text, column) { event.context.append(attribute) }
    }
  }

  func value(_ text: String, column: String) throws(FormatError) -> Double {
    if let value = FieldParsing.number(text) { return value }
    switch text.lowercased() {
    case "true", "yes": return 1
    case "false", "no": return 0
    default:
      throw error(
        column: column, value: text, "is not a number",
        allowed: "a finite decimal number, true or false, or nothing")
    }
  }

  func weight(_ text: String, column: String) throws(FormatError) -> Float {
    guard let weight = FieldParsing.number(text), weight >= 0, Float(weight).isFinite else {
      throw error(column: column, value: text, "is not a weight", allowed: "a finite number of at least 0")
    }
    return Float(weight)
  }

  func time(_ text: String, column: String) throws(FormatError) -> Int64 {
    guard let time = FieldParsing.time(text) else {
      throw error(column: column, value: text, "is not a time", allowed: FieldParsing.allowedTime)
    }
    return time
  }

  /// Nil where the value is missing.
  func attribute(_ text: String, _ column: Column) throws(FormatError) -> NamedAttribute? {
    if FieldParsing.isMissing(text) { return nil }
    switch column.kind {
    case .automatic:
      if let number = FieldParsing.plainNumber(text) { return NamedAttribute(column.name, .number(number)) }
      return NamedAttribute(column.name, .text(text))
    case .text: return NamedAttribute(column.name, .text(text))
    case .texts: return NamedAttribute(column.name, .texts(FieldParsing.list(text)))
    case .number:
      guard let number = FieldParsing.number(text) else {
        throw error(column: column.name, value: text, "is not a number", allowed: "a finite decimal number")
      }
      return NamedAttribute(column.name, .number(number))
    case .numbers:
      var numbers: [Float] = []
      for part in text.split(whereSeparator: { "|,; ".contains($0) }) {
        guard let number = FieldParsing.number(part), Float(number).isFinite else {
          throw error(
            column: column.name, value: String(part), "is not a number", allowed: "finite decimal numbers")
        }
        numbers.append(Float(number))
      }
      return NamedAttribute(column.name, .numbers(numbers))
    case .flag:
      switch text.lowercased() {
      case "1", "true", "yes", "t", "y": return NamedAttribute(column.name, .flag(true))
      case "0", "false", "no", "f", "n": return NamedAttribute(column.name, .flag(false))
      default:
        throw error(column: column.name, value: text, "is not a flag", allowed: "true, false, 1 or 0")
      }
    }
  }
}
