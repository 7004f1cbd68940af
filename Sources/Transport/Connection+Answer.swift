// Answers: packed into the output, counted, sent at the end of the turn.

internal import CSystem
internal import Glibc
internal import Primitives
internal import Synchronization
internal import Wire

extension Connection {
  enum StreamEnd {
    case end
    case answer([UInt8])
    case failure(Status)
  }

  /// The buffer to pack into; it is sent at the end of the reactor's turn.
  @inline(__always)
  func outgoing() -> ByteQueue {
    if !isDirty {
      isDirty = true
      reactor.dirty.append(self)
    }
    if let output { return output }
    let queue = reactor.takeQueue()
    output = queue
    return queue
  }

  // MARK: - Unary calls

  /// Answers a call whose handler is running, or which is `settle`d.
  @inline(__always)
  func answer(
    _ id: UInt32, deadline: UInt64, payloadSize: Int, fill: (UnsafeMutableRawPointer) -> Void
  ) {
    guard state == .open else { return }
    guard payloadSize <= FrameHeader.maximumLength - 16 else {
      let limit = FrameHeader.maximumLength - 16
      return fail(id, Status(.resourceExhausted, "the answer has \(payloadSize) bytes; at most \(limit) fit"))
    }
    if deadline != 0, MonotonicClock.nanos() >= deadline {
      return fail(id, Status(.deadlineExceeded, "the deadline passed before the answer was ready"))
    }
    let queue = outgoing()
    let before = queue.count
    queue.appendResponse(streamID: id, payloadSize: payloadSize, fill: fill)
    if deadline != 0 { note(id, deadline, from: before, to: queue.count) }
  }

  /// The call stays in flight until its reply is given.
  func deferAnswer(_ id: UInt32, deadline: UInt64, requestBytes: Int) {
    // A small request holds more than its bytes: what the handler keeps of it.
    let held = requestBytes + 256
    insert(id, LiveCall(deadline: deadline, heldBytes: held))
    deferredBytes += held
    updatePause()
  }

  /// A deferred answer has come. Too late is dropped: the caller was told.
  func settle(_ id: UInt32, _ answer: Result<[UInt8], Status>) {
    guard let call = calls[id], call.stream == nil else { return }
    remove(id)
    switch answer {
    case .success(let bytes):
      self.answer(id, deadline: call.deadline, payloadSize: bytes.count) { target in
        bytes.withUnsafeBytes {
          if let base = $0.baseAddress { target.copyMemory(from: base, byteCount: $0.count) }
        }
      }
    case .failure(let status): fail(id, status)
    }
  }

  /// Ends a call or a stream with an error; there is one final answer for each.
  func fail(_ id: UInt32, _ status: Status) {
    guard state == .open || state == .refusing else { return }
    reactor.counters.countFailure(status.code)
    if let call = calls[id] {
      cut(id, call)
      remove(id)
      if let stream = call.stream, stream.markEnded() { call.handler?.ended(stream, status) }
    }
    outgoing().appendResponse(streamID: id, status: status)
    updateWindow()
  }

  // MARK: - Streams

  func send(on stream: ServerStream, size: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    guard state == .open, calls[stream.streamID]?.stream === stream else { return }
    outgoing().appendData(streamID: stream.streamID, size: size, fill: fill)
    updateWindow()
  }

  func send(on stream: ServerStream, frame: [UInt8]) {
    guard state == .open, calls[stream.streamID]?.stream === stream else { return }
    frame.withUnsafeBytes { outgoing().append($0) }
    updateWindow()
  }

  /// The handler ends its stream.
  func finish(_ stream: ServerStream, _ end: StreamEnd) {
    guard stream.markEnded(), state == .open, let call = calls[stream.streamID] else { return }
    let id = stream.streamID
    cut(id, call)
    remove(id)
    switch end {
    case .end: outgoing().appendEnd(streamID: id)
    case .answer(let bytes):
      answer(id, deadline: call.deadline, payloadSize: bytes.count) { target in
        bytes.withUnsafeBytes {
          if let base = $0.baseAddress { target.copyMemory(from: base, byteCount: $0.count) }
        }
      }
    case .failure(let status):
      reactor.counters.countFailure(status.code)
      outgoing().appendResponse(streamID: id, status: status)
    }
    updateWindow()
  }

  func wake(_ stream: ServerStream) {
    guard let call = calls[stream.streamID], call.stream === stream, let handler = call.handler else {
      return
    }
    do throws(Status) {
      try handler.woken(stream)
    } catch {
      fail(stream.streamID, error)
    }
  }

  func hold(_ stream: ServerStream, _ isHeld: Bool) {
    guard let call = calls[stream.streamID], call.stream === stream else { return }
    guard isHeld || call.holds > 0 else { return }
    calls[stream.streamID]!.holds += isHeld ? 1 : -1
    holds += isHeld ? 1 : -1
    updatePause()
    updateInterest()
  }

  // MARK: - Calls in flight

