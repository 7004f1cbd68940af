// The shape of a paged table, its bounds, and what it counts.

package import Primitives

/// A row's number: its place in the table. Stable until the row is removed; then it is given to the next key.
public struct RowID: Hashable, Comparable, Sendable {
  public let rawValue: UInt32

  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  @inlinable public static func < (left: RowID, right: RowID) -> Bool { left.rawValue < right.rawValue }
}

/// Offsets in a row of a weights page.
public enum RowHeader {
  @inlinable public static var seen: Int { 8 }
  @inlinable public static var weights: Int { 12 }
}

/// Floats in a row, and rows in a page.
///
///     weights page  ┌ header 64 ┬ row ┬ row ┬ … ┐   row: ┌ key u64 ┬ last seen u32 ┬ weights … ┬ pad to 8 ┐
///     state page    ┌ header 64 ┬ row ┬ row ┬ … ┐   row: ┌ state … ┐
///
/// Where a row has next to no weights, its state stands after them instead: one line of memory and one page to
/// write for an update, where the pages of readers would hardly be smaller without.
///
/// A row that was never seen (0) is free; its key field then links the free rows (id + 1; 0 ends).
package struct TableLayout: Equatable, Sendable, ByteCodable {
  package let weights: Int
  /// Floats of optimizer state for each row; 0 for none.
  package let state: Int
  /// They stand beside the weights, not in pages of their own.
  package let isStateBeside: Bool
  /// A power of two, at most 64. Fewer rows copy less at a write after a snapshot; more make fewer pages.
  package let rowsPerPage: Int

  package init(weights: Int, state: Int = 0, isStateBeside: Bool = false, rowsPerPage: Int = 8) {
    precondition(Self.isSound(weights, state, rowsPerPage), "no such table layout")
    self.weights = weights
    self.state = state
    self.isStateBeside = isStateBeside
    self.rowsPerPage = rowsPerPage
  }

  private static func isSound(_ weights: Int, _ state: Int, _ rowsPerPage: Int) -> Bool {
    (0...16384).contains(weights) && (0...16384).contains(state) && (1...64).contains(rowsPerPage)
      && rowsPerPage & (rowsPerPage - 1) == 0
  }

  /// Where a row's state begins, if it stands there.
  package var stateOffset: Int { RowHeader.weights + 4 * weights }
  package var rowStride: Int { (stateOffset + (isStateBeside ? 4 * state : 0) + 7) & ~7 }
  package var hasStatePages: Bool { state > 0 && !isStateBeside }
  package var stateStride: Int { isStateBeside ? 0 : 4 * state }
  package var weightsPageBytes: Int { rowStride * rowsPerPage }
  package var statePageBytes: Int { stateStride * rowsPerPage }

  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(weights))
    writer.write(UInt32(state))
    writer.write(isStateBeside)
    writer.write(UInt32(rowsPerPage))
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let position = reader.position
    weights = Int(try reader.read(UInt32.self))
    state = Int(try reader.read(UInt32.self))
    isStateBeside = try reader.read()
    rowsPerPage = Int(try reader.read(UInt32.self))
    guard Self.isSound(weights, state, rowsPerPage) else {
      throw .outOfBounds(what: "table layout", value: UInt64(weights), at: position)
    }
  }
}

/// What keeps a table from growing without end.
package struct TableBounds: Equatable, Sendable, ByteCodable {
  /// At most so many rows; the least recently seen make room.
  package var maximumRows: Int?
  /// A key gets a row when it is seen for the n-th time.
  package var admissionCount: Int
  /// Counters of the admission filter, a power of two; one byte each.
  package var admissionCells: Int

  package init(maximumRows: Int? = nil, admissionCount: Int = 1, admissionCells: Int = 1 << 20) {
    precondition(maximumRows.map { (1...Self.rowLimit).contains($0) } ?? true, "maximumRows out of range")
    precondition((1...255).contains(admissionCount), "admissionCount out of range")
    precondition(Self.isSound(cells: admissionCells), "admissionCells out of range")
    self.maximumRows = maximumRows
    self.admissionCount = admissionCount
    self.admissionCells = admissionCells
  }

  /// Row ids are 32 bits, and two values of them are marks.
  static let rowLimit = Int(UInt32.max) - 2

  private static func isSound(cells: Int) -> Bool {
    (4096...(1 << 30)).contains(cells) && cells & (cells - 1) == 0
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(UInt32(maximumRows ?? 0))
    writer.write(UInt32(admissionCount))
    writer.write(UInt32(admissionCells))
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let position = reader.position
    let rows = Int(try reader.read(UInt32.self))
    maximumRows = rows == 0 ? nil : rows
    admissionCount = Int(try reader.read(UInt32.self))
    admissionCells = Int(try reader.read(UInt32.self))
    guard rows <= Self.rowLimit, (1...255).contains(admissionCount), Self.isSound(cells: admissionCells)
    else {
      throw .outOfBounds(what: "table bounds", value: UInt64(rows), at: position)
    }
  }
}

/// What happened to a table's rows since it was made. Part of the state.
package struct TableCounters: Equatable, Sendable, ByteCodable {
  package var inserted: UInt64 = 0
  package var removed: UInt64 = 0
  /// Removed by `expire`.
  package var expired: UInt64 = 0
  /// Removed to make room under `maximumRows`.
  package var evicted: UInt64 = 0
  /// Sightings of keys that were not admitted yet.
  package var notAdmitted: UInt64 = 0
  /// Keys that found no room, because more came at once than `prepare` was asked to make room for.
  package var refused: UInt64 = 0

  package init() {}

  package func encode(to writer: inout ByteWriter) {
    for value in [inserted, removed, expired, evicted, notAdmitted, refused] { writer.write(value) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    inserted = try reader.read()
    removed = try reader.read()
    expired = try reader.read()
    evicted = try reader.read()
    notAdmitted = try reader.read()
    refused = try reader.read()
  }
}
