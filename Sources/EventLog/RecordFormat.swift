// The one place that knows the bytes of a record. All numbers are little-endian; nothing is aligned.
//
//    0        4        8                16               24   25   26     28        32
//   ┌────────┬────────┬────────────────┬────────────────┬────┬────┬──────┬─────────┬───────────────
//   │ CRC-32C│ length │ offset         │ time (ns)      │kind│flag│format│ lag     │ optional, payload
//   └────────┴────────┴────────────────┴────────────────┴────┴────┴──────┴─────────┴───────────────
//   └ of bytes 4 ..< length
//
//   optional, if flags say so:  produced    sequence u64, name's length u16, name
//                               identified  128-bit digest of the event id
//
// `length` counts the whole record. `lag` = offset − (offset up to which all was synced when this record was
// written): what tells damage of synced bytes from a tail that was torn (see TailScan).

internal import CSystem
package import Primitives

public enum RecordKind {
  /// Payload is an `Event` of the contract.
  @inlinable public static var event: UInt8 { 0 }
  /// Kinds from here on are control records, whose payloads belong to Learning and Versions.
  @inlinable public static var firstControl: UInt8 { 1 }
}

struct RecordFlags: OptionSet {
  let rawValue: UInt8
  /// Sequence and producer's name follow the header.
  static let produced = RecordFlags(rawValue: 1)
  /// The digest of the event id follows.
  static let identified = RecordFlags(rawValue: 2)
  /// The payload was redacted.
  static let tombstone = RecordFlags(rawValue: 4)
  /// Put by repair in the place of a record that was damaged: only the offset is known.
  static let lost = RecordFlags(rawValue: 8)
  static let known: RecordFlags = [.produced, .identified, .tombstone, .lost]
}

enum RecordLayout {
  static let headerBytes = 32
  static let producerPrefixBytes = 10
  static let identifierBytes = 16
  static let maxProducerBytes = 256

  static let checksum = 0
  static let length = 4
  static let offset = 8
  static let time = 16
  static let kind = 24
  static let flags = 25
  static let format = 26
  static let lag = 28

  /// Gives a record its place: what the writer alone knows. The checksum comes last.
  static func seal(_ record: UnsafeMutableRawPointer, offset: UInt64, durableEnd: UInt64) {
    let length = Int(load(record, Self.length, UInt32.self))
    store(record, Self.offset, offset)
    store(record, Self.lag, UInt32(clamping: offset - min(durableEnd, offset)))
    store(record, Self.checksum, checksum(of: record, length: length))
  }

  static func checksum(of record: UnsafeRawPointer, length: Int) -> UInt32 {
    cowbird_crc32c(0, record + 4, length - 4)
  }

  static func load<T: FixedWidthInteger>(_ base: UnsafeRawPointer, _ at: Int, _: T.Type) -> T {
    T(littleEndian: base.loadUnaligned(fromByteOffset: at, as: T.self))
  }

  static func store<T: FixedWidthInteger & BitwiseCopyable>(
    _ base: UnsafeMutableRawPointer, _ at: Int, _ value: T
  ) {
    base.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self)
  }
}

/// Why bytes are not the record that should stand there.
enum RecordFault: Error, Equatable, CustomStringConvertible {
  /// Zeros, or the end of the bytes: nothing was written here.
  case nothing
  case badLength(UInt32)
  case badChecksum
  case wrongOffset(UInt64)
  case badStructure
  case newerFormat(UInt16)

  var description: String {
    switch self {
    case .nothing: "no record where one should be"
    case .badLength(let length): "record length \(length) runs past the end"
    case .badChecksum: "checksum does not match"
    case .wrongOffset(let found): "a record of offset \(found) stands in its place"
    case .badStructure: "fields run past the record's end"
    case .newerFormat(let format):
      "payload format \(format) is newer than this build knows (\(LogRecord.newestFormat)); upgrade"
    }
  }
}

/// A record where it lies: in a mapped segment or in memory. Valid only while its batch is.
public struct LogRecord {
  /// The newest payload format that this build reads.
  package static let newestFormat: UInt16 = 1

  /// Where it lies.
  public let base: UnsafeRawPointer

