// The attributes of an event at the speed of its bytes: what nearly all of them are, a short name and then a short
// text, is told by three comparisons and lent in place; the rest is read as any attribute is.

/// An attribute that is a plain text.
public struct NamedText {
  public let name: ByteView
  public let text: ByteView

  @inlinable @inline(__always)
  init(name: ByteView, text: ByteView) {
    self.name = name
    self.text = text
  }

  /// Bytes that may be read from the name's first one on.
  @inlinable @inline(__always)
  public var readable: Int { text.base - name.base &+ text.count }
}

/// Goes over the attributes of one message.
///
///     tag ┬ length ┬ 0A ┬ length ┬ name … ┬ 1A ┬ length ┬ text … ┤ tag …
public struct AttributeScan {
  @usableFromInline var position: UnsafeRawPointer
  @usableFromInline let end: UnsafeRawPointer
  /// The first four bytes of an attribute of this field, lengths left out.
  @usableFromInline let head: UInt32
  @usableFromInline var left: Int
  private let field: Int

  init(from start: UnsafeRawPointer, to end: UnsafeRawPointer, field: Int, count: Int) {
    position = start
    self.end = end
    // A field above 15 has a longer tag: a head that no bytes match.
    head = field > 0 && field < 16 ? 0x000A_0000 | UInt32(field << 3 | 2) : .max
    left = count
    self.field = field
  }

  // hot: once per attribute.
  /// The next attribute if it is a plain text; nil: ask `other`.
  @inlinable @inline(__always)
  public mutating func text() -> NamedText? {
    guard end - position >= 6 else { return nil }
    let bytes = UInt32(littleEndian: position.loadUnaligned(as: UInt32.self))
    // Lengths below 128 are one byte.
    guard bytes & 0x00FF_80FF == head else { return nil }
    let length = Int(bytes &>> 8 & 0x7F)
    let nameLength = Int(bytes &>> 24)
    let textLength = length &- nameLength &- 4
    guard textLength >= 0, length &+ 2 <= end - position else { return nil }
    let name = position + 4
    let middle = (name + nameLength).loadUnaligned(as: UInt16.self)
    guard UInt16(littleEndian: middle) == 0x1A | UInt16(truncatingIfNeeded: textLength) &<< 8 else {
      return nil
    }
    position += length &+ 2
    left &-= 1
    return NamedText(
      name: ByteView(base: name, count: nameLength),
      text: ByteView(base: name + (nameLength &+ 2), count: textLength))
  }

  /// The next attribute of whatever kind; nil at the end, and at one that is malformed.
  package mutating func other() -> AttributeView? {
    var iterator = AttributeViews(start: position, end: end, field: field, count: left).makeIterator()
    defer { (position, left) = iterator.rest }
    return iterator.next()
  }
}
