// What versions there are, what they are called and what is served: a value that control records change.
//
// The registry is a function of the log's control records, in their order. `apply` is the only way to change
// it; it either changes all that a record says or throws and changes nothing.

package import Learning
internal import Primitives

/// Why a command cannot be carried out; the registry is as it was.
package enum RegistryError: Error, Equatable {
  /// No such version, label or moment.
  case notFound(String)
  /// The command contradicts what is there.
  case conflict(String)
  /// The command itself is wrong.
  case invalid(String)

  package var message: String {
    switch self {
    case .notFound(let text), .conflict(let text), .invalid(let text): text
    }
  }
}

package struct Registry: Equatable, Sendable {
  /// A version, and who made it.
  package struct Entry: Equatable, Sendable {
    package var record: VersionRecord
    package var author: Author
    package var reason: String
    package var isPinned: Bool
  }

  /// A rollback that was carried out.
  package struct Return: Equatable, Sendable {
    /// Offset of its record.
    package var offset: UInt64
    package var to: VersionID
  }

  /// What a rollback found.
  struct BeforeReturn: Equatable, Sendable {
    /// Nil: something else was chosen since.
    var served: Served?
    var pausedAt: UInt64?

    struct Served: Equatable, Sendable {
      var serving: ServingTarget
      var previous: ServingTarget?
      var arms: [SplitArm]
    }
  }

  /// By id, oldest first.
  package internal(set) var entries: [Entry] = []
  /// By name.
  package internal(set) var labels: [(name: String, id: VersionID)] = []
  package internal(set) var serving: ServingTarget = .head
  /// What was served before the last switch or rollback.
  package internal(set) var previous: ServingTarget?
  /// Empty: everybody gets `serving`.
  package internal(set) var arms: [SplitArm] = []
  package internal(set) var salt = ""
  package internal(set) var shadow: ServingTarget?
  /// All that rollbacks ever left out, readmitted or not, oldest first: an old record is replayed as it was
  /// understood at its time.
  package internal(set) var exclusions: [Exclusion] = []
  /// The rollbacks that hold, oldest first.
  package internal(set) var returns: [Return] = []
  /// Offsets of the rollbacks' records that could not be carried out.
  package internal(set) var abandoned: [UInt64] = []
  /// What the last rollback changed, in case that it cannot be carried out.
  var beforeReturn: BeforeReturn?
  /// Offset of the record that paused learning; nil: it goes on.
  package internal(set) var pausedAt: UInt64?
  /// What was configured, each path as it was last. Rollbacks change the models' settings, and not these: they are
  /// asked for what is no matter of a model.
  package internal(set) var settings: [Setting] = []
  package internal(set) var nextNumber: UInt64 = 1
  /// All control records below this offset are in this value.
  package internal(set) var endOffset: UInt64 = 0

  package init() {}

  package static func == (left: Registry, right: Registry) -> Bool { left.encoded() == right.encoded() }

  package var isPaused: Bool { pausedAt != nil }

  // MARK: Looking up

  package subscript(id: VersionID) -> Entry? {
    position(of: id).map { entries[$0] }
  }

  /// Index in `entries`; O(log n).
  func position(of id: VersionID) -> Int? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].record.id < id { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].record.id == id ? low : nil
  }

  package func id(labelled name: String) -> VersionID? { labels.first { $0.name == name }?.id }
  package func labels(of id: VersionID) -> [String] { labels.filter { $0.id == id }.map(\.name) }
  package var latest: VersionID? { entries.last?.record.id }

  /// What a start can go on from, the best first: the versions of what this log taught, furthest along the log first.
  /// That is not the order in which they were made: one that was copied before a rollback may be written after one that
  /// was copied behind it.
  package var heads: [VersionRecord] {
    entries.map(\.record).filter(\.isOfHead).sorted { ($0.offset, $0.id) > ($1.offset, $1.id) }
  }

  /// Whether the head that stood at `offset` has gone since, because a rollback put another in its place.
  package func isGone(headAt offset: UInt64) -> Bool { returns.last.map { $0.offset >= offset } ?? false }

  /// The newest version made at or before `nanos`.
  package func version(asOf nanos: Int64) -> VersionID? {
    entries.last { $0.record.createdNanos <= nanos }?.record.id
  }

  /// The version behind a target; nil for the head.
  package func resolve(_ target: ServingTarget) throws(RegistryError) -> VersionID? {
    switch target {
    case .head: return nil
    case .version(let id):
      guard self[id] != nil else { throw .notFound(Self.noVersion(id)) }
      return id
    case .label(let name):
      guard let id = id(labelled: name) else {
        throw .notFound("no label \"\(name)\"; `cowbird version list` shows the labels")
      }
      return id
    }
  }

  package static func noVersion(_ id: VersionID) -> String {
    "no version \(id); `cowbird version list` shows what is kept"
  }

  /// What points at a version, which cannot be deleted then; nil: nothing.
  package func isHeld(_ id: VersionID) -> String? {
    let labels = labels(of: id)
    if !labels.isEmpty { return "it has the label \(labels.map { "\"\($0)\"" }.joined(separator: ", "))" }
    if self[id]?.isPinned == true { return "it is pinned" }
    if serving == .version(id) { return "it is being served" }
    if arms.contains(where: { $0.target == .version(id) }) { return "it is an arm of the traffic split" }
    if shadow == .version(id) { return "it is the shadow" }
    return nil
  }
}
