// A batch of events, read in place: AppendRequest and StreamRequest without unpacking what the log will keep as
// bytes anyway.

/// The fields of AppendRequest or StreamRequest. Views point into the message.
package struct EventBatchView {
  /// Field numbers of the message; 0: it has no such field.
  package struct Layout: Sendable {
    let producer: Int
    let durability: Int
    let events: Int
    let dryRun: Int
    package let name: String

    package static let append = Layout(
      producer: 1, durability: 3, events: 2, dryRun: 4, name: "cowbird.v1.AppendRequest")
    package static let stream = Layout(
      producer: 1, durability: 2, events: 3, dryRun: 0, name: "cowbird.v1.StreamRequest")
  }

  package private(set) var producer: ByteView
  /// The enum's number.
  package private(set) var durability: Int32 = 0
  package private(set) var isDryRun = false
  /// The bytes of each event.
  package private(set) var events: [ByteView] = []

  /// Throws INVALID_ARGUMENT that names the message and what is wrong with it. O(events).
  package init(_ message: UnsafeRawBufferPointer, _ layout: Layout) throws(Status) {
    let base = message.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    producer = ByteView(base: base, count: 0)
    var cursor = WireCursor(ByteView(base: base, count: message.count))
    do {
      while !cursor.isAtEnd {
        let (field, wire) = try cursor.tag()
        switch field {
        case layout.producer where wire == 2: producer = try cursor.bytes()
        case layout.events where wire == 2: events.append(try cursor.bytes())
        case layout.durability where wire == 0: durability = Int32(truncatingIfNeeded: try cursor.varint())
        case layout.dryRun where wire == 0: isDryRun = try cursor.varint() != 0
        case layout.producer, layout.events, layout.durability, layout.dryRun:
          throw WireFormatError.wireType(field: field)
        default: try cursor.skip(type: wire)
        }
      }
    } catch {
      throw Status(.invalidArgument, "\(layout.name) cannot be decoded: \(error)")
    }
    guard producer.count <= 256 else {
      throw Status(.invalidArgument, "\(layout.name).producer: \(producer.count) bytes; at most 256")
    }
    guard producer.isUTF8 else { throw Status(.invalidArgument, "\(layout.name).producer: not UTF-8") }
    guard (0...3).contains(durability) else {
      throw Status(
        .invalidArgument, "\(layout.name).durability: \(durability); DURABLE (1), WRITTEN (2) or RECEIVED (3)"
      )
    }
  }
}
