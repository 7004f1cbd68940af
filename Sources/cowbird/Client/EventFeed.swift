// Ingest.Stream from the sending side: batches go out as long as there are credits, acknowledgements are read when
// there are none left. What is not acknowledged is kept: after a lost connection it is sent again, and the numbers of
// the records let the log tell what it holds already.

import CMessages
import Configuration
import Primitives
import Transport
import Wire

final class EventFeed {
  private static let batchBytes = 1 << 20
  private static let firstPauseNanos: UInt64 = 10_000_000
  private static let longestPauseNanos: UInt64 = 1_000_000_000

  /// Records of this producer from `first` on, as the request that carries them.
  private struct Batch {
    var first: UInt64
    var count = 0
    /// Events as field 3 of StreamRequest.
    var bytes: [UInt8] = []
    var last: UInt64 { first + UInt64(count) - 1 }
  }

  private let options: ClientOptions
  private let producer: String
  private let durability: Int32
  private var batchLimit: Int
  private let patienceNanos: UInt64
  private let liveness: Liveness
  let leftOut: LeftOut
  private let daemon: DaemonConnection
  private var stream: ClientStream

  private var batch = Batch(first: 1)
  /// Sent and not acknowledged, oldest first.
  private var inFlight: [Batch] = []
  /// Records given so far.
  private(set) var number: UInt64 = 0
  /// Of the stream at hand: events sent, and how many the daemon has answered.
  private var sentHere: UInt64 = 0
  private var acknowledgedHere: UInt64 = 0
  private var credits: UInt64 = 0
  /// Number of the record that was the first of the stream at hand.
  private var firstHere: UInt64 = 1
  /// Records sent again that the log may hold: its duplicates are none.
  private var repeated: UInt64 = 0
  private var refusals: [(record: UInt64, text: String)] = []

  /// Event types of records that name none, as the daemon's configuration says.
  private(set) var types = RecordTypes(ofValues: "", ofClasses: "", positives: [], negatives: [])
  /// Records that the log held of this producer when the feed began.
  private(set) var resumed: UInt64 = 0
  private(set) var skipped: UInt64 = 0
  private(set) var duplicates: UInt64 = 0
  private(set) var refused: UInt64 = 0
  private(set) var reconnects: UInt64 = 0
  private(set) var offset: UInt64 = 0
  /// The producer's highest sequence that is safe.
  private(set) var acknowledged: UInt64 = 0

  /// Records handed to the daemon, each counted once.
  var sent: UInt64 { number - skipped - UInt64(batch.count) }
  var accepted: UInt64 { sent - inFlight.reduce(0) { $0 + UInt64($1.count) } - refused - duplicates }

  /// - Parameters:
  ///   - producer: numbers the records; its name decides what a second run goes on after.
  ///   - patienceNanos: how long a lost daemon is waited for; 0: not at all.
  init(
    _ options: ClientOptions, producer: String, durability: Int32, batch: Int, patienceNanos: UInt64,
    _ liveness: Liveness, _ leftOut: LeftOut
  ) throws {
    self.leftOut = leftOut
    self.options = options
    self.producer = producer
    self.durability = durability
    batchLimit = batch
    self.patienceNanos = patienceNanos
    self.liveness = liveness
    daemon = try options.connect()
    stream = try Self.open(daemon)
    try greet()
    resumed = acknowledged
  }

  // MARK: Sending

  /// Takes one encoded event.
  func send(_ event: UnsafeRawBufferPointer) throws {
    number += 1
    if number <= resumed {
      skipped += 1
      return
    }
    if batch.count == 0 { batch.first = number }
    batch.bytes.append(0x1A)
    Varint.append(UInt64(event.count + 1 + Varint.size(number)), to: &batch.bytes)
    batch.bytes.append(contentsOf: event)
    // Event.sequence: a field that comes again replaces what came before.
    batch.bytes.append(0x20)
    Varint.append(number, to: &batch.bytes)
    batch.count += 1
    if batch.count >= batchLimit || batch.bytes.count >= Self.batchBytes || liveness.mustFlush {
      try flush()
    }
  }

  /// Sends what is left, and waits until all of it is acknowledged.
  func finish() throws {
    try flush()
    try settle()
    // All is acknowledged: how the stream ends changes nothing.
    try? stream.closeSend()
  }

  /// Waits until all that was sent is acknowledged.
  private func settle() throws {
    while !inFlight.isEmpty {
      try persist { if !inFlight.isEmpty { try receive() } }
    }
  }

