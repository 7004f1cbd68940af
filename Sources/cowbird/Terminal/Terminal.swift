// What people see: colours only on a terminal, numbers that can be read, tables that line up.

import Glibc

enum Terminal {
  static let isInteractive =
    isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
  static let hasColour = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil

  enum Style: String {
    case bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36"
  }

  static func styled(_ text: String, _ style: Style) -> String {
    hasColour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// Columns of the terminal; 100 where there is none.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
    return Int(size.ws_col)
  }

  /// Writes a line for people beside the result: to standard error.
  static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 {
          if errno == EINTR || errno == EAGAIN { continue }
          return
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }
}

enum Format {
  /// 1234567 as `1,234,567`.
  static func count(_ value: some BinaryInteger) -> String {
    let digits = Array(String(value))
    var out = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, digit != "-", (digits.count - index) % 3 == 0, digits[index - 1] != "-" { out += "," }
      out.append(digit)
    }
    return out
  }

  /// A value with so many decimals, without a locale.
  static func decimal(_ value: Double, _ places: Int = 4) -> String {
    guard value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    guard abs(value) * scale < 1e15 else { return "\(value)" }
    let scaled = Int64((abs(value) * scale).rounded())
    let whole = scaled / Int64(scale)
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(whole)" }
    let fraction = String(scaled % Int64(scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  static func bytes(_ value: UInt64) -> String {
    var amount = Double(value)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if amount < 1024 { return unit == "B" ? "\(value) B" : "\(decimal(amount, 1)) \(unit)" }
      amount /= 1024
    }
    return "\(decimal(amount, 1)) TiB"
  }

  static func duration(seconds: Double) -> String {
    switch seconds {
    case ..<0.000_001: "\(decimal(seconds * 1e9, 0)) ns"
    case ..<0.001: "\(decimal(seconds * 1e6, 1)) us"
    case ..<1: "\(decimal(seconds * 1e3, 1)) ms"
    case ..<120: "\(decimal(seconds, 1)) s"
    case ..<7200: "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    default: "\(Int(seconds) / 3600) h \(Int(seconds) % 3600 / 60) min"
    }
  }
}

/// Rows under a heading, each column as wide as its widest cell; numbers to the right.
struct TextTable {
  private var rows: [[String]]

  init(_ heading: [String]) { rows = [heading] }

  /// What would break a line (in a reason, an id) is shown as its code.
  mutating func add(_ row: [String]) { rows.append(row.map(Self.onOneLine)) }

  private static func onOneLine(_ cell: String) -> String {
    guard cell.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return cell
    }
    return cell.unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case _ where scalar.properties.generalCategory == .control:
        text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }

  func rendered() -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
    }
    let isNumeric = (0..<columns).map { column in
      rows.dropFirst().allSatisfy { row in
        row.count <= column || row[column].isEmpty || "+-.0123456789".contains(row[column].first ?? "x")
      }
    }
    return rows.enumerated().map { number, row in
      let cells = row.enumerated().map { column, cell in
        let pad = String(repeating: " ", count: widths[column] - cell.count)
        return isNumeric[column] ? pad + cell : cell + pad
      }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return number == 0 ? Terminal.styled(line, .bold) : line
    }.joined(separator: "\n")
  }
}
