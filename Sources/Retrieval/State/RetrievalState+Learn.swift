// One event, in order: history, user vector, candidates, blend, factors, sampler, neighbours, popularity, content,
// history again. Every part sees the state as it was before the event.

internal import CKernels
internal import Configuration
internal import Primitives

/// What retrieval is told of an interaction.
package struct RetrievalEvent: Sendable {
  /// Nil: nobody is known to have done it; only popularity and content learn from it.
  package var user: UInt64?
  package var item: UInt64
  /// Unix time.
  package var nanos: Int64
  /// The user's value for each segment retriever, in the configuration's order; 0: none.
  package var segments: [UInt64]
  /// Retrievers that take in events of this type.
  package var retrievers: RetrieverSet

  package init(
    user: UInt64?, item: UInt64, nanos: Int64, segments: [UInt64] = [], retrievers: RetrieverSet = .all
  ) {
    self.user = user
    self.item = item
    self.nanos = nanos
    self.segments = segments
    self.retrievers = retrievers
  }
}

/// Scores of the ranking model for items, by key.
package typealias RankScorer = (
  _ items: UnsafeBufferPointer<UInt64>, _ scores: UnsafeMutableBufferPointer<Float>
) -> Void

extension RetrievalState {
  /// Seconds as the state keeps them: 1970 to 2106.
  static func seconds(_ nanos: Int64) -> UInt32 { UInt32(clamping: nanos / 1_000_000_000) }

  /// Learns an interaction.
  ///
  /// - Parameter rank: the ranking model's scores for this user at this event, if it takes part in the blend. It
  ///   is asked for one event in `blend.every`.
  package mutating func learn(
    _ event: RetrievalEvent, _ scratch: RetrievalScratch, rank: RankScorer? = nil
  ) {
    checkWritable()
    items.prefetch(event.item)
    var user: Int?
    if let key = event.user {
      let row = row(ofUser: key)
      user = row
      prefetch(person: row)
    }
    // A row used again was part of the catalogue; a new one was not.
    let catalogue = items.limit
    let item = row(ofItem: event.item)
    let now = Self.seconds(event.nanos)
    scratch.fit(rows: items.limit, values: values.limit, retrievers: 1 + segments.count)
    pages.writer().prefetch(item >> 5, 0)
    if let user { learn(event, user: user, item: item, now: now, catalogue: catalogue, scratch, rank) }
    pushRecent(item)
    if event.user != nil && event.retrievers.contains(.neighbours) { learnNeighbours(item, scratch) }
    if event.retrievers.contains(.popularity) { learnPopularity(item, scratch) }
    if event.retrievers.contains(.content) { learnContent(item) }
    if event.retrievers.contains(.segments) { learnSegments(event.segments, item, scratch) }
    if let user { pushHistory(user: user, item: item, now: now, scratch) }
    events += 1
  }

  private mutating func learn(
    _ event: RetrievalEvent, user: Int, item: Int, now: UInt32, catalogue: Int, _ scratch: RetrievalScratch,
    _ rank: RankScorer?
  ) {
    let ring = ring(ofUser: user)
    readHistory(ring, now: now, scratch)
    let isBlended = isBlended(ring)
    let learnsFactors = plan.factors != nil && event.retrievers.contains(.factors)
    guard isBlended || learnsFactors else { return }
    prefetchHistory(item: item, scratch)
    sample(target: item, user: ring, catalogue: catalogue, scratch)
    prefetchLists(item: item, scratch)
    poolUser(user, scratch)
    if isBlended { learnBlend(event, ring, catalogue: catalogue, scratch, rank) }
    guard learnsFactors else { return }
    if elementwise != nil { return learnElementwise(user: user, item: item, scratch) }
    scoreCandidates(scratch)
    learnFactors(user: user, scratch)
  }

