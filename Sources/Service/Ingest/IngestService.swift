// cowbird.v1.Ingest: events in. The reactor checks a batch and gives it to the log; the log's thread answers when
// it is as durable as was asked.

package import EventLog
internal import Primitives
package import Transport
package import Wire

package final class IngestService: Sendable {
  let log: EventLog
  let workers: Workers
  private let ruleSource: Guarded<IngestRules>
  /// Why no event is taken now; nil: they are.
  private let stopReason = Guarded<Status?>(nil)

  private let tally: Tally
  /// Batches that wait for what their retractions take back, and those that came after them.
  private let lane: Lane

  package init(log: EventLog, workers: Workers, rules: IngestRules, tally: Tally = Tally()) {
    self.tally = tally
    self.log = log
    self.workers = workers
    lane = Lane(workers)
    ruleSource = Guarded(rules)
  }

  package var rules: IngestRules {
    get { ruleSource.withLock { $0 } }
    set { ruleSource.withLock { $0 = newValue } }
  }

  /// Refuses events from now on, with this status; nil: takes them again.
  package func refuseAll(_ status: Status?) { stopReason.withLock { $0 = status } }

  func checkOpen() throws(Status) {
    if let status = stopReason.withLock({ $0 }) { throw status }
  }

  package func register(in registry: inout ServiceRegistry) {
    registry.unary("cowbird.v1.Ingest", "Append", permission: .ingest) { call throws(Status) in
      try self.append(call)
    }
    registry.stream("cowbird.v1.Ingest", "Stream", .both, permission: .ingest) { _ in IngestStream(self) }
  }

  private func append(_ call: UnaryCall) throws(Status) {
    try checkOpen()
    let rules = rules
    let view = try EventBatchView(call.payload, .append)
    guard (1...rules.batchEvents).contains(view.events.count) else {
      throw Status(
        .invalidArgument,
        "AppendRequest.events: \(view.events.count) events; 1 to \(rules.batchEvents) are allowed (limits.batch_events)"
      )
    }
    let incoming = IncomingBatch(
      view, producer: view.producer.string, rules: rules, nowNanos: WallClock.nanos())
    let durability = LogDurability.ofMessage(view.durability) ?? rules.durability
    if incoming.hasRetractions {
      let (payload, reply, isDryRun) = (Array(call.payload), call.deferAnswer(), view.isDryRun)
      lane.perform { [self] in
        completeThenAppend(payload, reply, rules: rules, durability: durability, isDryRun: isDryRun)
      }
    } else if view.isDryRun || incoming.batch.isEmpty {
      if !view.isDryRun { count(incoming.refusals) }
      let bytes = IngestAnswer.append(incoming, nil, durability)
      bytes.withUnsafeBytes { bytes in
        call.respond(size: bytes.count) { target in
          if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
        }
      }
    } else {
      let reply = call.deferAnswer()
      // None overtakes one that waits: its producer's numbers would be below what the log has then.
      let waits = lane.performIfBusy { [self] in submit(incoming, reply, durability) }
      if !waits { submit(incoming, reply, durability) }
    }
  }

  private func submit(_ incoming: IncomingBatch, _ reply: Reply, _ durability: LogDurability) {
    do {
      try log.append(incoming.batch, durability: durability) { [self] result in
        switch result {
        case .success(let receipt):
          count(receipt, of: incoming.batch)
          count(incoming.refusals)
          reply.respond(bytes: IngestAnswer.append(incoming, receipt, durability))
        case .failure(let error): reply.fail(Status(error))
        }
      }
    } catch {
      reply.fail(Status(error))
    }
  }

  /// Asking the log for what a retraction takes back waits for its writer, which a reactor must not.
  private func completeThenAppend(
    _ payload: [UInt8], _ reply: Reply, rules: IngestRules, durability: LogDurability, isDryRun: Bool
  ) {
    payload.withUnsafeBytes { bytes in
      // It was read before; the same bytes are read again.
      guard let view = try? EventBatchView(bytes, .append) else { return }
      let incoming = IncomingBatch(
        view, producer: view.producer.string, rules: rules, nowNanos: WallClock.nanos(), log: log)
      if isDryRun || incoming.batch.isEmpty {
        if !isDryRun { count(incoming.refusals) }
        reply.respond(bytes: IngestAnswer.append(incoming, nil, durability))
      } else {
        submit(incoming, reply, durability)
      }
    }
  }

  /// Counts what the log made of a batch.
  func count(_ receipt: AppendReceipt, of batch: LogBatch) {
    tally.eventsAccepted.add(UInt64(receipt.accepted))
    guard !receipt.duplicates.isEmpty else { return }
    tally.duplicates.withLock { counts in
      for duplicate in receipt.duplicates {
        let event = try? EventView(batch.payload(duplicate.index))
        counts.add("duplicate", source: event?.source.sourceName ?? "")
      }
    }
  }

  /// Counts what never came to the log.
  func count(_ refusals: [PlacedRefusal]) {
    guard !refusals.isEmpty else { return }
    tally.refusals.withLock { counts in
      for refusal in refusals { counts.add(refusal.rule.rawValue, source: refusal.source) }
    }
  }
}
