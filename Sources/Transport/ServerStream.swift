// The server's side of a stream: what may be sent, and how it ends.

internal import CSystem
internal import Synchronization
package import Wire

/// Bytes that wait to be sent on a connection, those on their way from other threads included. Shared by the
/// streams of one connection.
final class SendWindow: Sendable {
  let queued = Atomic(0)
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var isOpen: Bool { queued.load(ordering: .acquiring) < limit }
  /// A handler that ignores `mayWrite` must not fill the memory.
  var isOverrun: Bool { queued.load(ordering: .acquiring) > limit + (64 << 20) }
}

/// One stream. Any thread may send and end it; order is kept among the calls of one thread. What is sent
/// after the stream has ended is dropped.
package final class ServerStream: Sendable {
  package let kind: StreamKind
  package let streamID: UInt32
  package let peer: PeerCredentials
  package let permissions: Permissions
  /// When the caller stops waiting, in nanoseconds of the monotonic clock; 0: never.
  package let deadline: UInt64
  /// What travelled beside the request.
  package let metadata: [(key: String, value: String)]
  private let reactor: Reactor
  private let connection: UInt64
  private let window: SendWindow
  private let wantsRoom = Atomic(false)
  private let hasEnded = Atomic(false)

  init(
    kind: StreamKind, streamID: UInt32, connection: Connection, window: SendWindow, deadline: UInt64,
    metadata: [(key: String, value: String)]
  ) {
    self.kind = kind
    self.streamID = streamID
    peer = connection.peer
    permissions = connection.permissions
    self.deadline = deadline
    self.metadata = metadata
    reactor = connection.reactor
    self.connection = connection.token
    self.window = window
  }

  /// False while too many bytes wait to be sent: stop sending until the handler's `writable` is called.
  package var mayWrite: Bool {
    if window.isOpen { return true }
    wantsRoom.store(true, ordering: .sequentiallyConsistent)
    return window.isOpen
  }

  /// True once the stream has ended, for whatever reason: nobody reads what is sent.
  package var isEnded: Bool { hasEnded.load(ordering: .acquiring) }

  /// Sends one message of a method whose server streams. Returns `mayWrite`.
  @discardableResult
  package func send<M: WireMessage>(_ message: UnsafePointer<M>) -> Bool {
    send(size: Wire.packedSize(message)) { Wire.pack(message, to: $0) }
  }

  /// Sends `size` encoded bytes, which `fill` writes before this returns. Returns `mayWrite`.
  @discardableResult
  package func send(size: Int, fill: (UnsafeMutableRawPointer) -> Void) -> Bool {
    precondition(kind != .client, "a method that answers once ends with finish(with:)")
    guard !isEnded else { return false }
    guard size <= FrameHeader.maximumLength else {
      fail(
        Status(.resourceExhausted, "an answer has \(size) bytes; at most \(FrameHeader.maximumLength) fit"))
      return false
    }
    guard !window.isOverrun else {
      fail(Status(.resourceExhausted, "the caller reads too slowly"))
      return false
    }
    if reactor.isCurrent {
      reactor.connection(connection)?.send(on: self, size: size, fill: fill)
    } else {
      let frame = ByteQueue(capacity: FrameHeader.size + size)
      frame.appendData(streamID: streamID, size: size, fill: fill)
      let bytes = Array(frame.bytes)
      window.queued.add(bytes.count, ordering: .acquiringAndReleasing)
      post { stream, connection in
        connection?.send(on: stream, frame: bytes)
        stream.window.queued.subtract(bytes.count, ordering: .acquiringAndReleasing)
      }
    }
    return mayWrite
  }

  /// Ends a stream of answers well.
  package func finish() {
    precondition(kind != .client, "a method that answers once ends with finish(with:)")
    post { stream, connection in connection?.finish(stream, .end) }
  }

  /// Ends a stream whose client streams and whose server answers once.
  package func finish<M: WireMessage>(with message: UnsafePointer<M>) {
    precondition(kind == .client, "a method whose server streams ends with finish()")
    let bytes = Wire.bytes(message)
    post { stream, connection in connection?.finish(stream, .answer(bytes)) }
  }

  /// Ends the stream with an error.
  package func fail(_ status: Status) {
    post { stream, connection in connection?.finish(stream, .failure(status)) }
  }

  /// Stops reading from the whole connection (ttrpc has no flow control of its own) until `release`. Calls
  /// must be paired. For handlers whose input must wait.
  package func hold() { post { stream, connection in connection?.hold(stream, true) } }

  /// The end of one `hold`.
  package func release() { post { stream, connection in connection?.hold(stream, false) } }

  /// Has the handler's `woken` called on its reactor, after `nanos`: how other threads, and time, reach it.
  package func wake(after nanos: UInt64 = 0) {
    let token = connection
    reactor.post { reactor in
      guard nanos > 0 else {
        reactor.connection(token)?.wake(self)
        return
      }
      reactor.after(nanos) { [unowned reactor] in reactor.connection(token)?.wake(self) }
    }
  }

  /// Decodes a message that `receive` was given; valid until `receive` returns. On the reactor only.
  package func unpack<M: WireMessage>(
    _: M.Type = M.self, _ bytes: UnsafeRawBufferPointer
  ) throws(Status) -> UnsafeMutablePointer<M> {
    try Wire.unpack(M.self, from: bytes, in: reactor.arena)
  }

  /// Marks the end; true for the first who does.
  func markEnded() -> Bool {
    hasEnded.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
  }

  /// True once after `mayWrite` has been false.
  func takeWantsRoom() -> Bool {
    wantsRoom.compareExchange(expected: true, desired: false, ordering: .sequentiallyConsistent).exchanged
  }

  /// Runs on the reactor: at once when this is its thread, so that order is kept and nothing is allocated.
  private func post(_ body: @escaping @Sendable (ServerStream, Connection?) -> Void) {
    if reactor.isCurrent {
      body(self, reactor.connection(connection))
    } else {
      let token = connection
      reactor.post { reactor in body(self, reactor.connection(token)) }
    }
  }
}
