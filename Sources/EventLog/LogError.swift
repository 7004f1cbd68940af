// One shape for everything that can go wrong in the log: whose fault (gRPC's code), what, where.

internal import Glibc

package struct LogError: Error, Sendable, CustomStringConvertible {
  /// gRPC's codes; the raw value is the number on the wire.
  package enum Code: Int32, Sendable {
    case invalidArgument = 3
    case notFound = 5
    case resourceExhausted = 8
    case failedPrecondition = 9
    case outOfRange = 11
    case unavailable = 14
    case dataLoss = 15
  }

  package var code: Code
  package var message: String
  /// The file at fault, if it is one.
  package var file: String?
  /// The log offset at fault, if it is one.
  package var offset: UInt64?
  /// True: the records of the failed append have offsets and may still become part of the log. A caller that
  /// numbers its events (or gives ids) repeats the append and is answered truly; one that does not, cannot know.
  package var outcomeIsUnknown: Bool

  package init(
    _ code: Code, _ message: String, file: String? = nil, offset: UInt64? = nil,
    outcomeIsUnknown: Bool = false
  ) {
    self.code = code
    self.message = message
    self.file = file
    self.offset = offset
    self.outcomeIsUnknown = outcomeIsUnknown
  }

  package init(_ error: FileError, doing what: String) {
    let code: Code =
      switch error.number {
      case ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM: .resourceExhausted
      default: .unavailable
      }
    self.init(code, "\(what): \(error)", file: error.path)
  }

  package var description: String {
    var text = message
    if let offset { text += " (offset \(offset))" }
    if let file, !text.contains(file) { text += " [\(file)]" }
    return text
  }
}

/// A call to the file system that failed.
package struct FileError: Error, Sendable, CustomStringConvertible {
  package var operation: String
  package var path: String
  /// errno.
  package var number: Int32

  package init(_ operation: String, _ path: String, _ number: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.number = number
  }

  package var description: String {
    "\(operation) \(path): \(String(cString: strerror(number)))"
  }
}
