// A little-endian byte codec for small state: metrics, detectors, headers, registries. Tables have their own
// page format. Reading never traps: what is cut short or out of bounds throws `ByteCodecError`.

package enum ByteCodecError: Error, Equatable {
  /// The bytes end before the value does.
  case truncated(at: Int)
  /// A count or a tag lies outside what the reader allows.
  case outOfBounds(what: String, value: UInt64, at: Int)
}

/// Something that can be written to bytes and read back, equal.
package protocol ByteCodable {
  func encode(to writer: inout ByteWriter)
  init(from reader: inout ByteReader) throws(ByteCodecError)
}

package struct ByteWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func write<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func write(_ value: Double) { write(value.bitPattern) }
  package mutating func write(_ value: Float) { write(value.bitPattern) }
  package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

  /// Length (u32), then the UTF-8 bytes.
  package mutating func write(_ value: String) {
    write(UInt32(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }

  /// Count (u32), then the bytes.
  package mutating func write(_ value: [UInt8]) {
    write(UInt32(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func write<T: ByteCodable>(_ value: T) { value.encode(to: &self) }

  /// Count (u32), then each element.
  package mutating func write<T>(_ values: [T], each body: (inout ByteWriter, T) -> Void) {
    write(UInt32(values.count))
    for value in values { body(&self, value) }
  }
}

package struct ByteReader {
  private let bytes: [UInt8]
  package private(set) var position = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var remaining: Int { bytes.count - position }
  package var isAtEnd: Bool { position == bytes.count }

  package mutating func read<T: FixedWidthInteger>(
    _: T.Type = T.self
  ) throws(ByteCodecError) -> T {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw .truncated(at: position) }
    var value = T.zero
    withUnsafeMutableBytes(of: &value) { target in
      for index in 0..<size { target[index] = bytes[position + index] }
    }
    position += size
    return T(littleEndian: value)
  }

  package mutating func read(_: Double.Type = Double.self) throws(ByteCodecError) -> Double {
    Double(bitPattern: try read(UInt64.self))
  }

  package mutating func read(_: Float.Type = Float.self) throws(ByteCodecError) -> Float {
    Float(bitPattern: try read(UInt32.self))
  }

  package mutating func read(_: Bool.Type = Bool.self) throws(ByteCodecError) -> Bool {
    let value = try read(UInt8.self)
    guard value <= 1 else { throw .outOfBounds(what: "flag", value: UInt64(value), at: position - 1) }
    return value == 1
  }

  package mutating func read(_: [UInt8].Type = [UInt8].self) throws(ByteCodecError) -> [UInt8] {
    let count = Int(try read(UInt32.self))
    guard remaining >= count else { throw .truncated(at: position) }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  package mutating func read(_: String.Type = String.self) throws(ByteCodecError) -> String {
    String(decoding: try read([UInt8].self), as: UTF8.self)
  }

  package mutating func read<T: ByteCodable>(_: T.Type = T.self) throws(ByteCodecError) -> T {
    try T(from: &self)
  }

  /// Reads a count (u32, at most `limit`) and as many elements.
  package mutating func readArray<T>(
    limit: Int, each body: (inout ByteReader) throws(ByteCodecError) -> T
  ) throws(ByteCodecError) -> [T] {
    let count = try read(UInt32.self)
    guard count <= limit else { throw .outOfBounds(what: "count", value: UInt64(count), at: position - 4) }
    var values: [T] = []
    values.reserveCapacity(min(Int(count), remaining))
    for _ in 0..<count { values.append(try body(&self)) }
    return values
  }
}

extension ByteWriter {
  package mutating func writeOptional<T>(_ value: T?, _ body: (inout ByteWriter, T) -> Void) {
    write(value != nil)
    if let value { body(&self, value) }
  }
}

extension ByteReader {
  package mutating func readOptional<T>(
    _ body: (inout ByteReader) throws(ByteCodecError) -> T
  ) throws(ByteCodecError) -> T? {
    try read(Bool.self) ? try body(&self) : nil
  }

  /// At most a million texts.
  package mutating func readStrings() throws(ByteCodecError) -> [String] {
    try readArray(limit: 1_000_000) { reader throws(ByteCodecError) in try reader.read(String.self) }
  }

  /// At most a million offsets.
  package mutating func readOffsets() throws(ByteCodecError) -> [UInt64] {
    try readArray(limit: 1_000_000) { reader throws(ByteCodecError) in try reader.read(UInt64.self) }
  }
}
