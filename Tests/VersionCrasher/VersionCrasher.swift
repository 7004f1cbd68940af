// The child of the crash harness: a whole daemon on its socket, and one client that learns, keeps, labels, serves,
// deletes, carries and rolls back versions without end, until it is killed.
//
//   VersionCrasher DIRECTORY SEED
//
// Each line of its standard output tells what is true from then on, whatever happens:
//
//   head OFFSET DIGEST FILES   it has recovered; FILES: the versions that have files, by comma
//   made ID OFFSET DIGEST      a version is listed
//   control OFFSET             all control records below are in force

import Configuration
import EventLog
import Glibc
import Learning
import Service
import Transport
import Versions
import Wire

@main
struct VersionCrasher {
  let daemon: Daemon
  let client: Client
  private var random: UInt64
  private var nextEvent: UInt64

  static func main() throws {
    var crasher = try VersionCrasher(
      directory: CommandLine.arguments[1], seed: UInt64(CommandLine.arguments[2])!)
    while true { try crasher.step() }
  }

  private init(directory: String, seed: UInt64) throws {
    let configuration = try CrashPlan.configuration(directory)
    random = seed &* 2 &+ 1
    daemon = try Daemon(DaemonOptions(configuration, reload: { configuration }))
    client = try Client(path: configuration.server.socket)
    nextEvent = daemon.context.log.endOffset
    let digest = try client.flush()
    let files = try daemon.context.keeper.store.files().map(\.description).joined(separator: ",")
    Self.tell("head \(daemon.context.learner.publication.current.offset) \(digest) \(files)")
  }

  private mutating func dice(_ bound: Int) -> Int {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((random >> 33) % UInt64(bound))
  }

  /// One write of less than PIPE_BUF bytes: the harness reads it whole or not at all.
  private static func tell(_ text: String) {
    var line = text + "\n"
    _ = line.withUTF8 { write(1, $0.baseAddress, $0.count) }
  }

  private func tell(made version: VersionFacts) {
    Self.tell("made \(version.id) \(version.offset) \(version.digest)")
  }

  private var listed: [String] { daemon.context.control.registry.entries.map(\.record.id.description) }

  private mutating func anyVersion() -> String? {
    let ids = listed
    return ids.isEmpty ? nil : ids[dice(ids.count)]
  }

  // MARK: Steps

  /// What a kept version refuses (it is held, it went by retention meanwhile) is no failure; a lost connection is.
  private mutating func step() throws {
    do {
      switch dice(100) {
      case 0..<45: try learn()
      case 45..<62: tell(made: try client.create(labels: dice(4) == 0 ? ["l\(dice(3))"] : []))
      case 62..<74:
        if let id = anyVersion() { try client.serve(dice(3) == 0 ? .head : .id(id)) }
      case 74..<82:
        if let id = anyVersion() { try client.delete(id) }
      case 82..<88:
        if let id = anyVersion() { try client.label("l\(dice(3))", .id(id)) }
      case 88..<92:
        if let id = anyVersion() { tell(made: try client.importing(client.export(.id(id)).bytes)) }
      case 92..<96: try rollBack()
      case 96..<98: try client.configure([("learning.rate", "0.\(1 + dice(9))")])
      default: _ = try client.score("u\(dice(30))", ["i1", "i2"])
      }
    } catch let status as Status where status.code != .unavailable && status.code != .internal {
      // It was refused, and nothing has changed.
    }
    Self.tell("control \(daemon.context.control.registry.endOffset)")
  }

  private mutating func learn() throws {
    let events = (0..<UInt64(1 + dice(25))).map { _ in
      nextEvent += 1
      var event = EventBuilder(
        timeNanos: 1_700_000_000_000_000_000 + Int64(nextEvent) * 60_000_000_000,
        .interaction(type: dice(3) == 0 ? "click" : "skip", user: "u\(dice(200))", item: "i\(dice(40))"))
      event.source = dice(5) == 0 ? "bot" : "app"
      return event
    }
    try client.append(events)
  }

  private mutating func rollBack() throws {
    guard let id = anyVersion() else { return }
    if dice(2) == 0 {
      try client.rollback(to: .id(id), excludingSources: ["bot"])
    } else {
      try client.rollback(to: .id(id), replay: dice(2) == 0)
    }
  }
}
