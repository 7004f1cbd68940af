// How commands are told their configuration: a file, or a preset by name.

import ArgumentParser
import Configuration
import Foundation
import Learning

struct ConfigurationOptions: ParsableArguments {
  @Option(name: .long, help: "Configuration file; - for standard input.")
  var config: String?

  @Option(name: .long, help: "Ready-made configuration: ratings, clicks, ads or fraud.")
  var preset: String?

  /// The configuration, of which a model can be made; `fallback` where neither option is given.
  /// - Parameter file: another way to name the file, for commands whose argument it is.
  func load(file: String? = nil, fallback: Preset = .ratings) throws -> Configuration {
    try read(file: file, fallback: fallback).configuration
  }

  /// Like `load`, with the text that it was read from.
  func read(file: String? = nil, fallback: Preset = .ratings) throws -> NamedConfiguration {
    if config != nil, file != nil { throw ValidationError("the file is named twice: leave --config out") }
    let config = file ?? config
    if let config, preset != nil {
      throw ValidationError("--config and --preset exclude each other: write \"preset: NAME\" into \(config)")
    }
    if let config { return try NamedConfiguration(file: config) }
    guard let preset else { return NamedConfiguration(preset: fallback) }
    guard let known = Preset(rawValue: preset) else {
      let names = Preset.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("no preset \"\(preset)\"; there are \(names)")
    }
    return NamedConfiguration(preset: known)
  }
}

/// A configuration with where it was read from.
struct NamedConfiguration {
  let name: String
  let text: String
  let configuration: Configuration

  init(preset: Preset) {
    name = preset.rawValue
    text = ""
    configuration = preset.configuration
  }

  /// - Parameter path: a file or a pipe, which is read once; `-`: standard input.
  init(file path: String) throws {
    let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
    guard let handle, let data = try? handle.read(upToCount: Configuration.maximumBytes + 1) ?? Data() else {
      throw Refused("\(path): cannot be read")
    }
    name = path
    text = String(decoding: data, as: UTF8.self)
    do {
      configuration = try Configuration(yaml: text)
    } catch {
      throw InvalidConfiguration(file: path, problems: error.problems)
    }
    if let problem = Model.problem(of: configuration) { throw refusal([problem]) }
  }

  /// The problems, each with its place in the text.
  func refusal(_ problems: [ConfigurationProblem]) -> InvalidConfiguration {
    InvalidConfiguration(
      file: name,
      problems: problems.map { problem in
        var problem = problem
        (problem.line, problem.column) = Configuration.place(of: problem.path, in: text)
        return problem
      })
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
