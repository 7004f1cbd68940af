// What lists of recommendations are like, whoever sees them: how much of the catalogue they show, how little known
// their items are, and how different from each other.

package import Primitives

/// Share of the catalogue that was recommended at least once.
///
/// - Complexity: O(1) per item; one bit per ordinal, in chunks, so that a snapshot shares them.
/// - Source: Herlocker et al., ACM TOIS 22(1), 2004.
package struct CatalogueCoverage: Sendable, Equatable {
  private static let wordsPerChunk = 512
  private var chunks: [[UInt64]] = []
  /// Distinct items recommended.
  package private(set) var distinct = 0

  package init() {}

  /// `ordinal`: the item's dense number.
  package mutating func update(ordinal: UInt32) {
    let word = Int(ordinal >> 6)
    let (chunk, place) = (word / Self.wordsPerChunk, word % Self.wordsPerChunk)
    while chunks.count <= chunk { chunks.append([]) }
    if chunks[chunk].isEmpty { chunks[chunk] = Array(repeating: 0, count: Self.wordsPerChunk) }
    let bit: UInt64 = 1 << UInt64(ordinal & 63)
    guard chunks[chunk][place] & bit == 0 else { return }
    chunks[chunk][place] |= bit
    distinct += 1
  }

  /// In 0...1; nil for an empty catalogue. Items that have left the catalogue count until `reset`.
  package func value(catalogueSize: Int) -> Double? {
    catalogueSize > 0 ? min(1, Double(distinct) / Double(catalogueSize)) : nil
  }

  package mutating func reset() { self = CatalogueCoverage() }
}

/// Mean self-information of the recommended items, in bits: -log2 of the share of interactions that were theirs.
///
/// 0 if everything goes to one item; 10 if items are as rare as 1 in 1,024. An item never seen counts as seen half
/// a time.
///
/// - Complexity: O(1) per item.
/// - Source: Zhou et al., PNAS 107(10), 2010.
package struct Novelty: Sendable, Equatable {
  private var mean = RunningMean()

  package init() {}

  package mutating func update(interactions: Double, of total: Double) {
    guard total > 0, interactions >= 0 else { return }
    mean.update(-DeterministicMath.log2(min(1, max(interactions, 0.5) / total)))
  }

  package var value: Double? { mean.count > 0 ? mean.mean : nil }
  package var count: UInt64 { UInt64(mean.count) }
}

/// Intra-list diversity: one less the mean similarity of the pairs of a list, averaged over lists.
///
/// - Complexity: O(n²) similarities for a list of n; none is kept.
/// - Source: Ziegler et al., WWW 2005.
package struct ListDiversity: Sendable, Equatable {
  private var mean = RunningMean()

  package init() {}

  /// Takes in a list of `count` items; `similarity` of two of its places is in -1...1 (a cosine). Lists of fewer
  /// than two items say nothing.
  package mutating func update(count: Int, similarity: (Int, Int) -> Double) {
    guard let value = Self.diversity(count: count, similarity: similarity) else { return }
    mean.update(value)
  }

  package static func diversity(count: Int, similarity: (Int, Int) -> Double) -> Double? {
    guard count > 1 else { return nil }
    var sum = 0.0
    for first in 0..<count - 1 {
      for second in first + 1..<count { sum += similarity(first, second) }
    }
    let value = 1 - sum / (Double(count * (count - 1)) / 2)
    return value.isFinite ? value : nil
  }

  package var value: Double? { mean.count > 0 ? mean.mean : nil }
  package var count: UInt64 { UInt64(mean.count) }
}

extension CatalogueCoverage: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(chunks.count)
    for chunk in chunks {
      writer.write(!chunk.isEmpty)
      for word in chunk { writer.write(word) }
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let count = try reader.readInt("chunks", in: 0...(1 << 17))
    for _ in 0..<count {
      var chunk: [UInt64] = []
      if try reader.read(Bool.self) {
        for _ in 0..<Self.wordsPerChunk {
          let word = try reader.read(UInt64.self)
          distinct += word.nonzeroBitCount
          chunk.append(word)
        }
      }
      chunks.append(chunk)
    }
  }
}

extension Novelty: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.write(mean) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    mean = try reader.read(RunningMean.self)
  }
}

extension ListDiversity: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.write(mean) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    mean = try reader.read(RunningMean.self)
  }
}
