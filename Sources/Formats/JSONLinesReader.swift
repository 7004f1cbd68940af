// Events and entities from JSON lines.

internal import Wire

/// One object a line. An event:
///
///     {"type":"rating","user":"u1","item":"i7","value":4,"time":1700000000,"context":{"device":"ios"}}
///
/// Keys that play no part, and those of `context`, become context. An entity:
///
///     {"entity":"item","id":"i7","action":"merge","attributes":{"genres":["Drama","War"],"year":1995}}
///
/// Values may be strings, numbers, true, false, null (missing), arrays of strings and arrays of numbers; objects are
/// taken apart, with their names joined by a point.
final class JSONLinesReader {
  let lines: LineReader
  private let roles: ColumnRoles
  private var columns: [String: Column] = [:]

  init(_ lines: LineReader, roles: ColumnRoles) {
    self.lines = lines
    self.roles = roles
  }

  func next() throws(FormatError) -> RawRecord? {
    repeat {
      guard try lines.advance() else { return nil }
    } while isBlank
    let value: JSONText
    do throws(JSONError) {
      value = try JSONParser.parse(lines.bytes)
    } catch {
      throw lines.error(
        column: "byte \(error.place)", "\(error.problem)", allowed: "one JSON object on each line")
    }
    guard case .object(let members) = value else {
      throw lines.error("is no JSON object", allowed: "one JSON object on each line")
    }
    if let kind = members.first(where: { $0.key == "entity" }) {
      return .entity(try entity(members, kind.value))
    }
    var event = RawEvent()
    for (key, value) in members {
      if case .object(let inner) = value, column(key).role == nil {
        let prefix = key == "context" ? "" : key + "."
        for member in inner { try addContext(prefix + member.key, member.value, to: &event.context) }
      } else {
        try put(key, value, into: &event)
      }
    }
    guard !event.user.isEmpty || !event.item.isEmpty || event.value != nil || !event.context.isEmpty else {
      throw lines.error("says nothing", allowed: "at least one of user, item, value and context")
    }
    return .event(event)
  }

  private var isBlank: Bool {
    lines.withLine { $0.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
  }

  private func column(_ key: String) -> Column {
    if let known = columns[key] { return known }
    let column = Column(key, roles: roles)
    // Bounded, since keys come from the file.
    if columns.count < 4096 { columns[key] = column }
    return column
  }

  private func put(_ key: String, _ value: JSONText, into event: inout RawEvent) throws(FormatError) {
    let column = column(key)
    guard column.role != nil else {
      try addContext(key, value, to: &event.context)
      return
    }
    switch value {
    case .null: return
    case .string(let text), .number(let text): try lines.put(text, column, into: &event)
    case .bool(let flag): try lines.put(flag ? "true" : "false", column, into: &event)
    case .array, .object:
      let what = if case .array = value { "an array" } else { "an object" }
      throw lines.error(column: key, "is \(what)", allowed: "a string, a number, true, false or null")
    }
  }

  private func addContext(
    _ name: String, _ value: JSONText, to attributes: inout [NamedAttribute]
  ) throws(FormatError) {
    try lines.checkLength(name, column: name, limit: 64)
    let column = column(name)
    switch value {
    case .null: return
    case .bool(let flag): attributes.append(NamedAttribute(name, .flag(flag)))
    case .number(let text):
      guard let number = FieldParsing.number(text) else {
        throw lines.error(column: name, value: text, "is beyond a Double", allowed: "a finite number")
      }
      let value: AttributeValue = column.kind == .text ? .text(text) : .number(number)
      attributes.append(NamedAttribute(name, value))
    case .string(let text):
      // A string is a text whatever it looks like, unless the column was declared.
      var column = column
      if column.kind == .automatic { column.kind = .text }
      if let attribute = try lines.attribute(text, column) { attributes.append(attribute) }
    case .array(let elements): attributes.append(NamedAttribute(name, try list(name, elements)))
    case .object(let inner):
      for member in inner { try addContext(name + "." + member.key, member.value, to: &attributes) }
    }
  }

  private func list(_ name: String, _ elements: [JSONText]) throws(FormatError) -> AttributeValue {
    var texts: [String] = []
    var numbers: [Float] = []
    for element in elements {
      switch element {
      case .string(let text): texts.append(text)
      case .number(let text):
        guard let number = FieldParsing.number(text), Float(number).isFinite else {
          throw lines.error(column: name, value: text, "is beyond a Float", allowed: "finite numbers")
        }
        numbers.append(Float(number))
      default: throw lines.error(column: name, "mixes kinds", allowed: "an array of strings or of numbers")
      }
    }
    guard texts.isEmpty || numbers.isEmpty else {
      throw lines.error(
        column: name, "mixes strings and numbers", allowed: "an array of strings or of numbers")
    }
    return numbers.isEmpty ? .texts(texts) : .numbers(numbers)
  }

  private func entity(
    _ members: [(key: String, value: JSONText)], _ kindValue: JSONText
  ) throws(FormatError) -> RawEntityChange {
    guard case .string(let name) = kindValue, let kind = RawEntityChange.Kind(rawValue: name) else {
      throw lines.error(column: "entity", "is no kind of entity", allowed: "\"user\" or \"item\"")
    }
    var entity = RawEntityChange(kind: kind, id: "")
    for (key, value) in members where key != "entity" {
      switch (key, value) {
      case ("id", .string(let text)), ("id", .number(let text)):
        try lines.checkLength(text, column: key, limit: 256)
        entity.id = text
      case ("action", .string(let text)):
        guard let action = RawEntityChange.Action(rawValue: text) else {
          throw lines.error(column: key, value: text, "is no action", allowed: "set, merge or delete")
        }
        entity.action = action
      case ("attributes", .object(let inner)):
        for member in inner { try addContext(member.key, member.value, to: &entity.attributes) }
      case ("time", .string(let text)), ("time", .number(let text)), ("timestamp", .number(let text)):
        entity.timeNanos = try lines.time(text, column: key)
      default: try addContext(key, value, to: &entity.attributes)
      }
    }
    guard !entity.id.isEmpty else {
      throw lines.error(column: "id", "is missing", allowed: "the id of a \(kind.rawValue)")
    }
    return entity
  }
}
