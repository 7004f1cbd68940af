// What one record of the log does to a model. The head, a rollback's replay and a candidate's run all come through
// here, so that the same records give the same model.

internal import Configuration
package import EventLog
internal import Features
internal import Models
internal import Primitives
internal import Wire

package struct RecordLearner {
  package let log: EventLog
  package let workspace: Workspace

  package init(log: EventLog, workspace: Workspace) {
    self.log = log
    self.workspace = workspace
  }

  // hot: once per record.
  /// Takes an event record into the model. Records of other kinds, and what was forgotten, change nothing.
  @discardableResult
  package func learn(_ record: LogRecord, into model: inout Model, isAdmitted: Bool = false) -> LearnOutcome {
    if let event = workspace.ahead.take(record) {
      defer { workspace.ahead.leave() }
      return learn(
        record, event.view.pointee, event.payload, event.inputs, into: &model, isAdmitted: isAdmitted)
    }
    let payload = record.payload
    guard record.kind == RecordKind.event, !record.isTombstone, let event = try? EventView(payload)
    else { return .ignored }
    return learn(record, event, payload, nil, into: &model, isAdmitted: isAdmitted)
  }

  /// The records that are learned next are this batch's, in order; some may be left out. Does nothing but make
  /// learning faster.
  package func begin(_ batch: RecordBatch) { workspace.ahead.begin(batch) }
  package func end() { workspace.ahead.end() }

  @inline(__always)
  private func learn(
    _ record: LogRecord, _ event: EventView, _ payload: UnsafeRawBufferPointer,
    _ inputs: Unmanaged<EventInputs>?, into model: inout Model, isAdmitted: Bool
  ) -> LearnOutcome {
    let time = event.timeNanos != 0 ? event.timeNanos : record.timeNanos
    if case .retraction = event.kind {
      retract(event, at: record.offset, in: &model)
      return .observed
    }
    return model.learn(
      event, encoded: payload, inputs: inputs, timeNanos: time, offset: record.offset,
      isAdmitted: isAdmitted, in: workspace)
  }

  /// The service has written the offset of the event into the retraction before it was logged.
  private func retract(_ event: EventView, at offset: UInt64, in model: inout Model) {
    guard event.retractedOffset < offset else { return }
    try? log.withRecord(at: event.retractedOffset) { record in
      guard record.kind == RecordKind.event, !record.isTombstone,
        let earlier = try? EventView(record.payload)
      else { return }
      model.retract(
        earlier, timeNanos: earlier.timeNanos != 0 ? earlier.timeNanos : record.timeNanos, in: workspace)
    }
  }

  /// Carries out what a control record asks of the model itself.
  package func apply(_ command: ControlRecord.Command, to model: inout Model) {
    switch command {
    case .configure(let settings): model.configure(settings)
    case .admit(let offsets):
      for offset in offsets where model.readmit(offset) {
        try? log.withRecord(at: offset) { _ = learn($0, into: &model, isAdmitted: true) }
      }
    default: break
    }
  }
}

extension Model {
  /// Puts settings in force. What does not fit any more (the file changed since) is left out: the service checked it
  /// when the command was given.
  package mutating func configure(_ settings: [Setting]) {
    guard
      let changed = try? configuration.setting(settings.map { (path: $0.path, value: $0.value) })
    else { return }
    configuration = changed
    self.settings += settings
    hygiene.update(HygieneRules(changed))
    ensemble.update(changed.model)
  }

  /// Takes over a file in which nothing differs of what is learned; what `Configure` changed stays.
  mutating func reload(_ file: Configuration) {
    guard file.learnedHash == plan.configuration.learnedHash,
      let changed = try? file.setting(settings.map { (path: $0.path, value: $0.value) })
    else { return }
    configuration = changed
  }

  /// Takes an offset off the quarantine's list; false when it is not there.
  mutating func readmit(_ offset: UInt64) -> Bool { quarantine.remove(offset) }
}
