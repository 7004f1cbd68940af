// What members read is finite and bounded, whatever an example held.

internal import CKernels
internal import Features
internal import Tables

/// Room for trivial elements that grows and never shrinks.
final class Buffer<Element: BitwiseCopyable> {
  @exclusivity(unchecked) private(set) var base: UnsafeMutablePointer<Element>
  @exclusivity(unchecked) private(set) var capacity: Int

  init(_ capacity: Int = 64) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  /// Keeps the first `used` elements.
  @inline(__always)
  func reserve(_ wanted: Int, keeping used: Int = 0) {
    if wanted > capacity { grow(wanted, used) }
  }

  private func grow(_ wanted: Int, _ used: Int) {
    let larger = max(wanted, 2 * capacity)
    let next = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    next.update(from: base, count: used)
    base.deallocate()
    (base, capacity) = (next, larger)
  }

  @inline(__always)
  subscript(index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }
}

/// Why an example was not learned. Nothing changed then.
package enum Refusal: String, Error, CaseIterable, Sendable {
  case labelNotFinite = "the label is not a finite number"
  case weightNotFinite = "the weight is not a finite number of at least 0"
  case valueNotFinite = "a feature's value is not a finite number"
  case unknownTemplate = "a feature belongs to no template of this model"
}

/// What members read is finite and bounded whatever the example held: where it is not, a copy is, with values clamped
/// to +-10,000 and next to nothing made nothing.
final class FeatureBuffer {
  private let keys = Buffer<UInt64>(256)
  private let values = Buffer<Float>(256)
  private let slots = Buffer<UInt16>(256)
  private let dense: Buffer<Float>
  private let denseCount: Int
  private let slotCount: Int

  init(plan: EnsemblePlan) {
    denseCount = plan.denseNames.count
    slotCount = plan.templates.count
    dense = Buffer(max(1, denseCount))
  }

  /// hot: true for what members may read as it is.
  @inline(__always)
  func isSound(_ view: UnsafePointer<FeatureView>) -> Bool {
    let (slots, count) = (view.pointee.slots, view.pointee.count)
    precondition(view.pointee.denseCount == denseCount, "the example's dense block is not this model's")
    var highest: UInt16 = 0
    for index in 0..<count { highest = max(highest, slots[index]) }
    return (count == 0 || Int(highest) < slotCount)
      && cowbird_outside(view.pointee.values, count, Bounds.smallest, Bounds.value) == 0
      && cowbird_outside(view.pointee.dense, denseCount, Bounds.smallest, Bounds.value) == 0
  }

  /// The copy.
  func load(_ view: FeatureView) throws(Refusal) -> FeatureView {
    let count = view.count
    keys.reserve(count)
    values.reserve(count)
    slots.reserve(count)
    keys.base.update(from: view.keys, count: count)
    slots.base.update(from: view.slots, count: count)
    values.base.update(from: view.values, count: count)
    dense.base.update(from: view.dense, count: denseCount)
    for index in 0..<count where Int(slots[index]) >= slotCount { throw .unknownTemplate }
    try Self.clamp(values.base, count)
    try Self.clamp(dense.base, denseCount)
    var copy = view
    copy.keys = UnsafePointer(keys.base)
    copy.values = UnsafePointer(values.base)
    copy.slots = UnsafePointer(slots.base)
    copy.dense = UnsafePointer(dense.base)
    return copy
  }

  private static func clamp(_ numbers: UnsafeMutablePointer<Float>, _ count: Int) throws(Refusal) {
    for index in 0..<count {
      guard numbers[index].isFinite else { throw .valueNotFinite }
      numbers[index] = Bounds.value(numbers[index])
    }
  }
}
