// What members learn from and score: hashed sparse features, a dense block, a label. One object is made once and
// filled again and again; it also holds the registers that the features were made in.
//
//   keys   ┌ k ┬ k ┬ k ┬ k ┬ k ┬ k ┐    sparse features: key, value and slot (template) side by side
//   values ├ x ┼ x ┼ x ┼ x ┼ x ┼ x ┤    the first `sharedCount` belong to the user and the request and are the
//   slots  └ s ┴ s ┴ s ┴ s ┴ s ┴ s ┘    same for all candidates; the rest belong to the candidate
//   dense  ┌ 1 ┬ d ┬ d ┬ d ┐            the first is the constant; absent numbers are 0

internal import Configuration
internal import Primitives
internal import Tables
package import Wire

package final class Example {
  package let plan: FeaturePlan

  /// Sparse features; `count` of each are in use.
  package let keys: UnsafeMutablePointer<UInt64>
  package let values: UnsafeMutablePointer<Float>
  package let slots: UnsafeMutablePointer<UInt16>
  package let capacity: Int

  /// `plan.denseCount` numbers, all finite.
  package let dense: UnsafeMutablePointer<Float>

  /// All that changes from example to example. Behind a pointer, because a class's own variables are checked for
  /// exclusive access each time, at several nanoseconds.
  let fields: UnsafeMutablePointer<Fields>

  // Registers.
  let categoryStart: UnsafeMutablePointer<Int32>
  let categoryCount: UnsafeMutablePointer<Int32>
  let numbers: UnsafeMutablePointer<Float>
  let hashes: UnsafeMutablePointer<UInt64>
  /// By group: where its rows begin in `rows`, and how many there are.
  let rowStart: UnsafeMutablePointer<Int32>
  let rowCount: UnsafeMutablePointer<Int32>
  let rows: UnsafeMutablePointer<FoundRow>
  /// Scratch of `update`: targets by place.
  let targets: UnsafeMutablePointer<Double>
  /// Views of the tables that are read; valid while the state that filled them is.
  let readers: UnsafeMutablePointer<TableReader>
  /// Of the groups, while the example of an event that is learned is open.
  let writers: UnsafeMutablePointer<TableWriter>

  /// Of an event that is made into an example at once, and of a request.
  let inputs: EventInputs
  /// Of a request and its candidates.
  let outright: OutrightKeys
  let candidateContext: ContextBuffer
  /// Attributes of a user who is not known yet.
  let userOverride: ContextBuffer

  struct Fields {
    var count = 0
    var sharedCount = 0
    var omitted = 0
    var label: Float = 0
    var weight: Float = 1
    var hasLabel = false
    var hasCandidateContext = false
    var hasUserOverride = false
    var type = -1
    var timeNanos: Int64 = 0
    var value = 0.0
    var userKey: UInt64 = 0
    var itemKey: UInt64 = 0
    var userOrdinal: UInt32?
    var itemOrdinal: UInt32?
    var hashTop = 0
    var rowTop = 0
    /// Where the user's and the request's part of each ends.
    var userMark = Mark()
    var contextMark = Mark()
    /// Source of the event, hashed; 0: none.
    var originKey: UInt64 = 0
    var unknownAttributes = 0
    var mistypedAttributes = 0
    var unsoundNumbers = 0
    var coming = ComingEvents()
    /// What the event or the request says of its circumstances.
    var context: ContextView
    var outright: OutrightKeys
    /// The outright keys are there already.
    var hasKeys = false
    /// It was made for learning: `update` may change the state that it was made of.
    var isOpen = false
    /// Hashes of the ids as features see them: changed by each forgetting.
    var userHash: UInt64 = 0
    var itemHash: UInt64 = 0
    var userRow: UnsafePointer<Float>?
    var itemRow: UnsafePointer<Float>?
    var userRecord: UnsafeRawPointer?
    var itemRecord: UnsafeRawPointer?
  }

  struct Mark {
    var count = 0
    var hashTop = 0
    var rowTop = 0
    var omitted = 0
  }

  /// The texts of the context are kept too, for `FeatureState.describe`.
  package var isDescribed = false {
    didSet {
      for buffer in [requestContext, candidateContext, userOverride] { buffer.isDescribed = isDescribed }
    }
  }

  /// No example weighs more, in members and in metrics.
  package static let maximumWeight: Float = 1e4

  /// Rows that one group may have in one example: the values of its sources, crossed.
  static let rowsPerGroup = 64

  package init(_ plan: FeaturePlan) {
    self.plan = plan
    capacity = plan.configuration.features.maximumPerExample
    keys = .allocate(capacity: capacity)
    values = .allocate(capacity: capacity)
    slots = .allocate(capacity: capacity)
    dense = .allocate(capacity: plan.denseCount)
    dense.initialize(repeating: 0, count: plan.denseCount)
    dense[0] = 1
    fields = .allocate(capacity: 1)
    categoryStart = .allocate(capacity: plan.categoryRegisters + 1)
    categoryCount = .allocate(capacity: plan.categoryRegisters + 1)
    categoryCount.initialize(repeating: 0, count: plan.categoryRegisters + 1)
    numbers = .allocate(capacity: plan.numberRegisters + 1)
    numbers.initialize(repeating: .nan, count: plan.numberRegisters + 1)
    hashes = .allocate(capacity: plan.hashCapacity + 1)
    targets = .allocate(capacity: plan.targets.count + 1)
    let groups = plan.groups.count
    rowStart = .allocate(capacity: groups)
    rowCount = .allocate(capacity: groups)
    rowCount.initialize(repeating: 0, count: groups)
    rows = .allocate(capacity: groups * Self.rowsPerGroup)
    readers = .allocate(capacity: groups + plan.histories.count)
    writers = .allocate(capacity: groups)
    inputs = EventInputs(plan)
    candidateContext = ContextBuffer(plan.context, plan.categories)
    userOverride = ContextBuffer(plan.user.attributes, plan.categories)
    outright = OutrightKeys(plan)
    fields.initialize(to: Fields(context: inputs.context.view, outright: outright))
  }

  var requestContext: ContextBuffer { inputs.context }

  deinit {
    keys.deallocate()
    values.deallocate()
    slots.deallocate()
    dense.deallocate()
    fields.deallocate()
    categoryStart.deallocate()
    categoryCount.deallocate()
    numbers.deallocate()
    hashes.deallocate()
    targets.deallocate()
    rowStart.deallocate()
    rowCount.deallocate()
    rows.deallocate()
    readers.deallocate()
    writers.deallocate()
    outright.deallocate()
  }
}

