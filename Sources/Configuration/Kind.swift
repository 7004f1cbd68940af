// Kinds of values: how each is read from a YAML node, what it may be, and how it is written back.

internal import Yams

/// How one kind of value is read, checked and written. `read` returns nil for what is not allowed; `allowed`
/// then says what is; `write` gives text that reads back equal.
package struct Kind<Value: Equatable & Sendable> {
  package let allowed: String
  let read: (Node) -> Value?
  package let write: (Value) -> String
  /// Of a list that cannot be read: the first element that is not allowed, and what it may be.
  var wrongElement: (Node) -> (node: Node, allowed: String)? = { _ in nil }
}

/// How values are written in YAML.
enum YAMLText {
  private static let reserved: Set<String> = [
    "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf",
  ]

  /// Plain where that is unmistakable, double-quoted otherwise.
  static func scalar(_ text: String) -> String {
    let first = text.utf8.first.map { isLetter($0) || $0 == UInt8(ascii: "/") } ?? false
    let plain =
      first && !reserved.contains(text.lowercased())
      && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "-_./*".utf8.contains($0) }
    return plain ? text : quoted(text)
  }

  /// In double quotes, control characters by their escapes.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7F || (0x80...0x9F).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
        } else {
          quoted.unicodeScalars.append(scalar)
        }
      }
    }
    return quoted + "\""
  }

  /// Shortest decimal that reads back equal; whole numbers without a point.
  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
  }
  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}

extension Node {
  /// The text of a scalar; nil for mappings and sequences.
  var text: String? {
    if case .scalar(let scalar) = self { return scalar.string }
    return nil
  }

  /// An unquoted `null`, `~` or nothing.
  var isNull: Bool {
    guard case .scalar(let scalar) = self, scalar.style == .plain || scalar.style == .any else {
      return false
    }
    return scalar.string.isEmpty || scalar.string == "~" || scalar.string.lowercased() == "null"
  }

  /// `null` or `~`, written out: what takes an inherited entry away. Nothing at all only adds nothing.
  var isExplicitNull: Bool { isNull && text?.isEmpty == false }

  /// Of a list; one value alone stands for a list of one.
  var elements: [Node] {
    if case .sequence(let sequence) = self { return Array(sequence) }
    return [self]
  }

  /// What to show of a node in a message.
  var shown: String {
    switch self {
    case .scalar(let scalar):
      let text = scalar.string
      return YAMLText.quoted(text.count > 60 ? text.prefix(57) + "..." : text)
    case .mapping: return "a mapping"
    case .sequence: return "a list"
    case .alias: return "an alias"
    }
  }
}

extension Kind where Value == Double {
  package static func number(_ range: ClosedRange<Double>) -> Kind {
    Kind(
      allowed: "a number from \(YAMLText.number(range.lowerBound)) to \(YAMLText.number(range.upperBound))",
      read: { node in
        node.text.flatMap { Double($0) }.flatMap { $0.isFinite && range.contains($0) ? $0 : nil }
      },
      write: YAMLText.number)
  }
}

extension Kind where Value == Int {
  package static func integer(_ range: ClosedRange<Int>) -> Kind {
    Kind(
      allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      read: { node in
        node.text.flatMap { Int($0.replacing("_", with: "")) }.flatMap { range.contains($0) ? $0 : nil }
      },
      write: { "\($0)" })
  }
}

extension Kind where Value == UInt64 {
  /// Any 64 bits, such as a seed.
  package static var bits: Kind {
    Kind(
      allowed: "a whole number from 0 to \(UInt64.max)", read: { $0.text.flatMap { UInt64($0) } },
      write: { "\($0)" })
  }
}

extension Kind where Value == Int64 {
  /// Nanoseconds.
  package static func duration(_ range: ClosedRange<Int64>) -> Kind {
    let (low, high) = (DurationText.render(range.lowerBound), DurationText.render(range.upperBound))
    return Kind(
      allowed: "a duration from \(low) to \(high), such as \"10ms\", \"30s\", \"2h\" or \"7d\"",
      read: { node in
        node.text.flatMap(DurationText.parse).flatMap { range.contains($0) ? $0 : nil }
      },
      write: DurationText.render)
  }

  /// Bytes.
  package static func size(_ range: ClosedRange<Int64>) -> Kind {
    Kind(
      allowed:
        "a size from \(SizeText.render(range.lowerBound)) to \(SizeText.render(range.upperBound)), "
        + "such as \"512KiB\" or \"64MiB\"",
      read: { node in node.text.flatMap(SizeText.parse).flatMap { range.contains($0) ? $0 : nil } },
      write: SizeText.render)
  }
}

extension Kind where Value == Bool {
  package static var flag: Kind {
    Kind(
      allowed: "true or false",
      read: { node in
        switch node.text?.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
      },
      write: { $0 ? "true" : "false" })
  }
}

extension Kind where Value == String {
  /// Text of at most `bytes` UTF-8 bytes. Paths and names end at a NUL where they are C strings, so there is none.
  package static func text(atMost bytes: Int, orEmpty: Bool = true) -> Kind {
    Kind(
      allowed: "text of \(orEmpty ? 0 : 1) to \(bytes) bytes, none of them NUL",
      read: { node in
        node.text.flatMap { text in
          text.utf8.count <= bytes && (orEmpty || !text.isEmpty) && !text.utf8.contains(0) ? text : nil
        }
      },
      write: YAMLText.scalar)
  }
}

extension Kind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  package static var choice: Kind { choice(of: Array(Value.allCases)) }

  package static func choice(of values: [Value]) -> Kind {
    Kind(
      allowed: "one of " + values.map(\.rawValue).joined(separator: ", "),
      read: { node in
        let text = node.text?.lowercased()
        return values.first { $0.rawValue == text }
      },
      write: { YAMLText.scalar($0.rawValue) })
  }
}

extension Kind {
  /// Nothing (`null`) is allowed too.
  package static func optional<Wrapped>(_ kind: Kind<Wrapped>) -> Kind where Value == Wrapped? {
    Kind(
      allowed: kind.allowed + ", or null",
      read: { node in
        if node.isNull { return .some(nil) }
        return kind.read(node).map { .some($0) }
      },
      write: { $0.map(kind.write) ?? "null" },
      wrongElement: kind.wrongElement)
  }

  /// A list; one value alone stands for a list of one.
  /// - Parameter distinct: none may come twice.
  package static func list<Element>(
    of kind: Kind<Element>, count: ClosedRange<Int>, distinct: Bool = false
  ) -> Kind where Value == [Element] {
    Kind(
      allowed: "a list of \(count.lowerBound) to \(count.upperBound), each \(kind.allowed)"
        + (distinct ? ", none twice" : ""),
      read: { node in
        let nodes = node.elements
        guard count.contains(nodes.count) else { return nil }
        var values: [Element] = []
        for node in nodes {
          guard let value = kind.read(node), !distinct || !values.contains(value) else { return nil }
          values.append(value)
        }
        return values
      },
      write: { "[" + $0.map(kind.write).joined(separator: ", ") + "]" },
      wrongElement: { node in
        guard count.contains(node.elements.count) else { return nil }
        if let wrong = node.elements.first(where: { kind.read($0) == nil }) { return (wrong, kind.allowed) }
        let values = node.elements.map { kind.read($0) }
        let repeated = values.indices.first { values[..<$0].contains(values[$0]) }
        return repeated.map { (node.elements[$0], "each of the list once") }
      })
  }
}
