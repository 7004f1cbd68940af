// Ingest.Stream: batches in, acknowledgements out. Each batch goes to the log at once; acknowledgements come back
// in the order in which the batches were sent, and each one says how many more events may follow.

internal import CMessages
internal import Configuration
internal import EventLog
internal import Primitives
internal import Transport
internal import Wire

/// One stream. All of it runs on the reactor that owns the connection.
final class IngestStream: StreamHandler, @unchecked Sendable {
  // Sound because: touched only on its reactor; the log's answers come by `outcomes` and a wake.

  /// Events that may be on their way beyond what is acknowledged.
  static let window: UInt64 = 65_536

  private let service: IngestService
  private var producer: String?
  private var durability = LogDurability.durable
  /// Events received, and acknowledged.
  private var received: UInt64 = 0
  private var acknowledged: UInt64 = 0
  private var inFlight = 0
  /// What waits for the events that retractions take back, and what was sent behind it, in order.
  private var waiting: [Waiting] = []
  /// Of the first that waits, from the thread that asked the log.
  private let completed = Inbox<IncomingBatch>()
  private var hasEnded = false
  private var hasAnswered = false
  private var lastOffset: UInt64 = 0
  private var producerSequence: UInt64 = 0
  /// What the log has answered, in order, from its thread.
  private let outcomes = Inbox<Outcome>()

  private struct Waiting: Sendable {
    var message: [UInt8]
    /// Number of its first event in the stream.
    var first: UInt64
    var count: UInt64
  }

  private struct Outcome: Sendable {
    var result: Result<AppendReceipt, LogError>
    var count: UInt64
    var batch: LogBatch
    var refusals: [PlacedRefusal]
  }

