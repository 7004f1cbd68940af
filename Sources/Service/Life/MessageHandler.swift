// The daemon's messages on standard error: a line for people, or a JSON object for machines.
//
// Above level debug no message carries an id or an attribute of a user.

package import Configuration
internal import Glibc
package import Logging
internal import Primitives

/// Level and format in force; a reload changes them for every logger.
package final class MessageStyle: Sendable {
  private let section: Guarded<LoggingSection>

  package init(_ section: LoggingSection) { self.section = Guarded(section) }

  package var current: LoggingSection {
    get { section.withLock { $0 } }
    set { section.withLock { $0 = newValue } }
  }

  package func logger() -> Logger {
    Logger(label: "cowbird") { _ in MessageHandler(style: self) }
  }
}

struct MessageHandler: LogHandler {
  let style: MessageStyle
  var metadata: Logger.Metadata = [:]

  var logLevel: Logger.Level {
    get { Logger.Level(rawValue: style.current.level.rawValue) ?? .info }
    // The configuration decides.
    set {}
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.map { ($0.key, "\($0.value)") }.sorted {
      $0.0 < $1.0
    }
    let time = Self.timestamp(WallClock.nanos())
    var line: String
    switch style.current.format {
    case .text:
      line = "\(time) \(event.level.rawValue) \(event.message)"
      for (key, value) in pairs { line += " \(key)=\(value.contains(" ") ? Self.quoted(value) : value)" }
    case .json:
      line =
        "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"message\":\(Self.quoted("\(event.message)"))"
      for (key, value) in pairs { line += ",\(Self.quoted(key)):\(Self.quoted(value))" }
      line += "}"
    }
    line += "\n"
    // One write: lines of several threads do not mix.
    line.withUTF8 { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }

  /// RFC 3339 in UTC, with milliseconds.
  static func timestamp(_ nanos: Int64) -> String {
    var seconds = time_t(nanos / 1_000_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: some BinaryInteger) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let millis = nanos / 1_000_000 % 1_000
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(millis < 100 ? "0" : "")\(two(millis))Z"
  }

  /// A JSON string.
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }
}
