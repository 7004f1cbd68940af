// The ranking metrics that the learner keeps: before an interaction is learned its item is looked for among the best that
// would be recommended to its user, by the same scan that answers requests.

internal import Configuration
package import Statistics

extension RetrievalState {
  /// Whether the next interaction, one in `every`, is a test: somebody's, with an item that may be recommended.
  package func isTest(_ event: RetrievalEvent, every: Int) -> Bool {
    guard every > 0, events > 0, events % UInt64(every) == 0, let user = event.user else { return false }
    return plan.repeats || !hasSeen(user, event.item)
  }

  private func hasSeen(_ user: UInt64, _ item: UInt64) -> Bool {
    guard let user = users.find(user), let row = items.find(item) else { return false }
    let (ring, handle) = (ring(ofUser: user), items.handle(of: row))
    for back in 0..<ring.count where ring.items![ring.place(back)] == handle { return true }
    return ring.older.contains(handle)
  }

  /// Takes the place of the event's item among the best into the metrics; one that is unknown has none.
  /// - Parameter rank: the ranking model, if it takes part in the blend.
  package func judge(
    _ event: RetrievalEvent, into metrics: inout RankingMetricSet, _ scratch: RetrievalScratch,
    rank: RankScorer? = nil
  ) {
    var request = TopKRequest(user: event.user, k: metrics.k, nanos: event.nanos)
    request.segments = event.segments
    request.seen = plan.repeats ? .include : .exclude
    request.rank = rank
    _ = answer(request, scratch)
    let place = scratch.answered.firstIndex { $0.item == event.item }
    metrics.update(rank: place.map { $0 + 1 })
    describe(
      scratch.answered.count, { Int(scratch.chosen[$0].row) }, &metrics.coverage, &metrics.novelty,
      &metrics.diversity)
  }

  /// Takes a list of recommendations, best first, into what is said of lists whoever sees them.
  func describe(
    _ count: Int, _ row: (_ place: Int) -> Int, _ coverage: inout CatalogueCoverage, _ novelty: inout Novelty,
    _ diversity: inout ListDiversity
  ) {
    for place in 0..<count {
      coverage.update(ordinal: UInt32(row(place)))
      novelty.update(interactions: Double(counts(of: row(place)).interactions), of: Double(max(1, events)))
    }
    diversity.update(count: count) { sharedValues(row($0), row($1)) }
  }

  /// Attribute values that both items have, of those that any has.
  private func sharedValues(_ first: Int, _ second: Int) -> Double {
    func values(_ row: Int) -> (block: UnsafePointer<UInt32>?, count: Int) {
      let tail = layout.tail(pages.reader.page(row >> 5)).pointee
      guard tail.attributes != 0 else { return (nil, 0) }
      let block = blocks.slab(tail.attributes).assumingMemoryBound(to: UInt32.self) + (row & 31)
      return (block, Int(block[0]))
    }
    let (a, b) = (values(first), values(second))
    var shared = 0
    for left in 0..<a.count {
      for right in 0..<b.count where a.block![32 * (left + 1)] == b.block![32 * (right + 1)] { shared += 1 }
    }
    let all = a.count + b.count - shared
    return all == 0 ? 0 : Double(shared) / Double(all)
  }
}
