// An event's protobuf bytes: fields in the order of their numbers, defaults left out.

extension EventBuilder {
  /// The bytes of `cowbird.v1.Event`.
  package func encoded() -> [UInt8] {
    let body = bodySize
    let size = size(body: body)
    return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
      write(to: UnsafeMutableRawPointer(bytes.baseAddress!), body: body)
      count = size
    }
  }

  /// Appends the bytes.
  /// - Parameter field: of a request that holds the event, such as AppendRequest.events; nil: the event alone.
  package func encode(into bytes: inout [UInt8], as field: UInt8? = nil) {
    let body = bodySize
    let size = size(body: body)
    let whole = field == nil ? size : ProtoSize.lengthDelimited(size)
    withUnsafeTemporaryAllocation(byteCount: whole, alignment: 1) { target in
      guard let base = target.baseAddress else { return }
      var writer = ProtoWriter(base)
      if let field { writer.length(field, size) }
      write(to: writer.position, body: body)
      bytes.append(contentsOf: target)
    }
  }

  private func size(body: Int) -> Int {
    ProtoSize.text(id) + ProtoSize.varint(UInt64(bitPattern: timeNanos)) + ProtoSize.text(source)
      + ProtoSize.varint(sequence) + ProtoSize.lengthDelimited(body)
  }

  private var bodySize: Int {
    switch kind {
    case .interaction(let type, let user, let item, let value, let context, let weight, let requestID):
      ProtoSize.text(type) + ProtoSize.text(user) + ProtoSize.text(item) + (value == nil ? 0 : 9)
        + NamedAttribute.size(context) + (weight == nil ? 0 : 5) + ProtoSize.text(requestID)
    case .entity(let entity, let id, let action, let attributes):
      ProtoSize.varint(UInt64(entity.rawValue)) + ProtoSize.text(id)
        + ProtoSize.varint(UInt64(action.rawValue)) + NamedAttribute.size(attributes)
    case .retraction(let eventID, let offset, let event):
      ProtoSize.text(eventID) + ProtoSize.varint(offset) + (event?.size ?? 0)
    case .impressions(let requestID, let user, let items, let context):
      ProtoSize.text(requestID) + ProtoSize.text(user)
        + items.reduce(0) { $0 + ProtoSize.lengthDelimited($1.size) } + NamedAttribute.size(context)
    }
  }

  private func write(to target: UnsafeMutableRawPointer, body: Int) {
    var writer = ProtoWriter(target)
    writer.text(1, id)
    writer.varint(2, UInt64(bitPattern: timeNanos))
    writer.text(3, source)
    writer.varint(4, sequence)
    switch kind {
    case .interaction(let type, let user, let item, let value, let context, let weight, let requestID):
      writer.length(8, body)
      writer.text(1, type)
      writer.text(2, user)
      writer.text(3, item)
      if let value { writer.fixed64(4, value.bitPattern) }
      NamedAttribute.write(context, 5, &writer)
      if let weight { writer.fixed32(6, weight.bitPattern) }
      writer.text(7, requestID)
    case .entity(let entity, let id, let action, let attributes):
      writer.length(9, body)
      writer.varint(1, UInt64(entity.rawValue))
      writer.text(2, id)
      writer.varint(3, UInt64(action.rawValue))
      NamedAttribute.write(attributes, 4, &writer)
    case .retraction(let eventID, let offset, let event):
      writer.length(10, body)
      writer.text(1, eventID)
      writer.varint(2, offset)
      event?.write(from: 3, &writer)
    case .impressions(let requestID, let user, let items, let context):
      writer.length(11, body)
      writer.text(1, requestID)
      writer.text(2, user)
      for item in items { item.write(3, &writer) }
      NamedAttribute.write(context, 4, &writer)
    }
  }
}

extension LoggedEvent {
  fileprivate var size: Int {
    ProtoSize.lengthDelimited(bytes.count) + ProtoSize.varint(UInt64(bitPattern: timeNanos))
      + ProtoSize.text(producer)
  }

  /// Three fields, one after the other.
  fileprivate func write(from field: UInt8, _ writer: inout ProtoWriter) {
    bytes.withUnsafeBytes { writer.bytes(field, $0) }
    writer.varint(field + 1, UInt64(bitPattern: timeNanos))
    writer.text(field + 2, producer)
  }
}

extension ShownItem {
  fileprivate var size: Int { ProtoSize.text(item) + 10 }

  fileprivate func write(_ field: UInt8, _ writer: inout ProtoWriter) {
    writer.length(field, size)
    writer.text(1, item)
    writer.fixed32(2, score.bitPattern)
    writer.fixed32(3, propensity.bitPattern)
  }
}

extension NamedAttribute {
  /// The bytes of `cowbird.v1.Attribute`.
  package func encoded() -> [UInt8] {
    let size = size
    return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
      var writer = ProtoWriter(UnsafeMutableRawPointer(bytes.baseAddress!))
      write(&writer)
      count = size
    }
  }

  private var size: Int { ProtoSize.text(name) + valueSize }

  private var valueSize: Int {
    switch value {
    case .number: 9
    case .text(let text): ProtoSize.lengthDelimited(text.utf8.count)
    case .texts(let texts): ProtoSize.lengthDelimited(Self.listSize(texts))
    case .numbers(let numbers): ProtoSize.lengthDelimited(Self.listSize(numbers))
    case .flag: 2
    }
  }

  private static func listSize(_ texts: [String]) -> Int {
    texts.reduce(0) { $0 + ProtoSize.lengthDelimited($1.utf8.count) }
  }

  private static func listSize(_ numbers: [Float]) -> Int {
    numbers.isEmpty ? 0 : ProtoSize.lengthDelimited(numbers.count * 4)
  }

  private func write(_ writer: inout ProtoWriter) {
    writer.text(1, name)
    switch value {
    case .number(let number): writer.fixed64(2, number.bitPattern)
    case .text(let text): writer.element(3, text)
    case .texts(let texts):
      writer.length(4, Self.listSize(texts))
      for text in texts { writer.element(1, text) }
    case .numbers(let numbers):
      writer.length(5, Self.listSize(numbers))
      if !numbers.isEmpty {
        writer.length(1, numbers.count * 4)
        writer.packed(numbers)
      }
    case .flag(let flag): writer.flag(6, flag)
    }
  }

  /// Bytes of all, each as an element of a repeated field.
  fileprivate static func size(_ all: [NamedAttribute]) -> Int {
    all.reduce(0) { $0 + ProtoSize.lengthDelimited($1.size) }
  }

  fileprivate static func write(_ all: [NamedAttribute], _ field: UInt8, _ writer: inout ProtoWriter) {
    for attribute in all {
      writer.length(field, attribute.size)
      attribute.write(&writer)
    }
  }
}
