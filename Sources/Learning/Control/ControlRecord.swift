// What changes state besides events: commands, as records of the log. A restart, a rollback and a replica read
// them at the same places, so all of them come to the same registry and the same model.
//
//   ┌─────────┬────────────┬─────────────┬────────┬──────┬─────────────────┐
//   │ format  │ author uid │ author name │ reason │ kind │ the kind's body │
//   │ u8 (1)  │ u32        │ text        │ text   │ u8   │                 │
//   └─────────┴────────────┴─────────────┴────────┴──────┴─────────────────┘

package import Primitives
package import Wire

/// Who gave a command: the peer's uid as the kernel reports it, and the name that the caller gave.
package struct Author: Equatable, Sendable {
  package var uid: UInt32
  package var name: String

  package init(uid: UInt32, name: String = "") {
    self.uid = uid
    self.name = name
  }
}

/// One setting of the configuration by its path, such as `learning.rate` = `0.05`.
package struct Setting: Equatable, Sendable {
  package var path: String
  package var value: String

  package init(path: String, value: String) {
    self.path = path
    self.value = value
  }
}

/// A quarantined event that a person admits.
package struct AdmittedEvent: Equatable, Sendable {
  package var offset: UInt64
  /// As the log had it, so that the record says all that it does when the event's segment is gone; nil: in records of
  /// before, which say the offset alone.
  package var event: LoggedEvent?

  package init(offset: UInt64, event: LoggedEvent?) {
    (self.offset, self.event) = (offset, event)
  }
}

package struct ControlRecord: Equatable, Sendable {
  package var author: Author
  package var reason: String
  package var command: Command

  package init(author: Author, reason: String = "", command: Command) {
    self.author = author
    self.reason = reason
    self.command = command
  }

  package enum Command: Equatable, Sendable {
    /// A version's file is on the disk, whole. Written after the file, so that nothing half-made is listed.
    case create(VersionRecord, labels: [String], pinned: Bool)
    case delete(VersionID)
    case label(String, VersionID)
    case unlabel(String)
    case pin(VersionID, Bool)
    case serve(ServingTarget)
    case split([SplitArm], salt: String)
    case shadow(ServingTarget?)
    case rollback(Rollback)
    /// The rollback whose record stands at the offset could not be carried out: all is as if it had not been asked for.
    case abandon(UInt64)
    case configure([Setting])
    case pause
    case resume
    /// Quarantined events that are learned at this place after all.
    case admit([AdmittedEvent])
  }

  static let format: UInt8 = 1
}

/// Why a control record cannot be read.
package enum ControlRecordError: Error, Equatable, CustomStringConvertible {
  /// Written by a newer build, which is the one to be started.
  case newerFormat(UInt8)
  case unknownKind(UInt8)
  case damaged(ByteCodecError)

  package var description: String {
    switch self {
    case .newerFormat(let format):
      "control record of format \(format), but this build knows up to \(ControlRecord.format): start the newer build"
    case .unknownKind(let kind):
      "control record of unknown kind \(kind): start the build that wrote it"
    case .damaged(let error):
      "control record that cannot be read: \(error)"
    }
  }
}