  func insert(_ id: UInt32, _ call: LiveCall) {
    calls[id] = call
    if call.deadline != 0 {
      reactor.timers.push(Timer(time: call.deadline, token: token, streamID: id, kind: .deadline))
    }
  }

  private func remove(_ id: UInt32) {
    guard let call = calls.removeValue(forKey: id) else { return }
    deferredBytes -= call.heldBytes
    holds -= call.holds
    if call.deadline != 0 { reactor.timers.settled += 1 }
    updatePause()
    // A peer that has closed its side gets its answers and then the end.
    if isPeerClosed { _ = outgoing() }
  }

  /// Remembers a stream that ends while its peer is still sending.
  private func cut(_ id: UInt32, _ call: LiveCall) {
    guard !call.isRemoteClosed else { return }
    if cutStreams.count == 64 { cutStreams.removeFirst() }
    cutStreams.append(id)
  }

  /// The deadline of a call in flight has passed.
  func expire(_ id: UInt32) {
    guard let call = calls[id], call.deadline != 0, call.deadline <= reactor.now else { return }
    fail(id, Status(.deadlineExceeded, "the deadline passed before the answer was ready"))
  }

  // MARK: - Answers that wait to be sent

  private func note(_ id: UInt32, _ deadline: UInt64, from start: Int, to end: Int) {
    if queuedAnswers.count >= 256, queuedAnswers[255].end <= sentBytes {
      queuedAnswers.removeAll { $0.end <= sentBytes }
    }
    queuedDeadline = min(queuedDeadline, deadline)
    queuedAnswers.append(
      QueuedAnswer(
        streamID: id, deadline: deadline, start: sentBytes + UInt64(start), end: sentBytes + UInt64(end)))
  }

  /// Answers whose deadline passed while the peer was not reading become DEADLINE_EXCEEDED, unless their
  /// first bytes were sent.
  func expireQueuedAnswers() {
    guard let output, !queuedAnswers.isEmpty else { return }
    queuedAnswers.removeAll { $0.end <= sentBytes }
    var shift: Int64 = 0
    var kept: [QueuedAnswer] = []
    for var answer in queuedAnswers {
      answer.start = UInt64(Int64(answer.start) + shift)
      answer.end = UInt64(Int64(answer.end) + shift)
      guard answer.deadline <= reactor.now else {
        kept.append(answer)
        continue
      }
      guard answer.start >= sentBytes else { continue }
      let frame = ByteQueue.statusFrame(
        streamID: answer.streamID,
        status: Status(.deadlineExceeded, "the deadline passed before the answer could be sent"))
      let range = Int(answer.start - sentBytes)..<Int(answer.end - sentBytes)
      output.replace(range, with: frame)
      shift += Int64(frame.count - range.count)
    }
    queuedAnswers = kept
    queuedDeadline = kept.reduce(.max) { min($0, $1.deadline) }
    updateWindow()
  }

  // MARK: - Sending

  /// Sends what waits, as much as the socket takes.
  func flush() {
    isDirty = false
    guard state != .closed else { return }
    // hot: the queue is moved from here to the reactor and back, not counted.
    if let queue = output.take() {
      if !queue.isEmpty {
        let sent = cowbird_send(descriptor, queue.bytes.baseAddress!, queue.count)
        if sent < 0, sent != -Int(EAGAIN) { return close(.peerGone) }
        if sent > 0 {
          queue.consume(sent)
          sentBytes += UInt64(sent)
          blockedSince = 0
        }
      }
      if queue.isEmpty {
        reactor.give(queue)
        blockedSince = 0
        if !queuedAnswers.isEmpty { queuedAnswers.removeAll(keepingCapacity: true) }
        queuedDeadline = .max
      } else {
        output = queue
        if blockedSince == 0 {
          blockedSince = reactor.now
          scheduleCheck()
        }
      }
    }
    updateWindow()
    updatePause()
    if output == nil { outputDrained() }
    updateInterest()
    offerRoom()
  }

  private func outputDrained() {
    if state == .lingering { _ = shutdown(descriptor, Int32(SHUT_WR)) }
    if isPeerClosed { settleEnd() }
  }

  /// Keeps the streams' view of the unsent bytes true.
  func updateWindow() {
    guard let window else { return }
    let unsent = output?.count ?? 0
    guard unsent != windowShare else { return }
    window.queued.add(unsent - windowShare, ordering: .sequentiallyConsistent)
    windowShare = unsent
  }

  /// Tells the streams that were asked to wait that they may go on.
  private func offerRoom() {
    guard let window, state == .open, !calls.isEmpty, window.isOpen else { return }
    guard (output?.count ?? 0) <= window.limit / 2 else { return }
    var waiting: [UInt32] = []
    for (id, call) in calls where call.stream?.takeWantsRoom() == true { waiting.append(id) }
    for id in waiting.sorted() {
      guard let call = calls[id], let stream = call.stream, let handler = call.handler else { continue }
      do throws(Status) {
        try handler.writable(stream)
      } catch {
        fail(id, error)
      }
    }
  }
}
