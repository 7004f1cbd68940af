// From bytes to frames: one read for each turn, frames served where they lie.

internal import CSystem
internal import Glibc
internal import Wire

extension Connection {
  /// Reads once and serves what is whole.
  func read() {
    // hot: a small request is read into the reactor's own buffer and served there; nothing is kept.
    let size = reactor.options.readSize
    let count: Int
    if let input {
      let known = input.count
      count = cowbird_receive(descriptor, input.extend(by: size), size)
      input.truncate(to: known + max(0, count))
    } else {
      count = cowbird_receive(descriptor, reactor.readBuffer, size)
    }
    guard count > 0 else {
      if count == 0 { return readEnd() }
      if count != -Int(EAGAIN) { close(.peerGone) }
      return
    }
    lastActivity = reactor.now
    guard state != .lingering else {
      input = nil
      return
    }
    if input != nil {
      serveInput()
    } else {
      let bytes = UnsafeRawBufferPointer(start: reactor.readBuffer, count: count)
      let served = serve(bytes)
      if served < count, state == .open || state == .refusing {
        let rest = reactor.takeQueue()
        rest.append(UnsafeRawBufferPointer(rebasing: bytes[served...]))
        input = rest
      }
    }
    finishTurn()
  }

  /// Goes on with what was read in an earlier turn.
  func resumeInput() {
    hasMore = false
    guard state == .open || state == .refusing else { return }
    if input != nil { serveInput() }
    finishTurn()
    if isPeerClosed { settleEnd() }
  }

  private func serveInput() {
    guard let queue = input else { return }
    let served = serve(queue.bytes)
    // An end on the way has given the queue back: it may be another connection's by now.
    guard input === queue else { return }
    queue.consume(served)
    if queue.isEmpty {
      input = nil
      reactor.give(queue)
    }
  }

  private func finishTurn() {
    if state == .closed { return }
    if input != nil, !hasMore {
      if frameSince == 0 { frameSince = reactor.now }
    } else {
      frameSince = 0
    }
    flush()
    if input != nil || output != nil { scheduleCheck() }
  }

  /// Serves whole frames from the start of `bytes`; returns how many bytes those were.
  private func serve(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    // The turn ends with a flush, so answers need not ask for one.
    isDirty = true
    let options = reactor.options
    var offset = 0
    var served = 0
    while bytes.count - offset >= FrameHeader.size, state == .open || state == .refusing {
      let header = FrameHeader(at: base + offset)
      guard Int(header.length) <= options.maximumFrameLength else {
        let limit = options.maximumFrameLength
        linger(
          answering: header.streamID,
          Status(
            .resourceExhausted, "a frame has \(header.length) bytes of data; at most \(limit) are allowed"))
        return bytes.count
      }
      let end = offset + FrameHeader.size + Int(header.length)
      guard end <= bytes.count else { break }
      if isReadingPaused { break }
      if served >= options.callsPerTurn || (served & 7 == 7 && reactor.turnIsOver()) {
        hasMore = true
        reactor.serveAgain(self)
        break
      }
      let data = UnsafeRawBufferPointer(start: base + offset + FrameHeader.size, count: Int(header.length))
      frameSince = 0
      receive(header, data)
      served += 1
      offset = end
      updatePause()
    }
    return offset
  }

  /// Stops reading where too much is owed, and goes on where it is half of that again.
  func updatePause() {
    let options = reactor.options
    let unsent = output?.count ?? 0
    if isReadingPaused {
      guard
        holds == 0, unsent <= options.maximumUnsentBytes / 2,
        deferredBytes <= options.maximumDeferredBytes / 2
      else { return }
      isReadingPaused = false
      // The time in which a frame must be complete starts again: it was not the peer who waited.
      if frameSince != 0 { frameSince = reactor.now }
      if input != nil, !hasMore {
        hasMore = true
        reactor.serveAgain(self)
      }
      updateInterest()
    } else if holds > 0 || unsent > options.maximumUnsentBytes || deferredBytes > options.maximumDeferredBytes
    {
      isReadingPaused = true
    }
  }

  /// The peer sends nothing more: what is in flight is still answered.
  private func readEnd() {
    isPeerClosed = true
    settleEnd()
  }

  /// Closes when the peer has gone and nothing is owed.
  func settleEnd() {
    guard isPeerClosed, state != .closed, !hasMore else { return }
    if state == .lingering { return close(.lingered) }
    if let queue = input, !isReadingPaused {
      // A frame that was cut: nobody will send the rest.
      input = nil
      frameSince = 0
      reactor.give(queue)
    }
    if isDraining {
      drainStreams()
    } else {
      for id in calls.keys.sorted() where calls[id]?.isRemoteClosed == false {
        fail(id, Status(.cancelled, "the caller closed its side before it closed the stream"))
      }
    }
    if calls.isEmpty, output == nil, input == nil { return close(.peerGone) }
    updateInterest()
  }

  /// A frame took too long to come.
  func loseFrame() {
    let limit = reactor.options.frameTimeoutNanos / 1_000_000
    let status = Status(.deadlineExceeded, "a frame was not complete after \(limit) ms")
    if let bytes = input?.bytes, bytes.count >= FrameHeader.size {
      linger(answering: FrameHeader(at: bytes.baseAddress!).streamID, status)
    } else {
      linger(answering: nil, status)
    }
    flush()
  }
}
