// Reads protobuf's wire format in place: a pointer that moves over bytes which it never passes.

/// Bytes inside a larger buffer, which must outlive the view.
public struct ByteView {
  public let base: UnsafeRawPointer
  public let count: Int

  @inlinable
  public init(base: UnsafeRawPointer, count: Int) {
    self.base = base
    self.count = count
  }

  @inlinable public var isEmpty: Bool { count == 0 }
  @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  init(_ bytes: UnsafeRawBufferPointer) {
    // A pointer that is never read through, for no bytes.
    self.init(base: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: bytes.count)
  }

  /// A copy as text; bytes that are no UTF-8 are replaced.
  package var string: String { String(decoding: bytes, as: UTF8.self) }

  @inlinable
  package static func == (left: ByteView, right: StaticString) -> Bool {
    left.bytes.elementsEqual(UnsafeRawBufferPointer(start: right.utf8Start, count: right.utf8CodeUnitCount))
  }

  /// See `Text.isUTF8`.
  package var isUTF8: Bool { Text.isUTF8(bytes) }
}

/// What is wrong with bytes that are no message.
package enum WireFormatError: Error, Equatable {
  /// The bytes end inside a field, or a length reaches past the end.
  case truncated
  /// A varint of more than ten bytes, field number 0, or a wire type that is not used any more.
  case malformed
  /// A known field with another wire type than the contract gives it.
  case wireType(field: Int)
  /// More than one of a `oneof`, or a submessage twice.
  case repeated(field: Int)
}

// hot: no allocation, no call out of the module.
struct WireCursor {
  private(set) var position: UnsafeRawPointer
  let end: UnsafeRawPointer

  @inline(__always)
  init(_ view: ByteView) {
    position = view.base
    end = view.base + view.count
  }

  /// Goes on at a place found before.
  @inline(__always)
  init(from position: UnsafeRawPointer, to end: UnsafeRawPointer) {
    self.position = position
    self.end = end
  }

  @inline(__always) var isAtEnd: Bool { position == end }

  @inline(__always)
  mutating func varint() throws(WireFormatError) -> UInt64 {
    guard position < end else { throw .truncated }
    let first = position.load(as: UInt8.self)
    if first < 0x80 {
      position += 1
      return UInt64(first)
    }
    return try longVarint()
  }

  private mutating func longVarint() throws(WireFormatError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = position.load(as: UInt8.self)
      position += 1
      if shift == 63, byte > 1 { throw .malformed }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { throw .malformed }
    }
    throw .truncated
  }

  /// Field number and wire type.
  @inline(__always)
  mutating func tag() throws(WireFormatError) -> (field: Int, type: Int) {
    let tag = try varint()
    guard tag >> 3 > 0, tag >> 3 <= 0x1FFF_FFFF else { throw .malformed }
    return (Int(tag >> 3), Int(tag & 7))
  }

  @inline(__always)
  mutating func bytes() throws(WireFormatError) -> ByteView {
    let length = try varint()
    guard length <= UInt64(end - position) else { throw .truncated }
    let view = ByteView(base: position, count: Int(length))
    position += Int(length)
    return view
  }

  /// Passes over fields of this one-byte tag whose lengths are one byte, and says how many those were.
  @inline(__always)
  mutating func skipShort(tag: UInt16) -> Int {
    var count = 0
    while end - position >= 2 {
      let head = UInt16(littleEndian: position.loadUnaligned(as: UInt16.self))
      let length = Int(head &>> 8)
      guard head & 0x80FF == tag, length <= end - position - 2 else { break }
      position += length &+ 2
      count &+= 1
    }
    return count
  }

  @inline(__always)
  mutating func fixed64() throws(WireFormatError) -> UInt64 {
    guard end - position >= 8 else { throw .truncated }
    let value = position.loadUnaligned(as: UInt64.self)
    position += 8
    return UInt64(littleEndian: value)
  }

  @inline(__always)
  mutating func fixed32() throws(WireFormatError) -> UInt32 {
    guard end - position >= 4 else { throw .truncated }
    let value = position.loadUnaligned(as: UInt32.self)
    position += 4
    return UInt32(littleEndian: value)
  }

  /// Passes over an unknown field; a field of `known` that comes here has another wire type than it should.
  mutating func skip(tag: UInt64, known: ClosedRange<UInt64>) throws(WireFormatError) {
    guard tag >> 3 > 0, tag >> 3 <= 0x1FFF_FFFF else { throw .malformed }
    if known.contains(tag >> 3) { throw .wireType(field: Int(tag >> 3)) }
    try skip(type: Int(tag & 7))
  }

  /// Passes over a field that this build does not know.
  mutating func skip(type: Int) throws(WireFormatError) {
    switch type {
    case 0: _ = try varint()
    case 1: _ = try fixed64()
    case 2: _ = try bytes()
    case 5: _ = try fixed32()
    default: throw .malformed
    }
  }
}
