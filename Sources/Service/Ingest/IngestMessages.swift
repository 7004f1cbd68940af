// Answers of Ingest as protobuf-c messages.

internal import CMessages
internal import EventLog
internal import Wire

extension LogDurability {
  /// The contract's enum; nil: unspecified.
  static func ofMessage(_ number: Int32) -> LogDurability? {
    switch number {
    case 1: .durable
    case 2: .written
    case 3: .received
    default: nil
    }
  }

  var message: Cowbird__V1__Durability {
    switch self {
    case .durable: COWBIRD__V1__DURABILITY__DURABILITY_DURABLE
    case .written: COWBIRD__V1__DURABILITY__DURABILITY_WRITTEN
    case .received: COWBIRD__V1__DURABILITY__DURABILITY_RECEIVED
    }
  }
}

extension MessageArena {
  func refusals(
    _ refusals: [PlacedRefusal], from first: UInt64 = 0
  ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Cowbird__V1__Refusal>?>?) {
    messages(
      refusals.map { refusal in
        var message = Cowbird__V1__Refusal.empty
        message.index = UInt32(truncatingIfNeeded: first + UInt64(refusal.index))
        message.code = refusal.code.rawValue
        message.field = text(refusal.field)
        message.reason = text(refusal.reason)
        return message
      })
  }

  /// Pairs first, last; at most 64 of them.
  func gaps(_ gaps: [ClosedRange<UInt64>]) -> (Int, UnsafeMutablePointer<UInt64>?) {
    let numbers = gaps.prefix(64).flatMap { [$0.lowerBound, $0.upperBound] }
    return (numbers.count, array(numbers))
  }
}

enum IngestAnswer {
  /// The encoded AppendResponse.
  static func append(
    _ incoming: IncomingBatch, _ receipt: AppendReceipt?, _ durability: LogDurability
  ) -> [UInt8] {
    let arena = MessageArena(capacity: 4096)
    var message = Cowbird__V1__AppendResponse.empty
    if let receipt {
      message.first_offset = receipt.firstOffset
      message.last_offset = receipt.lastOffset ?? 0
      message.accepted = UInt32(receipt.accepted)
      let duplicates = receipt.duplicates.map { incoming.places[$0.index] }
      (message.n_duplicates, message.duplicates) = (duplicates.count, arena.array(duplicates))
      message.producer_sequence = receipt.producerSequence
      (message.n_gaps, message.gaps) = arena.gaps(receipt.gaps)
    }
    message.durability = durability.message
    (message.n_refusals, message.refusals) = arena.refusals(incoming.refusals)
    return Wire.bytes(&message)
  }
}
