// Sums over examples in the three scopes: whole stream, sliding window, exponential decay.

package import Primitives

/// Sums of per-example terms, from which metrics are made.
package protocol MetricSums: Sendable, Equatable, ByteCodable {
  associatedtype Sample: Sendable, Equatable
  init()
  /// The terms of one example.
  init(_ sample: Sample)
  /// Number of examples; with decay the sum of their decayed ones.
  var count: Double { get }
  mutating func add(_ other: Self)
  mutating func scale(by factor: Double)
  static func encode(_ sample: Sample, to writer: inout ByteWriter)
  static func sample(from reader: inout ByteReader) throws(ByteCodecError) -> Sample
}

extension MetricSums {
  package mutating func add(_ sample: Sample) { add(Self(sample)) }
}

/// `Sums` over the whole stream, over the last `window` examples and decayed with `halfLife` examples.
///
/// An example is only put down when it comes; the sums take in 128 at a time, so that nothing is looked up or
/// checked for each of them. The window is the examples themselves, which are kept anyhow, and is summed when asked.
///
///     blocks │ 128 │ 128 │ 128 │ 128 │ 128 │   ring of what the sums hold      block │ 17 … │   what they do not
///                          ▲ oldest, next to be replaced
///
/// - Complexity: O(1) per example, no allocation; O(window) to read the window.
package struct ScopedSums<Sums: MetricSums>: Sendable, Equatable {
  static var blockSize: Int { 128 }

  package let windowSize: Int
  package let halfLife: Double
  /// Without those of `block`.
  private var total = Sums()
  private var decayed = Sums()
  /// Full or empty.
  private var blocks: [[Sums.Sample]]
  private var next = 0
  /// The newest examples.
  private(set) var block: [Sums.Sample] = []
  private let decay: Double

  package init(window: Int, halfLife: Double) {
    precondition(window > 0 && halfLife > 0)
    windowSize = window
    self.halfLife = halfLife
    decay = DeterministicMath.exp2(-1 / halfLife)
    blocks = (0..<(window + Self.blockSize - 1) / Self.blockSize).map { _ in Self.emptyBlock() }
    block = Self.emptyBlock()
  }

  private static func emptyBlock() -> [Sums.Sample] {
    var block: [Sums.Sample] = []
    block.reserveCapacity(blockSize)
    return block
  }

  package subscript(_ scope: MetricScope) -> Sums {
    var sums: Sums
    switch scope {
    case .total:
      sums = total
      for sample in block { sums.add(sample) }
    case .decayed:
      sums = decayed
      for sample in block {
        sums.scale(by: decay)
        sums.add(sample)
      }
    case .window:
      sums = Sums()
      forEachInWindow { sums.add($0) }
    }
    return sums
  }

  // hot: once per event; allocates only where a snapshot shares the block.
  /// Puts the example down.
  /// - Returns: true when the block is full: `fold` has to follow.
  @inline(__always)
  mutating func append(_ sample: Sums.Sample) -> Bool {
    block.append(sample)
    return block.count == Self.blockSize
  }

  /// Takes a full block into the sums.
  mutating func fold() {
    var (total, decayed) = (total, decayed)
    for sample in block {
      let terms = Sums(sample)
      total.add(terms)
      decayed.scale(by: decay)
      decayed.add(terms)
    }
    (self.total, self.decayed) = (total, decayed)
    swap(&block, &blocks[next])
    block.removeAll(keepingCapacity: true)
    next = next + 1 == blocks.count ? 0 : next + 1
  }

  package mutating func add(_ sample: Sums.Sample) {
    if append(sample) { fold() }
  }

  /// The window's examples, oldest first.
  package func forEachInWindow(_ body: (Sums.Sample) -> Void) {
    var surplus = blocks.reduce(block.count) { $0 + $1.count } - windowSize
    for place in blocks.indices {
      let older = blocks[(next + place) % blocks.count]
      for sample in older.dropFirst(max(0, surplus)) { body(sample) }
      surplus -= older.count
    }
    for sample in block.dropFirst(max(0, surplus)) { body(sample) }
  }
}

extension ScopedSums: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(windowSize)
    writer.write(halfLife)
    writer.write(total)
    writer.write(decayed)
    writer.writeInt(next)
    writer.writeInt(blocks.count { !$0.isEmpty })
    for samples in blocks {
      for sample in samples { Sums.encode(sample, to: &writer) }
    }
    writer.writeInt(block.count)
    for sample in block { Sums.encode(sample, to: &writer) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(
      window: try reader.readInt("window", in: 1...(1 << 24)),
      halfLife: try reader.readDouble(
        "half-life", in: Double.leastNormalMagnitude...Double.greatestFiniteMagnitude))
    total = try reader.read(Sums.self)
    decayed = try reader.read(Sums.self)
    next = try reader.readInt("next place", in: 0...(blocks.count - 1))
    let full = try reader.readInt("blocks", in: next...blocks.count)
    for place in 0..<full {
      for _ in 0..<Self.blockSize { blocks[place].append(try Sums.sample(from: &reader)) }
    }
    for _ in 0..<(try reader.readInt("count", in: 0...(Self.blockSize - 1))) {
      block.append(try Sums.sample(from: &reader))
    }
  }
}
