// `cowbird version rollback`: back to an older version, and forward again without the bad events.

import ArgumentParser
import CMessages
import Configuration
import Primitives
import Wire

struct VersionRollback: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Makes an older version head and serving.",
    discussion: """
      Without --exclude and --replay, what came after the version is dropped. With them it is learned again, but for
      what is excluded, while the old version answers. Nothing leaves the log: exclusions end with --readmit.

      Filters: source, producer, user, item, type (repeat for alternatives), from, until (a moment or 2h-ago),
      first-offset, end-offset. All that are given must match.

      Examples:
        cowbird version rollback --to stable
        cowbird version rollback --to 2h-ago --exclude source=mobile-ios --dry-run
        cowbird version rollback --to v17 --exclude user=bot-1 --exclude user=bot-2 --exclude from=1h-ago
        cowbird version rollback --to v17 --replay --readmit 48211
      """)

  /// One `--exclude name=value`.
  struct Condition: ExpressibleByArgument {
    var name: String
    var value: String

    init?(argument: String) {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
        String.init)
      guard parts.count == 2, Condition.names.contains(parts[0]) else { return nil }
      (name, value) = (parts[0], parts[1])
    }

    static let names = [
      "source", "producer", "user", "item", "type", "from", "until", "first-offset", "end-offset",
    ]
    static var allValueStrings: [String] { names.map { $0 + "=..." } }
  }

  @OptionGroup var options: ChangeOptions
  @Option(help: "\(Selector.help)") var to: Selector
  @Option(help: ArgumentHelp("Leave out events that match; may be repeated.", valueName: "name=value"))
  var exclude: [Condition] = []
  @Flag(help: "Learn again what came after, even without a filter.") var replay = false
  @Flag(help: "Only say how many events, and how long.") var dryRun = false
  @Option(help: "Offset of an earlier rollback whose exclusions end with this one; may be repeated.")
  var readmit: [UInt64] = []

  func validate() throws {
    for condition in exclude { _ = try number(condition) }
  }

  func run() throws {
    let daemon = try options.client.connect()
    var bar: ProgressBar?
    try daemon.stream("Version", "Rollback", as: Cowbird__V1__RollbackProgress.self, fill) { answer in
      let message = answer.message
      let done = Int(message.events_replayed + message.events_excluded)
      switch text(message.stage) {
      case "replaying":
        if bar == nil { bar = ProgressBar("replay", total: Int(message.events_total), unit: "events") }
        bar?.update(done)
      case "done":
        bar?.finish(done)
        Show.result(answer, asJSON: options.json, report)
      default:
        if dryRun { Show.result(answer, asJSON: options.json, plan) }
      }
    }
  }

  private func fill(_ arena: MessageArena, _ request: inout Cowbird__V1__RollbackRequest) throws {
    request.to = to.message(arena)
    request.replay = replay ? 1 : 0
    request.dry_run = dryRun ? 1 : 0
    (request.n_readmit, request.readmit) = (readmit.count, arena.array(readmit))
    request.reason = arena.text(options.reason)
    request.author = arena.text(options.author)
    guard !exclude.isEmpty else { return }
    var filter = Cowbird__V1__EventFilter.empty
    func values(_ name: String) -> [String] { exclude.filter { $0.name == name }.map(\.value) }
    (filter.n_sources, filter.sources) = arena.texts(values("source"))
    (filter.n_producers, filter.producers) = arena.texts(values("producer"))
    (filter.n_users, filter.users) = arena.texts(values("user"))
    (filter.n_items, filter.items) = arena.texts(values("item"))
    (filter.n_types, filter.types) = arena.texts(values("type"))
    for condition in exclude {
      guard let number = try number(condition) else { continue }
      switch condition.name {
      case "from":
        filter.from_nanos_presence_case = COWBIRD__V1__EVENT_FILTER__FROM_NANOS_PRESENCE_FROM_NANOS
        filter.from_nanos = number
      case "until":
        filter.until_nanos_presence_case = COWBIRD__V1__EVENT_FILTER__UNTIL_NANOS_PRESENCE_UNTIL_NANOS
        filter.until_nanos = number
      case "first-offset":
        filter.first_offset_presence_case = COWBIRD__V1__EVENT_FILTER__FIRST_OFFSET_PRESENCE_FIRST_OFFSET
        filter.first_offset = UInt64(number)
      default:
        filter.end_offset_presence_case = COWBIRD__V1__EVENT_FILTER__END_OFFSET_PRESENCE_END_OFFSET
        filter.end_offset = UInt64(number)
      }
    }
    request.exclude = arena.message(filter)
  }

  /// The number of a condition that has one; nil: it has a text.
  private func number(_ condition: Condition) throws -> Int64? {
    switch condition.name {
    case "from", "until":
      if condition.value.hasSuffix("-ago"),
        let nanos = DurationText.parse(String(condition.value.dropLast(4)))
      {
        return WallClock.nanos() - nanos
      }
      let moment = condition.value.hasPrefix("@") ? String(condition.value.dropFirst()) : condition.value
      guard let nanos = Selector.moment(moment) else {
        throw ValidationError(
          "--exclude \(condition.name)=\(condition.value): no moment; try 2026-01-01T00:00:00Z or 2h-ago")
      }
      return nanos
    case "first-offset", "end-offset":
      guard let offset = UInt64(condition.value), offset <= UInt64(Int64.max) else {
        throw ValidationError("--exclude \(condition.name)=\(condition.value): no offset")
      }
      return Int64(offset)
    default: return nil
    }
  }

  private func plan(_ message: Cowbird__V1__RollbackProgress) -> String {
    var line =
      "would learn \(Format.count(message.events_replayed)) events again and leave out "
      + Format.count(message.events_excluded)
    if message.events_replayed > 0, message.eta_seconds > 0 {
      line += ", in about \(Format.duration(seconds: message.eta_seconds))"
    }
    return line + "; nothing was changed"
  }

  private func report(_ message: Cowbird__V1__RollbackProgress) -> String {
    let metrics = elements(message.metrics, message.n_metrics)
    let done =
      "rolled back by the record at offset \(message.offset): \(Format.count(message.events_replayed)) events "
      + "learned again, \(Format.count(message.events_excluded)) left out; now \(Show.mainMetric(metrics))"
    // What replays all excludes nothing that could be admitted again.
    let excludes = !exclude.isEmpty || !(replay || !readmit.isEmpty)
    guard excludes else { return done }
    return done
      + "\nto admit them again: cowbird version rollback --to VERSION --replay --readmit \(message.offset)"
  }
}