  /// Whether the blend learns the next event, by a user with this history: one in `every`, and all at the beginning of
  /// each set of weights, so that it is soon as good as its best member.
  private func isBlended(_ ring: UserRing) -> Bool {
    plan.blend.isOn
      && (events % UInt64(plan.blend.every) == 0 || blend.isYoung(blend.bucket(ring.total)))
  }

  /// The items that the ranking model is to score for the blend, before anything learns the event: `learn` asks for
  /// them in this order. None if it will not ask, or if nothing is known of the item: then all rank alike.
  package mutating func itemsToRank(_ event: RetrievalEvent, _ scratch: RetrievalScratch) -> [UInt64] {
    guard plan.rank, let user = event.user, let item = items.find(event.item) else { return [] }
    let ring = ring(ofUser: users.find(user))
    guard isBlended(ring) else { return [] }
    scratch.fit(rows: items.limit, values: values.limit, retrievers: 1 + segments.count)
    readHistory(ring, now: Self.seconds(event.nanos), scratch)
    sample(target: item, user: ring, catalogue: items.limit, scratch)
    mergeLists(segments: event.segments, scratch)
    drawNeighbours(ring, scratch)
    let owners = items.reader
    return (0..<scratch.candidateCount).map { owners.key(of: Int(scratch.candidates[$0])) }
  }

  /// Adds the blend's own draws to the scratch's candidates: of what the history leads to.
  private mutating func drawNeighbours(_ ring: UserRing, _ scratch: RetrievalScratch) {
    let touched = scratch.neighbourCount
    let (candidates, candidatePages) = (scratch.candidates.base, scratch.candidatePages.base)
    let owners = items.reader
    let pages = pages.writer()
    let layout = layout
    var count = scratch.candidateCount
    for draw in 0..<(touched > 0 ? plan.blend.negatives : 0) {
      let bits = Sampler.bits(event: events, draw: draw, salt: 777)
      let row = scratch.touched[Int(((bits >> 32) &* UInt64(touched)) >> 32)]
      if !plan.repeats
        && ring.contains(owners.handle(of: Int(row)), filter: scratch.seenFilter.base, scratch.kernels)
      {
        continue
      }
      let page = pages.peekPage(Int(row &>> 5))
      layout.prefetch(page, Int(row & 31))
      candidates[count] = row
      candidatePages[count] = page
      count += 1
    }
    scratch.candidateCount = count
  }

  private mutating func learnBlend(
    _ event: RetrievalEvent, _ ring: UserRing, catalogue: Int, _ scratch: RetrievalScratch,
    _ rank: RankScorer?
  ) {
    mergeLists(segments: event.segments, scratch)
    readContent(scratch)
    let sampled = scratch.candidateCount
    drawNeighbours(ring, scratch)
    let count = scratch.candidateCount
    let (candidates, touched) = (scratch.candidates.base, scratch.neighbourCount)
    prefetchFeatures(scratch)
    fillOdds(from: sampled, catalogue: catalogue, scratch)
    scratch.expected.fit(count)
    let expected = scratch.expected.base
    let draws = Float(plan.negatives)
    let share = touched > 0 ? Float(plan.blend.negatives) / Float(touched) : 0
    for place in 0..<count {
      let isTouched = touched > 0 && scratch.isTouched(Int(candidates[place]))
      expected[place] = draws * scratch.odds[place] + (isTouched ? share : 0)
    }
    fillFeatures(scratch, rank)
    blend.learn(
      bucket: blend.bucket(ring.total), x: scratch.features.base, expected: expected, items: candidates,
      count: count, scratch)
    // The factors learn from their own sample alone.
    scratch.candidateCount = sampled
  }

  private mutating func learnSegments(_ keys: [UInt64], _ item: Int, _ scratch: RetrievalScratch) {
    let handle = items.handle(of: item)
    for index in segments.indices where index < keys.count && keys[index] != 0 {
      if segments[index].learn(keys[index], handle, at: events, scratch) {
        counters.evictedSegments += 1
      }
    }
  }

