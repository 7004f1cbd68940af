// Rows of separated fields: CSV with quotes, TSV, and MovieLens' `::` and `|`.

/// Cuts lines into fields. With quotes (RFC 4180) a field in double quotes may hold separators, line ends and, doubled,
/// quotes; a quote inside an unquoted field stands for itself.
final class DelimitedRows {
  let lines: LineReader
  let separator: [UInt8]
  let hasQuotes: Bool
  let fallsBackToLatin1: Bool
  private(set) var fields: [String] = []
  private var unescaped: [UInt8] = []

  init(_ lines: LineReader, separator: String, hasQuotes: Bool, fallsBackToLatin1: Bool = false) {
    precondition(!separator.isEmpty)
    self.lines = lines
    self.separator = Array(separator.utf8)
    self.hasQuotes = hasQuotes
    self.fallsBackToLatin1 = fallsBackToLatin1
  }

  /// Moves to the next row that is not blank; false at the end of the file.
  func advance() throws(FormatError) -> Bool {
    repeat {
      guard try lines.advance() else { return false }
    } while lines.range.isEmpty
    fields.removeAll(keepingCapacity: true)
    var place = 0
    while true {
      place = try hasQuotes && byte(place) == 0x22 ? quotedField(place) : plainField(place)
      if place == lines.range.count { break }
      // A separator; a row that ends with one has an empty last field.
      place += separator.count
      if place == lines.range.count {
        fields.append("")
        break
      }
    }
    return true
  }

  /// Byte of the record at an offset, or nil at its end.
  private func byte(_ place: Int) -> UInt8? {
    place < lines.range.count ? lines[lines.range.lowerBound + place] : nil
  }

  private func isSeparator(_ place: Int) -> Bool {
    guard place + separator.count <= lines.range.count else { return false }
    for index in separator.indices where byte(place + index) != separator[index] { return false }
    return true
  }

  private func plainField(_ start: Int) throws(FormatError) -> Int {
    var end = start
    while end < lines.range.count, !isSeparator(end) { end += 1 }
    let first = lines.range.lowerBound
    if let text = lines.ascii(first + start..<first + end) {
      fields.append(text)
    } else {
      try append(lines.text(first + start..<first + end))
    }
    return end
  }

  private func quotedField(_ start: Int) throws(FormatError) -> Int {
    unescaped.removeAll(keepingCapacity: true)
    var place = start + 1
    while true {
      guard let next = byte(place) else {
        // The field goes on in the next line. Offsets count from the start of the record, and the end of line that
        // `range` left out is inside of it now.
        guard try lines.extend() else {
          throw lines.error(
            column: "\(fields.count + 1)", "opens a quote that is not closed",
            allowed: "\"…\", with \"\" for a quote")
        }
        continue
      }
      if next == 0x22 {
        if byte(place + 1) == 0x22 {
          unescaped.append(0x22)
          place += 2
          continue
        }
        place += 1
        break
      }
      unescaped.append(next)
      place += 1
    }
    guard place == lines.range.count || isSeparator(place) else {
      throw lines.error(
        column: "\(fields.count + 1)", value: String(decoding: unescaped, as: UTF8.self),
        "is followed by text after its closing quote", allowed: "a separator or the end of the line")
    }
    try append(unescaped)
    return place
  }

  private func append(_ bytes: [UInt8]) throws(FormatError) {
    fields.append(
      try lines.string(bytes, column: "\(fields.count + 1)", orLatin1: fallsBackToLatin1))
  }
}
