import Configuration
import EventLog
import Features
import Foundation
import Models
import Primitives
import Testing
import Wire

@testable import Learning

/// Reading events ahead of the one that is learned makes learning faster and changes nothing.
@Suite struct EventsAheadTests {
  private static let configuration = """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events:
      click: {label: positive, negatives: 1}
      view: {label: negative}
      look: {label: none}
    features:
      context: {site: category, tags: categories, price: number}
      values:
        user_rate: {statistic: rate, of: user, numerator: [click], types: [click, view], prior: 0.2, shrinkage: 10}
      sparse:
        user: {of: user, factor: user}
        item: {of: item, factor: item}
        site: {of: context.site}
        tags: {of: context.tags}
        hour: {of: time.hour}
        site_item: {of: [context.site, item]}
        user_type: {of: [user, type]}
      dense: [user_rate, context.price]
    model:
      loss: logistic
      members:
        joint: {kind: joint, factors: 4}
        fm: {kind: fm, factors: 4}
        linear: {kind: linear}
      stack: {by: mean}
    """

  /// Interactions with and without their parts, unknown types, entities, a user who is forgotten and comes back, bytes
  /// that are no event, and records of another kind.
  private func fill(_ log: EventLog, seed: UInt64) throws {
    func draw(_ bound: Int, _ counter: Int) -> Int {
      CounterRandom.index(below: bound, seed: seed, counter: UInt64(counter))
    }
    for first in stride(from: 0, to: 900, by: 90) {
      let batch = LogBatch()
      for index in first..<first + 90 {
        let user = "user-\(draw(20, index * 8))"
        let time = 1_700_000_000_000_000_000 + Int64(index) * 1_000_000_000
        switch draw(12, index * 8 + 1) {
        case 0: try batch.add(payload: [0xFF, 0xFF, 0xFF])
        case 1: try batch.add(kind: RecordKind.firstControl, payload: [1, 2, 3])
        case 2:
          let action: EventView.Action = draw(3, index * 8 + 2) == 0 ? .delete : .set
          try batch.add(
            payload: EventBuilder(timeNanos: time, .entity(.user, id: user, action)).encoded())
        default:
          let type = ["click", "view", "look", "unknown"][draw(4, index * 8 + 3)]
          try batch.add(
            payload: EventBuilder(
              timeNanos: time,
              .interaction(
                type: type, user: draw(9, index * 8 + 4) == 0 ? "" : user,
                item: draw(9, index * 8 + 5) == 0 ? "" : "item-\(draw(30, index * 8 + 6))",
                context: [
                  NamedAttribute("site", .text("site-\(draw(5, index * 8 + 7))")),
                  NamedAttribute("tags", .texts(["a", "b-\(index % 7)"])),
                  NamedAttribute("price", .number(Double(index % 13))),
                ])
            ).encoded())
        }
      }
      _ = try log.append(batch, durability: .written)
    }
  }

  /// - Parameter skips: every so many records are left out of what is learned; 0: none.
  private func digest(_ log: EventLog, isAhead: Bool, batchBytes: Int, skips: UInt64) throws -> Digest {
    let plan = FeaturePlan(try Configuration(yaml: Self.configuration))
    var model = try Model(plan)
    let learner = RecordLearner(log: log, workspace: Workspace(plan, model.ensemble))
    let reader = log.reader(from: 1, durability: .received)
    while let batch = try reader.next(maxBytes: batchBytes) {
      if isAhead { learner.begin(batch) }
      for record in batch where skips == 0 || record.offset % skips != 0 {
        learner.learn(record, into: &model)
      }
      if isAhead { learner.end() }
    }
    #expect(model.counters.examples > 100)
    return model.digest
  }

  @Test(
    "events read ahead change nothing that is learned, whatever the batches and whatever is left out",
    arguments: 0..<4)
  func digests(seed: Int) throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "cowbird-ahead-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let log = try EventLog.open(directory: directory)
    defer { log.close() }
    try fill(log, seed: UInt64(seed))
    for skips in [0, 2, 7] as [UInt64] {
      let plain = try digest(log, isAhead: false, batchBytes: 1 << 20, skips: skips)
      for bytes in [1, 500, 5_000, 1 << 20] {
        #expect(try digest(log, isAhead: true, batchBytes: bytes, skips: skips) == plain)
      }
    }
  }
}
