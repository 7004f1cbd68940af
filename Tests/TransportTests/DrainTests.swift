import CSystem
import Glibc
import Primitives
import Testing
import Wire

@testable import Transport

@Suite struct DrainTests {
  @Test("stopping answers what is in flight and what was sent, and then closes")
  func answersAll() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let count = 200
    var bytes: [UInt8] = []
    for number in 0..<count {
      let delay: UInt64 = number % 2 == 0 ? 50_000_000 : 0
      bytes += Frame.request(UInt32(1 + 2 * number), Echo.request(delayNanos: delay)).bytes
    }
    peer.send(bytes)
    let cut = Probe()
    let stopping = Background { cut.value = server.server.stop() }
    var answered: Set<UInt32> = []
    for _ in 0..<count {
      let answer = try peer.receive()
      #expect(answer.status == nil)
      answered.insert(answer.streamID)
    }
    #expect(answered.count == count)
    #expect(throws: Peer.Ended.self) { try peer.receive() }
    stopping.join()
    #expect(cut.value == 0)
    #expect(throws: Status.self) { try server.peer() }
  }

  @Test("what is sent after the stop began fails at the sender: nothing is taken and left without an answer")
  func refusesLater() throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(.request(1)).status == nil)
    peer.send(.request(3, Echo.request(delayNanos: 100_000_000)))
    let stopping = Background { server.server.stop() }
    var sent: UInt32 = 3
    while peer.send(.request(sent + 2)) {
      sent += 2
      usleep(1000)
    }
    var answered: Set<UInt32> = []
    do {
      while true { answered.insert(try peer.receive().streamID) }
    } catch is Peer.Ended {}
    #expect(answered.count == Int(sent - 1) / 2)
    stopping.join()
  }

  @Test("streams are told, and end with UNAVAILABLE")
  func streams() throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(.request(1, "cowbird.v1.Health", "Watch", flags: 1)).type == FrameType.data)
    peer.send(.request(3, "cowbird.v1.Echo", "Chat", flags: 2))
    #expect(try peer.ask(.data(3, Echo.request("x"))).streamID == 3)
    let stopping = Background { server.server.stop() }
    for _ in 0..<2 { #expect(try peer.receive().status == Status(.unavailable, "the server is stopping")) }
    #expect(throws: Peer.Ended.self) { try peer.receive() }
    stopping.join()
  }

  @Test("stopping takes no longer than it may, whoever does not read")
  func bounded() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, Echo.request(delayNanos: 60_000_000_000)))
    #expect(try peer.ask(.request(3)).streamID == 3)
    let start = MonotonicClock.nanos()
    #expect(server.server.stop(within: 50_000_000) == 1)
    #expect(MonotonicClock.nanos() - start < 5_000_000_000)
    #expect(server.server.stop() == 0)
    #expect(peer.sawEnd())
  }

  @Test("a reply that is given after its connection or its server has gone is dropped")
  func lateReply() throws {
    let kept = Kept()
    var server: TestServer? = try TestServer { registry in
      registry.unary("test", "Keep", permission: []) { call in kept.replies.append(call.deferAnswer()) }
    }
    var peer: Peer? = try server!.peer()
    peer!.send(.request(1, "test", "Keep"), .request(3, "test", "Keep"), .request(5))
    #expect(try peer!.receive().streamID == 5)
    kept.replies[0].respond(bytes: [1, 2, 3])
    #expect(try peer!.receive().payload == [1, 2, 3])
    kept.replies[0].respond(bytes: [4])
    peer = nil
    #expect(eventually { server!.server.connectionCount == 0 })
    kept.replies[1].respond(bytes: [5])
    server = nil
    kept.replies[1].fail(Status(.internal, "nobody hears this"))
  }

  @Test("a handler that throws after it has deferred or answered gives one answer")
  func throwingLate() throws {
    let server = try TestServer { registry in
      registry.unary("test", "Deferred", permission: []) { call throws(Status) in
        let reply = call.deferAnswer()
        defer { reply.respond(bytes: [1]) }
        throw Status(.aborted, "changed my mind")
      }
      registry.unary("test", "Answered", permission: []) { call throws(Status) in
        call.respond(size: 0) { _ in }
        throw Status(.aborted, "too late")
      }
    }
    let peer = try server.peer()
    #expect(try peer.ask(.request(1, "test", "Deferred")).status == Status(.aborted, "changed my mind"))
    #expect(try peer.ask(.request(3, "test", "Answered")).status == nil)
    #expect(try peer.ask(.request(5)).streamID == 5)
  }

  @Test("calls and failures are counted")
  func counts() throws {
    let server = try TestServer(options: ServerOptions(reactors: 2))
    for _ in 0..<3 {
      let peer = try server.peer()
      #expect(try peer.ask(.request(1)).status == nil)
      #expect(try peer.ask(.request(3, Echo.request(failCode: 5))).status?.code == .notFound)
    }
    let counts = server.server.counts
    #expect(counts.calls.first { $0.method == "Unary" }?.count == 6)
    #expect(counts.failures[5] == 3)
  }

  @Test("a reply that is forgotten answers INTERNAL by itself")
  func forgottenReply() throws {
    let server = try TestServer { registry in
      registry.unary("test", "Forget", permission: []) { call in _ = call.deferAnswer() }
      registry.unary("test", "Silent", permission: []) { _ in }
    }
    let peer = try server.peer()
    #expect(try peer.ask(.request(1, "test", "Forget")).status?.code == .internal)
    #expect(try peer.ask(.request(3, "test", "Silent")).status?.code == .internal)
  }
}

/// Replies that a handler keeps for the test. The handler has run before the test looks.
private final class Kept: @unchecked Sendable {
  private let lock = Lock()
  private var stored: [Reply] = []

  var replies: [Reply] {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }
}
