// What answers a method: a closure for a unary one, an object for each stream.

package import Wire

/// Answers a unary call: by `call.respond`, by keeping `call.deferAnswer()` for later, or by throwing.
package typealias UnaryHandler = @Sendable (UnaryCall) throws(Status) -> Void

/// Opens a stream: the object returned receives what the peer sends.
package typealias StreamOpener = @Sendable (ServerStream) throws(Status) -> any StreamHandler

/// One stream's end of the conversation. Every call comes on the reactor that owns the connection, so a
/// handler needs no lock for what only it touches, and must not block. What it throws ends the stream.
package protocol StreamHandler: AnyObject {
  /// The peer sent a message (for a method whose client does not stream: its one request). The bytes are
  /// valid until this returns.
  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status)

  /// The peer sends nothing more.
  func receiveEnd(on stream: ServerStream) throws(Status)

  /// There is room again, after `mayWrite` was false.
  func writable(_ stream: ServerStream) throws(Status)

  /// The stream's `wake` was called.
  func woken(_ stream: ServerStream) throws(Status)

  /// The stream ended otherwise than by a call of this handler: its deadline passed, the connection went, the
  /// peer broke the protocol, or a method of this handler threw.
  func ended(_ stream: ServerStream, _ reason: Status)

  /// The server is about to stop: say what is left to say and end the stream soon.
  func drain(_ stream: ServerStream)
}

extension StreamHandler {
  package func receiveEnd(on stream: ServerStream) throws(Status) {}
  package func writable(_ stream: ServerStream) throws(Status) {}
  package func woken(_ stream: ServerStream) throws(Status) {}
  package func ended(_ stream: ServerStream, _ reason: Status) {}
  package func drain(_ stream: ServerStream) { stream.fail(Status(.unavailable, "the server is stopping")) }
}
