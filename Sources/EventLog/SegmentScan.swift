// Reads a segment's records one after the other and tells how the reading ended.

internal import CSystem

struct SegmentScan {
  /// The offset and position after the last good record.
  var offset: UInt64
  var position: Int
  /// Why there is no further record; nil: `until` was reached.
  var fault: RecordFault?

  /// Reads from `offset` at `position` up to `until` (nil: as far as there are records).
  static func run(
    _ bytes: MappedBytes, from offset: UInt64, at position: Int, until: UInt64?, each: (LogRecord) -> Void
  ) -> SegmentScan {
    var scan = SegmentScan(offset: offset, position: position)
    while scan.offset != until {
      do throws(RecordFault) {
        let record = try LogRecord.verify(
          at: bytes.base + scan.position, available: bytes.count - scan.position, offset: scan.offset)
        each(record)
        scan.position += record.length
        scan.offset += 1
      } catch {
        scan.fault = error
        break
      }
    }
    return scan
  }
}

/// What stands after the last good record of the newest segment: nothing, a torn tail, or damage.
///
/// A tail is torn where the power went before a sync: bytes that no answer had promised. Such bytes may be
/// followed by whole records, because a disk writes pages in any order; then some sector of the hole was never
/// written, and is zero. Damage is what cannot have come about in that way:
///  - a record further on (or the checkpoint) says that the place had been synced, by its `lag`;
///  - whole records follow, but the hole neither begins with zeros (as where the erasing of a refused write was cut
///    off) nor has a sector of zeros.
struct TailScan {
  enum Verdict: Equatable {
    /// Zeros up to the end.
    case clean
    /// To be cut: `bytes` from the position on hold something.
    case torn(bytes: Int)
    case damaged(reason: String)
  }

  private static let sectorBytes = 512

  /// `synced`: offset up to which everything is known to have been synced.
  static func judge(
    _ bytes: MappedBytes, file: any LogFile, scan: SegmentScan, synced: UInt64
  ) throws(FileError) -> Verdict {
    if case .newerFormat = scan.fault { return .damaged(reason: "\(scan.fault!)") }
    let end = try lastNonzero(bytes, file: file, from: scan.position)
    if scan.offset < synced {
      return .damaged(
        reason: "\(scan.fault ?? .nothing), though records up to offset \(synced) had been synced")
    }
    guard let end else { return .clean }
    if let (next, position) = nextRecord(bytes, after: scan.position, end: end, expected: scan.offset) {
      // Bytes that only look like a record may say anything.
      let syncedThen = next.offset - min(next.offset, UInt64(next.lag))
      if scan.offset < syncedThen {
        return .damaged(
          reason:
            "\(scan.fault ?? .nothing), though the record of offset \(next.offset) tells that records up to "
            + "\(syncedThen) had been synced")
      }
      if scan.fault != .nothing && !hasZeroSector(bytes, scan.position..<position) {
        return .damaged(
          reason: "\(scan.fault ?? .nothing), though the record of offset \(next.offset) after it is whole")
      }
    }
    return .torn(bytes: end - scan.position)
  }

  /// The position after the last byte at or after `from` that is not zero; nil: all are.
  static func lastNonzero(_ bytes: MappedBytes, file: any LogFile, from: Int) throws(FileError) -> Int? {
    var end: Int?
    var position = from
    while position < bytes.count, let data = try file.nextData(at: position) {
      position = max(data, position)
      let stop = min(bytes.count, position + (1 << 20))
      let used = cowbird_used_bytes(bytes.base + position, stop - position)
      if used > 0 { end = position + used }
      position = stop
    }
    return end
  }

  /// The first whole record after a position, wherever it begins.
  static func nextRecord(
    _ bytes: MappedBytes, after position: Int, end: Int, expected: UInt64
  ) -> (LogRecord, position: Int)? {
    var at = position + 1
    while at + RecordLayout.headerBytes <= end {
      let offset = RecordLayout.load(bytes.base + at, RecordLayout.offset, UInt64.self)
      // Records have at least 32 bytes, so an offset much further on cannot stand here.
      if offset >= expected, offset - expected <= UInt64(end - position) / 32 + 1,
        let record = try? LogRecord.verify(at: bytes.base + at, available: bytes.count - at, offset: offset)
      {
        return (record, at)
      }
      at += 1
    }
    return nil
  }

  private static func hasZeroSector(_ bytes: MappedBytes, _ range: Range<Int>) -> Bool {
    // The part of a sector that lies in the range counts: the rest may belong to good records.
    var start = range.lowerBound
    while start < range.upperBound {
      let stop = min((start / sectorBytes + 1) * sectorBytes, range.upperBound)
      let isWhole = stop % sectorBytes == 0 || stop == range.upperBound
      if isWhole && stop - start >= 8 && cowbird_used_bytes(bytes.base + start, stop - start) == 0 {
        return true
      }
      start = stop
    }
    return false
  }
}
