// What goes on beside appending: checkpoints, pins, and the deletion of old segments.

internal import Glibc
internal import Primitives

/// Names that hold segments back from deletion. Kept in a file of their own, so that a start knows them before
/// anyone sets them anew.
enum Pins {
  static let name = "pins"

  static func encoded(_ pins: [String: UInt64]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(pins.sorted { $0.key < $1.key }) { writer, pin in
      writer.write(pin.key)
      writer.write(pin.value)
    }
    return withChecksum(writer)
  }

  /// nil: damaged.
  static func decoded(_ bytes: [UInt8]) -> [String: UInt64]? {
    guard let body = withoutChecksum(bytes) else { return nil }
    var reader = ByteReader(body)
    let pins = try? reader.readArray(limit: 1 << 20) {
      (reader: inout ByteReader) throws(ByteCodecError) -> (String, UInt64) in
      (try reader.read(), try reader.read())
    }
    return pins.map { Dictionary($0, uniquingKeysWith: min) }
  }
}

/// What `applyRetention` did.
package struct RetentionReport: Sendable, Equatable {
  package var segmentsDeleted = 0
  package var bytesDeleted = 0
  /// The name of the pin that holds back what would be deleted otherwise.
  package var heldBy: String?
}

extension EventLog {
  /// Keeps every record at or after an offset from being deleted, until the pin moves or goes. Durable on return.
  package func pin(_ name: String, at offset: UInt64) throws(LogError) {
    let first = firstOffset
    guard offset >= first else {
      throw LogError(
        .outOfRange, "pin \(name) at \(offset): records before \(first) were deleted already", offset: offset)
    }
    housekeeping.lock()
    defer { housekeeping.unlock() }
    var pins = withState { $0.pins }
    pins[name] = offset
    guard pins != withState({ $0.pins }) else { return }
    do throws(FileError) {
      try fileSystem.replace(directory + "/" + Pins.name, with: Pins.encoded(pins), in: directory)
    } catch {
      throw LogError(error, doing: "cannot write the log's pins")
    }
    withState { $0.pins = pins }
  }

  /// Where a pin stands; nil: there is none of this name.
  package func pinned(_ name: String) -> UInt64? { withState { $0.pins[name] } }

  /// Puts other bounds in force, for the next `applyRetention` or the next new segment.
  package func setRetention(_ bounds: LogRetention) { retention.withLock { $0 = bounds } }

  /// Deletes the oldest segments that the bounds on size and age give up, as far as no pin holds them.
  /// `ignoringPins` deletes them all the same.
  package func applyRetention(ignoringPins: Bool = false) throws(LogError) -> RetentionReport {
    try onWriter {
      Result { () throws(LogError) in try self.retain(ignoringPins: ignoringPins) }
    }.get()
  }

  /// After a new segment was begun: a checkpoint when enough was written, and retention.
  func keepHouse() {
    if bytesSinceCheckpoint >= options.checkpointEveryBytes { writeCheckpoint(inBackground: isThreaded) }
    guard retention.withLock({ $0 }) != LogRetention() else { return }
    do throws(LogError) {
      _ = try retain(ignoringPins: false)
    } catch {
      withState { $0.warning = error }
    }
  }

  /// Runs on the writer.
  private func retain(ignoringPins: Bool) throws(LogError) -> RetentionReport {
    housekeeping.lock()
    defer { housekeeping.unlock() }
    var report = RetentionReport()
    let now = options.clock()
    let kept = retention.withLock { $0 }
    let (segments, pins, durableEnd) = withState { ($0.segments, $0.pins, $0.durableEnd) }
    let bound =
      ignoringPins ? nil : pins.min { ($0.value, $0.key) < ($1.value, $1.key) }
    var bytes = segments.reduce(0) { $0 + $1.index.usedBytes }
    var victims: [Segment] = []
    for (segment, next) in zip(segments, segments.dropFirst()) {
      let isTooMuch = kept.bytes.map { bytes > $0 } ?? false
      let isTooOld = kept.nanos.map { now - segment.index.sealedNanos > $0 } ?? false
      guard (isTooMuch || isTooOld) && next.firstOffset <= durableEnd else { break }
      if let bound, next.firstOffset > bound.value {
        report.heldBy = bound.key
        break
      }
      victims.append(segment)
      bytes -= segment.index.usedBytes
    }
    guard !victims.isEmpty else {
      if !givenUp.isEmpty { try removeGivenUp() }
      return report
    }
    // What the deleted records told about producers and ids lives on in the checkpoint.
    let start = segments[victims.count].firstOffset
    try syncNow()
    try storeCheckpoint(currentCheckpoint(startOffset: start))
    withState { $0.segments.removeFirst(victims.count) }
    tailMoved.broadcast()
    for victim in victims {
      report.segmentsDeleted += 1
      report.bytesDeleted += victim.index.usedBytes
      givenUp += [victim.indexPath, victim.path]
    }
    try removeGivenUp()
    return report
  }

  /// Removes the files of segments that the checkpoint's start has left behind. What cannot be removed is tried
  /// again the next time, and at a start.
  private func removeGivenUp() throws(LogError) {
    var failure: FileError?
    givenUp = givenUp.filter { path in
      do throws(FileError) {
        try fileSystem.remove(path)
      } catch {
        guard error.number == ENOENT else {
          failure = error
          return true
        }
      }
      return false
    }
    do throws(FileError) {
      if let failure { throw failure }
      try fileSystem.syncDirectory(directory)
    } catch {
      throw LogError(error, doing: "cannot delete an old segment")
    }
  }

  private func currentCheckpoint(startOffset: UInt64) -> Checkpoint {
    Checkpoint(
      endOffset: nextOffset, startOffset: startOffset, producers: admission.producers,
      identifiers: admission.identifiers)
  }

  /// Called by the writer, at a moment when all records are synced, and by `close`.
  func writeCheckpoint(inBackground: Bool) {
    let (isSound, start) = withState { ($0.durableEnd == nextOffset, $0.segments[0].firstOffset) }
    guard isSound else { return }
    let checkpoint = currentCheckpoint(startOffset: start)
    bytesSinceCheckpoint = 0
    guard inBackground else {
      storeOrWarn(checkpoint)
      return
    }
    checkpointer?.join()
    checkpointer = PlainThread(name: "log-checkpoint") {
      self.housekeeping.lock()
      // Retention may have written a newer one meanwhile.
      if checkpoint.startOffset == self.firstOffset { self.storeOrWarn(checkpoint) }
      self.housekeeping.unlock()
    }
  }

  private func storeOrWarn(_ checkpoint: Checkpoint) {
    do throws(LogError) { try storeCheckpoint(checkpoint) } catch {
      withState { $0.warning = error }
    }
  }

  private func storeCheckpoint(_ checkpoint: Checkpoint) throws(LogError) {
    do throws(FileError) {
      try fileSystem.replace(
        directory + "/" + Checkpoint.name, with: checkpoint.encoded(), in: directory)
    } catch {
      throw LogError(error, doing: "cannot write the log's checkpoint")
    }
  }

  /// Waits for a checkpoint that is being written.
  func finishHousekeeping() {
    checkpointer?.join()
    checkpointer = nil
  }
}
