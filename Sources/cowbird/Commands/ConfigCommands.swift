// `cowbird config check` and `show`: what a configuration means, before a daemon reads it.

import ArgumentParser
import Configuration
import Service

struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks and shows configurations.",
    discussion: """
      Examples:
        cowbird config check cowbird.yaml
        cowbird config show --preset clicks > cowbird.yaml
      """,
    subcommands: [ConfigCheck.self, ConfigShow.self, ConfigReference.self])
}

struct ConfigCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Says what is wrong with a configuration, with line and column.",
    discussion: """
      Users, groups and addresses are looked at as they are on this machine.

      Examples:
        cowbird config check cowbird.yaml
        cowbird config check --json cowbird.yaml | jq .problems
      """)

  @Argument(help: "Configuration file; the same as --config.") var file: String?
  @OptionGroup var configuration: ConfigurationOptions
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let configuration: Configuration
    do {
      let read = try self.configuration.read(file: file)
      configuration = read.configuration
      // Whatever a daemon would stumble over on this machine.
      let problems = Daemon.problems(of: configuration.server)
      guard problems.isEmpty else { throw read.refusal(problems) }
    } catch let error as InvalidConfiguration where json {
      print(error.json.pretty)
      throw ExitCode(Outcome.refused)
    }
    let hash = String(configuration.learnedHash, radix: 16)
    if json {
      print(JSON.object([("ok", true), ("configuration_hash", .text(hash))]).pretty)
    } else {
      print("ok; hash \(hash)")
    }
  }
}

/// Prints what docs/reference.md is made of.
struct ConfigReference: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reference", abstract: "Prints every setting there can be, as Markdown tables.",
    discussion: """
      Example:
        cowbird config reference > settings.md
      """)

  func run() throws { print(Configuration.referenceTables, terminator: "") }
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
  @Flag(help: "With what each setting means, what is allowed, and how a change comes into force.")
  var comments = false
  @Flag(help: "The hash, the YAML and a list of the settings in a JSON object.") var json = false

  func run() throws {
    let configuration = try configuration.load(file: file)
    let text = configuration.rendered(isCommented: comments)
    if json {
      let hash = String(configuration.learnedHash, radix: 16)
      let settings = configuration.fields.map { field in
        JSON.object([
          ("path", .text(field.path)), ("value", .text(field.value)),
          ("effect", .text(field.effect.rawValue)),
          ("in_force", .text(field.effect.meaning)), ("about", .text(field.about)),
          ("allowed", .text(field.allowed)),
        ])
      }
      let members: [(String, JSON)] = [
        ("configuration_hash", .text(hash)), ("yaml", .text(text)), ("settings", .array(settings)),
      ]
      print(JSON.object(members).pretty)
    } else {
      print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    }
  }
}
