// What a batch of events becomes before the log has it: checked one by one, the good ones copied once, the bad
// ones named.

package import Configuration
internal import EventLog
internal import Primitives
package import Wire

/// Decides, of one event, whether it may be logged. Made from the configuration; replaced when that changes.
package struct IngestRules: Sendable {
  package var bounds: EventBounds
  /// Names of the event types that the configuration knows.
  var types: [[UInt8]]
  var clock: ClockRule
  var value: ValueRule
  package var batchEvents: Int
  package var durability: LogDurability
  /// For records that name none.
  var defaultType: String

  package init(_ configuration: Configuration) {
    bounds = EventBounds(idBytes: configuration.limits.idBytes)
    types = configuration.events.map { Array($0.name.utf8) }
    clock = configuration.hygiene.clock
    value = configuration.hygiene.value
    batchEvents = configuration.limits.batchEvents
    defaultType = configuration.defaultEventType
    durability =
      switch configuration.log.durability {
      case .durable: .durable
      case .written: .written
      case .received: .received
      }
  }

  // hot: once per event; no allocation for an event that is accepted.
  /// Nil: the event may be logged.
  func refusal(_ event: EventView, nowNanos: Int64) -> EventRefusal? {
    if let refusal = event.refusal(within: bounds) { return refusal }
    if event.timeNanos != 0, clock.action == .reject {
      if event.timeNanos > nowNanos &+ clock.future {
        return EventRefusal(
          field: "time_nanos",
          reason:
            "\(event.timeNanos) is more than \(clock.future / 1_000_000_000) s ahead of the server's clock")
      }
      if event.timeNanos < nowNanos &- clock.past {
        return EventRefusal(
          field: "time_nanos",
          reason: "\(event.timeNanos) is more than \(clock.past / 1_000_000_000) s behind the server's clock")
      }
    }
    guard event.kind == .interaction else { return nil }
    if !types.contains(where: { $0.count == event.type.count && event.type.bytes.elementsEqual($0) }) {
      let known = types.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
      return EventRefusal(
        field: "interaction.type",
        reason: "\"\(event.type.string)\" is no event type of the configuration; known: \(known)")
    }
    if event.hasValue, value.action == .reject, event.value < value.minimum || event.value > value.maximum {
      return EventRefusal(
        field: "interaction.value",
        reason: "\(event.value); \(value.minimum) to \(value.maximum) are allowed (hygiene.value)")
    }
    return nil
  }
}

/// A refusal with its place in the batch.
struct PlacedRefusal {
  var index: Int
  var code: Status.Code
  var field: String
  var reason: String
}

/// A checked batch, ready for the log.
struct IncomingBatch {
  let batch: LogBatch
  /// Place in the request of each record of the batch.
  var places: [UInt32] = []
  var refusals: [PlacedRefusal] = []
  /// There are retractions, which need the log's help first: they are not in the batch.
  private(set) var hasRetractions = false

  /// Checks and copies.
  /// - Parameter log: where retractions find what they speak of, which may wait for its writer and for the disk; nil:
  ///   not now.
  init(
    _ view: EventBatchView, producer: String, rules: IngestRules, nowNanos: Int64, log: EventLog? = nil
  ) {
    var bytes = 0
    for event in view.events { bytes += event.count + 64 + producer.utf8.count }
    batch = LogBatch(producer: producer, reservingBytes: bytes)
    places.reserveCapacity(view.events.count)
    for (index, payload) in view.events.enumerated() {
      do {
        let event = try EventView(payload)
        if let refusal = rules.refusal(event, nowNanos: nowNanos) {
          refuse(index, .invalidArgument, refusal.field, refusal.reason)
          continue
        }
        if event.kind == .retraction {
          guard let log else {
            hasRetractions = true
            continue
          }
          let (offset, earlier) = try log.event(retractedBy: event)
          let whole = EventBuilder(
            id: event.id.string, timeNanos: event.timeNanos, source: event.source.string,
            sequence: event.sequence,
            .retraction(eventID: event.retractedID.string, offset: offset, event: earlier)
          ).encoded()
          try whole.withUnsafeBytes { try add(event, $0, index) }
        } else {
          try add(event, payload.bytes, index)
        }
      } catch let refusal as EventRefusal {
        refuse(index, .failedPrecondition, refusal.field, refusal.reason)
      } catch let error as LogError {
        refuse(index, .invalidArgument, "sequence", error.message)
      } catch {
        refuse(index, .invalidArgument, "", "not an event: \(error)")
      }
    }
  }

  private mutating func add(_ event: EventView, _ payload: UnsafeRawBufferPointer, _ index: Int) throws {
    try batch.add(
      timeNanos: event.timeNanos, sequence: event.sequence, eventID: event.id.bytes, payload: payload)
    places.append(UInt32(index))
  }

  private mutating func refuse(_ index: Int, _ code: Status.Code, _ field: String, _ reason: String) {
    refusals.append(PlacedRefusal(index: index, code: code, field: field, reason: reason))
  }
}

extension Status {
  /// The log's error as the caller sees it.
  init(_ error: LogError) {
    self.init(Code(rawValue: error.code.rawValue), error.description)
  }
}
