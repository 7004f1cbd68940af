// The command line: what people and scripts type.

import ArgumentParser

@main
struct Cowbird: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cowbird",
    abstract: "Online learning next to your service.",
    subcommands: [Evaluate.self])
}
