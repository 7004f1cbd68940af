// Events a second on one thread, from the log's bytes to what was learned of them: read, parse, hygiene, features,
// predict, score, learn, update.
//
//   swift run -c release LearningBench [linear|fm] [EVENTS] [small]
//
// Ten categorical features and three dynamic ones an event; revisions published as often as said. Time is this
// thread's processor time. The second half of the log is timed: by then most rows are there.

import Configuration
import EventLog
import Features
import Foundation
import Learning
import Models
import Primitives
import Statistics

enum CPUTime {
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

func makeLog(_ directory: String, events: Int) throws -> EventLog {
  let log = try EventLog.open(directory: directory)
  var bytes: [UInt8] = []
  for first in stride(from: 0, to: events, by: 1_000) {
    let batch = LogBatch(reservingBytes: 400_000)
    for index in first..<min(first + 1_000, events) {
      bytes.removeAll(keepingCapacity: true)
      ClickStream.encode(index, into: &bytes)
      try bytes.withUnsafeBytes { try batch.add(payload: $0) }
    }
    _ = try log.append(batch, durability: .written)
  }
  return log
}

func measure(_ name: String, _ member: String, _ log: EventLog, events: Int, publishEvery: Int) throws {
  let configuration = try Configuration(yaml: ClickStream.configuration(member))
  let plan = FeaturePlan(configuration)
  var model = try Model(plan)
  let learner = RecordLearner(log: log, workspace: Workspace(plan, model.ensemble))
  let reader = log.reader(from: 1, durability: .received)
  var revision: Model?
  var (count, start) = (0, CPUTime.now)
  while let batch = try reader.next() {
    learner.begin(batch)
    defer { learner.end() }
    for record in batch {
      if count == events / 2 { start = CPUTime.now }
      learner.learn(record, into: &model)
      count += 1
      if publishEvery > 0, count % publishEvery == 0 { revision = model.revision }
    }
  }
  let seconds = CPUTime.now - start
  let rate = Double(events - events / 2) / seconds
  let loss = model.metrics.values().first { $0.name == "logloss" && $0.scope == .total }?.value ?? .nan
  let published = publishEvery == 0 ? "never published" : "published every \(publishEvery)"
  print(
    String(
      format: "%@, %@: %.0f events/s (%.2f us), %d rows, logloss %.4f", name, published, rate, 1e6 / rate,
      model.rowCount, loss))
  withExtendedLifetime(revision) {}
}

let arguments = Array(CommandLine.arguments.dropFirst())
let events = arguments.count > 1 ? Int(arguments[1]) ?? 1_000_000 : 1_000_000
ClickStream.isSmall = arguments.count > 2 && arguments[2] == "small"
let directory = FileManager.default.temporaryDirectory.appending(path: "cowbird-learning-\(getpid())").path
let log = try makeLog(directory, events: events)
defer {
  log.close()
  try? FileManager.default.removeItem(atPath: directory)
}
for (name, member) in [("linear", "{kind: linear}"), ("fm", "{kind: fm, factors: 16}")]
where arguments.isEmpty || arguments[0] == name {
  for publishEvery in [0, 5_000] {
    try measure(name, member, log, events: events, publishEvery: publishEvery)
  }
}
