// What happens when a log is opened: remains of unfinished work go, the chain of segments is checked, the newest
// segment is read, a torn tail is cut, and producers and ids are brought from the checkpoint to the end.

internal import Primitives

/// What a start found and did.
package struct RecoveryReport: Sendable {
  package struct Cut: Sendable {
    package var file: String
    package var position: Int
    package var bytes: Int
    /// The offset that the first record cut would have had.
    package var offset: UInt64
  }

  /// The torn tail that was cut.
  package var cut: Cut?
  /// Other things that were mended, for people.
  package var notes: [String] = []
  /// Records read to know producers and ids.
  package var recordsRead = 0
}

struct Recovered {
  var segments: [Segment]
  var endOffset: UInt64
  var admission: Admission
  var pins: [String: UInt64]
  var report: RecoveryReport
}

struct Recovery {
  let directory: String
  let options: LogOptions
  let fileSystem: any FileSystem
  private var report = RecoveryReport()

  init(directory: String, options: LogOptions, fileSystem: any FileSystem) {
    self.directory = directory
    self.options = options
    self.fileSystem = fileSystem
  }

  mutating func run() throws(LogError) -> Recovered {
    do throws(RecoveryStop) {
      return try recover()
    } catch {
      switch error {
      case .file(let error): throw LogError(error, doing: "cannot open the log")
      case .log(let error): throw error
      }
    }
  }

  private mutating func recover() throws(RecoveryStop) -> Recovered {
    let names = try io { () throws(FileError) in try fileSystem.list(directory) }
    for name in names.sorted() where name.hasSuffix(Segment.asideSuffix) {
      try io { () throws(FileError) in try fileSystem.remove(directory + "/" + name) }
      report.notes.append("removed \(name), which was never finished")
    }
    let pins = try loadPins(names)
    var firsts = names.compactMap(SegmentHeader.firstOffset(ofName:)).sorted()
    let checkpoint = try loadCheckpoint(names, firsts)
    let leftOver = Self.leftOver(firsts, checkpoint)
    for first in firsts.prefix(leftOver) {
      let name = SegmentHeader.name(first)
      report.notes.append("removed \(name), which retention had given up")
      try? fileSystem.remove(directory + "/" + name)
      try? fileSystem.remove(directory + "/" + SegmentHeader.name(first, SparseIndex.suffix))
    }
    firsts.removeFirst(leftOver)
    if firsts.isEmpty { return try makeNew(checkpoint, pins) }

    var segments: [Segment] = []
    for first in firsts { segments.append(try openSegment(first, names)) }
    if let start = checkpoint?.startOffset, segments[0].firstOffset > start {
      throw .log(
        LogError(
          .dataLoss,
          "the segments before this one are missing; the checkpoint knows records from \(start) on",
          file: segments[0].path, offset: start))
    }
    try checkChain(segments)

    var admission = Admission(
      producers: checkpoint?.producers ?? ProducerTable(limit: options.maxProducers),
      identifiers: checkpoint?.identifiers ?? IdentifierWindow(capacity: options.eventIDWindow))
    let known = checkpoint?.endOffset ?? EventLog.firstOffset
    let last = segments.count - 1
    for (index, segment) in segments.enumerated()
    where index < last && segments[index + 1].firstOffset > known {
      try replay(
        segment, from: max(known, segment.firstOffset), until: segments[index + 1].firstOffset, &admission)
    }
    let end = try recoverTail(segments[last], known: known, &admission)
    return Recovered(
      segments: segments, endOffset: end, admission: admission, pins: pins, report: report)
  }

  /// How many of the oldest segments retention had given up when it was cut off: those before the checkpoint's
  /// start, whether or not all of them are still there.
  static func leftOver(_ firsts: [UInt64], _ checkpoint: Checkpoint?) -> Int {
    guard let start = checkpoint?.startOffset, firsts.contains(start) else { return 0 }
    return firsts.prefix { $0 < start }.count
  }

  private mutating func loadPins(_ names: [String]) throws(RecoveryStop) -> [String: UInt64] {
    guard names.contains(Pins.name) else { return [:] }
    let path = directory + "/" + Pins.name
    let bytes = try io { () throws(FileError) in try fileSystem.open(path, .read).readAll() }
    guard let pins = Pins.decoded(bytes) else {
      throw .log(
        LogError(
          .dataLoss,
          "the list of pins is damaged; cowbird fsck --repair sets it aside and keeps every segment "
            + "until new pins are set", file: path))
    }
    return pins
  }

