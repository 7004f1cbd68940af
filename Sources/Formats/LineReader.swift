// Lines of a file or of standard input, in bounded memory.

internal import Glibc

/// Reads lines through one buffer:
///
///     buffer │ done │ current line │ not yet looked at │ free │
///                    start    end ▲                     filled
///
/// A line ends with LF or CRLF or the end of the file, and is given without it. A UTF-8 byte order mark at the start
/// is skipped. A line of more than `maxLineBytes` is an error, after which the file counts as ended; the buffer never
/// grows further.
final class LineReader {
  static let maxLineBytes = 4 << 20

  let name: String
  private let descriptor: Int32
  private var buffer: [UInt8]
  private var next = 0
  private var filled = 0
  private var isAtEnd = false
  /// What was read cannot be trusted to go on after an error.
  private(set) var isBroken = false
  /// Of the current line, from 1; for a record of several lines that of its first.
  private(set) var lineNumber = 0
  private var linesInRecord = 0
  private var isPushedBack = false
  /// Bytes read so far, and the file's size where it has one: for progress.
  private(set) var bytesRead = 0
  let totalBytes: Int?
  /// Place of the current line in the buffer, without its end of line.
  private(set) var range = 0..<0

  /// Opens `path`; `-` is standard input.
  init(path: String, bufferBytes: Int = 1 << 16) throws(FormatError) {
    name = path
    buffer = Array(repeating: 0, count: bufferBytes)
    descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    var status = stat()
    let isFile = descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    totalBytes = isFile ? Int(status.st_size) : nil
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw FormatError(
        file: path, line: 0, problem: "cannot be opened: \(reason)",
        allowed: "a readable file, or - for standard input")
    }
  }

  deinit { if descriptor > 0 { close(descriptor) } }

  /// The current line, as long as `body` runs.
  func withLine<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    buffer.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  /// The bytes of the current line.
  var bytes: [UInt8] { Array(buffer[range]) }

  /// Moves to the next line; false at the end of the file.
  func advance() throws(FormatError) -> Bool {
    if isPushedBack {
      isPushedBack = false
      return true
    }
    lineNumber += linesInRecord
    linesInRecord = 0
    let start = next
    guard let found = try scan(from: start) else { return false }
    linesInRecord = 1
    range = found
    if lineNumber == 0 {
      lineNumber = 1
      if range.count >= 3, buffer[range.lowerBound] == 0xEF, buffer[range.lowerBound + 1] == 0xBB,
        buffer[range.lowerBound + 2] == 0xBF
      {
        range = range.lowerBound + 3..<range.upperBound
      }
    }
    return true
  }

  /// Lets the next `advance` give the current line again.
  func pushBack() { isPushedBack = true }

  /// Adds the next line, and the end of line between, to the current one; false at the end of the file.
  func extend() throws(FormatError) -> Bool {
    let start = range.lowerBound
    guard let found = try scan(from: start, searchFrom: next) else { return false }
    linesInRecord += 1
    range = found
    return true
  }

  /// Finds the end of the line that begins at `start`, looking from `searchFrom` on, and reads what is missing.
  /// Moves `start` to the front of the buffer when room is needed.
  private func scan(
    from start: Int, searchFrom: Int? = nil
  ) throws(FormatError) -> Range<Int>? {
    var start = start
    var cursor = searchFrom ?? start
    if searchFrom != nil, cursor == filled, isAtEnd { return nil }
    while true {
      if let end = lineFeed(from: cursor) {
        next = end + 1
        let isCRLF = end > start && buffer[end - 1] == 0x0D
        return start..<(isCRLF ? end - 1 : end)
      }
      cursor = filled
      if isAtEnd {
        guard start < filled, searchFrom.map({ $0 < filled }) ?? true else { return nil }
        next = filled
        return start..<(buffer[filled - 1] == 0x0D ? filled - 1 : filled)
      }
      if start > 0, filled == buffer.count {
        buffer.withUnsafeMutableBytes { bytes in
          // Both ends lie inside of the buffer; memmove allows the overlap.
          _ = memmove(bytes.baseAddress!, bytes.baseAddress! + start, filled - start)
        }
        cursor -= start
        filled -= start
        start = 0
        range = 0..<range.count
      }
      if filled == buffer.count {
        guard buffer.count < Self.maxLineBytes else {
          (next, filled, isAtEnd, isBroken) = (0, 0, true, true)
          throw FormatError(
            file: name, line: max(1, lineNumber), problem: "is longer than 4 MiB",
            allowed: "lines of at most \(Self.maxLineBytes) bytes (is a quote not closed?)")
        }
        buffer.append(
          contentsOf: repeatElement(0, count: min(buffer.count, Self.maxLineBytes - buffer.count)))
      }
      try fill()
    }
  }

  private func lineFeed(from cursor: Int) -> Int? {
    guard cursor < filled else { return nil }
    return buffer.withUnsafeBytes { bytes in
      guard let hit = memchr(bytes.baseAddress! + cursor, 0x0A, filled - cursor) else { return nil }
      return UnsafeRawPointer(hit) - bytes.baseAddress!
    }
  }

  private func fill() throws(FormatError) {
    while true {
      let count = buffer.withUnsafeMutableBytes { bytes in
        // The room from `filled` to the end belongs to the buffer.
        read(descriptor, bytes.baseAddress! + filled, bytes.count - filled)
      }
      if count > 0 {
        filled += count
        bytesRead += count
        return
      }
      if count == 0 {
        isAtEnd = true
        return
      }
      guard errno == EINTR else {
        let reason = String(cString: strerror(errno))
        isBroken = true
        throw FormatError(
          file: name, line: lineNumber, problem: "cannot be read: \(reason)",
          allowed: "a regular file or a pipe")
      }
    }
  }
}