  private func flush() throws {
    guard batch.count > 0 else { return }
    inFlight.append(batch)
    batch = Batch(first: number + 1)
    // A reconnection on the way sends it with the others.
    let reconnectsBefore = reconnects
    try persist {
      guard reconnects == reconnectsBefore, let last = inFlight.last else { return }
      try transmit(last)
    }
    // Nothing is there to be sent: whether the daemon is must not be found out with the next event only.
    if case .pipe = liveness, liveness.mustFlush { try settle() }
  }

  private func transmit(_ batch: Batch) throws {
    while sentHere + UInt64(batch.count) - acknowledgedHere > credits { try receive() }
    try stream.send(batch.bytes)
    sentHere += UInt64(batch.count)
  }

  // MARK: Receiving

  private func receive() throws {
    guard let bytes = try stream.receive() else {
      throw Status(.unavailable, "the daemon ended the stream before all was acknowledged")
    }
    let answer = try Answer<Cowbird__V1__StreamResponse>(bytes)
    withExtendedLifetime(answer) {
      let message = answer.message
      acknowledgedHere = message.acknowledged
      credits = UInt64(message.credits)
      acknowledged = max(acknowledged, message.producer_sequence)
      let known = UInt64(message.duplicates)
      let again = min(known, repeated)
      repeated -= again
      duplicates += known - again
      offset = max(offset, message.offset)
      refused += UInt64(message.n_refusals)
      if types.ofValues.isEmpty {
        types = RecordTypes(
          ofValues: text(message.default_type), ofClasses: text(message.class_type),
          positives: texts(message.positive_types, message.n_positive_types),
          negatives: texts(message.negative_types, message.n_negative_types))
      }
      if message.batch_events > 0 { batchLimit = min(batchLimit, Int(message.batch_events)) }
      for refusal in elements(message.refusals, message.n_refusals) {
        let field = text(refusal.field)
        let (record, reason) = (
          UInt64(refusal.index) + firstHere, (field.isEmpty ? "" : field + ": ") + text(refusal.reason)
        )
        leftOut.write("record \(record) refused: \(reason)")
        if refusals.count < 20 { refusals.append((record, reason)) }
      }
    }
    while let first = inFlight.first, first.last < firstHere + acknowledgedHere { inFlight.removeFirst() }
  }

  // MARK: The connection

  private static func open(_ daemon: DaemonConnection) throws -> ClientStream {
    try daemon.client.openStream("cowbird.v1.Ingest", "Stream", .both, timeoutNanos: daemon.timeoutNanos)
  }

  /// Names the producer, and hears what the log holds of it.
  private func greet() throws {
    (sentHere, acknowledgedHere) = (0, 0)
    firstHere = inFlight.first?.first ?? (batch.count > 0 ? batch.first : number + 1)
    try stream.send(
      DaemonConnection.encoded { (arena, request: inout Cowbird__V1__StreamRequest) in
        request.producer = arena.text(producer)
        request.durability = Cowbird__V1__Durability(rawValue: UInt32(durability))
      })
    try receive()
    if reconnects == 0, number == 0 { firstHere = acknowledged + 1 }
  }

  /// Does `body`; when the connection is lost, connects again, sends again what is not acknowledged, and does the rest.
  private func persist(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let status as Status where status.code == .unavailable && patienceNanos > 0 {
      try reconnect(after: status)
      try persist(body)
    }
  }

  private func reconnect(after loss: Status) throws {
    Terminal.note("\(loss.message); connecting again")
    let end = MonotonicClock.nanos() &+ patienceNanos
    var pause = Self.firstPauseNanos
    while true {
      do {
        try daemon.client.reconnect()
        stream = try Self.open(daemon)
        reconnects += 1
        try greet()
        // What the log holds of it is answered as a duplicate; what it refused before, it refuses again.
        repeated = inFlight.reduce(0) { count, batch in
          count + min(UInt64(batch.count), acknowledged >= batch.first ? acknowledged - batch.first + 1 : 0)
        }
        for batch in inFlight { try transmit(batch) }
        return
      } catch let status as Status where status.code == .unavailable {
        guard MonotonicClock.nanos() < end else { throw loss }
        let signal = Signal()
        signal.wait(after: signal.count, nanos: pause)
        pause = min(2 * pause, Self.longestPauseNanos)
      }
    }
  }

  /// Says which records were refused, and why: the first of them.
  func reportRefusals() {
    for refusal in refusals { Terminal.note("record \(refusal.record) refused: \(refusal.text)") }
    if refused > UInt64(refusals.count) {
      Terminal.note("and \(Format.count(refused - UInt64(refusals.count))) more")
    }
    refusals = []
  }
}
