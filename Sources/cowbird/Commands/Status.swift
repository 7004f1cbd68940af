// `cowbird status` and `cowbird top`: one screen, once or again and again.

import ArgumentParser
import CMessages
import Configuration
import Glibc
import Wire

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows the daemon on one screen: versions, lag, metrics, hygiene.",
    discussion: """
      Examples:
        cowbird status
        cowbird status --json | jq .learning.lag_events
      """)

  @OptionGroup var client: ClientOptions
  @Flag(help: "The answers as JSON, under \"learning\" and \"versions\".") var json = false

  func run() throws {
    let screen = try StatusScreen(client.connect())
    print(json ? screen.json.pretty : screen.rendered)
  }
}

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the daemon live; ends with Ctrl-C.",
    discussion: """
      Examples:
        cowbird top
        cowbird top --every 5s
        cowbird top --every 1s --count 10 --json     (one JSON object a line)
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "How often.") var every = "1s"
  @Option(help: "End after so many; 0: never.") var count = 0
  @Flag(help: "One JSON object a line.") var json = false

  func validate() throws {
    guard let nanos = DurationText.parse(every), nanos >= 100_000_000 else {
      throw ValidationError("--every: \"\(every)\" is no duration of at least 100ms")
    }
  }

  func run() throws {
    let daemon = try client.connect()
    let nanos = DurationText.parse(every) ?? 1_000_000_000
    let isScreen = isatty(STDOUT_FILENO) == 1 && !json
    var shown = 0
    while true {
      let screen = try StatusScreen(daemon)
      let shot = json ? screen.json.compact : screen.rendered
      Terminal.write((isScreen ? "\u{1B}[H\u{1B}[2J" : "") + shot + "\n", to: STDOUT_FILENO)
      shown += 1
      if shown == count { return }
      var pause = timespec(tv_sec: Int(nanos / 1_000_000_000), tv_nsec: Int(nanos % 1_000_000_000))
      nanosleep(&pause, nil)
    }
  }
}

/// What the daemon says of learning and of versions at one moment.
struct StatusScreen {
  private let status: Answer<Cowbird__V1__StatusResponse>
  private let versions: Answer<Cowbird__V1__ListResponse>

  init(_ daemon: DaemonConnection) throws {
    status = try daemon.call("Update", "Status") { (_, _: inout Cowbird__V1__StatusRequest) in }
    versions = try daemon.call("Version", "List") { (_, request: inout Cowbird__V1__ListRequest) in
      request.limit = 4
    }
  }

  var json: JSON { .object([("learning", status.json), ("versions", versions.json)]) }

  var rendered: String {
    withExtendedLifetime((status, versions)) {
      let message = status.message
      var lines = Self.learning(message)
      if let split { lines[1] = split }
      let metrics = elements(message.metrics, message.n_metrics).filter { Self.shown.contains(text($0.name)) }
      lines += ["", Show.metrics(metrics, indent: "")]
      lines += [""] + Self.evictions(message) + [Self.hygiene(message), Self.drift(message)]
      lines += ["", Self.versions(versions.message)]
      return lines.joined(separator: "\n")
    }
  }

  /// The arms of a split, where there is one: the daemon's own answer names the first only.
  private var split: String? {
    let arms = elements(versions.message.split, versions.message.n_split)
    guard !arms.isEmpty else { return nil }
    let parts = arms.map { "\(text($0.name)) \(Format.decimal(Double($0.percent), 0))%" }
    return "serving   split: \(parts.joined(separator: ", "))"
  }

  /// All of them are in the JSON.
  private static let shown: Set = [
    "logloss", "normalized_entropy", "auc", "accuracy", "rmse", "mae", "calibration",
  ]

  static func learning(_ message: Cowbird__V1__StatusResponse) -> [String] {
    let state = text(message.log_state)
    let isWell = state == "ok"
    let mode = message.paused != 0 ? Terminal.styled("paused", .yellow) : Terminal.styled("learning", .green)
    return [
      Terminal.styled("cowbird", .bold) + " \(text(message.server_version)), \(mode), up "
        + Format.duration(seconds: message.uptime_seconds),
      "serving   \(Show.model(message.serving))",
      "head      \(Show.model(message.head))",
      "log       \(isWell ? "ok" : Terminal.styled(state, .red)), end \(Format.count(message.log_end_offset)), "
        + "durable \(Format.count(message.durable_offset)), \(Format.bytes(message.log_bytes))",
      "lag       \(Format.count(message.lag_events)) events, \(Format.decimal(message.lag_ms, 1)) ms; "
        + "\(Format.count(Int(message.events_per_second))) events/s",
      "model     \(Format.count(message.users)) users, \(Format.count(message.items)) items, "
        + "\(Format.count(message.model_rows)) rows, \(Format.bytes(message.model_bytes)) "
        + "(process \(Format.bytes(message.resident_bytes)))",
      "settings  rate \(Format.decimal(message.learning_rate)), published every "
        + DurationText.render(Int64(clamping: message.publish_interval_nanos)),
    ]
  }

  private static let evicted = "evicted."

  /// What `limits` has cost; nothing where it has not. What retrieval forgot stands in the JSON.
  private static func evictions(_ message: Cowbird__V1__StatusResponse) -> [String] {
    let parts = elements(message.hygiene, message.n_hygiene).compactMap { counter -> String? in
      let name = text(counter.name)
      guard counter.value > 0, name.hasPrefix(evicted), !name.contains("retrieval_") else { return nil }
      return "\(Format.count(counter.value)) \(name.dropFirst(evicted.count))"
    }
    return parts.isEmpty ? [] : ["evicted   \(parts.joined(separator: ", "))"]
  }

  private static func hygiene(_ message: Cowbird__V1__StatusResponse) -> String {
    // What is usual is no matter of hygiene; the JSON has all of it.
    let usual = ["events", "examples", "quarantined", "impressions.", "delayed.", evicted]
    let counts = elements(message.hygiene, message.n_hygiene).filter { counter in
      let name = text(counter.name)
      return counter.value > 0 && !usual.contains { name == $0 || ($0.hasSuffix(".") && name.hasPrefix($0)) }
    }.sorted { $0.value > $1.value }
    let shown = counts.prefix(4).map { counter in
      let source = text(counter.source)
      return "\(text(counter.name))\(source.isEmpty ? "" : " (\(source))") \(Format.count(counter.value))"
    }
    let more = counts.count > 4 ? " and \(counts.count - 4) more" : ""
    let what = shown.isEmpty ? "nothing suspicious" : shown.joined(separator: ", ") + more
    return "hygiene   \(what); \(Format.count(message.quarantined)) in quarantine"
  }

  private static func drift(_ message: Cowbird__V1__StatusResponse) -> String {
    let fired = elements(message.drift, message.n_drift).filter { $0.count > 0 }
    guard let last = fired.max(by: { $0.offset < $1.offset }) else { return "drift     none" }
    let counts = fired.map { "\(text($0.detector)) \(Format.count($0.count))" }.joined(separator: ", ")
    return "drift     \(counts); last at offset \(last.offset)"
  }

  private static func versions(_ message: Cowbird__V1__ListResponse) -> String {
    var table = TextTable(["version", "made", "offset", "size", "metric", "labels"])
    for info in elements(message.versions, message.n_versions) {
      table.add([
        text(info.id) + (info.serving != 0 ? " *" : ""), Show.time(info.created_nanos),
        "\(info.offset)", Format.bytes(info.file_bytes),
        Show.mainMetric(elements(info.metrics, info.n_metrics)),
        texts(info.labels, info.n_labels).joined(separator: ","),
      ])
    }
    return message.n_versions == 0 ? "no versions yet" : table.rendered()
  }
}