  init(_ service: IngestService) { self.service = service }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    try service.checkOpen()
    let rules = service.rules
    let view = try EventBatchView(message, .stream)
    if producer == nil {
      producer = view.producer.string
      durability = LogDurability.ofMessage(view.durability) ?? rules.durability
      // A batch of nothing asks the log what it holds of this producer.
      try submit(
        IncomingBatch(
          EventBatchView(UnsafeRawBufferPointer(start: nil, count: 0), .stream),
          producer: view.producer.string, rules: rules, nowNanos: 0),
        0, stream)
    } else if !view.producer.isEmpty, !view.producer.bytes.elementsEqual(producer?.utf8 ?? "".utf8) {
      throw Status(
        .invalidArgument, "StreamRequest.producer: it is named in the first message and cannot change")
    }
    guard !view.events.isEmpty else { return }
    try receive(view, message, rules, stream)
  }

  private func receive(
    _ view: EventBatchView, _ message: UnsafeRawBufferPointer, _ rules: IngestRules, _ stream: ServerStream
  ) throws(Status) {
    guard view.events.count <= rules.batchEvents else {
      throw Status(
        .invalidArgument,
        "StreamRequest.events: \(view.events.count) events; at most \(rules.batchEvents) (limits.batch_events)"
      )
    }
    guard received + UInt64(view.events.count) - acknowledged <= Self.window else {
      throw Status(
        .resourceExhausted,
        "\(received + UInt64(view.events.count) - acknowledged) events are not acknowledged; "
          + "\(Self.window) may be: wait for credits")
    }
    let first = received
    received += UInt64(view.events.count)
    let count = UInt64(view.events.count)
    if waiting.isEmpty {
      let incoming = IncomingBatch(
        view, producer: producer ?? "", rules: rules, nowNanos: WallClock.nanos())
      if !incoming.hasRetractions { return try submit(incoming, from: first, count, stream) }
      // What comes behind it waits, so that the log has all in the order in which it was sent.
      stream.hold()
    }
    waiting.append(Waiting(message: Array(message), first: first, count: count))
    if waiting.count == 1 { complete(stream) }
  }

  /// Has the first batch that waits completed by a thread that may ask the log what retractions take back.
  private func complete(_ stream: ServerStream) {
    guard let batch = waiting.first else { return }
    let (service, producer, rules, completed) = (service, producer ?? "", service.rules, completed)
    service.workers.perform {
      batch.message.withUnsafeBytes { message in
        // It was read before; the same bytes are read again.
        guard let view = try? EventBatchView(message, .stream) else { return }
        completed.put(
          IncomingBatch(
            view, producer: producer, rules: rules, nowNanos: WallClock.nanos(), log: service.log))
      }
      stream.wake()
    }
  }

  /// Submits what was completed, and has the next one completed.
  private func submitCompleted(_ stream: ServerStream) throws(Status) {
    for incoming in completed.takeAll() {
      let batch = waiting.removeFirst()
      try submit(incoming, from: batch.first, batch.count, stream)
      if waiting.isEmpty { stream.release() } else { complete(stream) }
    }
  }

  private func submit(
    _ incoming: IncomingBatch, from first: UInt64, _ count: UInt64, _ stream: ServerStream
  ) throws(Status) {
    var incoming = incoming
    for index in incoming.refusals.indices { incoming.refusals[index].index += Int(first) }
    try submit(incoming, count, stream)
  }

  private func submit(_ incoming: IncomingBatch, _ count: UInt64, _ stream: ServerStream) throws(Status) {
    inFlight += 1
    let (batch, refusals) = (incoming.batch, incoming.refusals)
    let outcomes = outcomes
    do throws(LogError) {
      try service.log.append(incoming.batch, durability: durability) { result in
        outcomes.put(Outcome(result: result, count: count, batch: batch, refusals: refusals))
        stream.wake()
      }
    } catch {
      throw Status(error)
    }
  }

  /// Acknowledges all that the log has answered, in one message.
  func woken(_ stream: ServerStream) throws(Status) {
    try submitCompleted(stream)
    let settled = outcomes.takeAll()
    guard !settled.isEmpty else { return }
    var refusals: [PlacedRefusal] = []
    var gaps: [ClosedRange<UInt64>] = []
    var duplicates = 0
    for outcome in settled {
      inFlight -= 1
      let receipt: AppendReceipt
      switch outcome.result {
      case .success(let value): receipt = value
      case .failure(let error): throw Status(error)
      }
      service.count(receipt, of: outcome.batch)
      service.count(outcome.refusals)
      acknowledged += outcome.count
      lastOffset = receipt.lastOffset ?? lastOffset
      producerSequence = max(producerSequence, receipt.producerSequence)
      duplicates += receipt.duplicates.count
      refusals += outcome.refusals
      gaps += receipt.gaps
    }
    let arena = MessageArena(capacity: 1024)
    defer { hasAnswered = true }
    var message = Cowbird__V1__StreamResponse.empty
    message.acknowledged = acknowledged
    message.offset = lastOffset
    message.credits = UInt32(Self.window)
    message.producer_sequence = producerSequence
    message.duplicates = UInt32(duplicates)
    message.durability = durability.message
    if !hasAnswered {
      let types = service.rules.types
      message.default_type = arena.text(types.ofValues)
      message.class_type = arena.text(types.ofClasses)
      (message.n_positive_types, message.positive_types) = arena.texts(types.positives)
      (message.n_negative_types, message.negative_types) = arena.texts(types.negatives)
      message.batch_events = UInt32(service.rules.batchEvents)
    }
    (message.n_refusals, message.refusals) = arena.refusals(refusals)
    (message.n_gaps, message.gaps) = arena.gaps(gaps)
    stream.send(&message)
    if hasEnded, isSettled { stream.finish() }
  }

  func receiveEnd(on stream: ServerStream) throws(Status) {
    hasEnded = true
    if isSettled { stream.finish() }
  }

  /// All that came is acknowledged.
  private var isSettled: Bool { inFlight == 0 && waiting.isEmpty }

  func drain(_ stream: ServerStream) {
    // What was received is acknowledged first; the peer goes on elsewhere, or later, from there.
    if isSettled { stream.fail(Status(.unavailable, "the server is stopping; reconnect and resume")) }
    hasEnded = true
  }
}
