// The configuration of features, compiled: flat arrays of operations over numbered registers, so that making an
// example looks up no name, allocates nothing and calls nothing through an existential.
//
//   attributes, context, time, entity rows ──operations──▶ registers ──templates──▶ sparse features, dense block
//
// A register holds the categories (64-bit hashes, any number of them) or the number (NaN: absent) of one source.
// Operations are sorted by what they depend on, so that a request with many candidates makes the user's part once:
//
//   scope user      user, time                 once per request
//   scope context   also context               once per request; per candidate that has a context of its own
//   scope item      also the item              per candidate

package import Configuration
internal import Primitives

/// What an operation depends on; the larger includes the smaller.
package enum Scope: Int, Comparable, Sendable {
  case user, context, item
  package static func < (left: Scope, right: Scope) -> Bool { left.rawValue < right.rawValue }
}

/// One step. What the operands mean stands with each code.
struct Operation {
  enum Code: UInt8 {
    /// Categories `out`: the id of the user, of the item; the type; the source; hour; weekday.
    case userID, itemID, type, origin, hour, weekday
    /// Categories `out`: attribute `a` of the user's (`b` 0) or item's (`b` 1) row, at column `c`.
    case entityCategory
    /// Categories `out`: attribute `a` of the entity, from its record.
    case entityCategories
    /// Number `out`: attribute `a` of the entity, at column `c`.
    case entityNumber
    /// Categories or number `out`: context attribute `a`.
    case contextCategories, contextNumber
    /// Categories `out`: history `a`.
    case history
    /// Rows of group `a` for the categories in `operands[b..<b + c]`.
    case rows
    /// Number `out`: statistic `a` (place in `statistics`).
    case statistic
    /// Categories `out`: the session's number, statistic `a`.
    case session
    /// Number `out`: transform `a` of number `b`.
    case transform
    /// Categories `out`: how many of `boundaries[a..<a + c]` are at or below number `b`.
    case bucketise
    /// Categories `out`: floor(number `b` / `boundaries[a]`).
    case step
    /// Number `out`: 1 where number `b` lies from `boundaries[a]` to the next, else 0.
    case within
    /// Categories `out`: the set of categories `b` as one.
    case set
  }
  var code: Code
  var out: Int32 = 0
  var a: Int32 = 0
  var b: Int32 = 0
  var c: Int32 = 0
}

/// Numbers of a transform, in the order of their use.
struct Transform {
  var missing = Float.nan
  var lowest = -Float.infinity
  var highest = Float.infinity
  var log1p = false
  var sqrt = false
  /// Place among the online standardisers; -1: none.
  var standardiser: Int32 = -1
  var offset: Float = 0
  var scale: Float = 1

  /// `missing` alone or nothing changes no number.
  var isIdentity: Bool {
    lowest == -.infinity && highest == .infinity && !log1p && !sqrt && standardiser < 0 && offset == 0
      && scale == 1
  }
}

/// How a statistic is read from a row.
struct StatisticRead {
  var kind: StatisticKind
  var group: Int32
  /// Word offsets in the row; what they are depends on `kind`.
  var column: Int32
  var second: Int32 = -1
  /// Word offset of the time of the newest event; -1: not kept.
  var last: Int32 = -1
  var gapNanos: Int64 = 0
  /// A second: one over the half-life; 0: no decay.
  var halvings: Double = 0
  var prior: Double = 0
  var shrinkage: Double = 0
}

/// How a column is changed by an event.
struct ColumnUpdate {
  enum Code: UInt8 { case count, decayed, sum, ewmean, last, first, time, session }
  var code: Code
  var column: Int32
  /// Event types that change it, by place: with a clock those that move the clock, so that the column is always as of
  /// the clock's time and of its session.
  var types: UInt64
  /// Those of them that it counts; the others fade it, or end it after a gap.
  var counted: UInt64
  /// Word offset of its clock, the time of the newest event of `types`; -1: it goes by none.
  var last: Int32 = -1
  var gapNanos: Int64 = 0
  var halvings: Double = 0
  /// Place among the targets; -1: 1 for each event.
  var target: Int32 = -1
  /// Counts events that make an example only.
  var needsLabel = false
  var isSquared = false
  var rate: Double = 0
  var warmup: Double = 0

  init(
    code: Code, column: Int32, types: UInt64, counted: UInt64? = nil, last: Int32 = -1, gapNanos: Int64 = 0,
    halvings: Double = 0, isSquared: Bool = false, rate: Double = 0, warmup: Double = 0
  ) {
    (self.code, self.column, self.types, self.counted) = (code, column, types, counted ?? types)
    (self.last, self.gapNanos, self.halvings) = (last, gapNanos, halvings)
    (self.isSquared, self.rate, self.warmup) = (isSquared, rate, warmup)
  }

