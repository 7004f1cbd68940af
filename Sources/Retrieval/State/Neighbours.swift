// What follows what: directed, decayed co-occurrence within a user's history.
//
//   learn (user, i):  y_j = decay^j / (1 + age_j / scale) for the last items h_j: i enters the list of h_j on the
//                     side "after", h_j enters the list of i on the side "before"
//   serve:            A(i) = Σ_j d_j · w_{h_j}[i] / total(h_j) on each side, feature ln(1 + A / smoothing)
//
// Cost: learning 2 · learn_length list updates; serving length · neighbours additions.

internal import CKernels

extension RetrievalState {
  mutating func learnNeighbours(_ row: Int, _ scratch: RetrievalScratch) {
    guard let plan = plan.neighbours else { return }
    let owners = items.reader
    let handle = owners.handle(of: row)
    var writer = neighbours.writer(scratch)
    let count = min(scratch.historyCount, plan.learnLength)
    // All places are looked up before the first is written, so that their lines come together.
    for j in 0..<count { neighbours.prefetch(Int(scratch.historyRows[j]), handle, writer) }
    var decay = Float(1)
    for j in 0..<count {
      let other = Int(scratch.historyRows[j])
      if other != row {
        let weight = decay / (1 + scratch.historyAges[j] / plan.ageScaleSeconds)
        neighbours.add(other, handle, (weight, 0), at: events, &writer)
        neighbours.add(row, owners.handle(of: other), (0, weight), at: events, &writer)
      }
      decay *= plan.learnDecay
    }
  }

  /// Merges the lists of the history's items, and those of the user's segments, into the scratch.
  func mergeLists(segments: [UInt64], _ scratch: RetrievalScratch) {
    scratch.clearTouched()
    let checked = items.released > 0
    if checked {
      let pages = items.generations.reader
      let count = (items.limit + 4095) / 4096
      scratch.generationPages.fit(count)
      for page in 0..<count {
        scratch.generationPages[page] = pages.page(page).assumingMemoryBound(to: UInt8.self)
      }
    }
    if let plan = plan.neighbours {
      let lists = neighbours.reader(scratch)
      let count = min(scratch.historyCount, plan.length)
      for j in 0..<count { cowbird_prefetch(lists.references.row(Int(scratch.historyRows[j]))) }
      for j in 0..<count { lists.prefetch(Int(scratch.historyRows[j])) }
      var decay = Float(1)
      for j in 0..<count {
        let weight = decay / (1 + scratch.historyAges[j] / plan.ageScaleSeconds)
        lists.merge(Int(scratch.historyRows[j]), weight: weight, into: 0, scratch, checked: checked)
        decay *= plan.decay
      }
    }
    scratch.neighbourCount = scratch.touchedCount
    for (index, segment) in self.segments.enumerated() where index < segments.count {
      guard let row = segment.values.find(segments[index]) else { continue }
      segment.lists.reader(scratch).merge(row, weight: 1, into: index + 1, scratch, checked: checked)
    }
  }
}
