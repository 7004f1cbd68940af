// From frames to calls: ids and flags are checked, the method is found, the caller's permission too.

internal import Wire

extension Connection {
  /// One whole frame.
  @inline(__always)
  func receive(_ header: FrameHeader, _ data: UnsafeRawBufferPointer) {
    if state == .refusing {
      return linger(answering: header.streamID, reactor.refusal)
    }
    guard header.streamID & 1 == 1 else {
      return refuse(header.streamID, "stream id \(header.streamID) is even; a client's are odd")
    }
    switch header.type {
    case FrameType.request: request(header, data)
    case FrameType.data: streamData(header, data)
    case FrameType.response: refuse(header.streamID, "a client sends no responses")
    default: refuse(header.streamID, "unknown message type \(header.type)")
    }
  }

  // MARK: - Requests

  private func request(_ header: FrameHeader, _ data: UnsafeRawBufferPointer) {
    let id = header.streamID
    guard id > lastStreamID else {
      return refuse(id, "stream id \(id) was used, or is below one that was; ids must grow")
    }
    lastStreamID = id
    let flags = header.flags
    guard flags & ~(FrameFlags.remoteClosed | FrameFlags.remoteOpen) == 0, flags != 3 else {
      return refuse(id, "request flags \(flags) are not known: 0 is unary, 1 remote closed, 2 remote open")
    }
    do throws(Status) {
      let envelope = try RequestEnvelope(data)
      let table = reactor.methods
      var index = lastMethod
      if !table.isNamed(index, envelope.service, envelope.method) {
        guard let found = table.find(service: envelope.service, method: envelope.method) else {
          throw table.refusal(service: envelope.service, method: envelope.method)
        }
        index = found
        lastMethod = found
      }
      guard permissions.isSuperset(of: table.methods[index].permission) else {
        throw denial(table.methods[index])
      }
      guard calls.count < reactor.options.maximumStreamsPerConnection else {
        let limit = reactor.options.maximumStreamsPerConnection
        throw Status(
          .resourceExhausted, "\(limit) calls are in flight on this connection, which is the limit")
      }
      reactor.counters.countCall(index)
      let deadline = try deadline(of: envelope)
      switch table.methods[index].handler {
      case .unary(let handler):
        guard flags & FrameFlags.remoteOpen == 0 else {
          throw Status(
            .invalidArgument, "\(table.methods[index].name) is unary: it takes no stream of messages")
        }
        try unary(id, envelope, deadline, handler)
      case .stream(let kind, let opener):
        try open(id, flags, table.methods[index].name, kind, envelope, deadline, opener)
      }
    } catch {
      fail(id, error)
    }
  }

  private func denial(_ method: Method) -> Status {
    Status(
      .permissionDenied,
      "\(method.service)/\(method.name) needs the permission \(method.permission), which \(peer) has not")
  }

  private func deadline(of envelope: RequestEnvelope) throws(Status) -> UInt64 {
    let timeout = envelope.timeoutNanos
    if timeout == 0 { return 0 }
    guard timeout > 0 else {
      throw Status(.deadlineExceeded, "the deadline had passed before the call was sent")
    }
    let (time, isBeyond) = reactor.now.addingReportingOverflow(UInt64(timeout))
    return isBeyond ? 0 : time
  }

  private func unary(
    _ id: UInt32, _ envelope: RequestEnvelope, _ deadline: UInt64, _ handler: UnaryHandler
  ) throws(Status) {
    // hot: the reactor's one call object, its arena, and the output buffer; nothing is allocated.
    let call = reactor.call
    call.begin(id, envelope, deadline: deadline, on: self)
    defer {
      call.end()
      reactor.arena.reset()
    }
    do throws(Status) {
      try handler(call)
    } catch {
      switch call.outcome {
      case .unanswered: throw error
      case .deferred: settle(id, .failure(error))
      case .answered: break  // There is one answer to a call, and it was given.
      }
      return
    }
    if call.outcome == .unanswered {
      throw Status(.internal, "the method gave no answer; this is a fault of the server")
    }
  }

  // MARK: - Streams

  private func open(
    _ id: UInt32, _ flags: UInt8, _ name: String, _ kind: StreamKind, _ envelope: RequestEnvelope,
    _ deadline: UInt64, _ opener: StreamOpener
  ) throws(Status) {
    switch (kind, flags) {
    case (.server, FrameFlags.remoteClosed), (.client, 1...2), (.both, 1...2): break
    case (.server, _):
      throw Status(.invalidArgument, "\(name) answers with a stream: request flags must be 1 (remote closed)")
    default:
      throw Status(.invalidArgument, "\(name) takes a stream: request flags must be 2 (remote open)")
    }
    let window = self.window ?? SendWindow(limit: reactor.options.maximumUnsentBytes)
    self.window = window
    let stream = ServerStream(
      kind: kind, streamID: id, connection: self, window: window, deadline: deadline,
      metadata: envelope.metadata())
    defer { reactor.arena.reset() }
    let handler = try opener(stream)
    insert(
      id,
      LiveCall(
        deadline: deadline, stream: stream, handler: handler, isRemoteClosed: flags != FrameFlags.remoteOpen))
    if kind == .server || envelope.payload.count > 0 { try handler.receive(envelope.payload, on: stream) }
    if flags != FrameFlags.remoteOpen, calls[id] != nil { try handler.receiveEnd(on: stream) }
  }

  private func streamData(_ header: FrameHeader, _ data: UnsafeRawBufferPointer) {
    let id = header.streamID
    guard let call = calls[id] else {
      if let cut = cutStreams.firstIndex(of: id) {
        // The peer has been told how this stream ended; these were on their way.
        if header.flags & FrameFlags.remoteClosed != 0 { cutStreams.remove(at: cut) }
        return
      }
      return refuse(
        id, id > lastStreamID ? "stream \(id) was never opened" : "stream \(id) is no longer open")
    }
    guard let stream = call.stream, let handler = call.handler else {
      return refuse(id, "stream \(id) is a unary call, which takes no data")
    }
    guard !call.isRemoteClosed else { return refuse(id, "data came on stream \(id) after it was closed") }
    guard header.flags & ~(FrameFlags.remoteClosed | FrameFlags.noData) == 0 else {
      return refuse(id, "data flags \(header.flags) are not known: 1 is remote closed, 4 no data")
    }
    let hasNoData = header.flags & FrameFlags.noData != 0
    guard !hasNoData || data.isEmpty else { return refuse(id, "a frame flagged no data has data") }
    defer { reactor.arena.reset() }
    do throws(Status) {
      if header.flags & FrameFlags.remoteClosed != 0 { calls[id]!.isRemoteClosed = true }
      if !hasNoData { try handler.receive(data, on: stream) }
      if header.flags & FrameFlags.remoteClosed != 0, calls[id] != nil { try handler.receiveEnd(on: stream) }
    } catch {
      fail(id, error)
    }
  }

  /// The peer broke the protocol on one stream: what is in flight there ends with it.
  private func refuse(_ id: UInt32, _ reason: String) { fail(id, Status(.invalidArgument, reason)) }
}
