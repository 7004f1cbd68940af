// Calls with protobuf-c messages, for code that has them.

package import Wire

extension Client {
  /// Calls with a message and hands the answer's to `body`; it is valid there only.
  package func call<Request: WireMessage, Response: WireMessage, Result>(
    _ service: String, _ method: String, _ request: UnsafePointer<Request>, answer: Response.Type,
    timeoutNanos: UInt64? = nil, _ body: (UnsafePointer<Response>) throws(Status) -> Result
  ) throws(Status) -> Result {
    let bytes = try call(service, method, Wire.bytes(request), timeoutNanos: timeoutNanos)
    return try Wire.withMessage(Response.self, from: bytes, body)
  }
}

extension ClientStream {
  /// Sends a message.
  package func send<Request: WireMessage>(_ message: UnsafePointer<Request>) throws(Status) {
    try send(Wire.bytes(message))
  }

  /// Waits for the next message and hands it to `body`, where alone it is valid; nil at the good end.
  package func receive<Response: WireMessage, Result>(
    _: Response.Type, _ body: (UnsafePointer<Response>) throws(Status) -> Result
  ) throws(Status) -> Result? {
    guard let bytes = try receive() else { return nil }
    return try Wire.withMessage(Response.self, from: bytes, body)
  }
}
