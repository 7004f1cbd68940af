// A whole daemon in this process, on a socket and a directory of its own, with a factorisation machine of as many
// rows as are wanted: four fifths users, one fifth items, in the order of their numbers, so that events of a range
// of users change a range of pages.

import CMessages
import Configuration
import EventLog
import Glibc
import Learning
import Models
import Primitives
import Service
import Tables
import Transport
import Versions
import Wire

final class BenchDaemon: @unchecked Sendable {
  // Sound because: one thread appends at a time, and nobody asks while it is stopped.
  let directory: String
  let users: Int
  let items: Int
  private(set) var daemon: Daemon
  private var nextNanos: Int64 = 1_700_000_000_000_000_000

  private static let yaml = """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events:
      click: {label: positive}
      skip: {label: negative}
    features:
      values:
        user_rate: {statistic: rate, of: user, numerator: [click], types: [click, skip], prior: 0.3, shrinkage: 5}
        item_rate: {statistic: rate, of: item, numerator: [click], types: [click, skip], prior: 0.3, shrinkage: 20}
      sparse:
        user: {of: user}
        item: {of: item}
      dense: [user_rate, item_rate]
    model:
      loss: logistic
      members:
        fm: {kind: fm, factors: 16}
      stack: {by: first}
    versions: {every: 0s, keep: 1000, at_stop: false}
    logging: {level: warning}
    """

  init(rows: Int, inMemory: Int) throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    directory = "\(parent)/cowbird-bench-\(getpid())"
    users = rows * 4 / 5
    items = rows / 5
    daemon = try Daemon(Self.options(directory, inMemory))
  }

  private static func options(_ directory: String, _ inMemory: Int) throws -> DaemonOptions {
    var configuration = try Configuration(yaml: yaml)
    configuration.data = directory + "/data"
    configuration.server.socket = directory + "/s"
    configuration.server.reactors = 1
    configuration.versions.inMemory = inMemory
    return DaemonOptions(configuration) { [configuration] in configuration }
  }

  func stop() { daemon.stop() }
  func start(inMemory: Int) throws { daemon = try Daemon(Self.options(directory, inMemory)) }
  func client() throws -> Client { try Client(path: directory + "/s") }

  func remove() {
    for folder in ["data/versions", "data/log", "data", ""] {
      let path = directory + "/" + folder
      for name in (try? PosixFileSystem().list(path)) ?? [] { unlink(path + "/" + name) }
      rmdir(path)
    }
  }

  // MARK: Learning

  /// Appends one event of each user of the range to the log.
  /// - Returns: the offset behind them.
  @discardableResult
  func append(users range: Range<Int>, durability: LogDurability = .written) throws -> UInt64 {
    let log = daemon.context.log
    var end = log.endOffset
    var user = range.lowerBound
    while user < range.upperBound {
      let batch = LogBatch()
      let next = min(user + 1_000, range.upperBound)
      for number in user..<next {
        nextNanos += 1_000_000
        let isClick = CounterRandom.uniform(seed: 7, counter: UInt64(nextNanos)) < 0.3
        let event = EventBuilder(
          timeNanos: nextNanos,
          .interaction(
            type: isClick ? "click" : "skip", user: "u\(number)", item: "i\(number * items / users)"))
        try batch.add(kind: RecordKind.event, timeNanos: nextNanos, payload: event.encoded())
      }
      end = try log.append(batch, durability: durability).firstOffset + UInt64(next - user)
      user = next
    }
    return end
  }

  /// Returns when all that the log holds is learned.
  func learned() {
    let arrived = Signal()
    let seen = arrived.count
    let end = daemon.context.log.endOffset
    guard end > 0,
      daemon.context.learner.publication.whenPublished(end - 1, { _ in arrived.raise() }) != nil
    else { return }
    arrived.wait(after: seen)
  }

  /// Bytes of the head's tables with all that versions still see of them.
  func modelBytes() -> Int {
    let arrived = Signal()
    let seen = arrived.count
    let bytes = Guarded(0)
    daemon.context.learner.perform { learner in
      bytes.withLock { $0 = learner.model.memory.liveBytes }
      arrived.raise()
    }
    arrived.wait(after: seen)
    return bytes.withLock { $0 }
  }

  func headDigest() -> Digest {
    let arrived = Signal()
    let seen = arrived.count
    let digest = Guarded(Digest())
    daemon.context.learner.perform { learner in
      digest.withLock { $0 = learner.model.digest }
      arrived.raise()
    }
    arrived.wait(after: seen)
    return digest.withLock { $0 }
  }

  /// Bytes that loaded versions hold beside what they share with the head and with each other.
  func bytes(ofLoaded ids: [String]) -> Int {
    ids.compactMap { VersionID($0).flatMap { daemon.context.keeper.resident($0) } }.reduce(0) {
      $0 + $1.model.memory.liveBytes
    }
  }

  var rows: Int { daemon.context.learner.publication.current.model.ensemble.rowCount }
}

