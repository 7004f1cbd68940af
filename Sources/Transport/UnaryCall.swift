// One unary call while its handler runs: what came, and how to answer.

internal import CSystem
internal import Primitives
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

  /// For parts of messages that must live until the handler returns.
  package let arena: MessageArena
  // The connection sets these before each call, and outlives the handler.
  @exclusivity(unchecked) private var place: Unmanaged<Connection>?
  @exclusivity(unchecked) private(set) var envelope: RequestEnvelope
  @exclusivity(unchecked) private(set) var outcome = Outcome.unanswered
  @exclusivity(unchecked) package private(set) var streamID: UInt32 = 0
  /// When the caller stops waiting, in nanoseconds of the monotonic clock; 0: never.
  @exclusivity(unchecked) package private(set) var deadline: UInt64 = 0

  init(arena: MessageArena) {
    self.arena = arena
    // An empty envelope has no fault.
    envelope = try! RequestEnvelope(UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// The next call: all of it is new.
  @inline(__always)
  func begin(_ streamID: UInt32, _ envelope: RequestEnvelope, deadline: UInt64, on connection: Connection) {
    place = .passUnretained(connection)
    self.envelope = envelope
    self.streamID = streamID
    self.deadline = deadline
    outcome = .unanswered
  }

  /// The handler has returned: nobody may ask for the connection any more.
  @inline(__always)
  func end() { place = nil }

  private var connection: Connection { place!.takeUnretainedValue() }

  /// The request message, encoded.
  package var payload: UnsafeRawBufferPointer { envelope.payload }

  package var peer: PeerCredentials { connection.peer }

  /// What the caller may do; the method's own permission was checked.
  package var permissions: Permissions { connection.permissions }

  /// What travelled beside the message.
  package func metadata(_ key: String) -> [String] { envelope.metadata(key) }

  /// Nanoseconds until the deadline; nil without one.
  package var remainingNanos: Int64? {
    deadline == 0 ? nil : Int64(bitPattern: deadline &- MonotonicClock.nanos())
  }

  /// Decodes the request. Throws INVALID_ARGUMENT that names the message and what is wrong with it.
  package func request<M: WireMessage>(_: M.Type = M.self) throws(Status) -> UnsafeMutablePointer<M> {
    try Wire.unpack(M.self, from: envelope.payload, in: arena)
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
    place!._withUnsafeGuaranteedRef {
      $0.answer(streamID, deadline: deadline, payloadSize: size, fill: fill)
    }
  }

  /// Takes the answer out of the handler: any thread may give it later.
  package func deferAnswer() -> Reply {
    precondition(outcome == .unanswered, "a call is answered once")
    outcome = .deferred
    connection.deferAnswer(streamID, deadline: deadline, requestBytes: envelope.payload.count)
    return Reply(
      reactor: connection.reactor, connection: connection.token, streamID: streamID, deadline: deadline)
  }
}
