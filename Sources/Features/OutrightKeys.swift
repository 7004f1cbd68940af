// The keys of the sparse features that an event or a request tells outright, made once: the learner makes them some
// events ahead, so that rows are there when they are needed, and the example takes them as they are.

internal import Primitives

/// Belongs to whoever allocated it; a few words, no reference counts.
struct OutrightKeys: BitwiseCopyable {
  /// See `KnownPlace`.
  let known: UnsafeMutablePointer<UInt64>
  /// Keys and their templates' slots, in the order in which an example has them, those that are not known left out.
  let keys: UnsafeMutablePointer<UInt64>
  let slots: UnsafeMutablePointer<UInt16>
  /// Where the keys of each run begin; the last ends them.
  let runStart: UnsafeMutablePointer<Int>

  init(_ plan: FeaturePlan) {
    let places = KnownPlace.attributes + plan.context.count
    known = .allocate(capacity: places)
    known.initialize(repeating: 0, count: places)
    keys = .allocate(capacity: plan.outright.count + 1)
    slots = .allocate(capacity: plan.outright.count + 1)
    runStart = .allocate(capacity: plan.outrightRuns.count + 1)
    runStart.initialize(repeating: 0, count: plan.outrightRuns.count + 1)
  }

  func deallocate() {
    known.deallocate()
    keys.deallocate()
    slots.deallocate()
    runStart.deallocate()
  }

  /// What the circumstances say of themselves.
  @inline(__always)
  func setContext(_ context: ContextView, count: Int) {
    (known + KnownPlace.attributes).update(from: context.hashes, count: count)
  }

  // hot: once per event.
  /// Makes the keys of some runs; those of the runs before have been made.
  @inline(__always)
  func make(_ runs: Range<Int>, _ plan: FeaturePlan) {
    let (known, keys, slots) = (known, keys, slots)
    var count = runStart[runs.lowerBound]
    for run in runs {
      let range = plan.outrightRuns[run]
      var template = plan.outright.pointer + range.first
      let end = plan.outright.pointer + range.end
      while template < end {
        let first = known[Int(template.pointee.first)]
        var key = StableHash.combine(template.pointee.seed, first)
        var isKnown = first != 0
        if template.pointee.others > 0 { (key, isKnown) = cross(template, key, isKnown) }
        keys[count] = key
        slots[count] = template.pointee.slot
        count &+= isKnown ? 1 : 0
        template += 1
      }
      runStart[run &+ 1] = count
    }
  }

  @inline(never)
  private func cross(
    _ template: UnsafePointer<OutrightTemplate>, _ key: UInt64, _ isKnown: Bool
  ) -> (UInt64, Bool) {
    var (key, isKnown) = (key, isKnown)
    for place in 0..<Int(template.pointee.others) {
      let hash = known[Int(template.pointee.rest[place])]
      key = StableHash.combine(key, hash)
      isKnown = isKnown && hash != 0
    }
    return (key, isKnown)
  }
}