  /// Of an exponential mean: the weight of an event that comes after `count` others.
  @inline(__always)
  func rate(after count: UInt32) -> Double {
    min(1, warmup > 0 ? max(rate, 1 / (Double(count) + warmup)) : rate)
  }
}

/// What a mean is taken of: the label or the value, minus numbers.
struct TargetPlan: Equatable {
  var kind: StatisticTarget
  /// Number registers, in `operands`.
  var minusStart: Int
  var minusCount: Int
}

/// A table of rows with the statistics of one tuple of sources. Groups 0 and 1 are the users' and the items'.
struct GroupPlan {
  var name: String
  var sources: [Source]
  var scope: Scope
  var seed: UInt64
  /// Floats of a row.
  var words: Int
  var updates: [ColumnUpdate] = []
}

/// Where a group's updates stand among all.
struct GroupRange {
  var seed: UInt64
  var first: Int
  var count: Int
  /// Event types that change any of its columns.
  var types: UInt64
  /// Those whose labels any of its columns counts.
  var labelTypes: UInt64
}

/// Where an entity's attribute stands: in its row, or in its record.
struct AttributePlan {
  var name: String
  var type: AttributeType
  var dimension: Int
  var minimumToken: Int
  var maximumValues: Int
  /// Word offset in the row of a category's hash or of a number; -1: in the record.
  var column: Int32 = -1
  var missing = Float.nan
}

struct EntityPlan {
  var attributes: [AttributePlan]
  /// Words before the first statistic: ordinal + 1, flags and generation, events, presence bits, columns.
  var words: Int
  /// Attributes that stand in the record.
  var hasRecordFeatures = false
}

/// A template of hashed features.
struct TemplatePlan {
  var slot: UInt16
  var seed: UInt64
  /// Registers of its sources: 1 to 4.
  var registers: InlineArray<4, Int32>
  var registerCount: Int
  /// Number register that it is multiplied by; -1: none.
  var times: Int32
  var normalisation: Normalisation
}

/// An entry of the dense block.
struct DensePlan {
  var place: Int32
  /// Number registers whose product it is, in `operands`; none: the vector below.
  var factorStart = 0
  var factorCount = 0
  /// Attribute of the user (0), the item (1) or the context (2).
  var vectorSide = 0
  var vectorPlace = 0
  var dimension = 0
}

struct EventTypePlan {
  var nameHash: UInt64
  var label: LabelRule
  var threshold: Double
  var weight: Float
  /// NaN: the label needs a value, and an event that gives none has no label.
  var defaultValue: Double
  var isInteraction: Bool
}

struct HistoryPlan {
  var name: String
  var types: UInt64
  var length: Int
}

/// What a slot (a template's place) is, for members that keep hyper-parameters by slot.
package struct SlotDescription: Equatable, Sendable {
  package var name: String
  package var isLinear: Bool
  package var variance: Float
  package var drift: Float
  package var factor: FactorSide
  package var factorVariance: Float
  package var factorInit: Float
  /// The part of a request that its features belong to.
  package var scope: Scope
}

/// A constant array behind a pointer, so that reading it retains nothing.
struct Constants<Element: BitwiseCopyable> {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    base = .allocate(capacity: max(1, elements.count))
    base.initialize(from: elements, count: elements.count)
    count = elements.count
  }

  subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress { UnsafePointer(base + index) }
  }

  var pointer: UnsafePointer<Element> { UnsafePointer(base) }
  func deallocate() { base.deallocate() }
}

/// One for each scope.
struct ByScope<Value> {
  let user: Value
  let context: Value
  let item: Value

  init(_ values: [Value]) { (user, context, item) = (values[0], values[1], values[2]) }

  @inline(__always)
  subscript(scope: Scope) -> Value {
    switch scope {
    case .user: user
    case .context: context
    case .item: item
    }
  }
}