  private mutating func loadCheckpoint(
    _ names: [String], _ firsts: [UInt64]
  ) throws(RecoveryStop) -> Checkpoint? {
    let path = directory + "/" + Checkpoint.name
    // With every record still there, the checkpoint can be made again; else it holds what nothing else does.
    let isNeeded = (firsts.first ?? EventLog.firstOffset) > EventLog.firstOffset
    guard names.contains(Checkpoint.name) else {
      if !isNeeded { return nil }
      throw .log(
        LogError(
          .dataLoss,
          "the checkpoint is missing: producers' sequences from deleted segments are not known; "
            + "cowbird fsck --repair goes on without them", file: path))
    }
    let bytes = try io { () throws(FileError) in try fileSystem.open(path, .read).readAll() }
    if let checkpoint = Checkpoint(bytes, options: options) { return checkpoint }
    guard !isNeeded && !firsts.isEmpty else {
      throw .log(
        LogError(
          .dataLoss,
          "the checkpoint is damaged: producers' sequences from deleted segments are not known; "
            + "cowbird fsck --repair goes on without them", file: path))
    }
    report.notes.append("the checkpoint was damaged; it is made again from the records")
    return nil
  }

  private mutating func makeNew(
    _ checkpoint: Checkpoint?, _ pins: [String: UInt64]
  ) throws(RecoveryStop) -> Recovered {
    if let checkpoint {
      throw .log(
        LogError(
          .dataLoss, "every segment is missing; the checkpoint knows records up to \(checkpoint.endOffset)",
          file: directory, offset: checkpoint.startOffset))
    }
    let header = SegmentHeader(
      firstOffset: EventLog.firstOffset, capacity: options.segmentBytes, createdNanos: options.clock())
    let segment = try io { () throws(FileError) in
      let segment = try Segment.prepare(in: directory, header, fileSystem: fileSystem)
      try segment.publish(in: directory, fileSystem: fileSystem)
      return segment
    }
    return Recovered(
      segments: [segment], endOffset: EventLog.firstOffset,
      admission: Admission(
        producers: ProducerTable(limit: options.maxProducers),
        identifiers: IdentifierWindow(capacity: options.eventIDWindow)),
      pins: pins, report: report)
  }

  private func openSegment(_ first: UInt64, _ names: [String]) throws(RecoveryStop) -> Segment {
    let path = directory + "/" + SegmentHeader.name(first)
    let (size, head) = try io { () throws(FileError) in
      let file = try fileSystem.open(path, .read)
      return (try file.size(), try file.readFirst(SegmentHeader.bytes))
    }
    let header = try stop { () throws(LogError) in
      try SegmentHeader(decoding: head, path: path, firstOffset: first)
    }
    let segment = Segment(
      path: path, header: header, file: nil, index: SparseIndex(firstOffset: first), hasWholeIndex: false)
    let indexBytes = try? fileSystem.open(segment.indexPath, .read).readFirst(SparseIndex.headByteCount)
    if let indexBytes, let index = SparseIndex.head(indexBytes, firstOffset: first) { segment.index = index }
    guard size >= segment.index.usedBytes else {
      throw .log(
        LogError(
          .dataLoss, "the file was cut short: \(size) bytes of \(segment.index.usedBytes)", file: path,
          offset: first))
    }
    return segment
  }

  /// That each segment reaches up to where the next begins.
  private mutating func checkChain(_ segments: [Segment]) throws(RecoveryStop) {
    for (segment, next) in zip(segments, segments.dropFirst()) {
      if segment.index.endOffset == next.firstOffset { continue }
      let bytes = try map(segment)
      var index = SparseIndex(firstOffset: segment.firstOffset)
      let scan = SegmentScan.run(
        bytes, from: segment.firstOffset, at: SegmentHeader.bytes, until: next.firstOffset
      ) {
        index.add(offset: $0.offset, timeNanos: $0.timeNanos, length: $0.length)
      }
      if let fault = scan.fault { throw .log(damage(segment, scan, fault)) }
      index.sealedNanos = next.header.createdNanos
      segment.index = index
      segment.hasWholeIndex = true
      report.notes.append("made the index of \(segment.path) again")
      try? fileSystem.replace(segment.indexPath, with: index.encoded(), in: directory)
    }
  }