  var length: Int { Int(RecordLayout.load(base, RecordLayout.length, UInt32.self)) }
  var flags: RecordFlags {
    RecordFlags(rawValue: base.load(fromByteOffset: RecordLayout.flags, as: UInt8.self))
  }
  var lag: UInt32 { RecordLayout.load(base, RecordLayout.lag, UInt32.self) }

  package var offset: UInt64 { RecordLayout.load(base, RecordLayout.offset, UInt64.self) }
  /// Unix time: the event's own, or that of its arrival where it had none.
  package var timeNanos: Int64 { RecordLayout.load(base, RecordLayout.time, Int64.self) }
  package var kind: UInt8 { base.load(fromByteOffset: RecordLayout.kind, as: UInt8.self) }
  /// Version of the payload's format.
  package var format: UInt16 { RecordLayout.load(base, RecordLayout.format, UInt16.self) }
  /// The payload was redacted, or lost to damage: it is empty.
  package var isTombstone: Bool { !flags.isDisjoint(with: [.tombstone, .lost]) }
  /// Stands where repair found a damaged record.
  package var isLost: Bool { flags.contains(.lost) }

  /// Place in the producer's own numbering; 0: not numbered.
  package var sequence: UInt64 {
    flags.contains(.produced) ? RecordLayout.load(base, RecordLayout.headerBytes, UInt64.self) : 0
  }

  /// UTF-8 of the producer's name; empty: none.
  package var producer: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: base + RecordLayout.headerBytes + RecordLayout.producerPrefixBytes, count: producerBytes)
  }

  private var producerBytes: Int {
    flags.contains(.produced)
      ? Int(RecordLayout.load(base, RecordLayout.headerBytes + 8, UInt16.self)) : 0
  }

  private var identifierPosition: Int {
    RecordLayout.headerBytes
      + (flags.contains(.produced) ? RecordLayout.producerPrefixBytes + producerBytes : 0)
  }

  /// Digest of the event's id; nil: it had none.
  package var eventID: Digest? {
    guard flags.contains(.identified) else { return nil }
    let at = identifierPosition
    return Digest(
      low: RecordLayout.load(base, at, UInt64.self), high: RecordLayout.load(base, at + 8, UInt64.self))
  }

  var payloadPosition: Int {
    identifierPosition + (flags.contains(.identified) ? RecordLayout.identifierBytes : 0)
  }

  /// The payload; empty for a tombstone.
  package var payload: UnsafeRawBufferPointer {
    guard !isTombstone else { return UnsafeRawBufferPointer(start: base, count: 0) }
    let start = payloadPosition
    return UnsafeRawBufferPointer(start: base + start, count: length - start)
  }

  /// The bytes at `base` (of which `available` may be read) if they are the whole record of `offset`.
  // hot: once per record read.
  static func verify(
    at base: UnsafeRawPointer, available: Int, offset: UInt64
  ) throws(RecordFault) -> LogRecord {
    guard available >= RecordLayout.headerBytes else { throw .nothing }
    let length = RecordLayout.load(base, RecordLayout.length, UInt32.self)
    if length == 0 && RecordLayout.load(base, RecordLayout.checksum, UInt32.self) == 0 { throw .nothing }
    guard length >= RecordLayout.headerBytes, Int(length) <= available else { throw .badLength(length) }
    guard
      RecordLayout.load(base, RecordLayout.checksum, UInt32.self)
        == RecordLayout.checksum(of: base, length: Int(length))
    else { throw .badChecksum }
    let record = LogRecord(base: base)
    guard record.offset == offset else { throw .wrongOffset(record.offset) }
    try record.checkStructure()
    guard record.format <= newestFormat else { throw .newerFormat(record.format) }
    return record
  }

  /// That the optional fields end within the record, whoever computed its checksum.
  private func checkStructure() throws(RecordFault) {
    let flags = flags
    guard flags.isSubset(of: .known) else { throw .badStructure }
    var end = RecordLayout.headerBytes
    if flags.contains(.produced) {
      end += RecordLayout.producerPrefixBytes
      guard end <= length else { throw .badStructure }
      end += producerBytes
    }
    if flags.contains(.identified) { end += RecordLayout.identifierBytes }
    guard end <= length else { throw .badStructure }
  }
}
