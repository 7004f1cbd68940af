// The most that any item of a page can score, from the bounds in the page's tail: Cauchy's inequality for the
// vectors, the largest decayed counts, and how far attribute values can carry.

internal import CKernels

struct PageBound {
  private let factorWeight: Float
  private let norm: Float
  private let popularity: RetrievalPlan.HalfLives
  private let inverses: InlineArray<8, Double>
  private let floor: Double
  private let now: Double
  private let contentWeight: Float
  private let base: Float
  private let affinities: (largest: Float, sum: Float, smallest: Float, negativeSum: Float)
  private let vector: Float

  init(_ scan: PageScan, halfLives: [Double], events: UInt64) {
    let query = scan.query
    factorWeight = query.factor_weight
    var squares = 0.0
    for column in 0..<query.width { squares += Double(query.user[column]) * Double(query.user[column]) }
    norm = Float(squares.squareRoot())
    popularity = query.popularity_weight
    var inverses = InlineArray<8, Double>(repeating: 0)
    for index in halfLives.indices { inverses[index] = 1 / halfLives[index] }
    self.inverses = inverses
    floor = Double(query.floor)
    now = Double(events)
    contentWeight = query.content_weight
    base = query.affinity_base
    var affinities: (largest: Float, sum: Float, smallest: Float, negativeSum: Float) = (0, 0, 0, 0)
    for value in scan.scratch.affinityValues {
      let affinity = scan.scratch.affinity[Int(value)]
      affinities.largest = max(affinities.largest, affinity)
      affinities.smallest = min(affinities.smallest, affinity)
      affinities.sum += max(0, affinity)
      affinities.negativeSum += min(0, affinity)
    }
    self.affinities = affinities
    vector = abs(query.vector_weight)
  }

  /// No item of the page scores more, neighbours left out; rounding is allowed for.
  @inline(__always)
  func of(_ page: UnsafeRawPointer, _ layout: ItemLayout) -> Float {
    let tail = layout.tail(page).pointee
    guard tail.live != 0 else { return -.infinity }
    let reach = abs(factorWeight) * norm * tail.squaredNorm.squareRoot()
    var bound = reach + factorWeight * (factorWeight >= 0 ? tail.largestBias : tail.smallestBias)
    var slack = reach + abs(bound)
    let largest = layout.largestCounts(page)
    withUnsafeBytes(of: popularity) { weights in
      let weights = weights.assumingMemoryBound(to: Float.self)
      for index in 0..<layout.halfLives where weights[index] > 0 {
        let count = Float(max(0, largest[index] - now * inverses[index] + floor))
        bound += weights[index] * count
        slack += weights[index] * (count + 1)
      }
    }
    if contentWeight != 0 && tail.slots > 0 {
      let slots = Float(tail.slots)
      let high = slots * max(base, 0) + min(affinities.sum, slots * affinities.largest)
      let low = slots * min(base, 0) + max(affinities.negativeSum, slots * affinities.smallest)
      bound += max(contentWeight * high, contentWeight * low)
      slack += abs(contentWeight) * (high - low)
    }
    bound += vector
    return bound + 1e-4 * (slack + vector) + 1e-6
  }
}
