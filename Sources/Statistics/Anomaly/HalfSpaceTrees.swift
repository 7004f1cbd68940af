// Anomalies among vectors: how few values fell lately where this one falls.

package import Primitives

/// Half-space trees.
///
/// Each tree halves the space `height` times at drawn places; every node counts the values of the current window
/// (`latest`) and of the one before (`reference`). Nodes of a tree lie in heap order: the children of node i are
/// 2i + 1 (value < threshold) and 2i + 2.
///
/// Score: over the trees and along the path, Σ reference · 2^depth, up to and including the first node with
/// reference < window / 10; divided by its largest possible value and taken from 1. So 0 is usual, 1 never seen.
/// It is 0 during the first window. A missing value (NaN) follows the child with the larger current count.
///
/// - `trees`: default 10. `height`: default 8. `window`: values per window, default 250.
/// - `limits`: expected range of each feature, default 0...1; the trees are drawn inside.
/// - Complexity: O(trees · height) per value and no allocation; O(trees · 2^height) once a window.
///   Memory: trees · 2^(height + 1) · 8 bytes plus thresholds.
/// - Source: Tan, Ting, Liu, IJCAI 2011; limits and padding (0.15) as in River.
package struct HalfSpaceTrees: Sendable, Equatable {
  /// The inner node of a drawn tree.
  package struct Split: Sendable, Equatable {
    package var feature: Int
    package var threshold: Double

    package init(feature: Int, threshold: Double) {
      self.feature = feature
      self.threshold = threshold
    }
  }

  package let featureCount: Int
  package let treeCount: Int
  package let height: Int
  package let window: Int
  /// Heap order, tree after tree: 2^height - 1 each.
  private var splits: [Split]
  /// Heap order, tree after tree: 2^(height + 1) - 1 each.
  private var reference: [UInt32]
  private var latest: [UInt32]
  private var seen = 0
  private var isWarm = false

  /// Takes trees that were drawn elsewhere: `splits` in heap order, each of 2^height - 1.
  package init(featureCount: Int, height: Int, window: Int, splits trees: [[Split]]) {
    precondition((1...16).contains(height) && window > 0 && !trees.isEmpty)
    precondition(trees.allSatisfy { $0.count == (1 << height) - 1 })
    precondition(trees.allSatisfy { $0.allSatisfy { (0..<featureCount).contains($0.feature) } })
    self.featureCount = featureCount
    treeCount = trees.count
    self.height = height
    self.window = window
    splits = trees.flatMap { $0 }
    let nodes = treeCount * ((1 << (height + 1)) - 1)
    reference = Array(repeating: 0, count: nodes)
    latest = reference
  }

  /// Draws the trees by counter-based random numbers: the same seed gives the same trees. A feature is drawn
  /// in proportion to its range, the threshold uniformly in the middle 70% of what is left of the range.
  package init(
    limits: [ClosedRange<Double>], trees: Int = 10, height: Int = 8, window: Int = 250, seed: UInt64
  ) {
    precondition(!limits.isEmpty && limits.allSatisfy { $0.lowerBound < $0.upperBound })
    var drawn: [[Split]] = []
    for tree in 0..<trees {
      var box = limits.map { ($0.lowerBound, $0.upperBound) }
      var splits = Array(repeating: Split(feature: 0, threshold: 0), count: (1 << height) - 1)
      Self.draw(0, into: &splits, box: &box, seed: seed, counter: UInt64(tree) << 32)
      drawn.append(splits)
    }
    self.init(featureCount: limits.count, height: height, window: window, splits: drawn)
  }

  private static func draw(
    _ node: Int, into splits: inout [Split], box: inout [(Double, Double)], seed: UInt64, counter: UInt64
  ) {
    guard node < splits.count else { return }
    let place = counter &+ UInt64(node) &* 2
    var rest = CounterRandom.uniform(seed: seed, counter: place)
    rest *= box.reduce(0) { $0 + ($1.1 - $1.0) }
    var feature = 0
    while feature < box.count - 1, rest >= box[feature].1 - box[feature].0 {
      rest -= box[feature].1 - box[feature].0
      feature += 1
    }
    let (low, high) = box[feature]
    let share = 0.15 + 0.7 * CounterRandom.uniform(seed: seed, counter: place &+ 1)
    let threshold = low + share * (high - low)
    splits[node] = Split(feature: feature, threshold: threshold)
    box[feature] = (low, threshold)
    draw(2 * node + 1, into: &splits, box: &box, seed: seed, counter: counter)
    box[feature] = (threshold, high)
    draw(2 * node + 2, into: &splits, box: &box, seed: seed, counter: counter)
    box[feature] = (low, high)
  }

  /// Anomaly score of `values` (one per feature; NaN: missing), in 0...1.
  package func score(_ values: Span<Double>) -> Double {
    precondition(values.count == featureCount)
    guard isWarm else { return 0 }
    let nodes = (1 << (height + 1)) - 1
    var sum = 0.0
    for tree in 0..<treeCount {
      var node = 0
      for depth in 0...height {
        let mass = Int(reference[tree * nodes + node])
        sum += Double(mass << depth)
        if mass * 10 < window || depth == height { break }
        node = child(of: node, tree: tree, values)
      }
    }
    return 1 - sum / Double(treeCount * window * nodes)
  }

  /// Counts `values` in the current window.
  package mutating func learn(_ values: Span<Double>) {
    precondition(values.count == featureCount)
    let nodes = (1 << (height + 1)) - 1
    for tree in 0..<treeCount {
      var node = 0
      for depth in 0...height {
        latest[tree * nodes + node] &+= 1
        if depth < height { node = child(of: node, tree: tree, values) }
      }
    }
    seen += 1
    guard seen == window else { return }
    seen = 0
    isWarm = true
    swap(&reference, &latest)
    for index in latest.indices { latest[index] = 0 }
  }

  private func child(of node: Int, tree: Int, _ values: Span<Double>) -> Int {
    let split = splits[tree * ((1 << height) - 1) + node]
    let value = values[split.feature]
    if value.isNaN {
      let left = tree * ((1 << (height + 1)) - 1) + 2 * node + 1
      return latest[left] < latest[left + 1] ? 2 * node + 2 : 2 * node + 1
    }
    return value < split.threshold ? 2 * node + 1 : 2 * node + 2
  }
}

extension HalfSpaceTrees: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    for value in [featureCount, treeCount, height, window, seen] { writer.writeInt(value) }
    writer.write(isWarm)
    for split in splits {
      writer.writeInt(split.feature)
      writer.write(split.threshold)
    }
    for mass in reference { writer.write(mass) }
    for mass in latest { writer.write(mass) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    featureCount = try reader.readInt("features", in: 1...4096)
    treeCount = try reader.readInt("trees", in: 1...4096)
    height = try reader.readInt("height", in: 1...16)
    window = try reader.readInt("window", in: 1...Int(UInt32.max))
    seen = try reader.readInt("count", in: 0...(window - 1))
    isWarm = try reader.read(Bool.self)
    splits = []
    for _ in 0..<treeCount * ((1 << height) - 1) {
      let feature = try reader.readInt("feature", in: 0...(featureCount - 1))
      splits.append(Split(feature: feature, threshold: try reader.readFinite("threshold")))
    }
    let nodes = treeCount * ((1 << (height + 1)) - 1)
    reference = []
    for _ in 0..<nodes { reference.append(try reader.read(UInt32.self)) }
    latest = []
    for _ in 0..<nodes { latest.append(try reader.read(UInt32.self)) }
  }
}
