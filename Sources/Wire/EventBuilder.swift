// An event as a Swift value, and its protobuf bytes: for clients, importers, tests, and the log's own records.

/// An attribute's value.
package enum AttributeValue: Equatable, Sendable {
  case number(Double)
  case text(String)
  case texts([String])
  case numbers([Float])
  case flag(Bool)
}

package struct NamedAttribute: Equatable, Sendable {
  package var name: String
  package var value: AttributeValue

  package init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }
}

/// An item of an impressions event.
package struct ShownItem: Equatable, Sendable {
  package var item: String
  package var score: Float
  package var propensity: Float

  package init(_ item: String, score: Float = 0, propensity: Float = 1) {
    (self.item, self.score, self.propensity) = (item, score, propensity)
  }

  fileprivate func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.field(1, item)
    bytes.field(2, fixed: score.bitPattern)
    bytes.field(3, fixed: propensity.bitPattern)
    return bytes
  }
}

package struct EventBuilder: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case interaction(
      type: String, user: String = "", item: String = "", value: Double? = nil,
      context: [NamedAttribute] = [],
      weight: Float? = nil, requestID: String = "")
    case entity(
      EventView.EntityKind, id: String, EventView.Action, attributes: [NamedAttribute] = [])
    case retraction(eventID: String = "", offset: UInt64 = 0)
    case impressions(
      requestID: String, user: String = "", items: [ShownItem], context: [NamedAttribute] = [])
  }

  package var id = ""
  package var timeNanos: Int64 = 0
  package var source = ""
  package var sequence: UInt64 = 0
  package var kind: Kind

  package init(
    id: String = "", timeNanos: Int64 = 0, source: String = "", sequence: UInt64 = 0, _ kind: Kind
  ) {
    self.id = id
    self.timeNanos = timeNanos
    self.source = source
    self.sequence = sequence
    self.kind = kind
  }

  /// The bytes of `cowbird.v1.Event`, fields in the order of their numbers, defaults left out.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    encode(into: &bytes)
    return bytes
  }

  /// Appends the bytes.
  package func encode(into bytes: inout [UInt8]) {
    bytes.field(1, id)
    bytes.field(2, varint: UInt64(bitPattern: timeNanos))
    bytes.field(3, source)
    bytes.field(4, varint: sequence)
    var body: [UInt8] = []
    switch kind {
    case .interaction(let type, let user, let item, let value, let context, let weight, let requestID):
      body.field(1, type)
      body.field(2, user)
      body.field(3, item)
      if let value { body.field(4, fixed: value.bitPattern) }
      for attribute in context { body.field(5, attribute.encoded()) }
      if let weight { body.field(6, fixed: weight.bitPattern) }
      body.field(7, requestID)
      bytes.field(8, body)
    case .entity(let entity, let id, let action, let attributes):
      body.field(1, varint: UInt64(entity.rawValue))
      body.field(2, id)
      body.field(3, varint: UInt64(action.rawValue))
      for attribute in attributes { body.field(4, attribute.encoded()) }
      bytes.field(9, body)
    case .retraction(let eventID, let offset):
      body.field(1, eventID)
      body.field(2, varint: offset)
      bytes.field(10, body)
    case .impressions(let requestID, let user, let items, let context):
      body.field(1, requestID)
      body.field(2, user)
      for item in items { body.field(3, item.encoded()) }
      for attribute in context { body.field(4, attribute.encoded()) }
      bytes.field(11, body)
    }
  }
}

extension NamedAttribute {
  /// The bytes of `cowbird.v1.Attribute`.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.field(1, name)
    switch value {
    case .number(let number): bytes.field(2, fixed: number.bitPattern)
    case .text(let text): bytes.field(3, Array(text.utf8))
    case .texts(let texts):
      var list: [UInt8] = []
      for text in texts { list.field(1, Array(text.utf8)) }
      bytes.field(4, list)
    case .numbers(let numbers):
      var packed: [UInt8] = []
      for number in numbers { packed.littleEndian(number.bitPattern) }
      var list: [UInt8] = []
      if !packed.isEmpty { list.field(1, packed) }
      bytes.field(5, list)
    case .flag(let flag):
      bytes.varint(6 << 3)
      bytes.append(flag ? 1 : 0)
    }
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    append(UInt8(value))
  }

  fileprivate mutating func littleEndian<Number: FixedWidthInteger>(_ number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// Left out when 0, as proto3 does.
  fileprivate mutating func field(_ number: UInt64, varint value: UInt64) {
    guard value != 0 else { return }
    varint(number << 3)
    varint(value)
  }

  fileprivate mutating func field(_ number: UInt64, fixed value: UInt64) {
    varint(number << 3 | 1)
    littleEndian(value)
  }

  fileprivate mutating func field(_ number: UInt64, fixed value: UInt32) {
    varint(number << 3 | 5)
    littleEndian(value)
  }

  /// Left out when empty, as proto3 does.
  fileprivate mutating func field(_ number: UInt64, _ text: String) {
    if !text.isEmpty { field(number, Array(text.utf8)) }
  }

  fileprivate mutating func field(_ number: UInt64, _ body: [UInt8]) {
    varint(number << 3 | 2)
    varint(UInt64(body.count))
    append(contentsOf: body)
  }
}
