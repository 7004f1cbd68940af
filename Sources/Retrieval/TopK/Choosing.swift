// From the best by score to the list that is shown: exploration, caps of groups, difference from the items above.
//
//   place s:  with probability ε any of the candidates that the caps allow, otherwise the largest of
//             (1 - d) · relevance(i) - d · max similarity(i, items above)        d = diversity
//
// Source: Carbonell and Goldstein, The Use of MMR, SIGIR 1998 (diversity).

internal import CKernels
internal import Primitives

/// An item of the list, by row.
struct ChosenRow {
  var row: UInt32
  var score: Float
  var propensity: Float
}

extension RetrievalState {
  /// Draws of Thompson sampling's list from which its propensities are estimated.
  private static let replays = 32

  /// Fills the scratch's chosen rows; returns how many.
  func choose(
    _ request: TopKRequest, _ pool: UnsafeMutableBufferPointer<ScoredRow>, _ scratch: RetrievalScratch
  ) -> Int {
    let chosen = chosen(request, Array(pool), scratch)
    scratch.chosen.fit(chosen.count)
    for (place, row) in chosen.enumerated() { scratch.chosen[place] = row }
    return chosen.count
  }

  private func chosen(
    _ request: TopKRequest, _ pool: [ScoredRow], _ scratch: RetrievalScratch
  ) -> [ChosenRow] {
    guard case .thompson(let scale) = request.exploration else {
      return list(request, pool, seed: request.seed, scratch)
    }
    func drawn(_ seed: UInt64) -> [ChosenRow] {
      list(request, perturbed(pool, Float(scale), seed: seed), seed: seed, scratch)
    }
    var chosen = drawn(request.seed)
    var hits = [Int](repeating: 0, count: chosen.count)
    for replay in 0..<Self.replays {
      let other = drawn(CounterRandom.bits(seed: request.seed, counter: UInt64(replay) + 1))
      for place in 0..<min(chosen.count, other.count) where other[place].row == chosen[place].row {
        hits[place] += 1
      }
    }
    // The list itself is one more draw.
    for place in chosen.indices {
      chosen[place].propensity = Float(hits[place] + 1) / Float(Self.replays + 1)
    }
    return chosen
  }

  /// Scores moved by ln of a draw of the item's rate over its mean: Beta(interactions + 1, the rest + 1), by the
  /// normal distribution with its mean and variance.
  private func perturbed(_ pool: [ScoredRow], _ scale: Float, seed: UInt64) -> [ScoredRow] {
    let perturbed = pool.map { entry in
      let counts = counts(of: Int(entry.row))
      let a = Double(counts.interactions) + 1
      let b = Double(max(counts.impressions, counts.interactions) - counts.interactions) + 1
      let mean = a / (a + b)
      let deviation = (mean * (1 - mean) / (a + b + 1)).squareRoot()
      let draw = mean + deviation * CounterRandom.gauss(seed: seed, counter: items.key(of: Int(entry.row)))
      let ratio = min(max(draw, mean * 0.05), 1) / mean
      return ScoredRow(score: entry.score + scale * Float(DeterministicMath.log(ratio)), row: entry.row)
    }
    return perturbed.sorted { $0.precedes($1) }
  }

  private func list(
    _ request: TopKRequest, _ pool: [ScoredRow], seed: UInt64, _ scratch: RetrievalScratch
  ) -> [ChosenRow] {
    var epsilon = 0.0
    if case .epsilon(let value) = request.exploration { epsilon = min(max(value, 0), 1) }
    let wanted = min(request.k, pool.count)
    if epsilon == 0 && request.caps.isEmpty && request.diversity <= 0 {
      return pool.prefix(wanted).map { ChosenRow(row: $0.row, score: $0.score, propensity: 1) }
    }
    var caps = CapCounts(request.caps)
    var remaining = pool
    var similar = [Float](repeating: 0, count: pool.count)
    var chosen: [ChosenRow] = []
    let span = max((pool.first?.score ?? 0) - (pool.last?.score ?? 0), 1e-6)
    let least = pool.last?.score ?? 0
    let diversity = min(max(request.diversity, 0), 1)
    let owners = items.reader
    while chosen.count < wanted {
      let eligible = remaining.indices.filter { caps.allow(owners.key(of: Int(remaining[$0].row))) }
      guard var pick = eligible.first else { break }
      if diversity > 0 {
        var best = -Float.infinity
        for index in eligible {
          let relevance = (remaining[index].score - least) / span
          let value = (1 - diversity) * relevance - diversity * similar[index]
          if value > best { (best, pick) = (value, index) }
        }
      }
      let share = Float(epsilon) / Float(eligible.count)
      var propensity = 1 - Float(epsilon) + share
      let counter = UInt64(chosen.count) * 2
      if CounterRandom.uniform(seed: seed, counter: counter) < epsilon {
        let draw = eligible[CounterRandom.index(below: eligible.count, seed: seed, counter: counter + 1)]
        if draw != pick { (pick, propensity) = (draw, share) }
      }
      let entry = remaining.remove(at: pick)
      similar.remove(at: pick)
      caps.count(owners.key(of: Int(entry.row)))
      chosen.append(ChosenRow(row: entry.row, score: entry.score, propensity: propensity))
      if diversity > 0 {
        for index in remaining.indices {
          similar[index] = max(
            similar[index], similarity(Int(remaining[index].row), Int(entry.row), scratch))
        }
      }
    }
    return chosen
  }

  /// How alike two items are, in 0...1: cosine of their dense vectors, else shared attribute values, else cosine of
  /// their factors.
  func similarity(_ first: Int, _ second: Int, _ scratch: RetrievalScratch) -> Float {
    if plan.vectorDimension > 0, max(first, second) >> 5 < vectors.capacity {
      let width = plan.vectorWidth
      let reader = vectors.reader
      func vector(_ row: Int) -> UnsafePointer<Float> {
        reader.page(row >> 5).assumingMemoryBound(to: Float.self) + (row & 31) * width
      }
      return max(0, dot(vector(first), vector(second), width, scratch))
    }
    if plan.content != nil {
      let (a, b) = (attributeRows(ofRow: first), attributeRows(ofRow: second))
      if !a.isEmpty || !b.isEmpty {
        let shared = a.count { b.contains($0) }
        return Float(shared) / Float(a.count + b.count - shared)
      }
    }
    let reader = pages.reader
    let a = layout.vector(reader.page(first >> 5), first & 31)
    let b = layout.vector(reader.page(second >> 5), second & 31)
    let squares = dot(a, a, layout.width, scratch) * dot(b, b, layout.width, scratch)
    return squares > 0 ? max(0, dot(a, b, layout.width, scratch) / squares.squareRoot()) : 0
  }

  private func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ width: Int, _ scratch: RetrievalScratch
  ) -> Float {
    var row: UnsafePointer<Float>? = a
    var result = Float(0)
    scratch.kernels.pointee.dot_rows(&row, b, 1, width, &result)
    return result
  }
}

/// How many items of each group the list has.
private struct CapCounts {
  private let caps: [GroupCap]
  private var counts: [[UInt64: Int]]

  init(_ caps: [GroupCap]) {
    self.caps = caps
    counts = Array(repeating: [:], count: caps.count)
  }

  func allow(_ item: UInt64) -> Bool {
    for (index, cap) in caps.enumerated() {
      if let group = cap.group(item), counts[index][group, default: 0] >= cap.limit { return false }
    }
    return true
  }

  mutating func count(_ item: UInt64) {
    for (index, cap) in caps.enumerated() {
      if let group = cap.group(item) { counts[index][group, default: 0] += 1 }
    }
  }
}
