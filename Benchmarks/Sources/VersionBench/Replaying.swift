// Replay beside learning: the same events, learned as they come from the log, and replayed from a version on. Rounds
// take turns, so that noise of the machine meets both; what comes out has to be the same model.

import EventLog
import Learning
import Primitives
import Service
import Versions

struct Replaying {
  private let bench: BenchDaemon

  init(_ bench: BenchDaemon) { self.bench = bench }

  private struct Times {
    var learning: [Double] = []
    var alone: [Double] = []
    var around: [Double] = []
    var start: [Double] = []
    var fromMemory: [Double] = []
    var fromDisk: [Double] = []
    var loading: [Double] = []
  }

  func run() throws {
    var times = Times()
    for _ in 0..<3 {
      let made = try learn(&times)
      try bench.rollBack(to: made, &times.fromMemory)
      let next = try learn(&times)
      try replayBeside(next, &times)
      bench.stop()
      try bench.start(inMemory: 12)
      times.start.append(Double(bench.daemon.context.learner.recoveryNanos) / 1e9)
      try bench.rollBack(to: next, &times.fromDisk)
    }
    show(times)
  }

  /// A version, and as many events after it as there are users, all in the log before the first is learned.
  /// - Returns: the version's id.
  private func learn(_ times: inout Times) throws -> String {
    let made = try bench.client().create().id
    bench.daemon.context.learner.pause(at: bench.daemon.context.log.endOffset)
    try bench.append(users: 0..<bench.users)
    times.learning.append(
      VersionBench.seconds {
        bench.daemon.context.learner.resume()
        bench.learned()
      })
    return made
  }

  /// Loads the version and learns what came after it, with nothing else around.
  private func replayBeside(_ made: String, _ times: inout Times) throws {
    let context = bench.daemon.context
    guard let record = VersionID(made).flatMap({ context.control.registry[$0]?.record }) else { return }
    let (first, end) = (record.offset, context.log.endOffset)
    var model: Model?
    times.loading.append(try VersionBench.seconds { model = try context.keeper.store.load(record) })
    guard var replayed = model else { return }
    model = nil
    let learner = RecordLearner(log: context.log, workspace: Workspace(context.plan, replayed.ensemble))
    let replay = Replay(learner, first..<end)
    times.alone.append(try VersionBench.seconds { _ = try replay.run(into: &replayed) })
    if bench.headDigest() != replayed.digest {
      print("  the replay gave another model")
    }
    var filter = EventFilter()
    filter.users = ["u17"]
    let filtered = Replay(learner, first..<end, leavingOut: [Omissions.Clause(first..<end, filter)])
    var other = try context.keeper.store.load(record)
    times.around.append(try VersionBench.seconds { _ = try filtered.run(into: &other) })
  }

  private func show(_ times: Times) {
    let count = Double(bench.users)
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    let rate = count / median(times.learning)
    print("learning: \(Int(rate)) events/s, from the log to their revision (median of 6)")
    for (what, seconds) in [
      ("replay alone, of a version just loaded", times.alone), ("the same around a user", times.around),
      ("what a start replays", times.start),
      ("a rollback around a user, from the command to the new head", times.fromMemory),
      ("the same to a version on the disk, with its loading", times.fromDisk),
    ] {
      let rates = seconds.map { count / $0 }.sorted()
      print(
        "  \(what): \(Int(median(rates))) events/s, \(fixed(median(rates) / rate, 2)) times learning "
          + "(\(fixed(rates[0] / rate, 2)) to \(fixed(rates[rates.count - 1] / rate, 2)))")
    }
    print("  loading the version before: \(fixed(median(times.loading), 3)) s")
  }
}

extension BenchDaemon {
  fileprivate func rollBack(to id: String, _ times: inout [Double]) throws {
    times.append(try VersionBench.seconds { _ = try client().rollback(to: id, excludingUser: "u17") })
  }
}
