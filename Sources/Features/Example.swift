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
internal import Wire

package final class Example {
  package let plan: FeaturePlan

  /// Sparse features; `count` of each are in use.
  package let keys: UnsafeMutablePointer<UInt64>
  package let values: UnsafeMutablePointer<Float>
  package let slots: UnsafeMutablePointer<UInt16>
  package internal(set) var count = 0
  /// How many of them do not depend on the candidate.
  package internal(set) var sharedCount = 0
  /// Features left out because there were more than `features.maximum_per_example`, in this example.
  package internal(set) var omitted = 0
  package let capacity: Int

  /// `plan.denseCount` numbers, all finite.
  package let dense: UnsafeMutablePointer<Float>

  /// Meaningful when `hasLabel`.
  package var label: Float = 0
  package var hasLabel = false
  package var weight: Float = 1
  package internal(set) var timeNanos: Int64 = 0
  /// Place of the event's type; -1 in a request.
  package internal(set) var type = -1
  /// The event's value, or its type's default.
  package internal(set) var value = 0.0

  /// Hash of the id; 0: none.
  package internal(set) var userKey: UInt64 = 0
  package internal(set) var itemKey: UInt64 = 0
  /// Place among the users and the items; nil: none yet.
  package internal(set) var userOrdinal: UInt32?
  package internal(set) var itemOrdinal: UInt32?

  // Registers.
  let categoryStart: UnsafeMutablePointer<Int32>
  let categoryCount: UnsafeMutablePointer<Int32>
  let numbers: UnsafeMutablePointer<Float>
  let hashes: UnsafeMutablePointer<UInt64>
  var hashTop = 0
  /// For each group, its rows' keys and the rows themselves (nil: none yet).
  let rowStart: UnsafeMutablePointer<Int32>
  let rowCount: UnsafeMutablePointer<Int32>
  let rowKeys: UnsafeMutablePointer<UInt64>
  let rows: UnsafeMutablePointer<UnsafePointer<Float>?>
  var rowTop = 0
  /// Where the user's and the request's part of each ends.
  var marks = [Marks](repeating: Marks(), count: 3)

  struct Marks {
    var count = 0
    var hashTop = 0
    var rowTop = 0
    var omitted = 0
  }

  /// Hashes of the ids as features see them: changed by each forgetting.
  var userHash: UInt64 = 0
  var itemHash: UInt64 = 0
  var userRow: UnsafePointer<Float>?
  var itemRow: UnsafePointer<Float>?
  var userRecord: UnsafeRawPointer?
  var itemRecord: UnsafeRawPointer?
  /// Scratch of `update`: targets by place.
  let targets: UnsafeMutablePointer<Double>

  /// Views of the tables that are read; valid while the state that filled them is.
  var readers: [TableReader] = []
  let requestContext: ContextBuffer
  let candidateContext: ContextBuffer
  /// Attributes of a user who is not known yet.
  let userOverride: ContextBuffer
  var hasCandidateContext = false
  /// Source of the event, hashed; 0: none.
  var originKey: UInt64 = 0
  /// The texts of the context are kept too, for `FeatureState.describe`.
  package var isDescribed = false {
    didSet {
      for buffer in [requestContext, candidateContext, userOverride] { buffer.isDescribed = isDescribed }
    }
  }

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
    rowKeys = .allocate(capacity: groups * Self.rowsPerGroup)
    rows = .allocate(capacity: groups * Self.rowsPerGroup)
    requestContext = ContextBuffer(plan.context)
    candidateContext = ContextBuffer(plan.context)
    userOverride = ContextBuffer(plan.user.attributes)
  }

  deinit {
    keys.deallocate()
    values.deallocate()
    slots.deallocate()
    dense.deallocate()
    categoryStart.deallocate()
    categoryCount.deallocate()
    numbers.deallocate()
    hashes.deallocate()
    rowStart.deallocate()
    rowCount.deallocate()
    rowKeys.deallocate()
    rows.deallocate()
    targets.deallocate()
  }

  /// The sparse features as an array, for tests and people.
  package var features: [(key: UInt64, value: Float, slot: UInt16)] {
    (0..<count).map { (keys[$0], values[$0], slots[$0]) }
  }

  /// The dense block as an array, for tests and people.
  package var denseArray: [Float] { Array(UnsafeBufferPointer(start: dense, count: plan.denseCount)) }

  @inline(__always)
  func categories(_ register: Int32) -> UnsafeBufferPointer<UInt64> {
    UnsafeBufferPointer(
      start: hashes + Int(categoryStart[Int(register)]), count: Int(categoryCount[Int(register)]))
  }

  /// Opens a register for categories; `push` adds to it.
  @inline(__always)
  func begin(_ register: Int32) {
    categoryStart[Int(register)] = Int32(truncatingIfNeeded: hashTop)
    categoryCount[Int(register)] = 0
  }

  @inline(__always)
  func push(_ hash: UInt64, to register: Int32) {
    hashes[hashTop] = hash
    hashTop += 1
    categoryCount[Int(register)] += 1
  }

  @inline(__always)
  func mark(_ scope: Scope) {
    marks[scope.rawValue] = Marks(count: count, hashTop: hashTop, rowTop: rowTop, omitted: omitted)
  }

  /// Goes back to where `scope` ended.
  @inline(__always)
  func rewind(to scope: Scope) {
    let mark = marks[scope.rawValue]
    (count, hashTop, rowTop, omitted) = (mark.count, mark.hashTop, mark.rowTop, mark.omitted)
  }
}