  private mutating func replay(
    _ segment: Segment, from offset: UInt64, until end: UInt64, _ admission: inout Admission
  ) throws(RecoveryStop) {
    let bytes = try map(segment)
    var read = 0
    let scan = SegmentScan.run(
      bytes, from: segment.firstOffset, at: SegmentHeader.bytes, until: end
    ) { record in
      if record.offset >= offset {
        admission.replay(record)
        read += 1
      }
    }
    report.recordsRead += read
    if let fault = scan.fault { throw .log(damage(segment, scan, fault)) }
  }

  /// Reads the newest segment to its end, cuts what is torn, and syncs: from here on all that is there is durable.
  private mutating func recoverTail(
    _ segment: Segment, known: UInt64, _ admission: inout Admission
  ) throws(RecoveryStop) -> UInt64 {
    let bytes = try map(segment)
    guard bytes.count >= segment.header.capacity else {
      throw .log(
        LogError(
          .dataLoss, "the file was cut short: \(bytes.count) bytes of \(segment.header.capacity)",
          file: segment.path))
    }
    var index = SparseIndex(firstOffset: segment.firstOffset)
    var synced = known
    var read = 0
    let scan = SegmentScan.run(
      bytes, from: segment.firstOffset, at: SegmentHeader.bytes, until: nil
    ) { record in
      index.add(offset: record.offset, timeNanos: record.timeNanos, length: record.length)
      synced = max(synced, record.offset - min(UInt64(record.lag), record.offset))
      if record.offset >= known {
        admission.replay(record)
        read += 1
      }
    }
    report.recordsRead += read
    let file = try io { () throws(FileError) in try fileSystem.open(segment.path, .readWrite) }
    let verdict = try io { () throws(FileError) in
      try TailScan.judge(bytes, file: file, scan: scan, synced: synced)
    }
    switch verdict {
    case .clean: break
    case .damaged(let reason):
      if case .newerFormat = scan.fault {
        throw .log(LogError(.failedPrecondition, reason, file: segment.path, offset: scan.offset))
      }
      throw .log(damage(segment, scan, reason))
    case .torn(let count):
      try io { () throws(FileError) in
        try file.writeAll([UInt8](repeating: 0, count: count), at: scan.position)
      }
      report.cut = .init(file: segment.path, position: scan.position, bytes: count, offset: scan.offset)
    }
    try io { () throws(FileError) in
      try file.sync()
      try fileSystem.syncDirectory(directory)
    }
    segment.file = file
    segment.index = index
    segment.hasWholeIndex = true
    return scan.offset
  }

  private func map(_ segment: Segment) throws(RecoveryStop) -> MappedBytes {
    try io { () throws(FileError) in
      let file = try fileSystem.open(segment.path, .read)
      return try file.map(try file.size())
    }
  }

  private func damage(
    _ segment: Segment, _ scan: SegmentScan, _ reason: some CustomStringConvertible
  ) -> LogError {
    LogError(
      .dataLoss,
      "damaged at byte \(scan.position): \(reason); cowbird fsck --repair sets the damaged bytes aside and puts "
        + "tombstones in their place", file: segment.path, offset: scan.offset)
  }

  private func io<R>(_ body: () throws(FileError) -> R) throws(RecoveryStop) -> R {
    do throws(FileError) { return try body() } catch { throw .file(error) }
  }

  private func stop<R>(_ body: () throws(LogError) -> R) throws(RecoveryStop) -> R {
    do throws(LogError) { return try body() } catch { throw .log(error) }
  }
}

private enum RecoveryStop: Error {
  case file(FileError)
  case log(LogError)
}

extension LogFile {
  /// At most so many bytes from the front.
  func readFirst(_ count: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = bytes.withUnsafeMutableBytes { raw in
      Result { () throws(FileError) in try read(into: raw, at: 0) }
    }
    bytes.removeLast(count - (try got.get()))
    return bytes
  }
}
