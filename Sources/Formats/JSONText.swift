// JSON of one line (RFC 8259), with the place of an error.

/// A JSON value; numbers keep their text, so that large integers lose nothing.
indirect enum JSONText: Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONText])
  /// In the order of the text.
  case object([(key: String, value: JSONText)])

  static func == (left: JSONText, right: JSONText) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)), (.string(let a), .string(let b)): a == b
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }
}

struct JSONError: Error, Equatable {
  /// Byte of the line, from 1.
  var place: Int
  var problem: String
}

struct JSONParser {
  private let bytes: [UInt8]
  private var place = 0
  private static let maxDepth = 32

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONText {
    var parser = JSONParser(bytes)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.place == bytes.count else { throw parser.error("is followed by more text") }
    return value
  }

  private func error(_ problem: String) -> JSONError { JSONError(place: place + 1, problem: problem) }

  private mutating func skipSpace() {
    while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONText {
    guard depth < Self.maxDepth else { throw error("is nested deeper than \(Self.maxDepth)") }
    skipSpace()
    guard place < bytes.count else { throw error("ends where a value should stand") }
    switch bytes[place] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func word(_ text: String, _ value: JSONText) throws(JSONError) -> JSONText {
    guard bytes[place...].starts(with: text.utf8) else { throw error("is no JSON value") }
    place += text.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONText {
    place += 1
    var members: [(key: String, value: JSONText)] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else {
        throw error("lacks a key in quotes")
      }
      let key = try string()
      guard !members.contains(where: { $0.key == key }) else { throw error("gives the key \"\(key)\" twice") }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("lacks a colon after a key") }
      members.append((key, try value(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw error("lacks a comma or a closing brace") }
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONText {
    place += 1
    var elements: [JSONText] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(elements) }
      guard take(UInt8(ascii: ",")) else { throw error("lacks a comma or a closing bracket") }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard place < bytes.count, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  private mutating func number() throws(JSONError) -> String {
    let start = place
    _ = take(UInt8(ascii: "-"))
    let whole = digits()
    guard whole > 0, whole == 1 || bytes[place - whole] != UInt8(ascii: "0") else {
      throw error("is no JSON value")
    }
    if take(UInt8(ascii: ".")), digits() == 0 { throw error("lacks digits after the point") }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
      if digits() == 0 { throw error("lacks digits in the exponent") }
    }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  private mutating func digits() -> Int {
    let start = place
    while place < bytes.count, (0x30...0x39).contains(bytes[place]) { place += 1 }
    return place - start
  }

  private mutating func string() throws(JSONError) -> String {
    place += 1
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\"),
      bytes[place] >= 0x20
    {
      place += 1
    }
    var text = Array(bytes[start..<place])
    while true {
      guard place < bytes.count else { throw error("ends inside of a string") }
      let byte = bytes[place]
      place += 1
      if byte == UInt8(ascii: "\"") { break }
      guard byte >= 0x20 else { throw error("has a control character in a string") }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      text.append(contentsOf: try escape())
    }
    guard let string = String(validating: text, as: UTF8.self) else { throw error("is not UTF-8") }
    return string
  }

  private mutating func escape() throws(JSONError) -> [UInt8] {
    guard place < bytes.count else { throw error("ends inside of a string") }
    let byte = bytes[place]
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var scalar = try hexadecimal()
      if (0xD800...0xDBFF).contains(scalar) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
          throw error("has half a surrogate pair")
        }
        let low = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(low) else { throw error("has half a surrogate pair") }
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let valid = Unicode.Scalar(scalar) else { throw error("has half a surrogate pair") }
      return Array(String(Character(valid)).utf8)
    default: throw error("has an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard place + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16),
      bytes[place] != UInt8(ascii: "+"), bytes[place] != UInt8(ascii: "-")
    else { throw error("lacks four hexadecimal digits") }
    place += 4
    return value
  }
}
