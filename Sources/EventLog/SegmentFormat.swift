// A segment's file: its name, its header, and how big it is.
//
//   00000000000000000001.log
//   ┌──────────┬─────────┬──────────┬─────────────┬──────────┬─────────┬───────┬──────────┬─────────┐
//   │ COWBLOG1 │ version │ reserved │ first offset│ capacity │ created │ zeros │ CRC-32C  │ records │
//   │ 8 bytes  │ u32     │ u32      │ u64         │ u64      │ i64     │ 20    │ u32      │ … zeros │
//   └──────────┴─────────┴──────────┴─────────────┴──────────┴─────────┴───────┴──────────┴─────────┘
//
// The file is made whole (header, space) under another name, synced and renamed, so a bad header is always
// damage. It has `capacity` bytes until it is sealed; then it is cut to what it holds. Where two segments claim
// the same offset, the later one is right: a segment ends where the next begins (see Replacement).

internal import CSystem
internal import Primitives

struct SegmentHeader: Equatable {
  static let bytes = 64
  static let version: UInt32 = 1
  static let suffix = ".log"
  private static let magic = Array("COWBLOG1".utf8)

  var firstOffset: UInt64
  var capacity: Int
  var createdNanos: Int64

  static func name(_ firstOffset: UInt64, _ suffix: String = suffix) -> String {
    let digits = String(firstOffset)
    return String(repeating: "0", count: 20 - digits.count) + digits + suffix
  }

  /// The first offset that a segment's name tells; nil: not the name of a segment.
  static func firstOffset(ofName name: String) -> UInt64? {
    guard name.utf8.count == 24, name.hasSuffix(suffix) else { return nil }
    let digits = name.dropLast(suffix.count)
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return UInt64(digits)
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    for byte in Self.magic { writer.write(byte) }
    writer.write(Self.version)
    writer.write(UInt32(0))
    writer.write(firstOffset)
    writer.write(UInt64(capacity))
    writer.write(createdNanos)
    for _ in writer.bytes.count..<Self.bytes - 4 { writer.write(UInt8(0)) }
    writer.write(checksum(writer.bytes[...]))
    return writer.bytes
  }

  /// Throws the reason, as words.
  init(decoding bytes: [UInt8], path: String, firstOffset expected: UInt64) throws(LogError) {
    func damage(_ reason: String) -> LogError {
      LogError(.dataLoss, "segment header: \(reason)", file: path, offset: expected)
    }
    guard bytes.count >= Self.bytes else { throw damage("the file has only \(bytes.count) bytes") }
    guard Array(bytes[0..<8]) == Self.magic else { throw damage("this is no segment of a Cowbird log") }
    var reader = ByteReader(Array(bytes[8..<Self.bytes]))
    do {
      let version = try reader.read(UInt32.self)
      _ = try reader.read(UInt32.self)
      firstOffset = try reader.read()
      let capacity = try reader.read(UInt64.self)
      createdNanos = try reader.read()
      for _ in 0..<20 { _ = try reader.read(UInt8.self) }
      guard try reader.read(UInt32.self) == checksum(bytes[..<(Self.bytes - 4)]) else {
        throw damage("checksum does not match")
      }
      guard version <= Self.version else {
        throw LogError(
          .failedPrecondition,
          "segment format \(version) is newer than this build knows (\(Self.version)); upgrade", file: path)
      }
      guard capacity >= Self.bytes, capacity < 1 << 46 else { throw damage("capacity \(capacity)") }
      self.capacity = Int(capacity)
    } catch let error as LogError {
      throw error
    } catch {
      throw damage("cut short")
    }
    guard firstOffset == expected else {
      throw damage("it begins at offset \(firstOffset), its name says \(expected)")
    }
  }

  init(firstOffset: UInt64, capacity: Int, createdNanos: Int64) {
    self.firstOffset = firstOffset
    self.capacity = capacity
    self.createdNanos = createdNanos
  }
}

/// CRC-32C of bytes of a small file.
func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  bytes.withUnsafeBytes { cowbird_crc32c(0, $0.baseAddress, $0.count) }
}

/// Small files (index, checkpoint, pins) end with the CRC of what comes before.
func withChecksum(_ writer: ByteWriter) -> [UInt8] {
  var writer = writer
  writer.write(checksum(writer.bytes[...]))
  return writer.bytes
}

/// What stands before a small file's CRC, if it matches; nil: damaged.
func withoutChecksum(_ bytes: [UInt8]) -> [UInt8]? {
  guard bytes.count >= 4 else { return nil }
  let body = bytes[..<(bytes.count - 4)]
  let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[body.count + $1]) << UInt32(8 * $1) }
  return checksum(body) == stored ? Array(body) : nil
}
