// How a connection ends: at once, after a last word, or by draining.

internal import Glibc
internal import Wire

extension Connection {
  enum EndReason {
    case peerGone
    case lingered
    case writeTimeout
    case idle
    case stopped

    var status: Status {
      switch self {
      case .peerGone: Status(.cancelled, "the caller has gone")
      case .lingered: Status(.cancelled, "the connection was closed after an error")
      case .writeTimeout: Status(.cancelled, "the caller did not read its answers")
      case .idle: Status(.cancelled, "the connection was idle for too long")
      case .stopped: Status(.unavailable, "the server has stopped")
      }
    }
  }

  /// Framing is lost: says so where it can, and drops what still comes, so that the peer can read the answer
  /// before it sees the end.
  func linger(answering id: UInt32?, _ status: Status) {
    guard state == .open || state == .refusing else { return }
    endCalls(EndReason.lingered.status)
    if let id { outgoing().appendResponse(streamID: id, status: status) } else { _ = outgoing() }
    state = .lingering
    isReadingPaused = false
    frameSince = 0
    if let input {
      self.input = nil
      reactor.give(input)
    }
    lingerUntil = reactor.now + Self.lingerNanos
    scheduleCheck()
  }

  func close(_ reason: EndReason) {
    guard state != .closed else { return }
    endCalls(reason.status)
    state = .closed
    if timerAt != .max { reactor.timers.settled += 1 }
    if let input { reactor.give(input) }
    if let output { reactor.give(output) }
    (input, output) = (nil, nil)
    updateWindow()
    _ = Glibc.close(descriptor)
    reactor.forget(self)
  }

  private func endCalls(_ status: Status) {
    for id in calls.keys.sorted() {
      guard let call = calls.removeValue(forKey: id) else { continue }
      if call.deadline != 0 { reactor.timers.settled += 1 }
      if let stream = call.stream, stream.markEnded() { call.handler?.ended(stream, status) }
    }
    (deferredBytes, holds) = (0, 0)
  }

  // MARK: - Draining

  /// The server stops: the peer can send nothing more (the kernel refuses it), what it has sent is served,
  /// what is in flight is answered, and then the connection closes.
  func drain() {
    guard state != .closed, !isDraining else { return }
    isDraining = true
    _ = shutdown(descriptor, Int32(SHUT_RD))
    if isPeerClosed { settleEnd() }
  }

  func drainStreams() {
    for id in calls.keys.sorted() {
      guard let call = calls[id], let stream = call.stream, let handler = call.handler else { continue }
      if call.isDraining { continue }
      calls[id]!.isDraining = true
      handler.drain(stream)
    }
  }
}
