// fsck: reads every byte of a log that is not open, and tells all that is wrong with it, not only the first.

package struct LogCheck: Sendable {
  /// Something that is not as it was written.
  package struct Finding: Sendable, CustomStringConvertible {
    package var file: String
    package var position: Int?
    /// Offsets of the records that are lost.
    package var lost: Range<UInt64>?
    package var reason: String
    /// What repair does about it; nil: the next start mends it by itself.
    package var repair: String?

    package var description: String {
      var text = file
      if let position { text += " at byte \(position)" }
      text += ": \(reason)"
      if let lost { text += "; records lost: \(lost.count), from offset \(lost.lowerBound)" }
      return text + "; " + (repair.map { "repair " + $0 } ?? "the next start mends it")
    }
  }

  package var segments = 0
  package var records = 0
  package var tombstones = 0
  package var bytes = 0
  package var firstOffset: UInt64 = 0
  package var endOffset: UInt64 = 0
  package var findings: [Finding] = []

  /// True: the log opens and holds all that was promised.
  package var isSound: Bool { findings.allSatisfy { $0.repair == nil } }

  /// Reads a whole log. Takes the lock, so it is refused while the log is open.
  package static func verify(
    directory: String, options: LogOptions = LogOptions(),
    fileSystem: any FileSystem = PosixFileSystem()
  ) throws(LogError) -> LogCheck {
    let lock = try EventLog.takeLock(directory, fileSystem)
    defer { withExtendedLifetime(lock) {} }
    do throws(FileError) {
      return try Survey(directory: directory, options: options, fileSystem: fileSystem).check
    } catch {
      throw LogError(error, doing: "cannot check the log")
    }
  }
}

/// A stretch of a segment: records that are whole, or offsets whose records are lost.
enum Stretch {
  case good(Range<Int>, end: UInt64)
  case lost(Range<UInt64>, Range<Int>)
}

/// All that there is to know of a log's files.
struct Survey {
  struct SegmentSurvey {
    var first: UInt64
    var path: String
    var header: SegmentHeader?
    var stretches: [Stretch] = []
    var needsRepair = false
  }

  let directory: String
  let fileSystem: any FileSystem
  private(set) var check = LogCheck()
  private(set) var segments: [SegmentSurvey] = []
  private(set) var hasBadCheckpoint = false
  private(set) var hasBadPins = false

  init(directory: String, options: LogOptions, fileSystem: any FileSystem) throws(FileError) {
    self.directory = directory
    self.fileSystem = fileSystem
    let names = try fileSystem.list(directory)
    var firsts = names.compactMap(SegmentHeader.firstOffset(ofName:)).sorted()
    let checkpoint = try readCheckpoint(names, firsts, options)
    try readPins(names)
    for name in names.sorted() where name.hasSuffix(Segment.asideSuffix) {
      check.findings.append(.init(file: directory + "/" + name, reason: "was never finished"))
    }
    let leftOver = Recovery.leftOver(firsts, checkpoint)
    for first in firsts.prefix(leftOver) {
      check.findings.append(
        .init(file: directory + "/" + SegmentHeader.name(first), reason: "retention had given it up"))
    }
    firsts.removeFirst(leftOver)
    check.segments = firsts.count
    check.firstOffset = firsts.first ?? EventLog.firstOffset
    check.endOffset = check.firstOffset
    for (place, first) in firsts.enumerated() {
      let next = place + 1 < firsts.count ? firsts[place + 1] : nil
      try survey(first, next: next, synced: checkpoint?.endOffset ?? 0)
    }
  }

  private mutating func readCheckpoint(
    _ names: [String], _ firsts: [UInt64], _ options: LogOptions
  ) throws(FileError) -> Checkpoint? {
    let path = directory + "/" + Checkpoint.name
    let isNeeded = (firsts.first ?? EventLog.firstOffset) > EventLog.firstOffset
    let repair = "sets it aside and goes on without the sequences of deleted segments"
    var checkpoint: Checkpoint?
    if names.contains(Checkpoint.name) {
      checkpoint = Checkpoint(try fileSystem.open(path, .read).readAll(), options: options)
      if checkpoint == nil {
        let mustRepair = isNeeded || firsts.isEmpty
        check.findings.append(
          .init(file: path, reason: "the checkpoint is damaged", repair: mustRepair ? repair : nil))
        hasBadCheckpoint = mustRepair
      }
    } else if isNeeded {
      check.findings.append(.init(file: path, reason: "the checkpoint is missing", repair: repair))
      hasBadCheckpoint = true
    }
    if let checkpoint, firsts.first ?? .max > checkpoint.startOffset {
      let end = firsts.first ?? checkpoint.endOffset
      check.findings.append(
        .init(
          file: directory, lost: checkpoint.startOffset..<max(end, checkpoint.startOffset),
          reason: "the oldest segments are missing",
          repair: firsts.isEmpty ? "cannot help: restore the segments from a backup" : "goes on without them")
      )
      hasBadCheckpoint = !firsts.isEmpty
    }
    return checkpoint
  }

