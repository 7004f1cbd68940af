// Counts what learning an event allocates once warm, on the way that the daemon's learner goes: a batch of the log's
// records, each predicted, scored and learned.
//
//   LearnedAllocations COUNT LIMIT PRESET...     COUNT: the file in which counter.c counts this process; LIMIT: allocations
//                                                allowed per thousand events
//
// The ids recur, as they do in a shop: a row, a name or a page that is new costs memory, and is not what is counted.

import Configuration
import EventLog
import Features
import Foundation
import Learning
import Models
import Primitives
import Wire

private let rounds = 6
private let eventsPerRound = 10_000
private let start: Int64 = 1_700_000_000_000_000_000

/// The counter that counter.c keeps in a file.
private func counter(in path: String) -> UnsafePointer<UInt64> {
  let descriptor = open(path, O_RDONLY)
  let page = mmap(nil, 8, PROT_READ, MAP_SHARED, descriptor, 0)
  guard descriptor >= 0, let page, page != MAP_FAILED else { fatalError("\(path): nothing is counted there") }
  return UnsafePointer(page.assumingMemoryBound(to: UInt64.self))
}

/// Event number `index`: of 40 users and 30 items, 10 ms after the one before.
private func event(_ index: Int, of preset: Preset) -> EventBuilder {
  func draw(_ below: Int, _ counter: Int) -> Int {
    CounterRandom.index(below: below, seed: 7, counter: UInt64(index * 8 + counter))
  }
  let (type, value): (String, Double?) =
    switch preset {
    case .ratings: ("rating", Double(1 + draw(5, 0)))
    case .clicks, .ads: draw(4, 0) == 0 ? ("click", nil) : ("impression", 0)
    case .fraud: ("payment", draw(20, 0) == 0 ? 1 : 0)
    }
  return EventBuilder(
    timeNanos: start + Int64(index) * 10_000_000, source: "shop",
    .interaction(
      type: type, user: "user-\(draw(40, 1))", item: "item-\(draw(30, 2))", value: value,
      context: [
        NamedAttribute("device", .text("device-\(draw(5, 3))")),
        NamedAttribute("page", .text("page-\(draw(9, 4))")),
        NamedAttribute("amount", .number(Double(draw(500, 5)))),
      ]))
}

private func makeLog(_ directory: String, _ preset: Preset) throws -> EventLog {
  let log = try EventLog.open(directory: directory)
  for first in stride(from: 0, to: rounds * eventsPerRound, by: 1_000) {
    let batch = LogBatch(reservingBytes: 400_000)
    for index in first..<first + 1_000 {
      try event(index, of: preset).encoded().withUnsafeBytes { try batch.add(payload: $0) }
    }
    _ = try log.append(batch, durability: .written)
  }
  return log
}

/// The least that any round after the first took: buffers grow to the fullest example there ever was.
private func allocations(_ preset: Preset, _ count: UnsafePointer<UInt64>) throws -> UInt64 {
  let directory = FileManager.default.temporaryDirectory.appending(path: "cowbird-allocations-\(getpid())")
    .path
  let log = try makeLog(directory, preset)
  defer {
    log.close()
    try? FileManager.default.removeItem(atPath: directory)
  }
  let plan = FeaturePlan(preset.configuration)
  var model = try Model(plan)
  let learner = RecordLearner(log: log, workspace: Workspace(plan, model.ensemble))
  let reader = log.reader(from: 1, durability: .received)
  var (learned, least, before) = (0, UInt64.max, count.pointee)
  while let batch = try reader.next() {
    learner.begin(batch)
    defer { learner.end() }
    for record in batch {
      learner.learn(record, into: &model)
      learned += 1
      guard learned % eventsPerRound == 0 else { continue }
      if learned > eventsPerRound { least = min(least, count.pointee - before) }
      before = count.pointee
    }
  }
  guard model.counters.examples == UInt64(rounds * eventsPerRound) else {
    fatalError("\(preset.rawValue): \(model.counters.examples) examples were learned")
  }
  return least
}

let arguments = CommandLine.arguments
guard arguments.count > 3, let limit = Double(arguments[2]) else { fatalError("COUNT LIMIT PRESET...") }
private let count = counter(in: arguments[1])
guard count.pointee > 0 else { fatalError("nothing is counted") }
var isWithin = true
for preset in arguments.dropFirst(3).compactMap(Preset.init(rawValue:)) {
  let perThousand = Double(try allocations(preset, count)) * 1_000 / Double(eventsPerRound)
  print("  learned, preset \(preset.rawValue): \(perThousand) allocations a thousand events")
  if perThousand > limit { isWithin = false }
}
exit(isWithin ? 0 : 1)
