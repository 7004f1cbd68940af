// The head as it was at an offset, learned from the log alone: for a version whose file is damaged or gone.

internal import Configuration
internal import EventLog
internal import Features
internal import Learning
internal import Versions
internal import Wire

struct HeadRebuild: Sendable {
  let log: EventLog
  let control: ControlPlane
  let plan: FeaturePlan

  /// A version of this log, by learning all that came before it. Minutes, where there are many events.
  /// - Throws: DATA_LOSS when the log does not go back far enough, or the result is not what the version was.
  func model(of id: VersionID) throws -> (model: Model, offset: UInt64) {
    guard let record = try record(of: id) else {
      throw Status(.dataLoss, "\(id) is needed, but its file is gone and the log does not tell of it")
    }
    let model = try head(at: record.offset)
    if record.configurationHash == plan.configuration.learnedHash, model.digest != record.digest {
      throw Status(
        .dataLoss,
        "\(id) cannot be loaded, and learning the log up to offset \(record.offset) gives another model")
    }
    return (model, record.offset)
  }

  /// The model that the records below `end` give.
  func head(at end: UInt64) throws -> Model {
    guard log.firstOffset == EventLog.firstOffset else {
      throw Status(
        .dataLoss,
        "the log begins at offset \(log.firstOffset); what came before was deleted, so nothing can be learned anew"
      )
    }
    var model = try Model(plan)
    /// The head as it was where a rollback went back to: the log is gone through once.
    var kept: [UInt64: Model] = [:]
    let abandoned = control.registry.abandoned
    let wanted = try rollbackTargets(before: end)
    let learner = RecordLearner(log: log, workspace: Workspace(plan, model.ensemble))
    let reader = log.reader(from: EventLog.firstOffset, durability: .received)
    while reader.offset < end, let batch = try reader.next() {
      for entry in batch where entry.offset < end {
        if wanted.contains(entry.offset) { kept[entry.offset] = model }
        guard entry.kind == RecordKind.firstControl else {
          learner.learn(entry, into: &model)
          continue
        }
        let command = try ControlRecord(decoding: Array(entry.payload)).command
        if case .rollback(let rollback) = command {
          if abandoned.contains(entry.offset) { continue }
          try rollBack(&model, rollback, at: entry.offset, learner, kept)
        } else {
          learner.apply(command, at: entry.offset, to: &model)
        }
      }
    }
    return model
  }

  private func rollBack(
    _ model: inout Model, _ rollback: Rollback, at offset: UInt64, _ learner: RecordLearner,
    _ kept: [UInt64: Model]
  ) throws {
    guard let record = try record(of: rollback.to) else { return }
    var next = try kept[record.offset] ?? head(at: record.offset)
    let range = record.offset..<offset
    _ = try rollback.replay(over: range, exclusions: control.registry.exclusions, learner).run(into: &next)
    model = next
  }

  /// Offsets of the versions that rollbacks below `end` went back to.
  private func rollbackTargets(before end: UInt64) throws -> Set<UInt64> {
    var targets: Set<UInt64> = []
    var offsets: [VersionID: UInt64] = [:]
    let reader = log.reader(from: EventLog.firstOffset, durability: .received)
    while reader.offset < end, let batch = try reader.next() {
      for entry in batch where entry.offset < end && entry.kind == RecordKind.firstControl {
        switch try ControlRecord(decoding: Array(entry.payload)).command {
        case .create(let record, _, _): offsets[record.id] = record.offset
        case .rollback(let rollback): if let offset = offsets[rollback.to] { targets.insert(offset) }
        default: break
        }
      }
    }
    return targets
  }

  /// What the registry says of a version, or, when it was deleted, the record that made it.
  func record(of id: VersionID) throws -> VersionRecord? {
    if let entry = control.registry[id] { return entry.record }
    let reader = log.reader(from: log.firstOffset, durability: .received)
    while let batch = try reader.next() {
      for entry in batch where entry.kind == RecordKind.firstControl {
        if case .create(let record, _, _) = try ControlRecord(decoding: Array(entry.payload)).command,
          record.id == id
        {
          return record
        }
      }
    }
    return nil
  }
}
