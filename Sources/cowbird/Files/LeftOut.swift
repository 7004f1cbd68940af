// What of a file is no event, and what a daemon refused: counted, and written down line by line where that is asked for.

import Formats
import Glibc
import Service

final class LeftOut: Sendable {
  private let badLines = Count()
  private let classless = Count()
  /// Lines that may be left out before one ends the command.
  private let limit: UInt64
  /// Nil: nothing is written down.
  private let report: Int32?

  /// - Throws: where the report cannot be written.
  init(atMost limit: UInt64 = 0, report path: String? = nil) throws {
    self.limit = limit
    report = try path.map { path in
      let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else {
        throw Refused("--report: \(path): \(String(cString: strerror(errno)))")
      }
      return descriptor
    }
  }

  /// Leaves nothing out.
  init() { (limit, report) = (0, nil) }

  /// Lines that cannot be read.
  var skipped: UInt64 { badLines.value }
  /// Records without the class that their event type is told by.
  var unlabelled: UInt64 { classless.value }

  func takeUnlabelled() { classless.add() }

  deinit { if let report { close(report) } }

  /// Takes note of a line that cannot be read.
  /// - Throws: the error itself, when it is one too many.
  func take(_ error: FormatError) throws {
    guard badLines.value < limit else { throw error }
    badLines.add()
    write("\(error)")
  }

  /// The next of what `next` reads, without the lines that cannot be read.
  func skipping<Record>(while canGoOn: () -> Bool, _ next: () throws -> Record?) throws -> Record? {
    while true {
      do {
        return try next()
      } catch let error as FormatError where canGoOn() {
        try take(error)
      }
    }
  }

  func write(_ line: String) {
    if let report { Terminal.write(line + "\n", to: report) }
  }
}
