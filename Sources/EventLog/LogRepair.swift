// fsck --repair: makes a damaged log one that opens. Damaged bytes are copied aside first; a record that cannot
// be read leaves a tombstone, so that every other record keeps its offset.

internal import Glibc

package enum LogRepair {
  /// Where damaged bytes are kept, inside the log's directory.
  package static let folder = "cut"
  /// More tombstones than this are not made for one gap: the log is then not what this can mend.
  private static let maxLost: UInt64 = 100_000_000

  /// Mends what `LogCheck.verify` finds; answers what was found. Takes the lock.
  package static func repair(
    directory: String, options: LogOptions = LogOptions(),
    fileSystem: any FileSystem = PosixFileSystem()
  ) throws(LogError) -> LogCheck {
    let lock = try EventLog.takeLock(directory, fileSystem)
    defer { withExtendedLifetime(lock) {} }
    do throws(FileError) {
      let survey = try Survey(directory: directory, options: options, fileSystem: fileSystem)
      if !survey.check.isSound {
        try refuseWhatIsTooMuch(survey)
        try fileSystem.makeDirectory(directory + "/" + folder)
        try mend(survey, options)
      }
      return survey.check
    } catch {
      throw LogError(error, doing: "cannot repair the log")
    }
  }

  private static func refuseWhatIsTooMuch(_ survey: Survey) throws(FileError) {
    for case .lost(let offsets, _) in survey.segments.flatMap(\.stretches)
    where UInt64(offsets.count) > maxLost {
      throw FileError("repair of \(offsets.count) records in", survey.directory, EFBIG)
    }
  }

  private static func mend(_ survey: Survey, _ options: LogOptions) throws(FileError) {
    let last = survey.segments.last?.first
    for segment in survey.segments where segment.needsRepair {
      try mend(segment, isLast: segment.first == last, survey, options)
    }
    if survey.hasBadCheckpoint {
      try setAside(Checkpoint.name, survey)
      let start = survey.check.firstOffset
      let fresh = Checkpoint(
        endOffset: start, startOffset: start, producers: ProducerTable(limit: options.maxProducers),
        identifiers: IdentifierWindow(capacity: options.eventIDWindow))
      try survey.fileSystem.replace(
        survey.directory + "/" + Checkpoint.name, with: fresh.encoded(), in: survey.directory)
    }
    if survey.hasBadPins {
      try setAside(Pins.name, survey)
      try survey.fileSystem.replace(
        survey.directory + "/" + Pins.name, with: Pins.encoded(["fsck": survey.check.firstOffset]),
        in: survey.directory)
    }
  }

  private static func setAside(_ name: String, _ survey: Survey) throws(FileError) {
    guard let bytes = try? survey.fileSystem.open(survey.directory + "/" + name, .read).readAll() else {
      return
    }
    let folder = survey.directory + "/" + folder
    try survey.fileSystem.replace(folder + "/" + name, with: bytes, in: folder)
  }

  private static func mend(
    _ segment: Survey.SegmentSurvey, isLast: Bool, _ survey: Survey, _ options: LogOptions
  ) throws(FileError) {
    let fileSystem = survey.fileSystem
    let old = try fileSystem.open(segment.path, .read)
    let size = try old.size()
    let bytes = try old.map(max(size, 1))
    let folder = survey.directory + "/" + folder
    let name = SegmentHeader.name(segment.first, "")
    if segment.header == nil {
      try fileSystem.replace(
        folder + "/" + name + "-header", with: try old.readFirst(SegmentHeader.bytes), in: folder)
    }

    let lostBytes = segment.stretches.reduce(0) { sum, stretch in
      if case .lost(let offsets, _) = stretch { sum + offsets.count * RecordLayout.headerBytes } else { sum }
    }
    let used = SegmentHeader.bytes + lostBytes + size
    let header = SegmentHeader(
      firstOffset: segment.first,
      capacity: max(segment.header?.capacity ?? 0, isLast ? options.segmentBytes : 0, used),
      createdNanos: segment.header?.createdNanos ?? options.clock())
    let fresh = try fileSystem.open(segment.path + Segment.asideSuffix, .create)
    if isLast { try fresh.allocate(header.capacity) }
    try fresh.writeAll(header.encoded(), at: 0)
    var position = SegmentHeader.bytes
    for stretch in segment.stretches {
      switch stretch {
      case .good(let range, _):
        try fresh.writeAll(
          [UnsafeRawBufferPointer(start: bytes.base + range.lowerBound, count: range.count)], at: position)
        position += range.count
      case .lost(let offsets, let range):
        if !range.isEmpty {
          let damaged = Array(
            UnsafeRawBufferPointer(start: bytes.base + range.lowerBound, count: range.count))
          try fileSystem.replace("\(folder)/\(name)-\(range.lowerBound)", with: damaged, in: folder)
        }
        for offset in offsets {
          try fresh.writeAll(RecordLayout.lost(offset: offset), at: position)
          position += RecordLayout.headerBytes
        }
      }
    }
    try fresh.sync()
    // The index tells of the old positions: without it, the start makes it anew.
    let indexPath = String(segment.path.dropLast(SegmentHeader.suffix.count)) + SparseIndex.suffix
    try? fileSystem.remove(indexPath)
    try fileSystem.syncDirectory(survey.directory)
    try fileSystem.rename(segment.path + Segment.asideSuffix, to: segment.path)
    try fileSystem.syncDirectory(survey.directory)
  }
}
