// Sums over examples in the three scopes: whole stream, sliding window, exponential decay.

package import Primitives

/// Sums of per-example terms, from which metrics are made.
package protocol MetricSums: Sendable, Equatable, ByteCodable {
  associatedtype Sample: Sendable, Equatable
  init()
  /// Number of examples; with decay the sum of their decayed ones.
  var count: Double { get }
  static var emptySample: Sample { get }
  mutating func add(_ sample: Sample)
  mutating func subtract(_ sample: Sample)
  mutating func scale(by factor: Double)
  static func encode(_ sample: Sample, to writer: inout ByteWriter)
  static func sample(from reader: inout ByteReader) throws(ByteCodecError) -> Sample
}

/// `Sums` over the whole stream, over the last `window` examples and decayed with `halfLife` examples.
///
/// The window's sums are added to and subtracted from; each time the ring has gone round they are replaced by
/// sums over the same examples that were only added to, so that rounding errors do not pile up:
///
///     ring   │ 5 │ 6 │ 7 │ 8 │ 1 │ 2 │ 3 │ 4 │      window = 1...8, fresh = 5...8; after 12: window := fresh
///                          ▲ next place
///
/// - Complexity: O(1) per example, no allocation.
package struct ScopedSums<Sums: MetricSums>: Sendable, Equatable {
  package let windowSize: Int
  package let halfLife: Double
  package private(set) var total = Sums()
  package private(set) var window = Sums()
  package private(set) var decayed = Sums()
  private var fresh = Sums()
  private var ring: ChunkedArray<Sums.Sample>
  private var next = 0
  private var filled = 0
  private let decay: Double

  package init(window: Int, halfLife: Double) {
    precondition(window > 0 && halfLife > 0)
    windowSize = window
    self.halfLife = halfLife
    decay = DeterministicMath.exp2(-1 / halfLife)
    ring = ChunkedArray(repeating: Sums.emptySample, count: window)
  }

  package subscript(_ scope: MetricScope) -> Sums {
    switch scope {
    case .total: total
    case .window: window
    case .decayed: decayed
    }
  }

  // hot: once per event; writes in place, allocates only the chunk that a snapshot shares.
  package mutating func add(_ sample: Sums.Sample) {
    total.add(sample)
    decayed.scale(by: decay)
    decayed.add(sample)
    if filled == windowSize { window.subtract(ring[next]) } else { filled += 1 }
    ring[next] = sample
    window.add(sample)
    fresh.add(sample)
    next += 1
    if next == windowSize {
      next = 0
      window = fresh
      fresh = Sums()
    }
  }

  /// The window's examples, oldest first.
  package func forEachInWindow(_ body: (Sums.Sample) -> Void) {
    for index in 0..<filled {
      body(ring[filled < windowSize ? index : (next + index) % windowSize])
    }
  }
}

extension ScopedSums: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.writeInt(windowSize)
    writer.write(halfLife)
    for sums in [total, window, decayed, fresh] { writer.write(sums) }
    writer.writeInt(next)
    writer.writeInt(filled)
    for index in 0..<filled { Sums.encode(ring[index], to: &writer) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let window = try reader.readInt("window", in: 1...(1 << 24))
    self.init(
      window: window,
      halfLife: try reader.readDouble(
        "half-life", in: Double.leastNormalMagnitude...Double.greatestFiniteMagnitude))
    total = try reader.read(Sums.self)
    self.window = try reader.read(Sums.self)
    decayed = try reader.read(Sums.self)
    fresh = try reader.read(Sums.self)
    next = try reader.readInt("next place", in: 0...(window - 1))
    filled = try reader.readInt("count", in: 0...window)
    for index in 0..<filled { ring[index] = try Sums.sample(from: &reader) }
  }
}
