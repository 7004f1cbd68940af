// Ingest.Stream from the sending side: batches go out as long as there are credits, acknowledgements are read when
// there are none left.

import CMessages
import Glibc
import Transport
import Wire

final class EventFeed {
  private static let batchBytes = 1 << 20

  private let stream: ClientStream
  private let isNumbered: Bool
  private let batchLimit: Int
  private let liveness: Liveness

  /// The request that is being filled: events as field 3.
  private var batch: [UInt8] = []
  private var batchCount = 0
  private var number: UInt64 = 0
  private var credits: UInt64 = 0
  private var acknowledgedHere: UInt64 = 0
  private var refusals: [(record: UInt64, text: String)] = []

  /// Records that the log held of this producer when the feed began.
  private(set) var resumed: UInt64 = 0
  private(set) var sent: UInt64 = 0
  private(set) var skipped: UInt64 = 0
  private(set) var duplicates: UInt64 = 0
  private(set) var refused: UInt64 = 0
  private(set) var offset: UInt64 = 0
  /// The producer's highest sequence that is safe.
  private(set) var acknowledged: UInt64 = 0

  var accepted: UInt64 { acknowledgedHere - refused - duplicates }

  init(_ daemon: DaemonConnection, producer: String, durability: Int32, batch: Int, _ liveness: Liveness)
    throws
  {
    isNumbered = !producer.isEmpty
    batchLimit = batch
    self.liveness = liveness
    stream = try daemon.client.openStream(
      "cowbird.v1.Ingest", "Stream", .both, timeoutNanos: daemon.timeoutNanos)
    try stream.send(
      DaemonConnection.encoded { (arena, request: inout Cowbird__V1__StreamRequest) in
        request.producer = arena.text(producer)
        request.durability = Cowbird__V1__Durability(rawValue: UInt32(durability))
      })
    try receive()
    resumed = acknowledged
  }

  /// Takes one encoded event.
  func send(_ event: [UInt8]) throws {
    number += 1
    if isNumbered, number <= resumed {
      skipped += 1
      return
    }
    let tail = isNumbered ? [0x20] + Self.varint(number) : []
    batch.append(0x1A)
    batch += Self.varint(UInt64(event.count + tail.count))
    batch += event
    // A field that comes again replaces what came before.
    batch += tail
    batchCount += 1
    if batchCount >= batchLimit || batch.count >= Self.batchBytes || liveness.mustFlush {
      try flush()
    }
  }

  /// Sends what is left, and waits until all of it is acknowledged.
  func finish() throws {
    try flush()
    try stream.closeSend()
    while acknowledgedHere < sent { try receive() }
  }

  private func flush() throws {
    guard batchCount > 0 else { return }
    while sent + UInt64(batchCount) - acknowledgedHere > credits { try receive() }
    try stream.send(batch)
    sent += UInt64(batchCount)
    batch.removeAll(keepingCapacity: true)
    batchCount = 0
  }

  private func receive() throws {
    guard let bytes = try stream.receive() else {
      throw Status(.unavailable, "the daemon ended the stream before all was acknowledged")
    }
    let answer = try Answer<Cowbird__V1__StreamResponse>(bytes)
    withExtendedLifetime(answer) {
      let message = answer.message
      acknowledgedHere = message.acknowledged
      credits = UInt64(message.credits)
      acknowledged = message.producer_sequence
      duplicates += UInt64(message.duplicates)
      offset = max(offset, message.offset)
      refused += UInt64(message.n_refusals)
      for refusal in elements(message.refusals, message.n_refusals) where refusals.count < 20 {
        let field = text(refusal.field)
        refusals.append(
          (
            UInt64(refusal.index) + 1 + skipped,
            (field.isEmpty ? "" : field + ": ") + text(refusal.reason)
          ))
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

  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
  }

}

/// Whether input comes as it happens, so that what was read must not wait for more.
enum Liveness {
  /// From files, which are there.
  case whole
  /// From something that may make us wait.
  case live
  /// From a pipe that can be asked whether there is more.
  case pipe(Int32)

  var mustFlush: Bool {
    switch self {
    case .whole: return false
    case .live: return true
    case .pipe(let descriptor):
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return poll(&waiting, 1, 0) <= 0 || waiting.revents & Int16(POLLIN) == 0
    }
  }
}
