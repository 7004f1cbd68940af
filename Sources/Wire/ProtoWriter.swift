// Protobuf's wire format, written forward into memory that has room: sizes first, then bytes.

/// Bytes that fields take, tag and length included. Field numbers are below 16: their tags are one byte.
package enum ProtoSize {
  @inline(__always)
  package static func lengthDelimited(_ count: Int) -> Int { 1 + Varint.size(UInt64(count)) + count }

  /// 0 for an empty text, which proto3 leaves out.
  @inline(__always)
  package static func text(_ text: String) -> Int {
    let count = text.utf8.count
    return count == 0 ? 0 : lengthDelimited(count)
  }

  /// 0 for 0, which proto3 leaves out.
  @inline(__always)
  package static func varint(_ value: UInt64) -> Int { value == 0 ? 0 : 1 + Varint.size(value) }

  /// 0 for 0, which proto3 leaves out.
  @inline(__always)
  package static func float(_ value: Float) -> Int { value.bitPattern == 0 ? 0 : 5 }
}

/// Writes fields one after the other. What it writes to must have room for them: see `ProtoSize`.
package struct ProtoWriter {
  /// Where the next byte goes.
  package private(set) var position: UnsafeMutableRawPointer

  package init(_ target: UnsafeMutableRawPointer) { position = target }

  @inline(__always)
  private mutating func tag(_ field: UInt8, _ type: WireType) {
    position.storeBytes(of: field << 3 | type.rawValue, as: UInt8.self)
    position += 1
  }

  /// The tag and the length of what is written next.
  @inline(__always)
  package mutating func length(_ field: UInt8, _ count: Int) {
    tag(field, .lengthDelimited)
    position += Varint.write(UInt64(count), to: position)
  }

  package mutating func bytes(_ field: UInt8, _ bytes: UnsafeRawBufferPointer) {
    length(field, bytes.count)
    if let base = bytes.baseAddress { position.copyMemory(from: base, byteCount: bytes.count) }
    position += bytes.count
  }

  /// Left out when empty.
  package mutating func text(_ field: UInt8, _ text: String) {
    if !text.isEmpty { element(field, text) }
  }

  /// An element of a repeated field, or a member of a oneof: there also when empty.
  package mutating func element(_ field: UInt8, _ text: String) {
    var text = text
    text.withUTF8 { bytes(field, UnsafeRawBufferPointer($0)) }
  }

  /// Left out when 0.
  package mutating func varint(_ field: UInt8, _ value: UInt64) {
    guard value != 0 else { return }
    tag(field, .varint)
    position += Varint.write(value, to: position)
  }

  /// Left out when 0.
  package mutating func float(_ field: UInt8, _ value: Float) {
    if value.bitPattern != 0 { fixed32(field, value.bitPattern) }
  }

  package mutating func flag(_ field: UInt8, _ value: Bool) {
    tag(field, .varint)
    position.storeBytes(of: value ? 1 : 0, as: UInt8.self)
    position += 1
  }

  package mutating func fixed64(_ field: UInt8, _ value: UInt64) {
    tag(field, .fixed64)
    position.storeBytes(of: value.littleEndian, as: UInt64.self)
    position += 8
  }

  package mutating func fixed32(_ field: UInt8, _ value: UInt32) {
    tag(field, .fixed32)
    position.storeBytes(of: value.littleEndian, as: UInt32.self)
    position += 4
  }

  /// Floats of a packed field, side by side, without tag or length.
  package mutating func packed(_ values: [Float]) {
    for value in values {
      position.storeBytes(of: value.bitPattern.littleEndian, as: UInt32.self)
      position += 4
    }
  }
}
