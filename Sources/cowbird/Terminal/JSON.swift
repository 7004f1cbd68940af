// JSON out: keys keep the order in which they were given, numbers are written as JSON allows.

enum JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByFloatLiteral
{
  case object([(String, JSON)])
  case array([JSON])
  case text(String)
  case number(Double)
  case integer(Int64)
  case unsigned(UInt64)
  case flag(Bool)
  case null

  init(stringLiteral value: String) { self = .text(value) }
  init(integerLiteral value: Int64) { self = .integer(value) }
  init(booleanLiteral value: Bool) { self = .flag(value) }
  init(floatLiteral value: Double) { self = .number(value) }

  /// One line.
  var compact: String {
    var out = ""
    write(to: &out, indent: nil, depth: 0)
    return out
  }

  /// For people who read it all the same.
  var pretty: String {
    var out = ""
    write(to: &out, indent: "  ", depth: 0)
    return out
  }

  private func write(to out: inout String, indent: String?, depth: Int) {
    switch self {
    case .object(let members):
      Self.writeList(members, open: "{", close: "}", to: &out, indent: indent, depth: depth) { member, out in
        Self.quote(member.0, to: &out)
        out += indent == nil ? ":" : ": "
        member.1.write(to: &out, indent: indent, depth: depth + 1)
      }
    case .array(let values):
      Self.writeList(values, open: "[", close: "]", to: &out, indent: indent, depth: depth) { value, out in
        value.write(to: &out, indent: indent, depth: depth + 1)
      }
    case .text(let value): Self.quote(value, to: &out)
    case .number(let value): out += value.isFinite ? "\(value)" : "null"
    case .integer(let value): out += "\(value)"
    case .unsigned(let value): out += "\(value)"
    case .flag(let value): out += value ? "true" : "false"
    case .null: out += "null"
    }
  }

  private static func writeList<T>(
    _ values: [T], open: String, close: String, to out: inout String, indent: String?, depth: Int,
    each body: (T, inout String) -> Void
  ) {
    out += open
    for (index, value) in values.enumerated() {
      if index > 0 { out += "," }
      if let indent { out += "\n" + String(repeating: indent, count: depth + 1) }
      body(value, &out)
    }
    if let indent, !values.isEmpty { out += "\n" + String(repeating: indent, count: depth) }
    out += close
  }

  private static func quote(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
