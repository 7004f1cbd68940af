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

  func run() throws {
    var (learning, alone, around, loading, whole, starting):
      (
        [Double], [Double], [Double], [Double], [Double], [Double]
      ) = ([], [], [], [], [], [])
    for _ in 0..<3 {
      let made = try bench.client().create().id
      let context = bench.daemon.context
      // All of them are in the log before the first is learned.
      context.learner.pause()
      let first = context.log.endOffset
      let end = try bench.append(users: 0..<bench.users)
      learning.append(
        VersionBench.seconds {
          context.learner.resume()
          bench.learned()
        })
      guard let record = VersionID(made).flatMap({ context.control.registry[$0]?.record }) else { return }
      var model: Model?
      loading.append(try VersionBench.seconds { model = try context.keeper.store.load(record) })
      guard var replayed = model else { return }
      model = nil
      let learner = RecordLearner(log: context.log, workspace: Workspace(context.plan, replayed.ensemble))
      let replay = Replay(learner, first..<end, exclusions: [], at: end)
      alone.append(try VersionBench.seconds { _ = try replay.run(into: &replayed) })
      if bench.headDigest() != replayed.digest {
        print("  the replay gave another model")
      }
      var filter = EventFilter()
      filter.users = ["u17"]
      let filtered = Replay(
        learner, first..<end,
        exclusions: [Exclusion(rollback: end, filter: filter, range: first..<end)], at: end + 1)
      var other = try context.keeper.store.load(record)
      around.append(try VersionBench.seconds { _ = try filtered.run(into: &other) })
      let full = try restart()
      whole.append(
        try VersionBench.seconds { _ = try bench.client().rollback(to: made, excludingUser: "u17") })
      _ = try bench.client().create()
      starting.append(full - (try restart()))
    }
    let count = Double(bench.users)
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    let rate = count / median(learning)
    print("learning: \(Int(rate)) events/s, from the log to their revision (medians of 3)")
    for (what, times) in [
      ("replay alone, of a version just loaded", alone), ("the same around a user", around),
      ("a start's, beyond what a start takes that has nothing to replay", starting),
      ("a rollback around a user, from the command to the new head", whole),
    ] {
      let ratios = zip(learning, times).map { $0 / $1 }.sorted()
      print(
        "  \(what): \(Int(count / median(times))) events/s, \(fixed(median(ratios), 2)) times learning "
          + "(\(fixed(ratios[0], 2)) to \(fixed(ratios[ratios.count - 1], 2)))")
    }
    print("  loading the version before: \(fixed(median(loading), 3)) s")
  }

  private func restart() throws -> Double {
    bench.stop()
    return try VersionBench.seconds { try bench.start(inMemory: 12) }
  }
}
