// Versions, metrics and times for people.

import CMessages
import Primitives
import Wire

enum Show {
  /// 2026-01-01 12:00:00 UTC; "-" for none.
  static func time(_ nanos: Int64) -> String {
    nanos == 0 ? "-" : UTCText.of(nanos: nanos)
  }

  /// The figure by which people judge a version: the windowed loss if there is one.
  static func mainMetric(_ metrics: [Cowbird__V1__Metric]) -> String {
    for name in ["logloss", "rmse", "mae"] {
      for scope in ["window", "total"] {
        if let metric = metrics.first(where: { text($0.name) == name && text($0.scope) == scope }) {
          return "\(name) \(Format.decimal(metric.value))"
        }
      }
    }
    return "-"
  }

  static func metrics(_ metrics: [Cowbird__V1__Metric], indent: String = "  ") -> String {
    var names: [String] = []
    for metric in metrics where !names.contains(text(metric.name)) { names.append(text(metric.name)) }
    var table = TextTable([indent + "metric", "total", "window", "decayed"])
    for name in names {
      func value(_ scope: String) -> String {
        metrics.first { text($0.name) == name && text($0.scope) == scope }
          .map { Format.decimal($0.value) } ?? ""
      }
      table.add([indent + name, value("total"), value("window"), value("decayed")])
    }
    return table.rendered()
  }

  static func version(_ info: Cowbird__V1__VersionInfo) -> String {
    let author = text(info.author)
    let state = [info.serving != 0 ? "serving" : "", info.pinned != 0 ? "pinned" : ""]
    let file =
      "\(text(info.format)), \(Format.bytes(info.file_bytes)); with its chain \(Format.bytes(info.chain_bytes))"
    let facts: [(String, String)] = [
      ("id", text(info.id).isEmpty ? "(head)" : text(info.id)),
      ("parent", text(info.parent)),
      ("made", time(info.created_nanos)),
      ("newest event", time(info.event_time_nanos)),
      ("offset", Format.count(info.offset)),
      ("rows", Format.count(info.rows)),
      ("labels", texts(info.labels, info.n_labels).joined(separator: ", ")),
      ("is", state.filter { !$0.isEmpty }.joined(separator: ", ")),
      ("file", file),
      ("state", text(info.state)),
      ("digest", text(info.digest)),
      ("configuration", text(info.configuration_hash)),
      ("author", author.isEmpty ? "uid \(info.author_uid)" : "\(author) (uid \(info.author_uid))"),
      ("reason", text(info.reason)),
    ]
    var lines: [String] = []
    for (name, value) in facts where !value.isEmpty {
      lines.append(Terminal.styled(name + String(repeating: " ", count: 15 - name.count), .dim) + value)
    }
    let made = elements(info.metrics, info.n_metrics)
    if !made.isEmpty { lines += ["", "metrics when it was made", metrics(made)] }
    let since = elements(info.since, info.n_since)
    if !since.isEmpty {
      lines += ["", "metrics since, of the events that it was asked about", metrics(since)]
    }
    return lines.joined(separator: "\n")
  }

  static func model(_ reference: UnsafeMutablePointer<Cowbird__V1__ModelReference>?) -> String {
    guard let model = reference?.pointee else { return "-" }
    let name = text(model.version).isEmpty ? "head" : text(model.version)
    let arm = text(model.arm).isEmpty ? "" : ", arm \(text(model.arm))"
    return "\(name) (revision \(model.revision), offset \(model.offset)\(arm))"
  }

  /// The result of a read: JSON for scripts, text for people.
  static func result<Message: WireMessage>(
    _ answer: Answer<Message>, asJSON: Bool, _ text: (Message) -> String
  ) {
    print(asJSON ? answer.json.pretty : text(answer.message))
  }
}
