// Rows of separated fields: CSV with quotes, TSV, and MovieLens' `::` and `|`.

internal import Glibc
internal import Wire

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
    lines.withLine { place < $0.count ? $0[place] : nil }
  }

  private func isSeparator(_ place: Int) -> Bool {
    lines.withLine { Self.stands(separator, in: $0, at: place) }
  }

  private static func stands(
    _ separator: [UInt8], in line: UnsafeBufferPointer<UInt8>, at place: Int
  ) -> Bool {
    guard place + separator.count <= line.count else { return false }
    for index in separator.indices where line[place + index] != separator[index] { return false }
    return true
  }

  /// Place of the next separator, or the line's end.
  private static func end(
    of start: Int, _ separator: [UInt8], in line: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var end = start
    while end < line.count {
      guard let hit = memchr(line.baseAddress! + end, Int32(separator[0]), line.count - end) else { break }
      end = UnsafeRawPointer(hit) - UnsafeRawPointer(line.baseAddress!)
      if stands(separator, in: line, at: end) { return end }
      end += 1
    }
    return line.count
  }

  private func plainField(_ start: Int) throws(FormatError) -> Int {
    let (end, text) = lines.withLine { line in
      let end = Self.end(of: start, separator, in: line)
      let field = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: line[start..<end]))
      return (end, Text.isUTF8(field) ? String(decoding: field, as: UTF8.self) : nil)
    }
    if let text {
      fields.append(text)
    } else {
      try append(Array(lines.bytes[start..<end]))
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
