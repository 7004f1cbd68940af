// Fields of requests as Swift values, checked: what is wrong is named with its bound.

internal import Wire

enum Field {
  static func text(_ value: UnsafeMutablePointer<CChar>?) -> String {
    value.map { String(cString: $0) } ?? ""
  }

  static func text(
    _ value: UnsafeMutablePointer<CChar>?, _ name: String, atMost limit: Int
  ) throws(Status) -> String {
    let text = text(value)
    guard text.utf8.count <= limit else {
      throw Status(.invalidArgument, "\(name) has \(text.utf8.count) bytes; at most \(limit) are allowed")
    }
    return text
  }

  /// A reason for the log.
  static func reason(_ value: UnsafeMutablePointer<CChar>?) throws(Status) -> String {
    try text(value, "reason", atMost: 1_024)
  }

  static func texts(_ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
    guard let values else { return [] }
    return (0..<count).map { text(values[$0]) }
  }

  static func numbers(_ values: UnsafeMutablePointer<UInt64>?, _ count: Int) -> [UInt64] {
    guard let values else { return [] }
    return (0..<count).map { values[$0] }
  }
}
