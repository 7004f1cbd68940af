// Hashes that are the same in every build and process: 64 bits for keys, 128 bits for digests.
// Swift's Hasher is seeded per process and must never touch model state.

public import CSystem

public enum StableHash {
  /// XXH3 of the bytes.
  @inlinable @inline(__always)
  public static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    cowbird_xxh3_64(bytes.baseAddress, bytes.count, seed)
  }

  /// XXH3 of the UTF-8 bytes.
  package static func of(_ text: String, seed: UInt64 = 0) -> UInt64 {
    var text = text
    return text.withUTF8 { of(UnsafeRawBufferPointer($0), seed: seed) }
  }

  /// One key from two, where order counts: the key of a cross, or of a name with its value.
  @inlinable @inline(__always)
  package static func combine(_ first: UInt64, _ second: UInt64) -> UInt64 {
    CounterRandom.mix(first &* 0x9E37_79B9_7F4A_7C15 &+ second &+ 0xD6E8_FEB8_6659_FD93)
  }
}

/// 128 bits that stand for a state: equal states have equal digests, and unequal ones differ but for a
/// chance of 2^-128.
package struct Digest: Hashable, Sendable, CustomStringConvertible, ByteCodable {
  package var low: UInt64
  package var high: UInt64

  package init(low: UInt64 = 0, high: UInt64 = 0) {
    self.low = low
    self.high = high
  }

  package init(of bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) {
    let hash = cowbird_xxh3_128(bytes.baseAddress, bytes.count, seed)
    self.init(low: hash.low, high: hash.high)
  }

  package init(of bytes: [UInt8], seed: UInt64 = 0) {
    self = bytes.withUnsafeBytes { Digest(of: $0, seed: seed) }
  }

  /// Adds a part whose place is in its own digest already (such as a page's, made with its number as seed),
  /// so that parts can be added and taken away in any order.
  @inlinable
  package static func &+= (left: inout Digest, right: Digest) {
    let (low, carry) = left.low.addingReportingOverflow(right.low)
    left.low = low
    left.high = left.high &+ right.high &+ (carry ? 1 : 0)
  }

  /// Takes away a part that was added.
  @inlinable
  package static func &-= (left: inout Digest, right: Digest) {
    let (low, borrow) = left.low.subtractingReportingOverflow(right.low)
    left.low = low
    left.high = left.high &- right.high &- (borrow ? 1 : 0)
  }

  /// Appends a part where order counts.
  @inlinable
  package mutating func append(_ part: Digest) {
    low = StableHash.combine(low, part.low ^ (part.high &* 0xC2B2_AE3D_27D4_EB4F))
    high = StableHash.combine(high, part.high ^ (part.low &* 0x1656_67B1_9E37_79F9))
  }

  /// 32 hexadecimal digits, high half first.
  package var description: String { withDigits { String(decoding: $0, as: UTF8.self) } }
  package static let digits = 32

  /// Lends the digits of the description; allocates nothing.
  package func withDigits<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: Self.digits, alignment: 1) { text in
      for place in 0..<Self.digits {
        let half = place < 16 ? high : low
        let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (place & 15))) & 15
        text[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      }
      return body(UnsafeRawBufferPointer(text))
    }
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(low)
    writer.write(high)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(low: try reader.read(), high: try reader.read())
  }
}
