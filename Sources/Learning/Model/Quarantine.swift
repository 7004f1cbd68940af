// Which events hygiene kept from being learned: their places in the log, so that people can look at them and admit
// them after all.

package import Primitives

/// A bounded list of offsets, oldest first; when it is full the oldest go (the events stay in the log).
package struct Quarantine: Equatable, Sendable, ByteCodable {
  package struct Entry: Equatable, Sendable {
    package var offset: UInt64
    package var reason: HygieneReason
  }

  package static let capacity = 10_000

  private var entries: [Entry] = []
  /// Entries before this place have gone.
  private var start = 0

  package init() {}

  package var count: Int { entries.count - start }

  mutating func add(_ offset: UInt64, _ reason: HygieneReason) {
    entries.append(Entry(offset: offset, reason: reason))
    if count > Self.capacity { start += 1 }
    if start > Self.capacity {
      entries.removeFirst(start)
      start = 0
    }
  }

  /// - Returns: false when it is not there.
  @discardableResult
  mutating func remove(_ offset: UInt64) -> Bool {
    guard let place = entries[start...].firstIndex(where: { $0.offset == offset }) else { return false }
    entries.remove(at: place)
    return true
  }

  package func contains(_ offset: UInt64) -> Bool { entries[start...].contains { $0.offset == offset } }

  /// At most `limit` entries after `offset`.
  package func list(after offset: UInt64?, limit: Int) -> [Entry] {
    Array(entries[start...].lazy.filter { entry in offset.map { entry.offset > $0 } ?? true }.prefix(limit))
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(Array(entries[start...])) { writer, entry in
      writer.write(entry.offset)
      writer.write(entry.reason.rawValue)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    entries = try reader.readArray(limit: Self.capacity) { reader throws(ByteCodecError) in
      let offset = try reader.read(UInt64.self)
      let raw = try reader.read(UInt8.self)
      guard let reason = HygieneReason(rawValue: raw) else {
        throw .outOfBounds(what: "hygiene reason", value: UInt64(raw), at: reader.position)
      }
      return Entry(offset: offset, reason: reason)
    }
  }
}
