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

  /// Of impressions, for `ImpressionsView`: `user` and `requestID` are read, the rest is not. Of a retraction, for
  /// `retracted`.
  package private(set) var body: ByteView

  /// Reads the fields of `cowbird.v1.Event`. What stands inside an attribute is read when it is iterated, and
  /// checked by `refusal`. O(fields).
  package init(_ bytes: UnsafeRawBufferPointer) throws(WireFormatError) {
    try self.init(ByteView(bytes))
  }

  package init(_ view: ByteView) throws(WireFormatError) {
    self.init(emptyAt: view.base)
    try read(view)
  }

  // hot: in place, because a view is a few cache lines long.
  /// The same into memory that holds none yet.
  /// - Returns: whether the bytes are an event.
  package static func read(
    _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<EventView>
  ) -> Bool {
    let view = ByteView(bytes)
    target.initialize(to: EventView(emptyAt: view.base))
    do throws(WireFormatError) {
      try target.pointee.read(view)
      return true
    } catch {
      return false
    }
  }

  @inline(__always)
  private init(emptyAt base: UnsafeRawPointer) {
    let empty = ByteView(base: base, count: 0)
    (id, source, type, user, item, requestID, entityID, retractedID, body) = (
      empty, empty, empty, empty, empty, empty, empty, empty, empty
    )
    attributes = AttributeViews(start: base, end: base, field: 0, count: 0)
  }

  /// Tags are compared whole: field << 3 | wire type.
  private mutating func read(_ view: ByteView) throws(WireFormatError) {
    var cursor = WireCursor(view)
    while !cursor.isAtEnd {
      switch try cursor.varint() {
      case 0x0A: id = try cursor.bytes()
      case 0x10: timeNanos = Int64(bitPattern: try cursor.varint())
      case 0x1A: source = try cursor.bytes()
      case 0x20: sequence = try cursor.varint()
      case 0x42: try readInteraction(try onlyBody(8, &cursor))
      case 0x4A: try readEntity(try onlyBody(9, &cursor))
      case 0x52: try readRetraction(try onlyBody(10, &cursor))
      case 0x5A: try readImpressions(try onlyBody(11, &cursor))
      case let tag: try cursor.skip(tag: tag, known: tag >> 3 < 8 ? 1...4 : 8...11)
      }
    }
  }

  /// Whether the event takes another one back: looks at the outermost fields only. False for what is malformed.
  package static func isRetraction(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return false }
    var cursor = WireCursor(ByteView(base: base, count: bytes.count))
    while !cursor.isAtEnd {
      guard let (field, wire) = try? cursor.tag() else { return false }
      if field == 10 { return true }
      if field == 8 || field == 9 || field == 11 { return false }
      guard (try? cursor.skip(type: wire)) != nil else { return false }
    }
    return false
  }

  @inline(__always)
  private func onlyBody(_ field: Int, _ cursor: inout WireCursor) throws(WireFormatError) -> ByteView {
    guard kind == .none else { throw .repeated(field: field) }
    return try cursor.bytes()
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
      switch try cursor.varint() {
      case 0x2A:
        _ = try cursor.bytes()
        collector.take(1 + cursor.skipShort(tag: 0x2A), at: start)
      case 0x0A: type = try cursor.bytes()
      case 0x12: user = try cursor.bytes()
      case 0x1A: item = try cursor.bytes()
      case 0x21:
        value = Double(bitPattern: try cursor.fixed64())
        hasValue = true
      case 0x35: weight = Float(bitPattern: try cursor.fixed32())
      case 0x3A: requestID = try cursor.bytes()
      case let tag: try cursor.skip(tag: tag, known: 1...7)
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
    self.body = body
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
