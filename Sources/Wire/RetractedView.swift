// The earlier event that a retraction carries, read in place: the daemon puts it there before the log has the record.

/// An event as the log has it. Views point into the retraction.
package struct RetractedView {
  /// Of `cowbird.v1.Event`.
  package private(set) var event: ByteView
  package private(set) var timeNanos: Int64 = 0
  package private(set) var producer: ByteView

  /// Nil: the record carries none, or the bytes are malformed.
  package init?(_ retraction: EventView) {
    guard retraction.kind == .retraction else { return nil }
    event = ByteView(base: retraction.body.base, count: 0)
    producer = event
    var cursor = WireCursor(retraction.body)
    do throws(WireFormatError) {
      while !cursor.isAtEnd {
        let (field, wire) = try cursor.tag()
        switch (field, wire) {
        case (3, 2): event = try cursor.bytes()
        case (4, 0): timeNanos = Int64(bitPattern: try cursor.varint())
        case (5, 2): producer = try cursor.bytes()
        default: try cursor.skip(type: wire)
        }
      }
    } catch {
      return nil
    }
    guard !event.isEmpty else { return nil }
  }
}
