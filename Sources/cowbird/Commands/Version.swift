// `cowbird version ...`: kept models, which of them answers, and the way back.

import ArgumentParser
import CMessages
import Wire

struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keeps, names, compares, serves and rolls back versions of the model.",
    discussion: """
      A version is named by \(Selector.help).

      Examples:
        cowbird version create --reason deploy --label stable --quiet
        cowbird version list
        cowbird version switch stable
        cowbird version split stable=95 canary=5
        cowbird version rollback --to 2h-ago --exclude source=mobile-ios --dry-run
      """,
    subcommands: [
      VersionCreate.self, VersionList.self, VersionGet.self, VersionSwitch.self, VersionSplit.self,
      VersionShadow.self, VersionRollback.self, VersionForget.self, VersionLabel.self, VersionUnlabel.self,
      VersionPin.self,
      VersionUnpin.self, VersionDelete.self, VersionDiff.self, VersionExport.self, VersionImport.self,
      VersionWatch.self, VersionWait.self,
    ])
}

/// What every command that changes something may say.
struct ChangeOptions: ParsableArguments {
  @OptionGroup var client: ClientOptions

  @Option(help: "Why, for the record.")
  var reason = ""

  @Option(help: "Who, for the record, besides the user id that the kernel reports.")
  var author = ""

  @Flag(help: "The answer as JSON.")
  var json = false

  /// Carries out a change and says what is so now.
  func change<Request: WireMessage>(
    _ method: String, _ done: String, _ build: (MessageArena, inout Request) throws -> Void
  ) throws {
    let answer = try client.connect().call(
      "Version", method, as: Cowbird__V1__ChangeResponse.self, isLong: true, build)
    Show.result(answer, asJSON: json) { message in
      let id = message.version.map { text($0.pointee.id) } ?? ""
      return "\(done)\(id.isEmpty ? "" : " (\(id))"), offset \(message.offset)"
    }
  }
}

struct VersionCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Keeps the head as a version.",
    discussion: """
      Waits until all that was ingested before is learned.

      Examples:
        cowbird version create --reason "before the sale" --label stable --pin
        id=$(cowbird version create --reason deploy --quiet)
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Why, for the record.") var reason = ""
  @Option(help: "Who, for the record.") var author = ""
  @Option(help: "Label to point at it; may be repeated.") var label: [String] = []
  @Flag(help: "Never let retention delete it.") var pin = false
  @Flag(name: .shortAndLong, help: "Print the id and nothing else.") var quiet = false
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call(
      "Version", "Create", as: Cowbird__V1__CreateResponse.self, isLong: true
    ) { (arena, request: inout Cowbird__V1__CreateRequest) in
      request.reason = arena.text(reason)
      request.author = arena.text(author)
      (request.n_labels, request.labels) = arena.texts(label)
      request.pin = pin ? 1 : 0
    }
    Show.result(answer, asJSON: json) { message in
      guard let info = message.version?.pointee else { return "" }
      return quiet
        ? text(info.id)
        : "\(text(info.id)) made at offset \(info.offset), \(Format.bytes(info.file_bytes)) (\(text(info.format)))"
          + missing(message.missing_records)
    }
  }
}

/// What a version made while learning is paused has not learned.
private func missing(_ records: UInt64) -> String {
  guard records > 0 else { return "" }
  return
    "\nlearning is paused: the log's newest \(records) records are not in it; `cowbird update resume` learns them"
}

struct VersionList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists versions, newest first, and what is served.",
    discussion: """
      Example:
        cowbird version list --limit 10
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "At most so many.") var limit: UInt32 = 100
  @Option(help: "Go on before this id.") var before = ""
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call("Version", "List", as: Cowbird__V1__ListResponse.self) {
      (arena, request: inout Cowbird__V1__ListRequest) in
      request.limit = limit
      request.before = arena.text(before)
    }
    Show.result(answer, asJSON: json, table)
  }

  private func table(_ message: Cowbird__V1__ListResponse) -> String {
    var table = TextTable(["id", "made", "offset", "size", "metric", "labels", "is", "reason"])
    for info in elements(message.versions, message.n_versions) {
      let state = [
        info.serving != 0 ? "serving" : "", info.pinned != 0 ? "pinned" : "",
        text(info.state).hasPrefix("damaged") ? "damaged" : "",
      ].filter { !$0.isEmpty }
      table.add([
        text(info.id), Show.time(info.created_nanos), "\(info.offset)", Format.bytes(info.file_bytes),
        Show.mainMetric(elements(info.metrics, info.n_metrics)),
        texts(info.labels, info.n_labels).joined(separator: ","), state.joined(separator: ","),
        text(info.reason),
      ])
    }
    var lines = ["serving: " + Terminal.styled(text(message.serving), .bold)]
    for arm in elements(message.split, message.n_split) {
      let metric = Show.mainMetric(elements(arm.metrics, arm.n_metrics))
      lines.append("  arm \(text(arm.name)): \(Format.decimal(arm.percent, 2))% of the users, \(metric)")
    }
    if !text(message.shadow).isEmpty { lines.append("shadow: \(text(message.shadow))") }
    if message.n_versions == 0 {
      return (lines + ["no versions yet; make one with `cowbird version create`"]).joined(separator: "\n")
    }
    return (lines + ["", table.rendered()]).joined(separator: "\n")
  }
}

struct VersionGet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Shows all that is known of a version.",
    discussion: """
      Example:
        cowbird version get stable
      """)

  @OptionGroup var client: ClientOptions
  @Argument(help: "\(Selector.help)") var version: Selector
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call("Version", "Get", as: Cowbird__V1__VersionInfo.self) {
      (arena, request: inout Cowbird__V1__GetRequest) in
      request.version = version.message(arena)
    }
    Show.result(answer, asJSON: json, Show.version)
  }
}
