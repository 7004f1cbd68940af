// `cowbird version forget`: the head without a user, and the log and the versions too.

import ArgumentParser
import CMessages
import Wire

struct VersionForget: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Learns the head anew without a user, and empties the log of the user's events.",
    discussion: """
      The head answers meanwhile. Versions that learned from the user's events are deleted; those that are labelled,
      pinned or served are named, and stay. What the user does after the command is new, and is learned.

      Examples:
        cowbird version forget u17 --dry-run
        cowbird version forget u17 --reason "asked for by mail"
      """)

  @OptionGroup var options: ChangeOptions
  @Flag(help: "Only say how many events there are.") var dryRun = false
  @Argument(help: "The user's id.") var user: String

  func run() throws {
    var bar: ProgressBar?
    try options.client.connect().stream("Version", "Forget", as: Cowbird__V1__ForgetProgress.self, fill) {
      answer in
      let message = answer.message
      switch text(message.stage) {
      case "learning":
        if bar == nil { bar = ProgressBar("replay", total: Int(message.records_total), unit: "records") }
        bar?.update(Int(message.records_done))
      case "done":
        bar?.finish(Int(message.records_done))
        Show.result(answer, asJSON: options.json, report)
      default:
        if dryRun || message.events == 0 { Show.result(answer, asJSON: options.json, plan) }
      }
    }
  }

  private func fill(_ arena: MessageArena, _ request: inout Cowbird__V1__ForgetRequest) {
    request.user = arena.text(user)
    request.dry_run = dryRun ? 1 : 0
    request.reason = arena.text(options.reason)
    request.author = arena.text(options.author)
  }

  private func plan(_ message: Cowbird__V1__ForgetProgress) -> String {
    guard message.events > 0 else { return "the log holds no event of \(user); nothing was changed" }
    let base = text(message.version)
    return "would forget \(Format.count(message.events)) events, learning anew from "
      + (base.isEmpty ? "the log's beginning" : base) + "; nothing was changed"
  }

  private func report(_ message: Cowbird__V1__ForgetProgress) -> String {
    func list(_ count: Int, _ ids: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> String {
      (0..<count).map { text(ids?[$0]) }.joined(separator: " ")
    }
    var lines = [
      "\(Format.count(message.events)) events of \(user) are forgotten; the head is \(text(message.version))"
    ]
    if message.n_deleted > 0 { lines.append("deleted: \(list(message.n_deleted, message.deleted))") }
    if message.n_held > 0 {
      lines.append(
        "these still hold what they learned: \(list(message.n_held, message.held)); move their labels, unpin or switch, "
          + "then `cowbird version delete` them")
    }
    return lines.joined(separator: "\n")
  }
}
