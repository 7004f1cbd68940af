// Durations ("10ms", "7d") and sizes ("64MiB"): exact integers inside, units for people outside.

/// Nanoseconds.
package struct DurationText {
  /// Largest first, so that rendering finds the coarsest exact unit.
  private static let units: [(name: String, nanos: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
  ]

  /// `10ms`, `1.5h`, `7d`, `0`; nil for anything else, and for what does not fit into 64 bits.
  package static func parse(_ text: String) -> Int64? {
    QuantityText.parse(text, units: units.map { ($0.name, $0.nanos) })
  }

  /// The coarsest unit that holds the value exactly.
  package static func render(_ nanos: Int64) -> String {
    QuantityText.render(nanos, units: units.map { ($0.name, $0.nanos) })
  }
}

/// Bytes.
package struct SizeText {
  private static let units: [(name: String, bytes: Int64)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
  ]
  private static let decimal: [(name: String, bytes: Int64)] = [
    ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("KB", 1_000),
  ]

  /// `64MiB`, `1.5GB`, `4096` (bytes); nil for anything else.
  package static func parse(_ text: String) -> Int64? {
    QuantityText.parse(text, units: (units + decimal).map { ($0.name, $0.bytes) }, bare: 1)
  }

  package static func render(_ bytes: Int64) -> String {
    QuantityText.render(bytes, units: units.map { ($0.name, $0.bytes) })
  }
}

private enum QuantityText {
  static func parse(_ text: String, units: [(name: String, factor: Int64)], bare: Int64? = nil) -> Int64? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard !digits.isEmpty, let number = Double(digits), number.isFinite else { return nil }
    let factor: Int64
    if let known = units.first(where: { $0.name == unit }) {
      factor = known.factor
    } else if unit.isEmpty, let bare {
      factor = bare
    } else if unit.isEmpty, number == 0 {
      factor = 1
    } else {
      return nil
    }
    if let whole = Int64(digits) {
      let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
      return overflow ? nil : product
    }
    let product = (number * Double(factor)).rounded()
    return product < 0x1p62 ? Int64(product) : nil
  }

  static func render(_ value: Int64, units: [(name: String, factor: Int64)]) -> String {
    guard value != 0 else { return "0" + (units.last?.name ?? "") }
    for unit in units where value % unit.factor == 0 { return "\(value / unit.factor)\(unit.name)" }
    return "\(value)"
  }
}
