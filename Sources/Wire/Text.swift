// Is it UTF-8? Asked of every string that comes off the wire.

internal import Glibc

public enum Text {
  /// True for well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
  ///
  /// Source: Unicode 15, table 3-7.
  package static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // Nearly all text is.
    isASCII(bytes) || isWellFormed(bytes)
  }

  // hot: eight bytes at a time; the last eight overlap those before.
  @inlinable @inline(__always)
  public static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let count = bytes.count
    var seen: UInt64 = 0
    if count >= 8 {
      var index = 0
      while index < count - 8 {
        seen |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        index += 8
      }
      seen |= bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    } else if count >= 4 {
      let (head, tail) = (
        bytes.loadUnaligned(as: UInt32.self), bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
      )
      seen = UInt64(head | tail)
    } else {
      for byte in bytes { seen |= UInt64(byte) }
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }

  private static func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
      if count - index >= 8,
        bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        index += 8
        continue
      }
      let lead = bytes[index]
      if lead < 0x80 {
        index += 1
        continue
      }
      let length: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      switch lead {
      case 0xC2...0xDF: length = 2
      case 0xE0: (length, low) = (3, 0xA0)
      case 0xED: (length, high) = (3, 0x9F)
      case 0xE1...0xEF: length = 3
      case 0xF0: (length, low) = (4, 0x90)
      case 0xF4: (length, high) = (4, 0x8F)
      case 0xF1...0xF3: length = 4
      default: return false
      }
      guard index + length <= count, bytes[index + 1] >= low, bytes[index + 1] <= high else { return false }
      for place in 2..<max(2, length) where bytes[index + place] & 0xC0 != 0x80 { return false }
      index += length
    }
    return true
  }

  /// True when a zero byte stands among the bytes: a C string would end there.
  package static func containsZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return false }
    return memchr(base, 0, bytes.count) != nil
  }

  /// The bytes for an error message: at most 64 characters, invalid bytes replaced.
  package static func excerpt(_ bytes: UnsafeRawBufferPointer) -> String {
    let limit = 64
    guard bytes.count > limit else { return String(decoding: bytes, as: UTF8.self) }
    return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<limit]), as: UTF8.self) + "..."
  }
}
