// One unary call while its handler runs: what came, and how to answer.

internal import CSystem
package import Wire

/// A unary call, valid only until its handler returns: the reactor uses the same object for every call, and
/// the request's bytes are the connection's. To answer later, keep what `deferAnswer` returns and copy what
/// is needed of the request.
package final class UnaryCall {
  enum Outcome {
    case unanswered
    case answered
    case deferred
  }

  // The reactor sets these before each call; the connection outlives the handler.
  unowned(unsafe) let reactor: Reactor
  unowned(unsafe) var connection: Connection?
  var envelope: RequestEnvelope
  var outcome = Outcome.unanswered
  package internal(set) var streamID: UInt32 = 0
  /// When the caller stops waiting, in nanoseconds of the monotonic clock; 0: never.
  package internal(set) var deadline: UInt64 = 0

  init(reactor: Reactor) {
    self.reactor = reactor
    // An empty envelope has no fault.
    envelope = try! RequestEnvelope(UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// The request message, encoded.
  package var payload: UnsafeRawBufferPointer { envelope.payload }

  package var peer: PeerCredentials { connection!.peer }

  /// What the caller may do; the method's own permission was checked.
  package var permissions: Permissions { connection!.permissions }

  /// What travelled beside the message.
  package func metadata(_ key: String) -> [String] { envelope.metadata(key) }

  /// Nanoseconds until the deadline; nil without one.
  package var remainingNanos: Int64? {
    deadline == 0 ? nil : Int64(bitPattern: deadline &- cowbird_monotonic_nanos())
  }

  /// For parts of messages that must live until the handler returns.
  package var arena: MessageArena { reactor.arena }

  /// Decodes the request. Throws INVALID_ARGUMENT that names the message and what is wrong with it.
  package func request<M: WireMessage>(_: M.Type = M.self) throws(Status) -> UnsafeMutablePointer<M> {
    try Wire.unpack(M.self, from: envelope.payload, in: reactor.arena)
  }

  /// Answers with a message, packed straight into what will be sent. A call is answered once.
  package func respond<M: WireMessage>(_ message: UnsafePointer<M>) {
    respond(size: Wire.packedSize(message)) { target in Wire.pack(message, to: target) }
  }

  /// Answers with `size` encoded bytes, which `fill` writes.
  @inline(__always)
  package func respond(size: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    precondition(outcome == .unanswered, "a call is answered once")
    outcome = .answered
    connection!.answer(streamID, deadline: deadline, payloadSize: size, fill: fill)
  }

  /// Takes the answer out of the handler: any thread may give it later.
  package func deferAnswer() -> Reply {
    precondition(outcome == .unanswered, "a call is answered once")
    outcome = .deferred
    connection!.deferAnswer(streamID, deadline: deadline, requestBytes: envelope.payload.count)
    return Reply(
      reactor: reactor, connection: connection!.token, streamID: streamID, deadline: deadline)
  }
}
