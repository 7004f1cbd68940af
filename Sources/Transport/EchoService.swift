// cowbird.v1.Echo: what goes in comes out. For benchmarks, conformance tests, and people who wonder whether
// they are connected.

internal import CMessages
internal import Wire

extension ServiceRegistry {
  /// Adds cowbird.v1.Echo.
  package mutating func addEcho(permission: Permissions = []) {
    unary("cowbird.v1.Echo", "Unary", permission: permission) { call throws(Status) in
      let request = try call.request(Cowbird__V1__EchoRequest.self)
      try request.pointee.check()
      if request.pointee.delay_nanos == 0 {
        // hot: the payload goes from the request's frame to the answer's in one copy.
        var response = Cowbird__V1__EchoResponse(to: request.pointee)
        call.respond(&response)
      } else {
        var response = Cowbird__V1__EchoResponse(to: request.pointee)
        let bytes = Wire.bytes(&response)
        call.deferAnswer().after(request.pointee.delay_nanos) { $0.respond(bytes: bytes) }
      }
    }
    stream("cowbird.v1.Echo", "Collect", .client, permission: permission) { _ in EchoCollect() }
    stream("cowbird.v1.Echo", "Expand", .server, permission: permission) { _ in EchoExpand() }
    stream("cowbird.v1.Echo", "Chat", .both, permission: permission) { _ in EchoChat() }
  }
}

extension Cowbird__V1__EchoRequest {
  /// Throws what the request asks for as a failure, and refuses what is out of bounds.
  fileprivate func check() throws(Status) {
    guard delay_nanos <= 60_000_000_000 else {
      throw Status(.invalidArgument, "EchoRequest.delay_nanos is \(delay_nanos); at most 60000000000 (60 s)")
    }
    guard (0...16).contains(fail_code) else {
      throw Status(.invalidArgument, "EchoRequest.fail_code is \(fail_code); gRPC's codes are 0 to 16")
    }
    guard `repeat` <= 1_000_000 else {
      throw Status(.invalidArgument, "EchoRequest.repeat is \(`repeat`); at most 1000000")
    }
    if fail_code != 0 {
      throw Status(Status.Code(rawValue: fail_code), String(decoding: payload.bytes, as: UTF8.self))
    }
  }
}

extension Cowbird__V1__EchoResponse {
  /// Borrows the request's payload.
  fileprivate init(to request: Cowbird__V1__EchoRequest) {
    self = .empty
    payload = request.payload
    number = request.number
  }
}

/// Joins all payloads and counts the messages.
private final class EchoCollect: StreamHandler {
  private static let limit = FrameHeader.maximumLength - 64
  private var payload: [UInt8] = []
  private var count: UInt64 = 0

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__EchoRequest.self, message)
    try request.pointee.check()
    let bytes = request.pointee.payload.bytes
    guard payload.count + bytes.count <= Self.limit else {
      throw Status(
        .resourceExhausted, "the payloads have more than \(Self.limit) bytes, which one answer can hold")
    }
    payload.append(contentsOf: bytes)
    count += 1
  }

  func receiveEnd(on stream: ServerStream) throws(Status) {
    payload.withUnsafeBytes { bytes in
      var response = Cowbird__V1__EchoResponse.empty
      response.payload = ProtobufCBinaryData(borrowing: bytes)
      response.number = count
      stream.finish(with: &response)
    }
  }
}

/// Answers the same payload, numbered, as fast as the peer reads.
private final class EchoExpand: StreamHandler {
  private var payload: [UInt8] = []
  private var next: UInt64 = 0
  private var end: UInt64 = 0

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__EchoRequest.self, message)
    try request.pointee.check()
    payload = Array(request.pointee.payload.bytes)
    end = UInt64(request.pointee.repeat)
    if request.pointee.delay_nanos == 0 {
      advance(stream)
    } else {
      stream.wake(after: request.pointee.delay_nanos)
    }
  }

  func writable(_ stream: ServerStream) throws(Status) { advance(stream) }

  func woken(_ stream: ServerStream) throws(Status) { advance(stream) }

  private func advance(_ stream: ServerStream) {
    payload.withUnsafeBytes { bytes in
      var response = Cowbird__V1__EchoResponse.empty
      response.payload = ProtobufCBinaryData(borrowing: bytes)
      while next < end, stream.mayWrite {
        response.number = next
        stream.send(&response)
        next += 1
      }
    }
    if next == end { stream.finish() }
  }
}

/// Answers each message as it comes. A peer that does not read is not read from either.
private final class EchoChat: StreamHandler {
  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__EchoRequest.self, message)
    try request.pointee.check()
    var response = Cowbird__V1__EchoResponse(to: request.pointee)
    stream.send(&response)
  }

  func receiveEnd(on stream: ServerStream) throws(Status) { stream.finish() }
}
