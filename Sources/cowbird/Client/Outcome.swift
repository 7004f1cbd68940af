// How a command ends: what is said, and the exit code that scripts read.

import ArgumentParser
import Glibc
import Wire

enum Outcome {
  static let refused: Int32 = 1
  static let usage: Int32 = 2
  static let cannotConnect: Int32 = 3
  static let deadline: Int32 = 4

  /// Says what went wrong and ends the process.
  static func leave(with error: any Error) -> Never {
    switch error {
    case let error as ConnectFailure:
      say("\(error)")
      exit(cannotConnect)
    case let status as Status:
      say(text(status))
      exit(code(status))
    case let code as ExitCode:
      exit(code.rawValue)
    default:
      let code = Cowbird.exitCode(for: error)
      let message = Cowbird.fullMessage(for: error)
      if code == .success {
        print(message)
        exit(0)
      }
      if code == .validationFailure {
        Terminal.note(message)
        exit(usage)
      }
      say("\(error)")
      exit(refused)
    }
  }

  /// Says what went wrong, where it does not end the process.
  static func tell(_ status: Status) { say(text(status)) }

  private static func say(_ text: String) {
    Terminal.note(Terminal.styledForErrors("error: ", .red) + text)
  }

  private static func code(_ status: Status) -> Int32 {
    switch status.code {
    case .deadlineExceeded: deadline
    case .unavailable: cannotConnect
    default: refused
    }
  }

  private static func text(_ status: Status) -> String {
    let advice: String =
      switch status.code {
      case .deadlineExceeded: "; allow more time with --timeout"
      case .permissionDenied: " (server.permissions in the configuration says who may do what)"
      case .unimplemented: "; is the daemon of the same version as this command?"
      case .internal: "; this is a fault of the daemon, whose messages say more"
      default: ""
      }
    return status.message.isEmpty ? "\(status.code)\(advice)" : status.message + advice
  }
}

/// Nobody listens there, or nobody may come in.
struct ConnectFailure: Error, CustomStringConvertible {
  let description: String
}

extension Terminal {
  /// Colours on standard error.
  static func styledForErrors(_ text: String, _ style: Style) -> String {
    isInteractive && getenv("NO_COLOR") == nil ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
