// How commands are told their configuration: a file, or a preset by name.

import ArgumentParser
import Configuration
import Foundation

struct ConfigurationOptions: ParsableArguments {
  @Option(name: .long, help: "Configuration file.")
  var config: String?

  @Option(name: .long, help: "Ready-made configuration: ratings, clicks, ads or fraud.")
  var preset: String?

  /// The configuration; `fallback` where neither option is given.
  /// - Parameter file: another way to name the file, for commands whose argument it is.
  func load(file: String? = nil, fallback: Preset = .ratings) throws -> Configuration {
    if config != nil, file != nil { throw ValidationError("the file is named twice: leave --config out") }
    let config = file ?? config
    if let config, preset != nil {
      throw ValidationError("--config and --preset exclude each other: write \"preset: NAME\" into \(config)")
    }
    if let config {
      guard let data = FileManager.default.contents(atPath: config) else {
        throw Refused("\(config): cannot be read")
      }
      do {
        return try Configuration(yaml: String(decoding: data, as: UTF8.self))
      } catch {
        throw InvalidConfiguration(file: config, problems: error.problems)
      }
    }
    guard let preset else { return fallback.configuration }
    guard let known = Preset(rawValue: preset) else {
      let names = Preset.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("no preset \"\(preset)\"; there are \(names)")
    }
    return known.configuration
  }
}

/// A configuration that makes no sense, or none on this machine: exit code 1.
struct InvalidConfiguration: Error, CustomStringConvertible {
  let file: String
  let problems: [ConfigurationProblem]

  var description: String { "\(file):\n\(ConfigurationError(problems))" }

  var json: JSON {
    .object([
      ("ok", false), ("file", .text(file)),
      (
        "problems",
        .array(
          ConfigurationError(problems).problems.map { problem in
            .object([
              ("line", .integer(Int64(problem.line))), ("column", .integer(Int64(problem.column))),
              ("path", .text(problem.path)), ("message", .text(problem.message)),
            ])
          })
      ),
    ])
  }
}

/// A command that was understood and refused: exit code 1.
struct Refused: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
