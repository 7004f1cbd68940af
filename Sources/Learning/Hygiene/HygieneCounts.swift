// How often each rule was broken, by source.

package import Primitives

/// Counts by reason and source, for at most `maxSources` sources; those that come later are counted together under
/// the name `other`.
///
/// - Complexity: O(log sources) per suspicious event; clean events are not counted here.
package struct HygieneCounts: Sendable, Equatable {
  private struct Entry: Sendable, Equatable {
    var source: String
    var counts: [UInt64]
  }

  package let maxSources: Int
  /// Sorted by source, so that the order is the same everywhere.
  private var entries: [Entry] = []

  package init(maxSources: Int = 1000) {
    precondition(maxSources > 0)
    self.maxSources = maxSources
  }

  package mutating func add(_ verdict: HygieneVerdict, source: String) {
    guard !verdict.isClean else { return }
    let index = self.index(of: source) ?? self.index(of: "other", mayExceed: true)
    guard let index else { return }
    for reason in HygieneReason.allCases where verdict.contains(reason) {
      entries[index].counts[Int(reason.rawValue)] += 1
    }
  }

  private mutating func index(of source: String, mayExceed: Bool = false) -> Int? {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if precedes(entries[middle].source, source) { low = middle + 1 } else { high = middle }
    }
    if low < entries.count, Array(entries[low].source.utf8) == Array(source.utf8) { return low }
    guard mayExceed || entries.count < maxSources else { return nil }
    let counts = Array(repeating: 0 as UInt64, count: HygieneReason.allCases.count)
    entries.insert(Entry(source: source, counts: counts), at: low)
    return low
  }

  /// By bytes: String's own order depends on the Unicode tables of the standard library.
  private func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  package func count(_ reason: HygieneReason, source: String? = nil) -> UInt64 {
    entries.reduce(0) {
      source == nil || source == $1.source ? $0 + $1.counts[Int(reason.rawValue)] : $0
    }
  }

  /// Every count above 0, by source and then by reason.
  package var all: [(source: String, reason: HygieneReason, count: UInt64)] {
    entries.flatMap { entry in
      HygieneReason.allCases.compactMap { reason in
        let count = entry.counts[Int(reason.rawValue)]
        return count > 0 ? (entry.source, reason, count) : nil
      }
    }
  }
}

extension HygieneCounts: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(maxSources))
    writer.write(entries) { writer, entry in
      writer.write(entry.source)
      for count in entry.counts { writer.write(count) }
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let place = reader.position
    let limit = try reader.read(UInt32.self)
    guard (1...1_000_000).contains(limit) else {
      throw .outOfBounds(what: "sources", value: UInt64(limit), at: place)
    }
    maxSources = Int(limit)
    entries = try reader.readArray(limit: maxSources + 1) {
      (reader: inout ByteReader) throws(ByteCodecError) -> Entry in
      let source = try reader.read(String.self)
      var counts: [UInt64] = []
      for _ in HygieneReason.allCases { counts.append(try reader.read()) }
      return Entry(source: source, counts: counts)
    }
  }
}
