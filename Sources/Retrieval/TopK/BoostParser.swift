// Recursive descent over the grammar in Boost.swift. Errors say where, what was found and what may stand there.

struct BoostParser {
  /// Bytes of a rule, at most, and parentheses and `not`s within each other, at most.
  private static let longest = 4_096
  private static let deepest = 64

  private enum Token: Equatable {
    case name(String)
    case text(String)
    case number(Double)
    case sign(String)
    case end

    var description: String {
      switch self {
      case .name(let name): "`\(name)`"
      case .text(let text): "\"\(text)\""
      case .number(let number): "\(number)"
      case .sign(let sign): "`\(sign)`"
      case .end: "the end"
      }
    }
  }

  private let source: String
  private let bytes: [UInt8]
  private let fields: [BoostField]?
  private var next = 0
  private var start = 0
  private var token = Token.end
  private var depth = 0

  init(_ source: String, fields: [BoostField]?) {
    self.source = source
    self.fields = fields
    bytes = Array(source.utf8)
  }

  mutating func parse() throws(BoostError) -> (BoostCondition, Double) {
    guard bytes.count <= Self.longest else {
      throw error(found: "\(bytes.count) bytes", expected: "at most \(Self.longest)", at: Self.longest)
    }
    try advance()
    let condition = try disjunction()
    try take("*", expected: "`and`, `or` or `*` and the factor")
    guard case .number(let factor) = token, factor > 0 else { throw unexpected("a factor greater than 0") }
    try advance()
    guard token == .end else { throw unexpected("the end") }
    return (condition, factor)
  }

  private mutating func disjunction() throws(BoostError) -> BoostCondition {
    var condition = try conjunction()
    while token == .name("or") {
      try advance()
      condition = .or(condition, try conjunction())
    }
    return condition
  }

  private mutating func conjunction() throws(BoostError) -> BoostCondition {
    var condition = try single()
    while token == .name("and") {
      try advance()
      condition = .and(condition, try single())
    }
    return condition
  }

  private mutating func single() throws(BoostError) -> BoostCondition {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else {
      throw error(found: "depth \(depth)", expected: "at most \(Self.deepest)", at: start)
    }
    if token == .name("not") {
      try advance()
      return .not(try single())
    }
    if token == .sign("(") {
      try advance()
      let condition = try disjunction()
      try take(")", expected: "`and`, `or` or `)`")
      return condition
    }
    return try comparison()
  }

  private mutating func comparison() throws(BoostError) -> BoostCondition {
    guard case .name(let field) = token, !["and", "or", "in", "true", "false"].contains(field) else {
      throw unexpected("an attribute, `not` or `(`")
    }
    let known = fields?.first { $0.name == field }
    if let fields, known == nil {
      throw unexpected(
        fields.isEmpty
          ? "no attribute: items have none"
          : "one of the items' attributes " + fields.map(\.name).joined(separator: ", "))
    }
    if known?.kind == .vector { throw unexpected("an attribute that is no vector") }
    try advance()
    if token == .name("in") {
      try advance()
      return try membership(field, known?.kind)
    }
    guard case .sign(let sign) = token, let comparison = BoostCondition.Comparison(rawValue: sign) else {
      throw unexpected("==, !=, <, <=, >, >= or `in`")
    }
    try advance()
    let place = start
    let value = try value(known?.kind)
    switch (value, comparison) {
    case (.number, _), (_, .equal), (_, .unequal): return .compare(field, comparison, value)
    default: throw error(found: "an order of values that are no numbers", expected: "a number", at: place)
    }
  }

