// Forgetting: the payloads of chosen records go, their offsets stay. A segment that holds some is written anew
// beside the old one, synced, and put in its place; a record keeps its length, so every position stays true.

internal import Primitives

extension EventLog {
  /// Redacts the records that `predicate` chooses; what it answers for one record must not change. Answers the
  /// offsets, in order. Durable on return; a failure leaves each segment as it was or fully redacted, so the
  /// call may be repeated. Segments that the operating system or a backup copied are not reached.
  package func redact(
    from start: UInt64? = nil, where predicate: (LogRecord) -> Bool
  ) throws(LogError) -> [UInt64] {
    var redacted: [UInt64] = []
    let first = start ?? firstOffset
    try rollIfActiveHolds(first, predicate)
    housekeeping.lock()
    defer { housekeeping.unlock() }
    let segments = withState { Array($0.segments) }
    for (segment, next) in zip(segments, segments.dropFirst()) where next.firstOffset > first {
      let victims = try victims(in: segment, until: next.firstOffset, from: first, predicate)
      guard !victims.isEmpty else { continue }
      try rewrite(segment, victims)
      redacted.append(contentsOf: victims.map(\.offset))
    }
    return redacted
  }

  private func rollIfActiveHolds(
    _ first: UInt64, _ predicate: (LogRecord) -> Bool
  ) throws(LogError) {
    try flush()
    let (active, end) = withState { ($0.active, $0.writtenEnd) }
    guard try !victims(in: active, until: end, from: first, predicate).isEmpty else { return }
    try onWriter {
      Result { () throws(LogError) in
        if self.withState({ $0.active === active }) { try self.roll() }
      }
    }.get()
  }

  private func victims(
    in segment: Segment, until end: UInt64, from first: UInt64, _ predicate: (LogRecord) -> Bool
  ) throws(LogError) -> [(offset: UInt64, position: Int)] {
    let bytes = try map(segment)
    var position = SegmentHeader.bytes
    var found: [(UInt64, Int)] = []
    let scan = SegmentScan.run(
      bytes, from: segment.firstOffset, at: SegmentHeader.bytes, until: end
    ) { record in
      if record.offset >= first && !record.isTombstone && predicate(record) {
        found.append((record.offset, position))
      }
      position += record.length
    }
    if let fault = scan.fault {
      throw LogError(
        .dataLoss, "damaged at byte \(scan.position): \(fault); run cowbird fsck", file: segment.path,
        offset: scan.offset)
    }
    return found
  }

  private func rewrite(
    _ segment: Segment, _ victims: [(offset: UInt64, position: Int)]
  ) throws(LogError) {
    let bytes = try map(segment)
    let count = min(bytes.count, withState { _ in segment.index.usedBytes })
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { copy.deallocate() }
    copy.copyMemory(from: UnsafeRawBufferPointer(start: bytes.base, count: count))
    for victim in victims {
      RecordLayout.redact(copy.baseAddress! + victim.position)
    }
    let fresh = Segment(
      path: segment.path, header: segment.header, file: nil, index: withState { _ in segment.index },
      hasWholeIndex: withState { _ in segment.hasWholeIndex })
    do throws(FileError) {
      let file = try fileSystem.open(segment.path + Segment.asideSuffix, .create)
      try file.writeAll([UnsafeRawBufferPointer(copy)], at: 0)
      try file.sync()
      try fileSystem.rename(segment.path + Segment.asideSuffix, to: segment.path)
      withState { state in
        if let place = state.segments.firstIndex(where: { $0 === segment }) { state.segments[place] = fresh }
      }
      try fileSystem.syncDirectory(directory)
    } catch {
      throw LogError(error, doing: "cannot redact a segment")
    }
  }
}

extension RecordLayout {
  /// Empties a record's payload and says so.
  static func redact(_ base: UnsafeMutableRawPointer) {
    let record = LogRecord(base: base)
    let payload = record.payloadPosition
    (base + payload).initializeMemory(as: UInt8.self, repeating: 0, count: record.length - payload)
    store(base, flags, record.flags.union(.tombstone).rawValue)
    store(base, checksum, checksum(of: base, length: record.length))
  }

  /// A record of which only the offset is known.
  static func lost(offset: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: headerBytes)
    bytes.withUnsafeMutableBytes { raw in
      let base = raw.baseAddress!
      store(base, length, UInt32(headerBytes))
      store(base, Self.offset, offset)
      store(base, flags, RecordFlags.lost.rawValue)
      store(base, checksum, checksum(of: base, length: headerBytes))
    }
    return bytes
  }
}
