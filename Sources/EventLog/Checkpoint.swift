// What the log remembers apart from its records, as of an offset: so that a start reads only the records after
// it, and so that producers and ids outlive the deletion of old segments.

internal import Primitives

struct Checkpoint {
  static let name = "checkpoint"
  private static let magic: UInt64 = 0x3150_4B43_4257_4F43  // "COWBCKP1"

  /// Producers and ids are as of the records before this offset. All of them were synced.
  var endOffset: UInt64
  /// Segments that end at or before this offset may have been deleted.
  var startOffset: UInt64
  var producers: ProducerTable
  var identifiers: IdentifierWindow

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.magic)
    writer.write(endOffset)
    writer.write(startOffset)
    producers.encode(to: &writer)
    identifiers.encode(to: &writer)
    return withChecksum(writer)
  }

  /// nil: damaged.
  init?(_ bytes: [UInt8], options: LogOptions) {
    guard let body = withoutChecksum(bytes) else { return nil }
    var reader = ByteReader(body)
    do {
      guard try reader.read(UInt64.self) == Self.magic else { return nil }
      endOffset = try reader.read()
      startOffset = try reader.read()
      producers = try ProducerTable(limit: options.maxProducers, from: &reader)
      identifiers = try IdentifierWindow(capacity: options.eventIDWindow, from: &reader)
    } catch {
      return nil
    }
  }

  init(
    endOffset: UInt64, startOffset: UInt64, producers: ProducerTable, identifiers: IdentifierWindow
  ) {
    self.endOffset = endOffset
    self.startOffset = startOffset
    self.producers = producers
    self.identifiers = identifiers
  }
}
