// An event read in place from its protobuf bytes: the log's records and Ingest's batches are read so, with no
// allocation and no copy. Bytes may be anything; reading refuses what is malformed and never traps.
//
//   record bytes  | 0A 03 'e' '4' '2' | 10 .. time | 42 len | 0A 05 'c' 'l' 'i' 'c' 'k' | 12 .. user | ...
//   EventView       id ----^                         interaction ^ type ----^
//
// A view holds pointers into the record and must not outlive it.

package struct EventView {
  package enum Kind: UInt8, Sendable { case none, interaction, entity, retraction, impressions }
  package enum EntityKind: Int32, Sendable { case unspecified, user, item }
  package enum Action: Int32, Sendable { case unspecified, set, merge, delete }

  package private(set) var id: ByteView
  package private(set) var timeNanos: Int64 = 0
  package private(set) var source: ByteView
  package private(set) var sequence: UInt64 = 0
  package private(set) var kind = Kind.none

  // Interaction.
  package private(set) var type: ByteView
  package private(set) var user: ByteView
  package private(set) var item: ByteView
  package private(set) var requestID: ByteView
  /// Meaningful when `hasValue`.
  package private(set) var value = 0.0
  package private(set) var hasValue = false
  /// 1 when the event says none.
  package private(set) var weight: Float = 1
  /// The interaction's context, or the entity's attributes.
  package private(set) var attributes: AttributeViews

  // Entity change: `entityID` is `user` or `item` of the entity too.
  package private(set) var entityKind = EntityKind.unspecified
  package private(set) var entityID: ByteView
  package private(set) var action = Action.unspecified

  // Retraction.
  package private(set) var retractedID: ByteView
  package private(set) var retractedOffset: UInt64 = 0

  /// Of impressions, for `ImpressionsView`: `user` and `requestID` are read, the rest is not.
  package private(set) var body: ByteView

  /// Reads the fields of `cowbird.v1.Event`. What stands inside an attribute is read when it is iterated, and
  /// checked by `refusal`. O(fields).
  package init(_ bytes: UnsafeRawBufferPointer) throws(WireFormatError) {
    // A pointer that is never read through, for events of no bytes.
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    try self.init(ByteView(base: base, count: bytes.count))
  }

  package init(_ view: ByteView) throws(WireFormatError) {
    let empty = ByteView(base: view.base, count: 0)
    (id, source, type, user, item, requestID, entityID, retractedID, body) = (
      empty, empty, empty, empty, empty, empty, empty, empty, empty
    )
    attributes = AttributeViews(start: view.base, end: view.base, field: 0, count: 0)
    var cursor = WireCursor(view)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      switch field {
      case 1:
        try Self.expect(wire, 2, field)
        id = try cursor.bytes()
      case 2:
        try Self.expect(wire, 0, field)
        timeNanos = Int64(bitPattern: try cursor.varint())
      case 3:
        try Self.expect(wire, 2, field)
        source = try cursor.bytes()
      case 4:
        try Self.expect(wire, 0, field)
        sequence = try cursor.varint()
      case 8...11:
        try Self.expect(wire, 2, field)
        guard kind == .none else { throw .repeated(field: field) }
        let body = try cursor.bytes()
        switch field {
        case 8: try readInteraction(body)
        case 9: try readEntity(body)
        case 10: try readRetraction(body)
        default: try readImpressions(body)
        }
      default: try cursor.skip(type: wire)
      }
    }
  }

  @inline(__always)
  private static func expect(_ wire: Int, _ expected: Int, _ field: Int) throws(WireFormatError) {
    guard wire == expected else { throw .wireType(field: field) }
  }

  private mutating func readInteraction(_ body: ByteView) throws(WireFormatError) {
    kind = .interaction
    var cursor = WireCursor(body)
    var collector = AttributeCollector(body, field: 5)
    while !cursor.isAtEnd {
      let start = cursor.position
      let (field, wire) = try cursor.tag()
      switch field {
      case 1:
        try Self.expect(wire, 2, field)
        type = try cursor.bytes()
      case 2:
        try Self.expect(wire, 2, field)
        user = try cursor.bytes()
      case 3:
        try Self.expect(wire, 2, field)
        item = try cursor.bytes()
      case 4:
        try Self.expect(wire, 1, field)
        value = Double(bitPattern: try cursor.fixed64())
        hasValue = true
      case 5:
        try Self.expect(wire, 2, field)
        _ = try cursor.bytes()
        collector.take(at: start)
      case 6:
        try Self.expect(wire, 5, field)
        weight = Float(bitPattern: try cursor.fixed32())
      case 7:
        try Self.expect(wire, 2, field)
        requestID = try cursor.bytes()
      default: try cursor.skip(type: wire)
      }
    }
    attributes = collector.views
  }

  private mutating func readEntity(_ body: ByteView) throws(WireFormatError) {
    kind = .entity
    var cursor = WireCursor(body)
    var collector = AttributeCollector(body, field: 4)
    while !cursor.isAtEnd {
      let start = cursor.position
      let (field, wire) = try cursor.tag()
      switch field {
      case 1:
        try Self.expect(wire, 0, field)
        entityKind = EntityKind(rawValue: Int32(truncatingIfNeeded: try cursor.varint())) ?? .unspecified
      case 2:
        try Self.expect(wire, 2, field)
        entityID = try cursor.bytes()
      case 3:
        try Self.expect(wire, 0, field)
        action = Action(rawValue: Int32(truncatingIfNeeded: try cursor.varint())) ?? .unspecified
      case 4:
        try Self.expect(wire, 2, field)
        _ = try cursor.bytes()
        collector.take(at: start)
      default: try cursor.skip(type: wire)
      }
    }
    attributes = collector.views
    switch entityKind {
    case .user: user = entityID
    case .item: item = entityID
    case .unspecified: break
    }
  }

  private mutating func readImpressions(_ body: ByteView) throws(WireFormatError) {
    kind = .impressions
    self.body = body
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      guard field <= 2 else {
        try cursor.skip(type: wire)
        continue
      }
      try Self.expect(wire, 2, field)
      if field == 1 { requestID = try cursor.bytes() } else { user = try cursor.bytes() }
    }
  }

  private mutating func readRetraction(_ body: ByteView) throws(WireFormatError) {
    kind = .retraction
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      switch field {
      case 1:
        try Self.expect(wire, 2, field)
        retractedID = try cursor.bytes()
      case 2:
        try Self.expect(wire, 0, field)
        retractedOffset = try cursor.varint()
      default: try cursor.skip(type: wire)
      }
    }
  }
}
