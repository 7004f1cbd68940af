// An entity's record: its several-valued attributes as features want them, and all of its attributes as they were
// given, for people, filters and merging.
//
//   ┌ raw at u32 ┬ (offset u32, count u32) for each attribute ┬ hashes u64 … floats … ┬ (length u32, bytes) … ┐
//   └────────────┴────────────────────────────────────────────┴───────────────────────┴ raw attributes ────────┘

internal import Configuration
internal import Primitives
package import Wire

package enum EntityRecord {
  /// Longest record; a change that would make a longer one is not made, and counted.
  package static let maximumBytes = 64 << 10

  /// Hashes of a several-valued attribute.
  @inline(__always)
  static func hashes(_ record: UnsafeRawPointer, _ place: Int) -> (UnsafeRawPointer, Int) {
    let offset = record.loadUnaligned(fromByteOffset: 4 + 8 * place, as: UInt32.self)
    let count = record.loadUnaligned(fromByteOffset: 8 + 8 * place, as: UInt32.self)
    return (record + Int(offset), Int(count))
  }

  /// The record of these attributes, which `buffer` has converted.
  static func encode(_ buffer: ContextBuffer, raw: [[UInt8]]) -> [UInt8] {
    let count = buffer.attributes.count
    var bytes = [UInt8](repeating: 0, count: 4 + 8 * count)
    func store(_ value: Int, at offset: Int) {
      bytes.withUnsafeMutableBytes { $0.storeBytes(of: UInt32(value), toByteOffset: offset, as: UInt32.self) }
    }
    for place in 0..<count {
      store(bytes.count, at: 4 + 8 * place)
      store(Int(buffer.view.count[place]), at: 8 + 8 * place)
      let start = Int(buffer.view.start[place])
      let range = start..<start + Int(buffer.view.count[place])
      switch buffer.attributes[place].type {
      case .categories, .text:
        for index in range { withUnsafeBytes(of: buffer.view.hashes[index].littleEndian) { bytes += $0 } }
      case .vector:
        for index in range {
          withUnsafeBytes(of: buffer.view.vectors[index].bitPattern.littleEndian) { bytes += $0 }
        }
      case .category, .number: break
      }
    }
    store(bytes.count, at: 0)
    for attribute in raw {
      withUnsafeBytes(of: UInt32(attribute.count).littleEndian) { bytes += $0 }
      bytes += attribute
    }
    return bytes
  }

  /// The attributes as they were given.
  package static func raw(_ record: UnsafeRawBufferPointer) -> [ByteView] {
    guard let base = record.baseAddress, record.count >= 4 else { return [] }
    var views: [ByteView] = []
    var place = Int(record.loadUnaligned(as: UInt32.self))
    while place + 4 <= record.count {
      let length = Int(record.loadUnaligned(fromByteOffset: place, as: UInt32.self))
      guard place + 4 + length <= record.count else { break }
      views.append(ByteView(base: base + place + 4, count: length))
      place += 4 + length
    }
    return views
  }
}

/// A ring of hashes in a row: how many were ever put in (u32), a word of padding, then the places.
enum HistoryRow {
  @inline(__always)
  static func forEach(_ row: UnsafePointer<Float>, length: Int, _ body: (UInt64) -> Void) {
    let total = Int(row.word32(0))
    for back in 1...max(1, min(total, length)) where total > 0 {
      body(row.word64(Int32(2 + 2 * ((total - back) % length))))
    }
  }

  static func append(_ row: UnsafeMutablePointer<Float>, length: Int, _ hash: UInt64) {
    var total = Int(row.word32(0))
    row.set(Int32(2 + 2 * (total % length)), hash)
    total += 1
    // Stays exact for ever: past 2^31 the count goes back by whole turns of the ring.
    if total >= 1 << 31 { total -= (1 << 31) / length * length - length }
    row.set(0, UInt32(total))
  }

  /// Takes the newest entry with this hash out; the older ones keep their order.
  static func remove(_ row: UnsafeMutablePointer<Float>, length: Int, _ hash: UInt64) {
    var kept: [UInt64] = []
    var isFound = false
    forEach(UnsafePointer(row), length: length) { entry in
      if !isFound, entry == hash { isFound = true } else { kept.append(entry) }
    }
    guard isFound else { return }
    row.update(repeating: 0, count: 2 + 2 * length)
    for entry in kept.reversed() { append(row, length: length, entry) }
  }
}