// MARK: Calls

extension Client {
  func create() throws -> (id: String, bytes: UInt64) {
    var request = Cowbird__V1__CreateRequest.empty
    let answer = try call("cowbird.v1.Version", "Create", Wire.bytes(&request))
    return try Wire.withMessage(Cowbird__V1__CreateResponse.self, from: answer) { answer in
      let info = answer.pointee.version.pointee
      return (String(cString: info.id), info.file_bytes)
    }
  }

  /// nil: to the head.
  func switchTo(_ id: String?) throws {
    let arena = MessageArena()
    var selector = Cowbird__V1__VersionSelector.empty
    if let id {
      selector.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID
      selector.id = arena.text(id)
    } else {
      selector.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_HEAD
      selector.head = 1
    }
    var request = Cowbird__V1__SwitchRequest.empty
    request.to = arena.message(selector)
    _ = try call("cowbird.v1.Version", "Switch", Wire.bytes(&request))
  }

  func pin(_ id: String) throws {
    let arena = MessageArena()
    var selector = Cowbird__V1__VersionSelector.empty
    selector.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID
    selector.id = arena.text(id)
    var request = Cowbird__V1__PinRequest.empty
    request.version = arena.message(selector)
    _ = try call("cowbird.v1.Version", "Pin", Wire.bytes(&request))
  }

  func delete(_ id: String) throws {
    let arena = MessageArena()
    var request = Cowbird__V1__DeleteRequest.empty
    request.id = arena.text(id)
    _ = try call("cowbird.v1.Version", "Delete", Wire.bytes(&request))
  }

  /// The version that a Score was answered from.
  func version(of scoreRequest: [UInt8]) throws -> String {
    let answer = try call("cowbird.v1.Predict", "Score", scoreRequest)
    return try Wire.withMessage(Cowbird__V1__ScoreResponse.self, from: answer) { answer in
      String(cString: answer.pointee.model.pointee.version)
    }
  }

  /// Seconds of a rollback's replay as its last progress tells, and the events it replayed.
  func rollback(to id: String, excludingUser user: String) throws -> UInt64 {
    let arena = MessageArena()
    var selector = Cowbird__V1__VersionSelector.empty
    selector.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID
    selector.id = arena.text(id)
    var filter = Cowbird__V1__EventFilter.empty
    (filter.n_users, filter.users) = arena.texts([user])
    var request = Cowbird__V1__RollbackRequest.empty
    request.to = arena.message(selector)
    request.exclude = arena.message(filter)
    let stream = try openStream("cowbird.v1.Version", "Rollback", .server, request: Wire.bytes(&request))
    var replayed: UInt64 = 0
    while let count = try stream.receive(
      Cowbird__V1__RollbackProgress.self, { step throws(Status) in step.pointee.events_replayed })
    {
      replayed = count
    }
    return replayed
  }
}