  private mutating func membership(
    _ field: String, _ kind: BoostField.Kind?
  ) throws(BoostError) -> BoostCondition {
    if token == .sign("[") {
      if kind == .text { throw unexpected("a set `{a, b}`, because \(field) is no number") }
      try advance()
      let low = try number()
      try take(",", expected: "`,` and the range's end")
      let place = start
      let high = try number()
      guard low <= high else { throw error(found: "\(high)", expected: "at least \(low)", at: place) }
      try take("]", expected: "`]`")
      return .range(field, low...high)
    }
    try take("{", expected: "a range `[low, high]` or a set `{a, b}`")
    var values = [try value(kind)]
    while token == .sign(",") {
      try advance()
      values.append(try value(kind))
    }
    try take("}", expected: "`,` or `}`")
    return .among(field, values)
  }

  private mutating func number() throws(BoostError) -> Double {
    guard case .number(let number) = token else { throw unexpected("a number") }
    try advance()
    return number
  }

  /// A value that an attribute of this kind can have.
  private mutating func value(_ kind: BoostField.Kind?) throws(BoostError) -> BoostValue {
    let value: BoostValue
    switch token {
    case .text(let text):
      if kind == .number { throw unexpected("a number") }
      value = .text(text)
    case .number(let number):
      if kind == .text { throw unexpected("a text in quotes") }
      value = .number(number)
    case .name("true"): value = .flag(true)
    case .name("false"): value = .flag(false)
    default: throw unexpected("a text in quotes, a number, true or false")
    }
    try advance()
    return value
  }

  private mutating func take(_ sign: String, expected: String) throws(BoostError) {
    guard token == .sign(sign) else { throw unexpected(expected) }
    try advance()
  }

  // MARK: Tokens

  private func unexpected(_ expected: String) -> BoostError {
    error(found: token.description, expected: expected, at: start)
  }

  private func error(found: String, expected: String, at position: Int) -> BoostError {
    BoostError(source: source, position: position, found: found, expected: expected)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private mutating func advance() throws(BoostError) {
    while next < bytes.count, bytes[next] == 32 || bytes[next] == 9 || bytes[next] == 10 { next += 1 }
    start = next
    guard next < bytes.count else {
      token = .end
      return
    }
    let byte = bytes[next]
    if byte == UInt8(ascii: "\"") { return try readText() }
    if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || Self.isNameByte(byte) {
      return try readWord()
    }
    let pair = String(decoding: bytes[next..<min(next + 2, bytes.count)], as: UTF8.self)
    if ["==", "!=", "<=", ">="].contains(pair) {
      next += 2
      token = .sign(pair)
      return
    }
    let sign = String(decoding: [byte], as: UTF8.self)
    guard ["<", ">", "(", ")", "[", "]", "{", "}", ",", "*"].contains(sign) else {
      throw error(
        found: "`\(sign)`", expected: "an attribute, a value, a comparison, a bracket or `*`", at: start)
    }
    next += 1
    token = .sign(sign)
  }

  private mutating func readText() throws(BoostError) {
    var text: [UInt8] = []
    next += 1
    while next < bytes.count, bytes[next] != UInt8(ascii: "\"") {
      if bytes[next] == UInt8(ascii: "\\"), next + 1 < bytes.count { next += 1 }
      text.append(bytes[next])
      next += 1
    }
    guard next < bytes.count else { throw error(found: "the end", expected: "a closing `\"`", at: next) }
    next += 1
    token = .text(String(decoding: text, as: UTF8.self))
  }

  private mutating func readWord() throws(BoostError) {
    next += 1
    while next < bytes.count {
      let isExponentSign =
        (bytes[next] == UInt8(ascii: "-") || bytes[next] == UInt8(ascii: "+"))
        && (bytes[next - 1] | 32) == UInt8(ascii: "e") && bytes[start] < UInt8(ascii: "A")
      guard Self.isNameByte(bytes[next]) || isExponentSign else { break }
      next += 1
    }
    let word = String(decoding: bytes[start..<next], as: UTF8.self)
    guard bytes[start] < UInt8(ascii: "A") else {
      token = .name(word)
      return
    }
    guard let number = Double(word), number.isFinite else {
      throw error(found: "`\(word)`", expected: "a finite number", at: start)
    }
    token = .number(number)
  }
}
