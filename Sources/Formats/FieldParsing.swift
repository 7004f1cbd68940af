// Numbers, times and lists as people write them in files.

enum FieldParsing {
  /// A finite decimal number: no `nan`, `inf` or hexadecimal, which `Double` alone would take.
  static func number(_ text: some StringProtocol) -> Double? {
    guard !text.isEmpty else { return nil }
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: continue
      default: return nil
      }
    }
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// Whether a text stands for a value that is not there.
  static func isMissing(_ text: some StringProtocol) -> Bool {
    guard text.utf8.count <= 4 else { return false }
    return switch text {
    case "", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N": true
    default: false
    }
  }

  /// A number as a feature would take it; texts such as zip codes with a leading zero are none.
  static func plainNumber(_ text: some StringProtocol) -> Double? {
    // Most texts are told by how they begin.
    guard let first = text.utf8.first, first <= 0x39, first != 0x2B else { return nil }
    let digits = first == 0x2D ? text.utf8.dropFirst() : text.utf8[...]
    if digits.count > 1, digits.first == 0x30, digits.dropFirst().first != 0x2E { return nil }
    return number(text)
  }

  /// Unix nanoseconds from a number of seconds, milliseconds, microseconds or nanoseconds, told apart by size
  /// (each unit covers 1973 to 5138), or from an ISO 8601 date with an optional time and zone.
  static func time(_ text: some StringProtocol) -> Int64? {
    let isWhole = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
    if isWhole, let whole = Int64(text) {
      switch whole.magnitude {
      case 0..<100_000_000_000: return scaled(whole, 1_000_000_000)
      case 0..<100_000_000_000_000: return scaled(whole, 1_000_000)
      case 0..<100_000_000_000_000_000: return scaled(whole, 1000)
      default: return whole
      }
    }
    if let seconds = number(text) {
      let nanos = (seconds * 1e9).rounded()
      return nanos.magnitude < 0x1p63 ? Int64(nanos) : nil
    }
    return date(Array(text.utf8))
  }

  private static func scaled(_ value: Int64, _ factor: Int64) -> Int64? {
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// `2024-01-31`, `2024-01-31T12:00:00`, `2024-01-31 12:00:00.25Z`, `…+02:00`; UTC unless a zone is given. No leap
  /// seconds: Unix time has none.
  private static func date(_ text: [UInt8]) -> Int64? {
    func digits(_ range: Range<Int>) -> Int? {
      guard range.upperBound <= text.count else { return nil }
      var value = 0
      for index in range {
        guard (0x30...0x39).contains(text[index]) else { return nil }
        value = value * 10 + Int(text[index] - 0x30)
      }
      return value
    }
    func has(_ byte: Character, at index: Int) -> Bool {
      index < text.count && text[index] == byte.asciiValue
    }
    guard let year = digits(0..<4), has("-", at: 4), let month = digits(5..<7), has("-", at: 7),
      let day = digits(8..<10), (1...12).contains(month), (1...days(in: month, of: year)).contains(day)
    else { return nil }
    var seconds = daysFromCivil(year, month, day) * 86_400
    var nanos: Int64 = 0
    var place = 10
    if place < text.count {
      guard has("T", at: place) || has(" ", at: place), let hour = digits(11..<13), has(":", at: 13),
        let minute = digits(14..<16), hour < 24, minute < 60
      else { return nil }
      seconds += Int64(hour * 3600 + minute * 60)
      place = 16
      if has(":", at: place) {
        guard let second = digits(17..<19), second < 60 else { return nil }
        seconds += Int64(second)
        place = 19
        if has(".", at: place) {
          place += 1
          var unit: Int64 = 100_000_000
          while place < text.count, (0x30...0x39).contains(text[place]) {
            nanos += Int64(text[place] - 0x30) * unit
            unit /= 10
            place += 1
          }
        }
      }
    }
    if has("Z", at: place) {
      place += 1
    } else if has("+", at: place) || has("-", at: place) {
      guard let hour = digits(place + 1..<place + 3) else { return nil }
      let isColon = has(":", at: place + 3)
      let start = place + (isColon ? 4 : 3)
      guard let minute = digits(start..<start + 2), hour < 24, minute < 60 else { return nil }
      seconds += (has("-", at: place) ? 1 : -1) * Int64(hour * 3600 + minute * 60)
      place = start + 2
    }
    guard place == text.count, let whole = scaled(seconds, 1_000_000_000) else { return nil }
    let (sum, overflow) = whole.addingReportingOverflow(nanos)
    return overflow ? nil : sum
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  /// Days since 1970-01-01 in the Gregorian calendar (Hinnant, chrono-compatible low-level date algorithms).
  private static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  static let allowedTime =
    "Unix seconds, milliseconds, microseconds or nanoseconds, or an ISO 8601 date such as 2024-01-31T12:00:00Z"

  /// Categories separated by `|`, or where there is none by spaces; "(no genres listed)" is none.
  static func list(_ text: String) -> [String] {
    if text == "(no genres listed)" { return [] }
    let separator: Character = text.contains("|") ? "|" : " "
    return text.split(separator: separator).map { String($0) }
  }
}
