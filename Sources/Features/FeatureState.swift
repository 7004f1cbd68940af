// Everything that features remember: the users' and items' attributes, their running figures, their histories
// and the catalogue. A value: a copy is a snapshot, and a version pins it with the weights.
//
//   users ┐            row: ┌ ordinal + 1 ┬ flags, generation ┬ events ┬ presence ┬ attributes ┬ statistics ┐
//   items ┴ groups[0, 1]
//   groups[2...]       row: ┌ statistics ┐  of a tuple of categories, such as user x genre
//   histories          row: ┌ count ┬ hash ┬ hash ┬ … ┐  a ring of the user's last items
//   records            key: blob of several-valued attributes, and of all as they were given

internal import Configuration
internal import Primitives
package import Tables
internal import Wire

/// What was left out, and why. Part of the state.
package struct FeatureCounters: Equatable, Sendable {
  /// Attributes that the configuration does not name.
  package var unknownAttributes: UInt64 = 0
  /// Attributes whose value is of another kind than the configuration says.
  package var mistypedAttributes: UInt64 = 0
  /// Changes of entities that would have made their record too long.
  package var oversizedRecords: UInt64 = 0
  /// Sparse features beyond `features.maximum_per_example`.
  package var omittedFeatures: UInt64 = 0

  package init() {}
}

/// Count, mean and sum of squared deviations of a number (Welford 1962), each number within `most` deviations of those
/// before (of ten times the mean or 1, while these are all alike), so that no single one moves it far. What is larger
/// for good is followed all the same: the deviation grows with each.
struct Moments: Equatable, Sendable {
  static let most = 10.0
  var count = 0.0
  var mean = 0.0
  var squares = 0.0

  mutating func add(_ x: Double) {
    var x = x
    if count > 1 {
      let bound = Self.most * (squares > 0 ? (squares / count).squareRoot() : max(1, mean.magnitude))
      x = min(max(x, mean - bound), mean + bound)
    }
    count += 1
    let difference = x - mean
    mean += difference / count
    squares += difference * (x - mean)
  }

  /// In -`most`...`most`; 0 until two different numbers came.
  func standardised(_ x: Double) -> Double {
    guard count > 1, squares > 0 else { return 0 }
    return min(max((x - mean) / (squares / count).squareRoot(), -Self.most), Self.most)
  }
}

package struct FeatureState: Sendable {
  package let plan: FeaturePlan
  var groups: [PagedTable]
  var histories: [PagedTable]
  /// Ids by ordinal; the ordinal stands in the entity's row.
  package internal(set) var users = InternTable()
  package internal(set) var items = InternTable()
  var userRecords = BlobTable()
  var itemRecords = BlobTable()
  var standardisers: [Moments]
  package internal(set) var counters = FeatureCounters()

  /// An empty state.
  package init(_ plan: FeaturePlan) {
    self.plan = plan
    let limits = plan.configuration.limits
    groups = plan.groups.enumerated().map { place, group in
      PagedTable(
        layout: TableLayout(weights: group.words, rowsPerPage: 8),
        bounds: TableBounds(maximumRows: place == 0 ? limits.users : place == 1 ? limits.items : limits.rows))
    }
    histories = plan.histories.map { history in
      PagedTable(
        layout: TableLayout(weights: 2 + 2 * history.length, rowsPerPage: 8),
        bounds: TableBounds(maximumRows: limits.users))
    }
    standardisers = Array(repeating: Moments(), count: plan.standardisers)
  }

  /// Users and items that have a row.
  package var userCount: Int { groups[0].rowCount }
  package var itemCount: Int { groups[1].rowCount }
  /// Rows over all tables.
  package var rowCount: Int { (groups + histories).reduce(0) { $0 + $1.rowCount } }

  /// Rows that the limits have cost, of users, of items and of everything else.
  package var evictions: (users: UInt64, items: UInt64, others: UInt64) {
    let others = groups.dropFirst(2) + histories
    return (
      groups[0].counters.evicted, groups[1].counters.evicted, others.reduce(0) { $0 + $1.counters.evicted }
    )
  }

  static let userSeed: UInt64 = 0x75
  static let itemSeed: UInt64 = 0x69

  /// Hash of a user's id.
  @inline(__always)
  package static func userKey(_ id: UnsafeRawBufferPointer) -> UInt64 { StableHash.of(id, seed: userSeed) }
  /// Hash of an item's id.
  @inline(__always)
  package static func itemKey(_ id: UnsafeRawBufferPointer) -> UInt64 { StableHash.of(id, seed: itemSeed) }
  package static func userKey(_ id: String) -> UInt64 { StableHash.of(id, seed: userSeed) }
  package static func itemKey(_ id: String) -> UInt64 { StableHash.of(id, seed: itemSeed) }
}

/// The fixed part of an entity's row.
enum EntityRow {
  static let isDeleted: UInt32 = 1
  static let hasRecord: UInt32 = 2
  static let generationShift: UInt32 = 8
  /// Place of the number of interactions, and of the first word of presence bits.
  static let events: Int32 = 2
  static let presence = 3

  @inline(__always)
  static func ordinal(_ row: UnsafePointer<Float>) -> UInt32? {
    let stored = row[0].bitPattern
    return stored == 0 ? nil : stored - 1
  }

  @inline(__always)
  static func flags(_ row: UnsafePointer<Float>) -> UInt32 { row[1].bitPattern }

  @inline(__always)
  static func isPresent(_ row: UnsafePointer<Float>, _ attribute: Int) -> Bool {
    row[presence + attribute >> 5].bitPattern & (1 << UInt32(attribute & 31)) != 0
  }

  /// What an id's hash becomes after it was forgotten: features learned before cannot be reached by it.
  @inline(__always)
  static func effectiveKey(_ key: UInt64, _ flags: UInt32) -> UInt64 {
    let generation = flags >> generationShift
    return generation == 0 ? key : StableHash.combine(key, UInt64(generation))
  }
}

extension UnsafePointer<Float> {
  /// Two words of a row as one of 64 bits.
  @inline(__always)
  func word64(_ column: Int32) -> UInt64 {
    UInt64(self[Int(column)].bitPattern) | UInt64(self[Int(column) + 1].bitPattern) << 32
  }
  @inline(__always)
  func word32(_ column: Int32) -> UInt32 { self[Int(column)].bitPattern }
}

extension UnsafeMutablePointer<Float> {
  @inline(__always)
  func word64(_ column: Int32) -> UInt64 { UnsafePointer(self).word64(column) }
  @inline(__always)
  func word32(_ column: Int32) -> UInt32 { self[Int(column)].bitPattern }
  @inline(__always)
  func set(_ column: Int32, _ value: UInt64) {
    self[Int(column)] = Float(bitPattern: UInt32(truncatingIfNeeded: value))
    self[Int(column) + 1] = Float(bitPattern: UInt32(truncatingIfNeeded: value >> 32))
  }
  @inline(__always)
  func set(_ column: Int32, _ value: UInt32) { self[Int(column)] = Float(bitPattern: value) }
}
