import Testing
import Wire

@testable import Transport

@Suite struct EchoTests {
  @Test("a unary call is answered by one response frame")
  func unary() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let answer = try peer.ask(.request(1, Echo.request("hello", number: 7)))
    #expect(answer.streamID == 1 && answer.type == FrameType.response && answer.flags == 0)
    #expect(answer.status == nil)
    #expect(answer.payload == [0x0A, 5] + Array("hello".utf8) + [0x10, 7])
    #expect(try peer.ask(.request(3)).data.isEmpty)
  }

  @Test("many calls in one write are all answered, those that wait later than those that do not")
  func pipelined() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let slow = Frame.request(1, Echo.request("slow", delayNanos: 50_000_000))
    var bytes = slow.bytes
    for number in 0..<1000 as Range<UInt64> {
      bytes += Frame.request(UInt32(3 + 2 * number), Echo.request("fast", number: number)).bytes
    }
    peer.send(bytes)
    var order: [UInt32] = []
    for _ in 0...1000 {
      let answer = try peer.receive()
      order.append(answer.streamID)
      if answer.streamID != 1 { #expect(Echo.number(answer.payload) ?? 0 == UInt64(answer.streamID - 3) / 2) }
    }
    #expect(order.first == 3)
    #expect(order.filter { $0 != 1 } == (0..<1000).map { 3 + 2 * $0 })
  }

  @Test(
    "payloads of every size come back, up to what a frame holds",
    arguments: [0, 1, 127, 128, 65_536, 4_194_000])
  func sizes(count: Int) throws {
    let server = try TestServer()
    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let client = try server.client()
    #expect(Echo.payload(try client.call("cowbird.v1.Echo", "Unary", Echo.request(payload))) == payload)
  }

  @Test("the server fails as it is asked to")
  func failure() throws {
    let server = try TestServer()
    let answer = try server.peer().ask(.request(1, Echo.request("because", failCode: 9)))
    #expect(answer.status == Status(.failedPrecondition, "because"))
    #expect(try server.peer().ask(.request(1, Echo.request(failCode: 17))).status?.code == .invalidArgument)
  }

  @Test("messages of a client stream are collected, and answered by a response when the client closes")
  func collect() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(
      .request(1, "cowbird.v1.Echo", "Collect", flags: 2), .data(1, Echo.request("ab")),
      .data(1), .data(1, flags: 1, Echo.request("cd")))
    let answer = try peer.receive()
    #expect(answer.type == FrameType.response)
    #expect(Echo.payload(answer.payload) == Array("abcd".utf8))
    #expect(Echo.number(answer.payload) == 3)
    // Closing without a message, and a first message in the request.
    peer.send(.request(3, "cowbird.v1.Echo", "Collect", flags: 2, Echo.request("x")), .data(3, flags: 5))
    #expect(Echo.number(try peer.receive().payload) == 1)
    #expect(Echo.number(try peer.ask(.request(5, "cowbird.v1.Echo", "Collect", flags: 1)).payload) ?? 0 == 0)
  }

  @Test("a server stream sends its messages and ends with data that is closed and empty")
  func expand() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Echo", "Expand", flags: 1, Echo.request("x", repeat: 3)))
    for number in 0..<3 {
      let answer = try peer.receive()
      #expect(answer.type == FrameType.data && answer.flags == 0)
      #expect(Echo.number(answer.data) == UInt64(number))
    }
    #expect(try peer.receive() == .data(1, flags: FrameFlags.remoteClosed | FrameFlags.noData))
  }

  @Test("each message of a chat is answered while the stream is open")
  func chat() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Echo", "Chat", flags: 2))
    for word in ["one", "two"] {
      #expect(Echo.payload(try peer.ask(.data(1, Echo.request(word))).data) == Array(word.utf8))
    }
    #expect(try peer.ask(.data(1, flags: 5)) == .data(1, flags: 5))
  }

  @Test("streams and calls of one connection do not wait for each other")
  func interleaved() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Echo", "Chat", flags: 2))
    peer.send(.request(3, "cowbird.v1.Echo", "Collect", flags: 2))
    #expect(try peer.ask(.request(5, Echo.request("a"))).streamID == 5)
    #expect(try peer.ask(.data(1, Echo.request("b"))).streamID == 1)
    peer.send(.data(3, Echo.request("c")))
    #expect(try peer.ask(.request(7)).streamID == 7)
    #expect(Echo.payload(try peer.ask(.data(3, flags: 5)).payload) == Array("c".utf8))
    #expect(try peer.ask(.data(1, flags: 5)).streamID == 1)
  }

  @Test("a peer that has sent all and closed its side still gets its answers, and then the end")
  func halfClose() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, Echo.request("late", delayNanos: 30_000_000)), .request(3))
    peer.closeSending()
    #expect(try peer.receive().streamID == 3)
    #expect(try peer.receive().streamID == 1)
    #expect(throws: Peer.Ended.self) { try peer.receive() }
  }

  @Test("a peer that closes its side before its stream is told so")
  func halfClosedStream() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Echo", "Collect", flags: 2))
    peer.closeSending()
    #expect(try peer.receive().status?.code == .cancelled)
    #expect(throws: Peer.Ended.self) { try peer.receive() }
  }

  @Test("Health tells its state, and each change to those who watch")
  func health() throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(.request(1, "cowbird.v1.Health", "Check")).payload == [0x08, 1])
    #expect(
      try peer.ask(.request(3, "cowbird.v1.Health", "Check", [0x0A, 1, 0x78])).status
        == Status(.notFound, "there is no service \"x\" here"))
    #expect(try peer.ask(.request(5, "cowbird.v1.Health", "Watch", flags: 1)).data == [0x08, 1])
    server.health.set("", .notServing(reason: "recovering"))
    #expect(try peer.receive().data == [0x08, 2, 0x12, 10] + Array("recovering".utf8))
    server.health.set("", .notServing(reason: "recovering"))
    server.health.set("", .serving)
    #expect(try peer.receive().data == [0x08, 1])
  }
}
