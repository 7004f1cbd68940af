// The nouns of the commands: versions, what is served, how traffic is divided, what a rollback leaves out.

package import Primitives
package import Statistics

/// The number of a version; `v17` to people.
package struct VersionID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let number: UInt64

  package init(_ number: UInt64) { self.number = number }

  /// Reads `v17`.
  package init?(_ text: some StringProtocol) {
    guard text.first == "v", text.utf8.count <= 20, let number = UInt64(text.dropFirst()) else { return nil }
    self.init(number)
  }

  package var description: String { "v\(number)" }
  package static func < (left: VersionID, right: VersionID) -> Bool { left.number < right.number }
}

/// What is known of a version from the moment that it was made, and never changes.
package struct VersionRecord: Equatable, Sendable {
  package var id: VersionID
  package var parent: VersionID?
  /// All log records below this offset are in it.
  package var offset: UInt64
  package var createdNanos: Int64
  /// Time of the newest event in it.
  package var eventTimeNanos: Int64
  package var digest: Digest
  package var configurationHash: UInt64
  package var rows: UInt64
  package var fileBytes: UInt64
  /// True: the file holds the pages that changed since `parent` only.
  package var isDiff: Bool
  /// True: a moment of the head, so that a start may go on from it. False: a candidate, or imported.
  package var isOfHead: Bool
  /// True: it came from a file. Its offset is where it came in; no record of this log is in it.
  package var isImported: Bool
  /// True: a candidate that is the head as if a user had never come. Once the log's records of the user are emptied, it
  /// is what the log teaches.
  package var isWithoutUser: Bool
  package var metrics: [MetricValue]

  package init(
    id: VersionID, parent: VersionID?, offset: UInt64, createdNanos: Int64, eventTimeNanos: Int64,
    digest: Digest, configurationHash: UInt64, rows: UInt64, fileBytes: UInt64, isDiff: Bool,
    isOfHead: Bool = true, isImported: Bool = false, isWithoutUser: Bool = false, metrics: [MetricValue]
  ) {
    self.id = id
    self.parent = parent
    self.offset = offset
    self.createdNanos = createdNanos
    self.eventTimeNanos = eventTimeNanos
    self.digest = digest
    self.configurationHash = configurationHash
    self.rows = rows
    self.fileBytes = fileBytes
    self.isDiff = isDiff
    self.isOfHead = isOfHead
    self.isImported = isImported
    self.isWithoutUser = isWithoutUser
    self.metrics = metrics
  }
}

/// What Predict reads when the caller names nothing.
package enum ServingTarget: Hashable, Sendable, CustomStringConvertible {
  case head
  case version(VersionID)
  /// Follows the label when it moves.
  case label(String)

  package var description: String {
    switch self {
    case .head: "head"
    case .version(let id): id.description
    case .label(let name): "label:\(name)"
    }
  }
}

/// One share of a traffic split.
package struct SplitArm: Equatable, Sendable {
  package var name: String
  package var target: ServingTarget
  /// Share of the users, in percent.
  package var percent: Double

  package init(name: String, target: ServingTarget, percent: Double) {
    self.name = name
    self.target = target
    self.percent = percent
  }
}

/// Which events a rollback leaves out: all fields that are set must match; the values of a field are
/// alternatives. An empty filter matches nothing.
package struct EventFilter: Equatable, Sendable {
  package var sources: [String] = []
  package var producers: [String] = []
  package var users: [String] = []
  package var items: [String] = []
  package var types: [String] = []
  /// Event time, inclusive.
  package var fromNanos: Int64?
  /// Event time, exclusive.
  package var untilNanos: Int64?
  /// Inclusive.
  package var firstOffset: UInt64?
  /// Exclusive.
  package var endOffset: UInt64?

  package init() {}

  package var isEmpty: Bool { self == EventFilter() }
}
