// Text out of a line's bytes.

extension LineReader {
  /// An error about a part of the current line.
  func error(
    column: String = "", value: String = "", _ problem: String, allowed: String
  ) -> FormatError {
    FormatError(
      file: name, line: lineNumber, column: column, value: value, problem: problem, allowed: allowed)
  }

  /// The bytes as UTF-8. With `orLatin1` bytes that are not are taken as ISO 8859-1, in which MovieLens' older titles
  /// are.
  func string(
    _ bytes: some Collection<UInt8>, column: String = "", orLatin1: Bool = false
  ) throws(FormatError) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    if orLatin1 {
      var text = ""
      for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
      return text
    }
    throw error(
      column: column, value: String(decoding: bytes, as: UTF8.self), "is not UTF-8", allowed: "UTF-8 text")
  }

  /// The current line as UTF-8.
  func line() throws(FormatError) -> String { try string(bytes) }

  /// At most `limit` bytes, as the protocol asks of ids and names.
  func checkLength(_ text: String, column: String, limit: Int) throws(FormatError) {
    guard text.utf8.count > limit else { return }
    throw error(
      column: column, value: text, "has \(text.utf8.count) bytes", allowed: "at most \(limit) bytes")
  }
}