// MARK: What members read

extension Example {
  /// Sparse features in use.
  @inline(__always)
  package var count: Int { fields.pointee.count }
  /// How many of them, the first ones, do not depend on the candidate.
  package var sharedCount: Int { fields.pointee.sharedCount }
  /// Features left out because there were more than `features.maximum_per_example`.
  package var omitted: Int { fields.pointee.omitted }
  /// Meaningful when `hasLabel`; the learner may change all three, such as for an impression without a click.
  package var label: Float {
    get { fields.pointee.label }
    set { fields.pointee.label = newValue }
  }
  package var hasLabel: Bool {
    get { fields.pointee.hasLabel }
    set { fields.pointee.hasLabel = newValue }
  }
  package var weight: Float {
    get { fields.pointee.weight }
    set { fields.pointee.weight = newValue }
  }
  package var timeNanos: Int64 { fields.pointee.timeNanos }
  /// Place of the event's type; -1 in a request.
  package var type: Int { fields.pointee.type }
  /// The event's value, or its type's default.
  package var value: Double {
    get { fields.pointee.value }
    set { fields.pointee.value = newValue }
  }
  /// A number of the event's or the request's context, by its place in the configuration; NaN: none.
  package func contextNumber(_ place: Int) -> Float { fields.pointee.context.number[place] }
  /// A number of the event's context was left out: not finite, or too large.
  package var hasUnsoundNumber: Bool { fields.pointee.unsoundNumbers > 0 }
  /// Hash of the id; 0: none.
  package var userKey: UInt64 { fields.pointee.userKey }
  package var itemKey: UInt64 { fields.pointee.itemKey }
  /// Hash of the source's name; 0: none.
  package var originKey: UInt64 { fields.pointee.originKey }
  /// The same as features see it: another one after the user was forgotten.
  package var userHash: UInt64 { fields.pointee.userHash }
  package var itemHash: UInt64 { fields.pointee.itemHash }
  /// Place among the users and the items; nil: none yet.
  package var userOrdinal: UInt32? { fields.pointee.userOrdinal }
  package var itemOrdinal: UInt32? { fields.pointee.itemOrdinal }

