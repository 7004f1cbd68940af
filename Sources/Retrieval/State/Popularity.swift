// What is hot: log2 of decayed counts, so that serving needs neither exp nor log.
//
//   score_p(i) = max(0, lc_p - (t - last) / H_p + floor)       t: the state's events, H_p: half-life in events
//   an event:    lc_p = log2(2^(lc_p - (t - last) / H_p) + 1),  last = t
//
// With the default floor 3 a count is worth something until it has decayed to an eighth.

internal import CKernels
internal import Configuration
internal import Primitives
internal import Tables

extension RetrievalState {
  mutating func learnPopularity(_ row: Int, _ scratch: RetrievalScratch) {
    guard plan.popularity != nil else { return }
    let now = UInt32(truncatingIfNeeded: events)
    let page = pages.writer().page(row >> 5)
    let place = row & 31
    let last = layout.word(page, layout.lastAt, place)
    let age = Float(Int32(bitPattern: now &- last.pointee))
    last.pointee = now
    let counts = layout.float(page, layout.countsAt, place)
    let lives = layout.halfLives
    withInverseHalfLives { scratch.kernels.pointee.popularity_touch(counts, lives, age, $0) }
    let largest = layout.largestCounts(page)
    for index in 0..<lives {
      let count = Double(counts[32 * index]) + Double(events) / plan.halfLives[index]
      largest[index] = max(largest[index], count)
    }
  }

  @inline(__always)
  func withInverseHalfLives<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    withUnsafeBytes(of: inverseHalfLives) { body($0.assumingMemoryBound(to: Float.self).baseAddress!) }
  }

  /// The popularity features of the scratch's candidates, `stride` floats from one candidate to the next.
  func fillPopularity(
    _ features: UnsafeMutablePointer<Float>, stride: Int, _ scratch: RetrievalScratch
  ) {
    let layout = layout
    let now = UInt32(truncatingIfNeeded: events)
    let floor = plan.popularity?.floor ?? 0
    let (candidates, pages) = (scratch.candidates.base, scratch.candidatePages.base)
    withInverseHalfLives { inverse in
      for place in 0..<scratch.candidateCount {
        let (page, item) = (pages[place]!, Int(candidates[place] & 31))
        let age = Float(Int32(bitPattern: now &- layout.word(page, layout.lastAt, item)))
        for index in 0..<layout.halfLives {
          let count = layout.float(page, layout.countsAt + 128 * index, item)
          features[place * stride + index] = max(count - age * inverse[index] + floor, 0)
        }
      }
    }
  }
}

/// Popularity among the users of a segment: for each value of the segment's source a list of items with counts at
/// two half-lives, bounded as neighbour lists are.
struct SegmentPopularity: Sendable {
  static let itemsPerSegment = 512

  let plan: SegmentPlan
  var values: Roster
  var lists: DecayedLists

  init(_ plan: SegmentPlan, bound: Int) {
    self.plan = plan
    values = Roster(bound: bound)
    lists = DecayedLists(limit: Self.itemsPerSegment, halfLives: plan.halfLives)
  }

  /// Counts the item for the segment. Returns true if another segment had to go.
  mutating func learn(
    _ segment: UInt64, _ item: UInt32, at event: UInt64, _ scratch: RetrievalScratch
  ) -> Bool {
    var evicted = false
    let row: Int
    if let known = values.find(segment) {
      row = known
      values.touch(row, at: event)
    } else {
      if values.isFull {
        let victim = values.victim()
        lists.clear(victim)
        values.remove(victim)
        evicted = true
      }
      row = values.insert(segment, at: event)
      lists.ensure(row + 1)
    }
    var writer = lists.writer(scratch)
    lists.add(row, item, (1, 1), at: event, &writer)
    return evicted
  }

  var digest: Digest {
    var digest = values.digest
    digest.append(lists.digest)
    return digest
  }
}