  private mutating func readPins(_ names: [String]) throws(FileError) {
    let path = directory + "/" + Pins.name
    guard names.contains(Pins.name), Pins.decoded(try fileSystem.open(path, .read).readAll()) == nil else {
      return
    }
    check.findings.append(
      .init(
        file: path, reason: "the list of pins is damaged",
        repair: "sets it aside and pins every segment under the name fsck"))
    hasBadPins = true
  }

  private mutating func survey(_ first: UInt64, next: UInt64?, synced: UInt64) throws(FileError) {
    let path = directory + "/" + SegmentHeader.name(first)
    var survey = SegmentSurvey(first: first, path: path)
    let file = try fileSystem.open(path, .read)
    let size = try file.size()
    check.bytes += size
    do throws(LogError) {
      survey.header = try SegmentHeader(
        decoding: file.readOrEmpty(SegmentHeader.bytes), path: path, firstOffset: first)
    } catch {
      survey.needsRepair = true
      check.findings.append(
        .init(file: path, position: 0, reason: error.message, repair: "writes the header anew"))
    }
    if let header = survey.header, next == nil, size < header.capacity {
      survey.needsRepair = true
      check.findings.append(
        .init(
          file: path, position: size, reason: "the file was cut short: \(size) bytes of \(header.capacity)",
          repair: "gives it its size back"))
    }
    checkIndex(first, path, next)
    guard size > SegmentHeader.bytes else {
      if let next { lose(first..<next, size..<size, .nothing, &survey) }
      segments.append(survey)
      return
    }
    try read(try file.map(size), file, next, synced, &survey)
    segments.append(survey)
  }

  /// Goes from one whole record to the next; what lies between is lost.
  private mutating func read(
    _ bytes: MappedBytes, _ file: any LogFile, _ next: UInt64?, _ checkpointed: UInt64,
    _ survey: inout SegmentSurvey
  ) throws(FileError) {
    var offset = survey.first
    var position = SegmentHeader.bytes
    var synced = checkpointed
    while true {
      let scan = SegmentScan.run(bytes, from: offset, at: position, until: next) { record in
        synced = max(synced, record.offset - min(UInt64(record.lag), record.offset))
        check.records += 1
        if record.isTombstone { check.tombstones += 1 }
      }
      if scan.position > position {
        survey.stretches.append(.good(position..<scan.position, end: scan.offset))
      }
      offset = scan.offset
      position = scan.position
      guard let fault = scan.fault else { break }
      if case .newerFormat = fault {
        check.findings.append(
          .init(file: survey.path, position: position, reason: "\(fault)", repair: "does nothing: upgrade"))
        break
      }
      if next == nil {
        let verdict = try TailScan.judge(bytes, file: file, scan: scan, synced: synced)
        if case .torn(let count) = verdict {
          check.findings.append(
            .init(
              file: survey.path, position: position,
              reason: "\(count) bytes of a write that was never finished or promised"))
        }
        guard case .damaged = verdict else { break }
      }
      if let (found, at) = TailScan.nextRecord(bytes, after: position, end: bytes.count, expected: offset),
        found.offset <= next ?? .max
      {
        lose(offset..<found.offset, position..<at, fault, &survey)
        offset = found.offset
        position = at
        continue
      }
      let end = next ?? max(synced, offset)
      let used = try TailScan.lastNonzero(bytes, file: file, from: position) ?? position
      lose(offset..<end, position..<used, fault, &survey)
      offset = end
      break
    }
    check.endOffset = offset
  }

  private mutating func lose(
    _ offsets: Range<UInt64>, _ bytes: Range<Int>, _ fault: RecordFault, _ survey: inout SegmentSurvey
  ) {
    survey.stretches.append(.lost(offsets, bytes))
    survey.needsRepair = true
    check.findings.append(
      .init(
        file: survey.path, position: bytes.lowerBound, lost: offsets, reason: "\(fault)",
        repair: "copies the damaged bytes to \(LogRepair.folder)/ and puts tombstones in their place"))
  }

  private mutating func checkIndex(_ first: UInt64, _ path: String, _ next: UInt64?) {
    guard let next else { return }
    let indexPath = String(path.dropLast(SegmentHeader.suffix.count)) + SparseIndex.suffix
    let bytes = try? fileSystem.open(indexPath, .read).readAll()
    let index = bytes.flatMap { SparseIndex.decoded($0, firstOffset: first) }
    if index == nil || index?.endOffset != next {
      check.findings.append(
        .init(file: indexPath, reason: bytes == nil ? "the index is missing" : "the index is damaged"))
    }
  }
}

extension LogFile {
  /// The first bytes, or none if they cannot be read.
  func readOrEmpty(_ count: Int) -> [UInt8] { (try? readFirst(count)) ?? [] }
}
