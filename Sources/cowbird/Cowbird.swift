// The command line: what people and scripts type.

import ArgumentParser
import Service

@main
struct Cowbird: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cowbird",
    abstract: "Online learning next to your service.",
    discussion: """
      Exit codes: 0 done, 1 refused, 2 wrong usage, 3 cannot connect, 4 deadline passed.
      """,
    version: Daemon.version,
    subcommands: [
      Serve.self, Demo.self, Ingest.self, Score.self, Recommend.self, Explain.self, Update.self, Version.self,
      StatusCommand.self,
      Top.self, Bench.self, Evaluate.self, Config.self, Fsck.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Outcome.leave(with: error)
    }
  }
}
