// Streams whose handlers answer from other threads, hold their input, and overrun.

import CMessages
import Glibc
import Primitives
import Testing
import Wire

@testable import Transport

@Suite struct StreamTests {
  @Test("another thread sends on a stream, waits for room, and loses nothing")
  func worker() throws {
    var options = ServerOptions(reactors: 2)
    options.maximumUnsentBytes = 32 << 10
    let server = try TestServer(options: options) { registry in
      registry.stream("test", "Work", .server, permission: []) { _ in Worker(count: 20_000) }
    }
    let peer = try server.peer()
    peer.send(.request(1, "test", "Work", flags: 1))
    for number in 0..<20_000 as Range<UInt64> {
      let frame = try peer.receive()
      #expect(Echo.number(frame.data) == number)
    }
    #expect(try peer.receive() == .data(1, flags: 5))
  }

  @Test("a worker hears when its peer has gone")
  func gone() throws {
    let worker = Worker(count: .max)
    let server = try TestServer { registry in
      registry.stream("test", "Work", .server, permission: []) { _ in worker }
    }
    var peer: Peer? = try server.peer()
    peer!.send(.request(1, "test", "Work", flags: 1))
    #expect(try peer!.receive().type == FrameType.data)
    peer = nil
    #expect(eventually { worker.hasStopped })
    #expect(worker.reason?.code == .cancelled)
  }

  @Test("a handler that holds its input stops the connection from being read")
  func hold() throws {
    let handler = Holder()
    let server = try TestServer { registry in
      registry.stream("test", "Hold", .both, permission: []) { _ in handler }
    }
    let peer = try server.peer()
    peer.send(.request(1, "test", "Hold", flags: 2), .data(1, [1]), .data(1, [2]), .data(1, [3]))
    #expect(eventually { handler.count == 1 })
    usleep(20_000)
    #expect(handler.count == 1)
    for expected in 2...3 {
      handler.stream?.release()
      #expect(eventually { handler.count == expected })
    }
    handler.stream?.release()
    #expect(try peer.ask(.request(3)).streamID == 3)
  }

  @Test("metadata reaches the handler")
  func metadata() throws {
    let server = try TestServer { registry in
      registry.unary("test", "Meta", permission: []) { call in
        let text = Array(call.metadata("trace").joined(separator: ",").utf8)
        call.respond(size: text.count) { target in
          text.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }
      }
    }
    let client = try server.client()
    let answer = try client.call(
      "test", "Meta", [], metadata: [("trace", "a"), ("other", "x"), ("trace", "b")])
    #expect(answer == Array("a,b".utf8))
  }

  @Test("an answer that does not fit a frame is RESOURCE_EXHAUSTED")
  func tooLarge() throws {
    let server = try TestServer { registry in
      registry.unary("test", "Huge", permission: []) { call in
        call.respond(size: 5 << 20) { _ in Issue.record("must not be asked to write") }
      }
    }
    let peer = try server.peer()
    #expect(try peer.ask(.request(1, "test", "Huge")).status?.code == .resourceExhausted)
    #expect(try peer.ask(.request(3)).status == nil)
  }

  @Test("an error thrown by a handler's opener, receiver or end is the stream's end")
  func throwing() throws {
    let server = try TestServer { registry in
      registry.stream("test", "Open", .both, permission: []) { _ throws(Status) in
        throw Status(.aborted, "no")
      }
    }
    let peer = try server.peer()
    #expect(try peer.ask(.request(1, "test", "Open", flags: 2)).status == Status(.aborted, "no"))
    #expect(try peer.ask(.data(1)).status?.code == .invalidArgument)
  }
}

/// Sends numbers from a thread of its own.
private final class Worker: StreamHandler, @unchecked Sendable {
  private let count: UInt64
  private let lock = Lock()
  private var stopped = false
  private var endReason: Status?
  private var thread: Background?

  init(count: UInt64) { self.count = count }

  var hasStopped: Bool { lock.withLock { stopped } }
  var reason: Status? { lock.withLock { endReason } }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let count = count
    thread = Background { [weak self] in
      var response = Cowbird__V1__EchoResponse.empty
      var number: UInt64 = 0
      while number < count, !stream.isEnded {
        response.number = number
        stream.send(&response)
        number += 1
        while !stream.mayWrite, !stream.isEnded { usleep(100) }
      }
      if number == count { stream.finish() }
      self?.stop()
    }
  }

  func ended(_ stream: ServerStream, _ reason: Status) { lock.withLock { endReason = reason } }

  private func stop() { lock.withLock { stopped = true } }
}

/// Counts messages and takes the next one only when it is released.
private final class Holder: StreamHandler, @unchecked Sendable {
  private let lock = Lock()
  private var received = 0
  private var kept: ServerStream?

  var count: Int { lock.withLock { received } }
  var stream: ServerStream? { lock.withLock { kept } }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    lock.withLock {
      kept = stream
      received += 1
    }
    stream.hold()
  }
}
