// `cowbird update ...`: how learning goes, and what it is told.

import ArgumentParser
import CMessages
import Configuration
import Wire

struct Update: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows and steers learning.",
    discussion: """
      Examples:
        cowbird update pause --reason "looking at the bot"
        cowbird update configure learning.rate=0.5 publish.every=5ms
        cowbird update run --from v17 --epochs 2 --label candidate
      """,
    subcommands: [
      UpdateStatus.self, UpdatePause.self, UpdateResume.self, UpdateConfigure.self, UpdateSettings.self,
      UpdateFlush.self,
      UpdateQuarantine.self, UpdateRun.self, UpdateMetrics.self,
    ])
}

struct UpdateStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows how learning goes.",
    discussion: """
      Example:
        cowbird update status --json | jq .lag_events
      """)

  @OptionGroup var client: ClientOptions
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call("Update", "Status", as: Cowbird__V1__StatusResponse.self) {
      (_, _: inout Cowbird__V1__StatusRequest) in
    }
    Show.result(answer, asJSON: json) { StatusScreen.learning($0).joined(separator: "\n") }
  }
}

struct UpdatePause: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Stops learning; events are still taken and kept.",
    discussion: """
      Example:
        cowbird update pause --reason "looking at the bot"
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Why, for the record.") var reason = ""
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call("Update", "Pause", as: Cowbird__V1__ControlResponse.self) {
      (arena, request: inout Cowbird__V1__PauseRequest) in request.reason = arena.text(reason)
    }
    Show.result(answer, asJSON: json) { "learning is paused from offset \($0.offset) on" }
  }
}

struct UpdateResume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Goes on learning.",
    discussion: """
      Example:
        cowbird update resume
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Why, for the record.") var reason = ""
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call("Update", "Resume", as: Cowbird__V1__ControlResponse.self) {
      (arena, request: inout Cowbird__V1__ResumeRequest) in request.reason = arena.text(reason)
    }
    Show.result(answer, asJSON: json) { "learning goes on (offset \($0.offset))" }
  }
}

struct UpdateConfigure: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "configure", abstract: "Changes settings while the daemon runs: all of them, or none.",
    discussion: """
      Example:
        cowbird update configure learning.rate=0.5 hygiene.burst.action=quarantine
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Why, for the record.") var reason = ""
  @Flag(help: "The answer as JSON.") var json = false
  @Argument(help: ArgumentHelp("Settings by their path.", valueName: "path=value")) var settings: [NamedValue]

  func run() throws {
    let answer = try client.connect().call(
      "Update", "Configure", as: Cowbird__V1__ControlResponse.self, isLong: true
    ) { (arena, request: inout Cowbird__V1__ConfigureRequest) in
      (request.n_settings, request.settings) = arena.messages(
        settings.map { setting in
          var message = Cowbird__V1__Setting.empty
          message.path = arena.text(setting.name)
          message.value = arena.text(setting.value)
          return message
        })
      request.reason = arena.text(reason)
    }
    Show.result(answer, asJSON: json) { "in force from offset \($0.offset) on" }
  }
}

struct UpdateSettings: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settings",
    abstract: "Lists the settings in force: the file's, with what configure changed.",
    discussion: """
      Examples:
        cowbird update settings hygiene.
        cowbird update settings --configured --json
      """)

  @OptionGroup var client: ClientOptions
  @Flag(help: "Only what configure changed.") var configured = false
  @Flag(help: "The answer as JSON.") var json = false
  @Argument(help: "How the paths begin.") var prefix = ""

  func run() throws {
    let answer = try client.connect().call("Update", "Settings", as: Cowbird__V1__SettingsResponse.self) {
      (arena, request: inout Cowbird__V1__SettingsRequest) in
      request.prefix = arena.text(prefix)
      request.configured = configured ? 1 : 0
    }
    Show.result(answer, asJSON: json) { message in
      var table = TextTable(["setting", "value", "changed", "in force"])
      for setting in elements(message.settings, message.n_settings) {
        let effect = Effect(rawValue: text(setting.effect))?.meaning ?? text(setting.effect)
        table.add([
          text(setting.path), text(setting.value), setting.configured != 0 ? "by configure" : "", effect,
        ])
      }
      return "hash \(text(message.configuration_hash))\n" + table.rendered()
    }
  }
}

struct UpdateFlush: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Returns when all up to an offset is learned and published.",
    discussion: """
      Example:
        cowbird update flush --digest
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Default: all that the log holds now.") var offset: UInt64?
  @Flag(help: "Compute the digest of the head too.") var digest = false
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call(
      "Update", "Flush", as: Cowbird__V1__FlushResponse.self, isLong: true
    ) { (_, request: inout Cowbird__V1__FlushRequest) in
      request.digest = digest ? 1 : 0
      guard let offset else { return }
      request.offset_presence_case = COWBIRD__V1__FLUSH_REQUEST__OFFSET_PRESENCE_OFFSET
      request.offset = offset
    }
    Show.result(answer, asJSON: json) { message in
      "published: \(Show.model(message.model))" + (digest ? "\ndigest: \(text(message.digest))" : "")
    }
  }
}

