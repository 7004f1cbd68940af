// Which version a command means, as people write it: serving, head, latest, previous, v17, a label,
// @2026-01-01T00:00:00Z, 2h-ago.

import ArgumentParser
import CMessages
import Configuration
import Foundation
import Primitives
import Wire

enum Selector: ExpressibleByArgument, Equatable {
  case serving, head, latest, previous
  case id(String)
  case label(String)
  case asOf(Int64)

  static let help = "serving, head, latest, previous, v17, a label, @2026-01-01T00:00:00Z, or 2h-ago"

  init?(argument: String) {
    switch argument {
    case "": return nil
    case "serving": self = .serving
    case "head": self = .head
    case "latest": self = .latest
    case "previous": self = .previous
    default:
      if argument.hasPrefix("@") {
        guard let nanos = Self.moment(String(argument.dropFirst())) else { return nil }
        self = .asOf(nanos)
      } else if argument.hasSuffix("-ago") {
        guard let nanos = DurationText.parse(String(argument.dropLast(4))) else { return nil }
        self = .asOf(WallClock.nanos() - nanos)
      } else if argument.first == "v", argument.count > 1, UInt64(argument.dropFirst()) != nil {
        self = .id(argument)
      } else {
        self = .label(argument)
      }
    }
  }

  /// Unix nanoseconds of a moment as ISO 8601 writes it, a date alone, or Unix seconds.
  static func moment(_ text: String) -> Int64? {
    if let seconds = Double(text), seconds.isFinite, abs(seconds) < 9e9 { return Int64(seconds * 1e9) }
    let formatter = ISO8601DateFormatter()
    for options: ISO8601DateFormatter.Options in [
      [.withInternetDateTime], [.withInternetDateTime, .withFractionalSeconds], [.withFullDate],
    ] {
      formatter.formatOptions = options
      if let date = formatter.date(from: text) {
        return Int64((date.timeIntervalSince1970 * 1e6).rounded()) * 1_000
      }
    }
    return nil
  }

  func message(_ arena: MessageArena) -> UnsafeMutablePointer<Cowbird__V1__VersionSelector> {
    var message = Cowbird__V1__VersionSelector.empty
    switch self {
    case .serving:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_SERVING
      message.serving = 1
    case .head:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_HEAD
      message.head = 1
    case .latest:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LATEST
      message.latest = 1
    case .previous:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_PREVIOUS
      message.previous = 1
    case .id(let id):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID
      message.id = arena.text(id)
    case .label(let name):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LABEL
      message.label = arena.text(name)
    case .asOf(let nanos):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_AS_OF_NANOS
      message.as_of_nanos = nanos
    }
    return arena.message(message)
  }
}
