// What a start needs of the registry: rules that new commands keep. A command that the log holds means what it meant
// when it was given, whatever the rules were then, so `apply` does not ask for them.

package import Learning

/// What a version must be for a start to begin with it, beside being one of the head.
package struct StartCondition: Equatable, Sendable {
  /// The log's pin that keeps what versions need.
  static let pin = "versions"

  /// What is learned depends on it: a version of another configuration is of no use. Nil: it is not asked.
  package var configurationHash: UInt64?
  /// The log is kept from here on.
  package var firstOffset: UInt64

  package init(configurationHash: UInt64? = nil, firstOffset: UInt64 = 0) {
    self.configurationHash = configurationHash
    self.firstOffset = firstOffset
  }

  func admits(_ record: VersionRecord) -> Bool {
    record.isOfHead && record.offset >= firstOffset
      && configurationHash.map { $0 == record.configurationHash } ?? true
  }
}

extension Registry {
  /// The version that a start begins with, if its file is sound.
  package func start(_ condition: StartCondition) -> VersionRecord? { heads.first(where: condition.admits) }

  /// Carries out a new command: one that is not in the log yet.
  /// - Throws: `RegistryError`, with the registry as it was.
  package mutating func carryOut(
    _ record: ControlRecord, at offset: UInt64, _ condition: StartCondition
  ) throws(RegistryError) {
    if case .delete(let id) = record.command, let why = isHeld(id) ?? isNeeded(id, condition) {
      throw Self.cannotDelete(id, why)
    }
    try apply(record, at: offset)
  }

  static func cannotDelete(_ id: VersionID, _ why: String) -> RegistryError {
    .conflict("\(id) cannot be deleted: \(why)")
  }

  /// Why a start needs a version; nil: it does not.
  package func isNeeded(_ id: VersionID, _ condition: StartCondition) -> String? {
    guard let record = self[id]?.record else { return nil }
    // The log's old segments may be gone, or go at any moment: what they taught is in the versions alone.
    if condition.admits(record), !hasStart(after: nil, but: id, condition) {
      return
        "it is the only version that a start can begin with; make another first (`cowbird version create`)"
    }
    // A start from an older version would come upon the rollback again, and need the version to go back to.
    if let last = returns.last(where: { $0.to == id }), !hasStart(after: last.offset, but: id, condition) {
      return "the rollback at offset \(last.offset) needs it until there is a newer version"
    }
    // Where that has gone, the first version after the rollback is what a start can begin with.
    if condition.admits(record),
      let gone = returns.last(where: {
        $0.offset < record.offset && self[$0.to] == nil && !hasStart(after: $0.offset, but: id, condition)
      })
    {
      return "\(gone.to) is gone, which a start before the rollback at offset \(gone.offset) needs: "
        + "it is kept until there is a newer version"
    }
    return nil
  }

  /// A start can begin with a version of after the offset, apart from one.
  private func hasStart(after offset: UInt64?, but id: VersionID, _ condition: StartCondition) -> Bool {
    entries.contains { entry in
      entry.record.id != id && offset.map { entry.record.offset > $0 } ?? true
        && condition.admits(entry.record)
    }
  }
}