struct UpdateQuarantine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quarantine", abstract: "Lists events that hygiene set aside, or admits them after all.",
    discussion: """
      Examples:
        cowbird update quarantine --limit 20
        cowbird update quarantine --admit 48211 --admit 48212 --reason "a real sale"
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Go on after this offset.") var after: UInt64 = 0
  @Option(help: "At most so many.") var limit: UInt32 = 100
  @Option(help: "Learn the event at this offset now; may be repeated.") var admit: [UInt64] = []
  @Option(help: "Why, for the record.") var reason = ""
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call(
      "Update", "Quarantine", as: Cowbird__V1__QuarantineResponse.self, isLong: true, fill)
    Show.result(answer, asJSON: json) { message in
      guard admit.isEmpty else { return "\(admit.count) admitted by the record at offset \(message.offset)" }
      var table = TextTable(["offset", "rule", "reason", "source", "user", "item"])
      for event in elements(message.events, message.n_events) {
        let original = event.event?.pointee
        let interaction =
          original?.kind_case == COWBIRD__V1__EVENT__KIND_INTERACTION ? original?.interaction?.pointee : nil
        table.add([
          "\(event.offset)", text(event.rule), text(event.reason), text(original?.source),
          text(interaction?.user), text(interaction?.item),
        ])
      }
      return message.n_events == 0
        ? "nothing is in quarantine here (\(message.total) in all)"
        : table.rendered() + "\n\(Format.count(message.total)) in all"
    }
  }

  private func fill(_ arena: MessageArena, _ request: inout Cowbird__V1__QuarantineRequest) {
    if admit.isEmpty {
      var list = Cowbird__V1__QuarantineRequest__List.empty
      list.after_offset = after
      list.limit = limit
      request.action_case = COWBIRD__V1__QUARANTINE_REQUEST__ACTION_LIST
      request.list = arena.message(list)
    } else {
      var action = Cowbird__V1__QuarantineRequest__Admit.empty
      (action.n_offsets, action.offsets) = (admit.count, arena.array(admit))
      action.reason = arena.text(reason)
      request.action_case = COWBIRD__V1__QUARANTINE_REQUEST__ACTION_ADMIT
      request.admit = arena.message(action)
    }
  }
}

struct UpdateRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Learns a part of the log into a candidate version, beside the serving model.",
    discussion: """
      Examples:
        cowbird update run --from-scratch --epochs 3 --label candidate
        cowbird update run --from v17 --end-offset 90000
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "\(Selector.help)") var from: Selector?
  @Flag(help: "Begin with an empty model.") var fromScratch = false
  @Option(help: "First offset to learn.") var firstOffset: UInt64?
  @Option(help: "Offset after the last to learn.") var endOffset: UInt64?
  @Option(help: "Passes over the range.") var epochs: UInt32 = 1
  @Option(help: "Why, for the record.") var reason = ""
  @Option(help: "Label for the candidate; one that names another version moves.") var label = ""
  @Flag(name: .shortAndLong, help: "Print the id and nothing else.") var quiet = false
  @Flag(help: "The last answer as JSON.") var json = false

  func run() throws {
    var bar: ProgressBar?
    try client.connect().stream("Update", "Run", as: Cowbird__V1__RunProgress.self, fill) { answer in
      let message = answer.message
      if bar == nil { bar = ProgressBar("run", total: Int(message.events_total), unit: "events") }
      let metrics = elements(message.metrics, message.n_metrics)
      bar?.update(Int(message.events_done), note: Show.mainMetric(metrics))
      guard !text(message.version).isEmpty else { return }
      bar?.finish(Int(message.events_done))
      if quiet { return print(text(message.version)) }
      Show.result(answer, asJSON: json) { message in
        "\(text(message.version)) learned from \(Format.count(message.events_done)) events"
          + (label.isEmpty ? "" : "; label \(label)")
          + (text(message.label_moved_from).isEmpty
            ? "" : " moved here from \(text(message.label_moved_from))") + "\n"
          + Show.metrics(elements(message.metrics, message.n_metrics))
      }
    }
  }

  private func fill(_ arena: MessageArena, _ request: inout Cowbird__V1__RunRequest) {
    request.from = from?.message(arena)
    request.from_scratch = fromScratch ? 1 : 0
    if let firstOffset {
      request.first_offset_presence_case = COWBIRD__V1__RUN_REQUEST__FIRST_OFFSET_PRESENCE_FIRST_OFFSET
      request.first_offset = firstOffset
    }
    if let endOffset {
      request.end_offset_presence_case = COWBIRD__V1__RUN_REQUEST__END_OFFSET_PRESENCE_END_OFFSET
      request.end_offset = endOffset
    }
    request.epochs = epochs
    request.reason = arena.text(reason)
    request.label = arena.text(label)
  }
}

struct UpdateMetrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Prints metrics and counters as OpenMetrics text.",
    discussion: """
      Example:
        cowbird update metrics | grep lag
      """)

  @OptionGroup var client: ClientOptions
  @Flag(help: "The text in a JSON object.") var json = false

  func run() throws {
    let answer = try client.connect().call("Update", "Metrics", as: Cowbird__V1__MetricsResponse.self) {
      (_, _: inout Cowbird__V1__MetricsRequest) in
    }
    Show.result(answer, asJSON: json) { message in
      var lines = text(message.text)
      if lines.hasSuffix("\n") { lines.removeLast() }
      return lines
    }
  }
}
