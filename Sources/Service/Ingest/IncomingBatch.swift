// What a batch of events becomes before the log has it: checked one by one, the good ones copied once, the bad
// ones named.

internal import EventLog
internal import Primitives
internal import Wire

/// A refusal with its place in the batch.
struct PlacedRefusal {
  var index: Int
  var code: Status.Code
  var field: String
  var reason: String
  /// What was broken, and whose event it was.
  var rule: IngestRule
  var source: String
}

/// A checked batch, ready for the log.
struct IncomingBatch {
  let batch: LogBatch
  /// Place in the request of each record of the batch.
  var places: [UInt32] = []
  var refusals: [PlacedRefusal] = []
  /// There are retractions, which need the log's help first: they are not in the batch.
  private(set) var hasRetractions = false
  /// Bytes of earlier events that its retractions carry, and how many they may be.
  private var carried = 0
  private static let carriedBytes = 4 << 20

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
      var source: ByteView?
      do {
        let event = try EventView(payload)
        source = event.source
        if let (rule, refusal) = rules.refusal(event, nowNanos: nowNanos) {
          refuse(index, .invalidArgument, refusal.field, refusal.reason, rule, source)
          continue
        }
        if event.kind == .retraction {
          guard let log else {
            hasRetractions = true
            continue
          }
          let (offset, earlier) = try log.event(retractedBy: event)
          carried += earlier.bytes.count
          guard carried <= Self.carriedBytes else {
            refuse(
              index, .resourceExhausted, "retraction",
              "the retractions of one batch may take back \(Self.carriedBytes >> 20) MiB of events; send the rest in "
                + "batches after it", .retraction, source)
            continue
          }
          // Taken back once, however often that is asked: what has no id gets one.
          let id = event.id.isEmpty ? "retraction of \(offset)" : event.id.string
          let whole = EventBuilder(
            id: id, timeNanos: event.timeNanos, source: event.source.string, sequence: event.sequence,
            .retraction(eventID: event.retractedID.string, offset: offset, event: earlier)
          ).encoded()
          try whole.withUnsafeBytes { whole in try add(try EventView(whole), whole, index) }
        } else {
          try add(event, payload.bytes, index)
        }
      } catch let refusal as EventRefusal {
        refuse(index, .failedPrecondition, refusal.field, refusal.reason, .retraction, source)
      } catch let error as LogError {
        refuse(index, .invalidArgument, "sequence", error.message, .sequence, source)
      } catch {
        refuse(index, .invalidArgument, "", "not an event: \(error)", .malformed, source)
      }
    }
  }

  private mutating func add(_ event: EventView, _ payload: UnsafeRawBufferPointer, _ index: Int) throws {
    try batch.add(
      timeNanos: event.timeNanos, sequence: event.sequence, eventID: event.id.bytes, payload: payload)
    places.append(UInt32(index))
  }

  private mutating func refuse(
    _ index: Int, _ code: Status.Code, _ field: String, _ reason: String, _ rule: IngestRule,
    _ source: ByteView?
  ) {
    refusals.append(
      PlacedRefusal(
        index: index, code: code, field: field, reason: reason, rule: rule, source: source?.sourceName ?? ""))
  }
}

extension ByteView {
  /// The name under which a source is counted: what is no text is no name.
  var sourceName: String { count <= 256 && isUTF8 ? string : "" }
}

extension Status {
  /// The log's error as the caller sees it.
  init(_ error: LogError) {
    self.init(Code(rawValue: error.code.rawValue), error.description)
  }
}