  /// The user's value for each retriever that counts by segment, hashed: the first, where there are several; 0: none.
  /// Valid once a request was begun or an event's example was made.
  package var segments: [UInt64] {
    guard !plan.segments.isEmpty else { return [] }
    return plan.segments.map { categories($0).first ?? 0 }
  }

  /// The sparse features as an array, for tests and people.
  package var features: [(key: UInt64, value: Float, slot: UInt16)] {
    (0..<count).map { (keys[$0], values[$0], slots[$0]) }
  }

  /// The dense block as an array, for tests and people.
  package var denseArray: [Float] { Array(UnsafeBufferPointer(start: dense, count: plan.denseCount)) }
}

// MARK: Registers

extension Example {
  @inline(__always)
  func categories(_ register: Int32) -> UnsafeBufferPointer<UInt64> {
    UnsafeBufferPointer(
      start: hashes + Int(categoryStart[Int(register)]), count: Int(categoryCount[Int(register)]))
  }

  /// Opens a register for categories; `push` adds to it.
  @inline(__always)
  func begin(_ register: Int32) {
    categoryStart[Int(register)] = Int32(truncatingIfNeeded: fields.pointee.hashTop)
    categoryCount[Int(register)] = 0
  }

  @inline(__always)
  func push(_ hash: UInt64, to register: Int32) {
    hashes[fields.pointee.hashTop] = hash
    fields.pointee.hashTop &+= 1
    categoryCount[Int(register)] &+= 1
  }

  /// True.
  @inline(__always)
  func markOpen() -> Bool {
    fields.pointee.isOpen = true
    return true
  }

  @inline(__always)
  var mark: Mark {
    let fields = fields.pointee
    return Mark(
      count: fields.count, hashTop: fields.hashTop, rowTop: fields.rowTop, omitted: fields.omitted)
  }

  /// Goes back to where a part ended.
  @inline(__always)
  func rewind(to mark: Mark) {
    fields.pointee.count = mark.count
    fields.pointee.hashTop = mark.hashTop
    fields.pointee.rowTop = mark.rowTop
    fields.pointee.omitted = mark.omitted
  }

  /// False: there is no room for more.
  @inline(__always) @discardableResult
  func add(_ key: UInt64, _ value: Float, _ slot: UInt16) -> Bool {
    let count = fields.pointee.count
    guard count < capacity else {
      fields.pointee.omitted &+= 1
      return false
    }
    keys[count] = key
    values[count] = value
    slots[count] = slot
    fields.pointee.count = count &+ 1
    return true
  }

  /// Adds the features of a run of outright templates.
  @inline(__always)
  func add(run: Int) {
    let outright = fields.pointee.outright
    let first = outright.runStart[run]
    let wanted = outright.runStart[run &+ 1] &- first
    let count = fields.pointee.count
    let added = min(wanted, capacity &- count)
    fields.pointee.omitted &+= wanted &- added
    for index in 0..<added {
      keys[count &+ index] = outright.keys[first &+ index]
      values[count &+ index] = 1
      slots[count &+ index] = outright.slots[first &+ index]
    }
    fields.pointee.count = count &+ added
  }
}

// MARK: Requests

extension Example {
  /// Empties the buffers of attributes, before they are filled for a request.
  package func resetBuffers() {
    requestContext.reset()
    candidateContext.reset()
    userOverride.reset()
    fields.pointee.hasCandidateContext = false
    fields.pointee.hasUserOverride = false
  }

  /// Facts of the request, for callers that have no bytes of an event.
  package func addContext(_ attribute: AttributeView) { requestContext.add(attribute) }

  /// Attributes of a user who is not known yet; the model's own are not read then.
  package func addUserAttribute(_ attribute: AttributeView) {
    userOverride.add(attribute)
    fields.pointee.hasUserOverride = !userOverride.isEmpty
  }
}