/// Immutable once made; shared by all states and examples of one configuration.
package final class FeaturePlan: @unchecked Sendable {
  // Sound because: nothing changes after `init`.
  package let configuration: Configuration
  /// By slot.
  package let slots: [SlotDescription]
  /// Names of the dense block's entries, by place; the first is the constant.
  package let denseNames: [String]
  package let denseCount: Int
  /// Smallest and largest label, and what running means are counted from.
  package let labelMinimum: Float
  package let labelMaximum: Float
  package let labelCenter: Float

  /// How ids and categories are spelled before they are hashed; nil: as they are.
  let ids: TextNormalization?
  let categories: TextNormalization?
  let user: EntityPlan
  let item: EntityPlan
  let context: [AttributePlan]
  let histories: [HistoryPlan]
  /// Some value is made of the last items of a user.
  package var remembersItems: Bool { !histories.isEmpty }
  let groups: [GroupPlan]
  let categoryRegisters: Int
  let numberRegisters: Int
  let hashCapacity: Int
  let standardisers: Int
  /// Of each retriever that counts by segment.
  let segments: [Int32]

  // What the hot path reads.
  let types: Constants<EventTypePlan>
  let targets: Constants<TargetPlan>
  let statistics: Constants<StatisticRead>
  let transforms: Constants<Transform>
  let boundaries: Constants<Float>
  let operands: Constants<Int32>
  let updates: Constants<ColumnUpdate>
  let ranges: Constants<GroupRange>
  let operations: ByScope<Constants<Operation>>
  let dense: ByScope<Constants<DensePlan>>
  let emission: ByScope<Constants<EmissionStep>>
  let templates: Constants<TemplatePlan>
  /// In the order of the examples' features, in runs.
  let outright: Constants<OutrightTemplate>
  let outrightRuns: Constants<OutrightRun>
  let runs: ByScope<Range<Int>>
  /// What stands for an absent number, by attribute; NaN: nothing.
  let userMissing: Constants<Float>
  let itemMissing: Constants<Float>
  let contextMissing: Constants<Float>
  /// A row as long as any, all zero: what a key without a row has.
  let zeroRow: Constants<Float>

  /// The configuration must be a checked one.
  package init(_ configuration: Configuration) {
    var compiler = PlanCompiler(configuration)
    compiler.compile()
    self.configuration = configuration
    slots = compiler.slots
    denseNames = compiler.denseNames
    denseCount = compiler.denseNames.count
    labelMinimum = Float(configuration.label.minimum)
    labelMaximum = Float(configuration.label.maximum)
    labelCenter = Float(configuration.label.center)
    ids = TextNormalization(configuration.hygiene.normalise.ids)
    categories = TextNormalization(configuration.hygiene.normalise.categories)
    user = compiler.user
    item = compiler.item
    context = compiler.context
    histories = compiler.histories
    groups = compiler.groups
    categoryRegisters = compiler.categoryRegisters
    segments = compiler.segments
    numberRegisters = compiler.numberRegisters
    hashCapacity = compiler.hashCapacity
    standardisers = compiler.standardisers
    types = Constants(compiler.types)
    targets = Constants(compiler.targets)
    statistics = Constants(compiler.statistics)
    transforms = Constants(compiler.transforms)
    boundaries = Constants(compiler.boundaries)
    operands = Constants(compiler.operands)
    var updates: [ColumnUpdate] = []
    var ranges: [GroupRange] = []
    for group in compiler.groups {
      ranges.append(
        GroupRange(
          seed: group.seed, first: updates.count, count: group.updates.count,
          types: group.updates.reduce(0) { $0 | $1.types },
          labelTypes: group.updates.reduce(0) { $0 | ($1.needsLabel ? $1.counted : 0) }))
      updates += group.updates
    }
    self.updates = Constants(updates)
    self.ranges = Constants(ranges)
    operations = ByScope(compiler.operations.map { Constants($0) })
    dense = ByScope(compiler.dense.map { Constants($0) })
    let emission = EmissionPlan(compiler.templates)
    self.emission = ByScope(emission.steps.map { Constants($0) })
    templates = Constants(emission.templates)
    outright = Constants(emission.outright)
    outrightRuns = Constants(emission.outrightRuns)
    runs = ByScope(emission.runs)
    userMissing = Constants(compiler.user.attributes.map(\.missing))
    itemMissing = Constants(compiler.item.attributes.map(\.missing))
    contextMissing = Constants(compiler.context.map(\.missing))
    zeroRow = Constants([Float](repeating: 0, count: compiler.groups.map(\.words).max() ?? 0))
  }

  deinit {
    types.deallocate()
    targets.deallocate()
    statistics.deallocate()
    transforms.deallocate()
    boundaries.deallocate()
    operands.deallocate()
    updates.deallocate()
    ranges.deallocate()
    for scope in [Scope.user, .context, .item] {
      operations[scope].deallocate()
      emission[scope].deallocate()
      dense[scope].deallocate()
    }
    templates.deallocate()
    outright.deallocate()
    outrightRuns.deallocate()
    userMissing.deallocate()
    itemMissing.deallocate()
    contextMissing.deallocate()
    zeroRow.deallocate()
  }

  /// The place of an event type; nil: the configuration does not name it.
  package func typeIndex(of name: String) -> Int? {
    configuration.events.firstIndex { $0.name == name }
  }

  /// The same from the bytes of an event; -1: not named.
  @inline(__always)
  func typeIndex(hash: UInt64) -> Int {
    for index in 0..<types.count where types[index].nameHash == hash { return index }
    return -1
  }
}
