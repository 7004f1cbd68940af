// Protobuf's variable-length integers, written.

package enum Varint {
  /// Bytes that `value` takes: 1 to 10.
  @inline(__always)
  package static func size(_ value: UInt64) -> Int {
    (63 - (value | 1).leadingZeroBitCount) / 7 + 1
  }

  /// Writes `size(value)` bytes to `target` and returns how many those were.
  @inline(__always) @discardableResult
  package static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) -> Int {
    var rest = value
    var index = 0
    while rest >= 0x80 {
      target.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: index, as: UInt8.self)
      rest >>= 7
      index += 1
    }
    target.storeBytes(of: UInt8(rest), toByteOffset: index, as: UInt8.self)
    return index + 1
  }

  package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
