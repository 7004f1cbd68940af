// The envelope of a request, written: all but the payload, and then the payload.

internal import Wire

/// What a request says beside its message.
struct RequestHead {
  var service: String
  var method: String
  var timeoutNanos: UInt64?
  var metadata: [(key: String, value: String)]

  /// Bytes of the whole envelope.
  func size(payload: Int) -> Int {
    var size = Self.field(service.utf8.count) + Self.field(method.utf8.count)
    if payload > 0 { size += Self.field(payload) }
    if let timeoutNanos { size += 1 + Varint.size(UInt64(min(timeoutNanos, UInt64(Int64.max)))) }
    for pair in metadata { size += Self.field(Self.pairSize(pair)) }
    return size
  }

  /// Writes `size(payload:)` bytes.
  func write(payload: [UInt8], to target: UnsafeMutableRawPointer) {
    var cursor = target
    Self.write(1, service, &cursor)
    Self.write(2, method, &cursor)
    if !payload.isEmpty {
      Self.writeLength(3, payload.count, &cursor)
      payload.withUnsafeBytes { cursor.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      cursor += payload.count
    }
    if let timeoutNanos {
      cursor.storeBytes(of: 4 << 3, as: UInt8.self)
      cursor += 1
      cursor += Varint.write(min(timeoutNanos, UInt64(Int64.max)), to: cursor)
    }
    for pair in metadata {
      Self.writeLength(5, Self.pairSize(pair), &cursor)
      Self.write(1, pair.key, &cursor)
      Self.write(2, pair.value, &cursor)
    }
  }

  private static func pairSize(_ pair: (key: String, value: String)) -> Int {
    field(pair.key.utf8.count) + field(pair.value.utf8.count)
  }

  private static func field(_ count: Int) -> Int { 1 + Varint.size(UInt64(count)) + count }

  private static func writeLength(_ field: UInt8, _ count: Int, _ cursor: inout UnsafeMutableRawPointer) {
    cursor.storeBytes(of: field << 3 | 2, as: UInt8.self)
    cursor += 1
    cursor += Varint.write(UInt64(count), to: cursor)
  }

  private static func write(_ field: UInt8, _ text: String, _ cursor: inout UnsafeMutableRawPointer) {
    var text = text
    text.withUTF8 { bytes in
      writeLength(field, bytes.count, &cursor)
      if let base = bytes.baseAddress { cursor.copyMemory(from: base, byteCount: bytes.count) }
      cursor += bytes.count
    }
  }
}
