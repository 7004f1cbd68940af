// Scores of all items for one user: a dense part, page after page, and a sparse part for the items that the
// history's neighbours and the user's segments lead to.

internal import CKernels
internal import Primitives
internal import Tables

extension RetrievalState {
  /// Fills the scratch with what all scores of a user need. Returns the user's ring.
  func prepare(user key: UInt64?, now: UInt32, segments: [UInt64], _ scratch: RetrievalScratch) -> UserRing {
    scratch.fit(rows: items.limit, values: values.limit, retrievers: 1 + self.segments.count)
    let row = key.flatMap { users.find($0) }
    let ring = ring(ofUser: row)
    readHistory(ring, now: now, scratch)
    poolUser(row, scratch)
    mergeLists(segments: segments, scratch)
    readContent(scratch)
    return ring
  }

  /// A scan by these weights, one for each of the blend's features, for the user that the scratch is prepared for.
  /// Valid until the scratch is prepared again.
  func scan(_ weights: UnsafePointer<Float>, _ scratch: RetrievalScratch) -> PageScan {
    var query = cowbird_page_query()
    query.user = UnsafePointer(scratch.user.base)
    query.width = layout.width
    query.affinity = UnsafePointer(scratch.affinity.base)
    query.affinity_base = scratch.affinityBase
    query.now = UInt32(truncatingIfNeeded: events)
    query.bias_at = UInt32(layout.biasAt)
    query.last_at = UInt32(layout.lastAt)
    query.counts_at = UInt32(layout.countsAt)
    query.half_lives = UInt32(layout.halfLives)
    query.floor = plan.popularity?.floor ?? 0
    query.inverse = inverseHalfLives
    beginSparse(scratch)
    for (index, feature) in plan.features.enumerated() {
      let weight = weights[index]
      switch feature {
      case .factors: query.factor_weight = weight
      case .forward: addSparse(0, 0, weight, scratch)
      case .backward: addSparse(0, 1, weight, scratch)
      case .popularity(let life):
        withUnsafeMutableBytes(of: &query.popularity_weight) {
          $0.assumingMemoryBound(to: Float.self)[life] = weight
        }
      case .content: query.content_weight = weight
      case .segment(let segment, let side): addSparse(segment + 1, side, weight, scratch)
      case .vector:
        query.vector_weight = weight
        query.vector_width = plan.vectorWidth
        query.vector = UnsafePointer(scratch.profile.base)
      case .rank: break
      }
    }
    return PageScan(
      query: query, pages: pages.reader, blocks: blocks.reader(scratch.blockReaders), layout: layout,
      vectors: query.vector_weight != 0 ? vectors.reader : nil, vectorPages: vectors.capacity,
      usesContent: query.content_weight != 0, scratch: scratch)
  }

  /// sparse[row] = Σ weight · ln(1 + sum / smoothing), for the rows touched: 0 to begin with.
  private func beginSparse(_ scratch: RetrievalScratch) {
    let (touched, sparse) = (scratch.touched.base, scratch.sparse.base)
    for place in 0..<scratch.touchedCount { sparse[Int(touched[place])] = 0 }
  }

  private func addSparse(_ retriever: Int, _ side: Int, _ weight: Float, _ scratch: RetrievalScratch) {
    guard weight != 0 else { return }
    let count = scratch.touchedCount
    scratch.gathered.fit(count)
    let (touched, sparse, gathered) = (scratch.touched.base, scratch.sparse.base, scratch.gathered.base)
    let sums = scratch.sums[retriever].base + side
    for place in 0..<count { gathered[place] = sums[2 &* Int(touched[place])] }
    scratch.kernels.pointee.log1p_scaled(gathered, count, listScale)
    for place in 0..<count { sparse[Int(touched[place])] += weight * gathered[place] }
  }
}

struct PageScan {
  var query: cowbird_page_query
  let pages: RowReader
  let blocks: SlabReader
  let layout: ItemLayout
  let vectors: RowReader?
  let vectorPages: Int
  let usesContent: Bool
  let scratch: RetrievalScratch

  /// Scores of the 32 items of a page; `next` is the page that is likely to be asked for after it.
  @inline(__always)
  func score(_ number: Int, then next: Int, into scores: UnsafeMutablePointer<Float>) {
    let page = pages.page(number)
    let tail = layout.tail(page)
    var attributes: UnsafePointer<UInt32>?
    if usesContent && tail.pointee.attributes != 0 {
      attributes = blocks.slab(tail.pointee.attributes).assumingMemoryBound(to: UInt32.self)
    }
    var vector: UnsafePointer<Float>?
    if let vectors, number < vectorPages { vector = vectors.page(number).assumingMemoryBound(to: Float.self) }
    withUnsafePointer(to: query) {
      scratch.kernels.pointee.score_page(
        $0, page, attributes, Int(tail.pointee.slots), vector, pages.page(next), scores)
    }
    var touched = scratch.mask[number]
    while touched != 0 {
      let place = touched.trailingZeroBitCount
      touched &= touched - 1
      scores[place] += scratch.sparse[number &* 32 &+ place]
    }
  }

  /// Items of the page that are there.
  @inline(__always)
  func live(_ number: Int) -> UInt32 { layout.tail(pages.page(number)).pointee.live }
}
