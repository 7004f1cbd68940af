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
  /// - Returns: nil: the matcher matches it, and it changed nothing.
  @discardableResult
  package func learn(
    _ record: LogRecord, into model: inout Model, leavingOut matcher: EventMatcher? = nil
  ) -> LearnOutcome? {
    if let event = workspace.ahead.take(record) {
      defer { workspace.ahead.leave() }
      if let matcher,
        matcher.matches(
          event.view.pointee, timeNanos: record.timeNanos, producer: record.producer, at: record.offset)
      {
        return nil
      }
      return learn(record, event.view.pointee, event.payload, event.inputs, into: &model)
    }
    let payload = record.payload
    guard record.kind == RecordKind.event, !record.isTombstone, let event = try? EventView(payload)
    else { return .ignored }
    if let matcher,
      matcher.matches(event, timeNanos: record.timeNanos, producer: record.producer, at: record.offset)
    {
      return nil
    }
    return learn(record, event, payload, nil, into: &model)
  }

  /// The records that are learned next are this batch's, in order; some may be left out. Does nothing but make
  /// learning faster.
  package func begin(_ batch: RecordBatch) { workspace.ahead.begin(batch) }
  package func end() { workspace.ahead.end() }

  @inline(__always)
  private func learn(
    _ record: LogRecord, _ event: EventView, _ payload: UnsafeRawBufferPointer,
    _ inputs: Unmanaged<EventInputs>?, into model: inout Model
  ) -> LearnOutcome {
    let time = event.timeNanos != 0 ? event.timeNanos : record.timeNanos
    if case .retraction = event.kind {
      retract(event, at: record.offset, in: &model)
      return .observed
    }
    let outcome = model.learn(
      event, encoded: payload, inputs: inputs, timeNanos: time, offset: record.offset, in: workspace)
    model.noteDrift(at: record.offset)
    return outcome
  }

  /// Takes back the event that the service has put into the retraction before it was logged.
  private func retract(_ event: EventView, at offset: UInt64, in model: inout Model) {
    guard event.retractedOffset < offset else { return }
    if let earlier = RetractedView(event) {
      retract(
        event.retractedOffset, earlier.event.bytes, earlier.timeNanos, earlier.producer.bytes, in: &model)
    } else {
      // As older builds wrote them: what the log holds no more cannot be taken back.
      try? log.withRecord(at: event.retractedOffset) { record in
        guard record.kind == RecordKind.event, !record.isTombstone else { return }
        retract(record.offset, record.payload, record.timeNanos, record.producer, in: &model)
      }
    }
  }

  private func retract(
    _ place: UInt64, _ payload: UnsafeRawBufferPointer, _ timeNanos: Int64,
    _ producer: UnsafeRawBufferPointer, in model: inout Model
  ) {
    // Taken back once, and only what the model has: not what was set aside, nor what a rollback left out.
    guard model.omissions.takeBack(place), !model.readmit(place), !model.uncounted.remove(place),
      let earlier = try? EventView(payload),
      !model.omissions.contain(earlier, timeNanos: timeNanos, producer: producer, at: place)
    else { return }
    model.retract(
      earlier, timeNanos: earlier.timeNanos != 0 ? earlier.timeNanos : timeNanos, in: workspace)
  }

  /// Carries out what the control record at `offset` asks of the model itself.
  /// - Parameter matcher: what is left out, also of what the record admits.
  package func apply(
    _ command: ControlRecord.Command, at offset: UInt64, to model: inout Model,
    leavingOut matcher: EventMatcher? = nil
  ) {
    switch command {
    case .configure(let settings): model.configure(settings)
    case .admit(let events):
      for admitted in events {
        if let event = admitted.event {
          var producer = event.producer
          event.bytes.withUnsafeBytes { bytes in
            producer.withUTF8 { producer in
              admit(
                admitted.offset, bytes, event.timeNanos, UnsafeRawBufferPointer(producer), at: offset,
                to: &model, leavingOut: matcher)
            }
          }
        } else {
          // As older builds wrote them.
          try? log.withRecord(at: admitted.offset) { record in
            guard record.kind == RecordKind.event, !record.isTombstone else { return }
            admit(
              record.offset, record.payload, record.timeNanos, record.producer, at: offset, to: &model,
              leavingOut: matcher)
          }
        }
      }
    default: break
    }
  }

  private func admit(
    _ place: UInt64, _ payload: UnsafeRawBufferPointer, _ timeNanos: Int64,
    _ producer: UnsafeRawBufferPointer, at offset: UInt64, to model: inout Model,
    leavingOut matcher: EventMatcher?
  ) {
    // An admission that is left out leaves the event where it is.
    guard let event = try? EventView(payload),
      matcher?.matches(event, timeNanos: timeNanos, producer: producer, at: offset) != true,
      model.readmit(place)
    else { return }
    _ = model.learn(
      event, encoded: payload, timeNanos: event.timeNanos != 0 ? event.timeNanos : timeNanos, offset: place,
      isAdmitted: true, in: workspace)
    model.noteDrift(at: place)
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
