// A real daemon in this process, on a socket and a directory of its own, for one test.

import CMessages
import Configuration
import EventLog
import Foundation
import Learning
import Service
import Transport
import Versions
import Wire

final class TestDaemon {
  let directory: String
  private(set) var configuration: Configuration
  private(set) var daemon: Daemon
  /// What a reload reads.
  let file = Box<Configuration>()

  /// - Parameters:
  ///   - isInMemory: where syncs cost nothing, for thousands of commands.
  ///   - files: where versions are kept.
  ///   - logFiles: where the log is kept, until a restart.
  ///   - change: what differs from the preset.
  init(
    _ preset: Preset = .ratings, isInMemory: Bool = false, files: any FileSystem = PosixFileSystem(),
    logFiles: any FileSystem = PosixFileSystem(), _ change: (inout Configuration) -> Void = { _ in }
  ) throws {
    let memory = "/dev/shm"
    let parent =
      isInMemory && FileManager.default.isWritableFile(atPath: memory)
      ? memory : FileManager.default.temporaryDirectory.path
    directory = parent + "/cowbird-\(UUID().uuidString.prefix(8))"
    configuration = Self.configuration(preset, directory, change)
    daemon = try Self.start(configuration, file: file, files: files, logFiles: logFiles)
  }

  deinit {
    daemon.stop()
    try? FileManager.default.removeItem(atPath: directory)
  }

  static func configuration(
    _ preset: Preset, _ directory: String, _ change: (inout Configuration) -> Void
  ) -> Configuration {
    var configuration = preset.configuration
    configuration.data = directory + "/data"
    configuration.server.socket = directory + "/s"
    configuration.server.reactors = 1
    configuration.log.segment = 1 << 20
    configuration.logging.level = .critical
    change(&configuration)
    return configuration
  }

  static func start(
    _ configuration: Configuration, mayRebuild: Bool = false, file: Box<Configuration> = Box(),
    files: any FileSystem = PosixFileSystem(), logFiles: any FileSystem = PosixFileSystem()
  ) throws -> Daemon {
    var options = DaemonOptions(configuration, reload: { file.value ?? configuration })
    options.mayRebuild = mayRebuild
    options.files = files
    options.logFiles = logFiles
    return try Daemon(options)
  }

  /// Stops it, lets `meanwhile` change the directory, and starts it on the same data.
  func restart(
    mayRebuild: Bool = false, _ change: (inout Configuration) -> Void = { _ in },
    meanwhile: () throws -> Void = {}
  ) throws {
    daemon.stop()
    try meanwhile()
    change(&configuration)
    daemon = try Self.start(configuration, mayRebuild: mayRebuild)
  }

  /// Takes away what a start could begin with, but for the log. For `meanwhile`.
  func deleteVersions() throws {
    let folder = directory + "/data/versions/"
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try FileManager.default.removeItem(atPath: folder + name)
    }
  }

  /// The head of a daemon that was told nothing else.
  static func digest(
    _ change: (inout Configuration) -> Void = { _ in }, of body: (Client) throws -> Void
  ) throws -> String {
    let daemon = try TestDaemon { change(&$0) }
    let client = try daemon.client()
    try body(client)
    return try client.flush()
  }

  var context: ServiceContext { daemon.context }
  func client() throws -> Client { try Client(path: configuration.server.socket) }
}
