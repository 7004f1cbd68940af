// What every command that talks to a daemon is told: where it listens, and how long to wait.

import ArgumentParser
import Configuration
import Foundation
import Transport
import Wire

struct ClientOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Socket of the daemon. Default: COWBIRD_SOCKET, else \(ServerSection().socket).", valueName: "path"))
  var socket: String?

  @Option(help: ArgumentHelp("Give up after so long, such as 500ms or 10s.", valueName: "duration"))
  var timeout: String?

  func validate() throws { _ = try nanos() }

  private func nanos() throws -> UInt64? {
    guard let timeout else { return nil }
    guard let nanos = DurationText.parse(timeout), nanos > 0 else {
      throw ValidationError("--timeout: \"\(timeout)\" is no duration; try 500ms, 10s or 5m")
    }
    return UInt64(nanos)
  }

  var path: String {
    if let socket { return socket }
    if let path = ProcessInfo.processInfo.environment["COWBIRD_SOCKET"], !path.isEmpty { return path }
    return ServerSection().socket
  }

  /// - Throws: `ConnectFailure`, which says what to do.
  func connect() throws -> DaemonConnection {
    DaemonConnection(client: try client(), timeoutNanos: try nanos())
  }

  func client() throws -> Client {
    do {
      return try Client(path: path)
    } catch {
      switch error.code {
      case .permissionDenied:
        throw ConnectFailure(
          description: "\(error.message); join the socket's group, or ask for another mode (server.mode)")
      case .unavailable:
        throw ConnectFailure(
          description:
            "\(error.message); start the daemon with `cowbird serve`, or name its socket with --socket or COWBIRD_SOCKET"
        )
      default: throw error
      }
    }
  }
}

/// A connection, with the time that each call may take.
struct DaemonConnection {
  /// Of calls that were given none.
  static let usualNanos: UInt64 = 60_000_000_000

  let client: Client
  /// As the user said; nil: nothing was said.
  let timeoutNanos: UInt64?

  /// Calls a method; `build` fills the request with parts that live in the arena.
  func call<Request: WireMessage, Response: WireMessage>(
    _ service: String, _ method: String, as _: Response.Type = Response.self, isLong: Bool = false,
    _ build: (MessageArena, inout Request) throws -> Void
  ) throws -> Answer<Response> {
    let bytes = try client.call(
      "cowbird.v1.\(service)", method, try Self.encoded(build),
      timeoutNanos: timeoutNanos ?? (isLong ? nil : Self.usualNanos))
    return try Answer(bytes)
  }

  /// Opens a stream of answers and hands each on.
  func stream<Request: WireMessage, Response: WireMessage>(
    _ service: String, _ method: String, as _: Response.Type = Response.self,
    _ build: (MessageArena, inout Request) throws -> Void, _ body: (Answer<Response>) throws -> Void
  ) throws {
    let stream = try client.openStream(
      "cowbird.v1.\(service)", method, .server, request: try Self.encoded(build), timeoutNanos: timeoutNanos)
    while let bytes = try stream.receive() { try body(Answer(bytes)) }
  }

  static func encoded<Request: WireMessage>(
    _ build: (MessageArena, inout Request) throws -> Void
  ) throws -> [UInt8] {
    let arena = MessageArena(capacity: 4096)
    var request = Request.empty
    try build(arena, &request)
    return Wire.bytes(&request)
  }
}

/// A decoded answer; its parts live as long as it does.
final class Answer<Message: WireMessage> {
  private let arena: MessageArena
  let pointer: UnsafeMutablePointer<Message>

  init(_ bytes: [UInt8]) throws {
    let arena = MessageArena(capacity: 4096 + bytes.count)
    self.arena = arena
    var failure: Status?
    var decoded: UnsafeMutablePointer<Message>?
    bytes.withUnsafeBytes { bytes in
      do throws(Status) { decoded = try Wire.unpack(Message.self, from: bytes, in: arena) } catch {
        failure = error
      }
    }
    guard let decoded else {
      throw failure ?? Status(.internal, "the daemon's answer cannot be read")
    }
    pointer = decoded
  }

  var message: Message { pointer.pointee }
  var json: JSON { JSON(message: UnsafeRawPointer(pointer), Message.descriptor.pointer) }
}

/// The elements of a repeated message.
func elements<Message>(
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> [Message] {
  guard let values else { return [] }
  return (0..<count).compactMap { values[$0]?.pointee }
}

func text(_ value: UnsafeMutablePointer<CChar>?) -> String { value.map { String(cString: $0) } ?? "" }

func texts(_ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
  guard let values else { return [] }
  return (0..<count).map { text(values[$0]) }
}