  /// An item was shown: exploration counts it.
  package mutating func countImpression(of item: UInt64) {
    checkWritable()
    guard let row = items.find(item) else { return }
    impressions.writer().row(row).assumingMemoryBound(to: UInt32.self).pointee &+= 1
  }

  // MARK: Features

  /// Asks for what the features of the scratch's candidates read, beside the vectors.
  private func prefetchFeatures(_ scratch: RetrievalScratch) {
    let layout = layout
    let (candidates, pages) = (scratch.candidates.base, scratch.candidatePages.base)
    for place in 0..<scratch.candidateCount {
      layout.prefetchColumns(pages[place]!, Int(candidates[place] & 31))
    }
    guard plan.content != nil else { return }
    let blocks = blocks.reader(scratch.blockReaders)
    for place in 0..<scratch.candidateCount {
      let tail = layout.tail(pages[place]!)
      guard tail.pointee.attributes != 0 else { continue }
      let block = blocks.slab(tail.pointee.attributes) + Int(candidates[place] & 31) &* 4
      for slot in 0...min(3, Int(tail.pointee.slots)) { cowbird_prefetch(block + 128 &* slot) }
    }
  }

  /// Features of the scratch's candidates, row after row, for the user whose history, vector, lists and content
  /// are in the scratch.
  func fillFeatures(_ scratch: RetrievalScratch, _ rank: RankScorer?) {
    let kinds = blend.features
    let count = scratch.candidateCount
    scratch.features.fit(count * kinds + 8)
    scratch.gathered.fit(count)
    let x = scratch.features.base
    var feature = 0
    if plan.factors != nil {
      scoreCandidates(scratch)
      for place in 0..<count { x[place * kinds] = scratch.scores[place] }
      feature += 1
    }
    if plan.neighbours != nil {
      fillSums(0, feature, scratch)
      feature += 2
    }
    if plan.popularity != nil {
      fillPopularity(x + feature, stride: kinds, scratch)
      feature += layout.halfLives
    }
    if plan.content != nil {
      let blocks = blocks.reader(scratch.blockReaders)
      for place in 0..<count {
        x[place * kinds + feature] = content(place, blocks, scratch)
      }
      feature += 1
    }
    for index in segments.indices {
      fillSums(index + 1, feature, scratch)
      feature += 2
    }
    if plan.vectorDimension > 0 {
      for place in 0..<count { x[place * kinds + feature] = cosine(Int(scratch.candidates[place]), scratch) }
      feature += 1
    }
    if plan.rank { fillRank(feature, scratch, rank) }
  }

  private func fillSums(_ retriever: Int, _ feature: Int, _ scratch: RetrievalScratch) {
    let count = scratch.candidateCount
    let sums = scratch.sums[retriever].base
    let (candidates, gathered) = (scratch.candidates.base, scratch.gathered.base)
    let kinds = blend.features
    let x = scratch.features.base + feature
    for side in 0..<2 {
      for place in 0..<count { gathered[place] = sums[2 * Int(candidates[place]) + side] }
      scratch.kernels.pointee.log1p_scaled(gathered, count, listScale)
      for place in 0..<count { x[place * kinds + side] = gathered[place] }
    }
  }

  /// What shares are multiplied by before 1 is added and the logarithm taken.
  var listScale: Float { Float(1 / plan.blend.smoothing) }

  private func fillRank(_ feature: Int, _ scratch: RetrievalScratch, _ rank: RankScorer?) {
    let count = scratch.candidateCount
    for place in 0..<count { scratch.gathered[place] = 0 }
    if let rank {
      scratch.keys.removeAll(keepingCapacity: true)
      for place in 0..<count { scratch.keys.append(items.key(of: Int(scratch.candidates[place]))) }
      scratch.keys.withUnsafeBufferPointer { keys in
        rank(keys, UnsafeMutableBufferPointer(start: scratch.gathered.base, count: count))
      }
    }
    for place in 0..<count {
      let score = scratch.gathered[place]
      scratch.features[place * blend.features + feature] = score.isFinite ? score : 0
    }
  }
}
