// The share of examples of which something is true, such as that there was a prediction (coverage).

package import Primitives

package struct ShareSums: MetricSums {
  package private(set) var count = 0.0
  private var hits = 0.0

  package init() {}

  /// Nil before the first example.
  package var share: Double? { count > 0 ? max(0, hits) / count : nil }

  package mutating func add(_ isHit: Bool) {
    count += 1
    hits += isHit ? 1 : 0
  }

  package mutating func subtract(_ isHit: Bool) {
    count -= 1
    hits -= isHit ? 1 : 0
  }

  package mutating func scale(by factor: Double) {
    count *= factor
    hits *= factor
  }

  package static var emptySample: Bool { false }

  package func encode(to writer: inout ByteWriter) { writer.writeEach([count, hits]) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    count = try reader.readFinite("count")
    hits = try reader.readFinite("hits")
  }

  package static func encode(_ sample: Bool, to writer: inout ByteWriter) { writer.write(sample) }

  package static func sample(from reader: inout ByteReader) throws(ByteCodecError) -> Bool {
    try reader.read(Bool.self)
  }
}
