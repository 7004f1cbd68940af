// Commands in a line, for people who watch or read the audit trail.

package import Learning

extension ControlRecord.Command {
  /// As in WatchEvent.kind.
  package var kind: String {
    switch self {
    case .create(let record, _, _): record.isOfHead || record.parent != nil ? "create" : "import"
    case .delete: "delete"
    case .label: "label"
    case .unlabel: "unlabel"
    case .pin: "pin"
    case .serve: "switch"
    case .split: "split"
    case .shadow: "shadow"
    case .rollback: "rollback"
    case .abandon: "abandon"
    case .configure: "configure"
    case .pause: "pause"
    case .resume: "resume"
    case .admit: "admit"
    }
  }

  package var version: VersionID? {
    switch self {
    case .create(let record, _, _): record.id
    case .delete(let id), .label(_, let id), .pin(let id, _): id
    case .serve(.version(let id)): id
    case .rollback(let rollback): rollback.to
    case .serve, .unlabel, .split, .shadow, .abandon, .configure, .pause, .resume, .admit: nil
    }
  }

  package var summary: String {
    switch self {
    case .create(let record, let labels, _):
      "\(record.id) \(record.isOfHead || record.parent != nil ? "made" : "imported") at offset \(record.offset)"
        + (labels.isEmpty ? "" : ", labelled \(labels.joined(separator: ", "))")
    case .delete(let id): "\(id) deleted"
    case .label(let name, let id): "label \(name) points at \(id)"
    case .unlabel(let name): "label \(name) removed"
    case .pin(let id, let pinned): "\(id) \(pinned ? "pinned" : "unpinned")"
    case .serve(let target): "serving \(target)"
    case .split(let arms, _):
      arms.isEmpty
        ? "split ended"
        : "split " + arms.map { "\($0.name)=\($0.target):\($0.percent)%" }.joined(separator: " ")
    case .shadow(let target): target.map { "shadow \($0)" } ?? "shadow ended"
    case .rollback(let rollback):
      "rolled back to \(rollback.to)"
        + (rollback.replays ? ", what came after is learned again" : "")
        + (rollback.exclude.isEmpty ? "" : " without what the filter matches")
    case .abandon(let offset): "the rollback at offset \(offset) could not be carried out, and is void"
    case .configure(let settings):
      "settings " + settings.map { "\($0.path)=\($0.value)" }.joined(separator: " ")
    case .pause: "learning paused"
    case .resume: "learning resumed"
    case .admit(let events): "\(events.count) quarantined events admitted"
    }
  }
}
