// `cowbird config check` and `show`: what a configuration means, before a daemon reads it.

import ArgumentParser
import Configuration
import Features
import Learning
import Models

struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks and shows configurations.",
    discussion: """
      Examples:
        cowbird config check cowbird.yaml
        cowbird config show --preset clicks > cowbird.yaml
      """,
    subcommands: [ConfigCheck.self, ConfigShow.self])
}

struct ConfigCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Says what is wrong with a configuration, with line and column.",
    discussion: """
      Example:
        cowbird config check cowbird.yaml
      """)

  @Argument(help: "Configuration file; the same as --config.") var file: String?
  @OptionGroup var configuration: ConfigurationOptions
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let configuration = try configuration.load(file: file)
    do {
      // Whatever a daemon would stumble over when it makes the model.
      _ = try Model(FeaturePlan(configuration))
    } catch {
      throw Refused("\(error)")
    }
    let hash = String(configuration.learnedHash, radix: 16)
    if json {
      print(JSON.object([("ok", true), ("configuration_hash", .text(hash))]).pretty)
    } else {
      print("ok; hash \(hash)")
    }
  }
}

struct ConfigShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints the whole configuration, defaults filled in, as YAML.",
    discussion: """
      Example:
        cowbird config show --preset clicks > cowbird.yaml
      """)

  @Argument(help: "Configuration file; the same as --config.") var file: String?
  @OptionGroup var configuration: ConfigurationOptions
  @Flag(help: "With what each setting means.") var comments = false
  @Flag(help: "The YAML and the hash in a JSON object.") var json = false

  func run() throws {
    let configuration = try configuration.load(file: file)
    let text = configuration.rendered(isCommented: comments)
    if json {
      let hash = String(configuration.learnedHash, radix: 16)
      print(JSON.object([("configuration_hash", .text(hash)), ("yaml", .text(text))]).pretty)
    } else {
      print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    }
  }
}
