// Going over to a new segment: when the active one is full (roll), and when what was written to it can no longer
// be trusted (replacement).
//
//   roll          [1 ─────── 900) sealed      [900 …            all of the old one is synced first
//
//   replacement   [1 ── 700 ┆ suspect ┆       the old segment ends at 700, what was synced
//                       [700 ───── 900 …      the rest is written anew from memory, synced, then renamed

internal import Primitives

extension EventLog {
  func roll(forBytes bytes: Int = 0) throws(LogError) {
    if let failure = withState({ $0.isSuspect ? $0.failure : nil }) { throw failure }
    try syncNow()
    let header = SegmentHeader(
      firstOffset: nextOffset, capacity: max(options.segmentBytes, SegmentHeader.bytes + bytes),
      createdNanos: options.clock())
    let segment: Segment
    do throws(FileError) {
      segment = try Segment.prepare(in: directory, header, fileSystem: fileSystem)
    } catch {
      let failure = LogError(error, doing: "cannot make a new segment")
      withState { $0.failure = failure }
      throw failure
    }
    do throws(FileError) {
      try segment.publish(in: directory, fileSystem: fileSystem)
    } catch {
      // The new segment may stand in the directory and would hide what the old one got from here on.
      let failure = LogError(error, doing: "cannot make a new segment")
      suspect(failure)
      throw failure
    }
    syncTurn.lock()
    let old = withState { state in
      let old = state.active
      old.index.sealedNanos = header.createdNanos
      state.segments.append(segment)
      state.writtenPosition = SegmentHeader.bytes
      state.durablePosition = SegmentHeader.bytes
      return old
    }
    syncTurn.unlock()
    seal(old)
    keepHouse()
  }

  /// Cuts a full segment to what it holds and writes its index. Neither is needed for soundness.
  private func seal(_ segment: Segment) {
    do throws(FileError) {
      try segment.file?.truncate(segment.index.usedBytes)
      try fileSystem.replace(segment.indexPath, with: segment.index.encoded(), in: directory)
    } catch {
      withState { $0.warning = LogError(error, doing: "cannot seal a segment") }
    }
    withState { _ in segment.file = nil }
  }

  /// Writes what is not synced into a new segment, from memory. On success appends go on.
  func replaceActive() {
    syncTurn.lock()
    var answers: [Submission] = []
    do throws(LogError) {
      answers = try replaceInTurn()
    } catch {
      suspect(error)
    }
    syncTurn.unlock()
    for submission in answers { submission.completion(.success(submission.receipt)) }
  }

  private func replaceInTurn() throws(LogError) -> [Submission] {
    let (old, first, held, durablePosition) = withState {
      ($0.active, $0.durableEnd, $0.unsynced, $0.durablePosition)
    }
    try verifySynced(old, until: first, position: durablePosition)
    let bytes = held.reduce(0) { $0 + $1.acceptedBytes }
    let header = SegmentHeader(
      firstOffset: first, capacity: max(options.segmentBytes, SegmentHeader.bytes + bytes),
      createdNanos: options.clock())
    let segment: Segment
    do throws(FileError) {
      segment = try Segment.prepare(
        in: directory, header, records: held.flatMap(\.buffers), fileSystem: fileSystem)
      try segment.publish(in: directory, fileSystem: fileSystem)
    } catch {
      throw LogError(error, doing: "cannot replace a segment whose sync failed")
    }
    for submission in held {
      submission.forEachAccepted {
        segment.index.add(offset: $0.offset, timeNanos: $0.timeNanos, length: $0.length)
      }
    }
    let end = held.last?.endOffset ?? first
    let isSameName = old.firstOffset == first
    withState { state in
      if isSameName {
        state.segments[state.segments.count - 1] = segment
      } else {
        old.index = old.index.cut(endOffset: first, usedBytes: durablePosition)
        old.index.sealedNanos = header.createdNanos
        state.segments.append(segment)
      }
      state.writtenEnd = end
      state.writtenPosition = segment.index.usedBytes
      state.durablePosition = segment.index.usedBytes
      state.isSuspect = false
      state.failure = nil
    }
    let answers = publishDurable(end: end, position: segment.index.usedBytes)
    // The written end has moved too.
    for hook in withState({ $0.hooks.filter { $0.durability < .durable } }) { hook.call(end) }
    if !isSameName { seal(old) }
    return answers
  }

  /// That the bytes which a sync once covered are still what was written. Without that nothing can be promised.
  private func verifySynced(_ segment: Segment, until end: UInt64, position: Int) throws(LogError) {
    guard let file = segment.file else { return }
    let mapping: MappedBytes
    do throws(FileError) { mapping = try file.map(position) } catch {
      throw LogError(error, doing: "cannot read a segment whose sync failed")
    }
    var at = SegmentHeader.bytes
    var offset = segment.firstOffset
    while offset < end {
      do throws(RecordFault) {
        at += try LogRecord.verify(at: mapping.base + at, available: position - at, offset: offset).length
      } catch {
        let failure = LogError(
          .dataLoss, "synced bytes are damaged at byte \(at): \(error); stop, and run cowbird fsck",
          file: segment.path, offset: offset)
        suspect(failure, isLost: true)
        throw failure
      }
      offset += 1
    }
  }
}
