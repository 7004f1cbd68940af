// The head as it must be: a model that learns what a log holds, record by record, and is never stopped, whatever is
// killed around it.

import EventLog
import Features
import Learning
import Primitives
import Testing
import Versions

struct ReferenceHead {
  private let plan: FeaturePlan
  private(set) var model: Model
  private(set) var offset: UInt64
  /// What versions hold, by their digests: what a rollback goes back to.
  private var kept: [Digest: Model] = [:]
  /// Every version that a record tells of, listed or not.
  private(set) var records: [VersionID: VersionRecord] = [:]
  private(set) var deleted: Set<VersionID> = []

  /// One that has seen nothing.
  init(_ plan: FeaturePlan) throws {
    self.plan = plan
    model = try Model(plan)
    offset = EventLog.firstOffset
  }

  /// The same from a version on that was loaded.
  func from(_ model: Model, at offset: UInt64) -> ReferenceHead {
    var copy = self
    copy.model = model
    copy.offset = offset
    return copy
  }

  /// Learns all that the log holds. At the offset of each version on the way, its digest must be the model's.
  mutating func follow(_ log: EventLog, _ registry: Registry) throws {
    let moments = try readAhead(log)
    let learner = RecordLearner(log: log, workspace: Workspace(plan, model.ensemble))
    let reader = log.reader(from: offset)
    while let batch = try reader.next() {
      for record in batch {
        if let digest = moments[record.offset] { keep(digest) }
        try take(record, learner, registry)
        offset = record.offset + 1
      }
    }
    if let digest = moments[offset] { keep(digest) }
  }

  private mutating func keep(_ digest: Digest) {
    #expect(model.digest == digest, "the version of offset \(offset)")
    kept[digest] = model
  }

  /// Notes what the control records tell of versions, and where the head's moments are.
  private mutating func readAhead(_ log: EventLog) throws -> [UInt64: Digest] {
    var moments: [UInt64: Digest] = [:]
    let reader = log.reader(from: offset)
    while let batch = try reader.next() {
      for record in batch where record.kind == RecordKind.firstControl {
        switch try ControlRecord(decoding: Array(record.payload)).command {
        case .create(let version, _, _):
          records[version.id] = version
          if version.isOfHead { moments[version.offset] = version.digest }
        case .delete(let id): deleted.insert(id)
        default: break
        }
      }
    }
    return moments
  }

  private mutating func take(_ record: LogRecord, _ learner: RecordLearner, _ registry: Registry) throws {
    guard record.kind == RecordKind.firstControl else {
      learner.learn(record, into: &model)
      return
    }
    let command = try ControlRecord(decoding: Array(record.payload)).command
    guard case .rollback(let rollback) = command else {
      return learner.apply(command, at: record.offset, to: &model)
    }
    let version = try #require(records[rollback.to])
    var next = try #require(kept[version.digest], "\(rollback.to) is nowhere")
    let range = version.offset..<record.offset
    _ = try rollback.replay(over: range, exclusions: registry.exclusions, learner).run(into: &next)
    model = next
  }

  /// Forgets the models of versions that are listed no more: nobody can go back to them.
  mutating func forget(but registry: Registry) {
    let listed = Set(registry.entries.map(\.record.digest))
    kept = kept.filter { listed.contains($0.key) }
  }
}
