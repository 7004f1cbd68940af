// Protobuf's wire format, read in place: a cursor over bytes that somebody else owns.

/// Why bytes are not protobuf. The place counts from the start of the bytes given to the reader.
package enum WireFault: Error, Equatable {
  case truncated(at: Int)
  case varintTooLong(at: Int)
  case badTag(at: Int)
  case badLength(at: Int)
  case groupUnsupported(at: Int)

  package var reason: String {
    switch self {
    case .truncated(let place): "ends in the middle of a value at byte \(place)"
    case .varintTooLong(let place): "has a varint of more than 10 bytes at byte \(place)"
    case .badTag(let place): "has an impossible field tag at byte \(place)"
    case .badLength(let place): "has a length that points past its end at byte \(place)"
    case .groupUnsupported(let place): "has a group, which proto3 does not know, at byte \(place)"
    }
  }
}

package enum WireType: UInt8 {
  case varint = 0
  case fixed64 = 1
  case lengthDelimited = 2
  case startGroup = 3
  case endGroup = 4
  case fixed32 = 5
}

/// Reads tags and values one after the other. Every read checks the bounds, so any bytes may be given.
/// The bytes must outlive the reader.
package struct ProtoReader {
  package let bytes: UnsafeRawBufferPointer
  package private(set) var position = 0

  @inlinable
  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  package var isAtEnd: Bool { position == bytes.count }

  @inline(__always)
  package mutating func varint() throws(WireFault) -> UInt64 {
    if position < bytes.count, bytes[position] < 0x80 {
      defer { position += 1 }
      return UInt64(bytes[position])
    }
    return try longVarint()
  }

  private mutating func longVarint() throws(WireFault) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      // The tenth byte holds one bit; what is above is lost, as every protobuf reader does.
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { throw .varintTooLong(at: start) }
    }
    throw .truncated(at: start)
  }

  /// The next field's number (1 to 2^29 - 1) and wire type.
  @inline(__always)
  package mutating func tag() throws(WireFault) -> (field: UInt32, type: WireType) {
    let start = position
    return try Self.parts(ofTag: try varint(), at: start)
  }

  /// Field number and wire type of a tag that was read as a varint at `start`.
  static func parts(ofTag value: UInt64, at start: Int) throws(WireFault) -> (field: UInt32, type: WireType) {
    guard value <= UInt64(UInt32.max), value >> 3 != 0, let type = WireType(rawValue: UInt8(value & 7)) else {
      throw .badTag(at: start)
    }
    return (UInt32(value >> 3), type)
  }

  @inline(__always)
  package mutating func lengthDelimited() throws(WireFault) -> UnsafeRawBufferPointer {
    let start = position
    let length = try varint()
    guard length <= UInt64(bytes.count - position) else { throw .badLength(at: start) }
    defer { position += Int(length) }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])
  }

  package mutating func fixed32() throws(WireFault) -> UInt32 {
    guard bytes.count - position >= 4 else { throw .truncated(at: position) }
    defer { position += 4 }
    return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
  }

  package mutating func fixed64() throws(WireFault) -> UInt64 {
    guard bytes.count - position >= 8 else { throw .truncated(at: position) }
    defer { position += 8 }
    return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  /// Passes over the value of a field that is not known.
  package mutating func skip(_ type: WireType) throws(WireFault) {
    switch type {
    case .varint: _ = try varint()
    case .fixed64: _ = try fixed64()
    case .lengthDelimited: _ = try lengthDelimited()
    case .fixed32: _ = try fixed32()
    case .startGroup, .endGroup: throw .groupUnsupported(at: position)
    }
  }
}
