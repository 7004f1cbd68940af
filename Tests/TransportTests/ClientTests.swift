import CMessages
import CSystem
import Glibc
import Primitives
import Testing
import Wire

@testable import Transport

@Suite struct ClientTests {
  @Test("answers are collected in any order")
  func pipelined() throws {
    let server = try TestServer()
    let client = try server.client()
    let calls = try (0..<100).map { number in
      try client.submit("cowbird.v1.Echo", "Unary", Echo.request("n", number: UInt64(number)))
    }
    for number in (0..<100).reversed() {
      #expect(Echo.number(try client.collect(calls[number])) ?? 0 == UInt64(number))
    }
    #expect(throws: Status.self) { try client.collect(calls[0]) }
  }

  @Test("a client whose stream ids run out takes a new connection, or says what holds the old one")
  func exhausted() throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.call("cowbird.v1.Echo", "Unary", Echo.request("a"))
    client.nextStreamID = 0xC000_0003
    _ = try client.call("cowbird.v1.Echo", "Unary", Echo.request("b"))
    #expect(client.nextStreamID == 3)

    client.nextStreamID = UInt32.max - 4
    var stream: ClientStream? = try client.openStream("cowbird.v1.Echo", "Chat", .both)
    #expect(client.nextStreamID == 3, "nothing was in flight: a new connection")
    client.nextStreamID = UInt32.max - 2
    _ = try client.call("cowbird.v1.Echo", "Unary", Echo.request("the last id"))
    #expect(throws: Status.self) { try client.call("cowbird.v1.Echo", "Unary", Echo.request("none left")) }
    do {
      _ = try client.submit("cowbird.v1.Echo", "Unary", Echo.request("none left"))
    } catch {
      #expect(error.code == .resourceExhausted && error.message.contains("used up"))
    }
    try stream?.send(Echo.request("still here"))
    #expect(try stream?.receive() != nil)
    stream = nil
    _ = try client.call("cowbird.v1.Echo", "Unary", Echo.request("anew"))
    #expect(client.nextStreamID == 3)
  }

  @Test("answers are collected as they come")
  func collectAny() throws {
    let server = try TestServer()
    let client = try server.client()
    let slow = try client.submit("cowbird.v1.Echo", "Unary", Echo.request(delayNanos: 50_000_000))
    let failing = try client.submit("cowbird.v1.Echo", "Unary", Echo.request("no", failCode: 5))
    let first = try #require(try client.collectAny())
    #expect(first.call == failing)
    #expect(throws: Status(.notFound, "no")) { try first.answer.get() }
    #expect(try client.collectAny()?.call == slow)
    #expect(try client.collectAny() == nil)
  }

  @Test("more requests than both sockets hold do not lock client and server")
  func flood() throws {
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 10
    let server = try TestServer(options: options)
    let client = try server.client()
    let payload = [UInt8](repeating: 3, count: 20_000)
    let calls = try (0..<500).map { _ in try client.submit("cowbird.v1.Echo", "Unary", Echo.request(payload))
    }
    for call in calls { #expect(Echo.payload(try client.collect(call)) == payload) }
  }

  @Test("a call without an answer in time is DEADLINE_EXCEEDED, and the client goes on")
  func deadline() throws {
    let server = try TestServer()
    let client = try server.client()
    let start = MonotonicClock.nanos()
    do {
      _ = try client.call(
        "cowbird.v1.Echo", "Unary", Echo.request(delayNanos: 60_000_000_000), timeoutNanos: 30_000_000)
      Issue.record("it was answered")
    } catch {
      #expect(error.code == .deadlineExceeded)
    }
    #expect(MonotonicClock.nanos() - start < 10_000_000_000)
    #expect(Echo.payload(try client.call("cowbird.v1.Echo", "Unary", Echo.request("x"))) == Array("x".utf8))
  }

  @Test("a lost connection fails what is in flight and what comes after, until the client reconnects")
  func reconnect() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/s"
    var registry = ServiceRegistry()
    registry.addEcho()
    func start() throws -> Server {
      try Server(
        registry, listeners: [try Listener(path: path)], permissions: PermissionTable(owner: getuid()),
        options: ServerOptions())
    }
    let first = try start()
    let client = try Client(path: path)
    let call = try client.submit("cowbird.v1.Echo", "Unary", Echo.request(delayNanos: 60_000_000_000))
    first.stop(within: 20_000_000)
    #expect(throws: Status.self) { try client.collect(call) }
    do {
      _ = try client.call("cowbird.v1.Echo", "Unary", [])
      Issue.record("nobody is there")
    } catch {
      #expect(error.code == .unavailable)
    }
    #expect(throws: Status.self) { try client.reconnect() }
    let second = try start()
    try client.reconnect()
    #expect(try client.call("cowbird.v1.Echo", "Unary", []).isEmpty)
    second.stop()
  }

  @Test("streams of all kinds")
  func streams() throws {
    let server = try TestServer()
    let client = try server.client()
    let expand = try client.openStream(
      "cowbird.v1.Echo", "Expand", .server, request: Echo.request("x", repeat: 1000))
    let collect = try client.openStream("cowbird.v1.Echo", "Collect", .client)
    let chat = try client.openStream("cowbird.v1.Echo", "Chat", .both)
    for number in 0..<100 as Range<UInt64> {
      try collect.send(Echo.request("ab"))
      try chat.send(Echo.request("c", number: number))
      #expect(Echo.number(try #require(try chat.receive())) ?? 0 == number)
    }
    try chat.closeSend()
    #expect(try chat.receive() == nil)
    #expect(try chat.receive() == nil)
    try collect.closeSend()
    #expect(throws: Status.self) { try collect.send([]) }
    let collected = try #require(try collect.receive())
    #expect(Echo.payload(collected)?.count == 200)
    #expect(try collect.receive() == nil)
    var count = 0
    while try expand.receive() != nil { count += 1 }
    #expect(count == 1000)
  }

  @Test("messages of the contract are sent and received as such")
  func typed() throws {
    let server = try TestServer()
    let client = try server.client()
    var request = Cowbird__V1__EchoRequest.empty
    request.number = 42
    let number = try client.call(
      "cowbird.v1.Echo", "Unary", &request, answer: Cowbird__V1__EchoResponse.self
    ) { $0.pointee.number }
    #expect(number == 42)
  }

  @Test("what is too large to send is refused here, and the client goes on")
  func tooLarge() throws {
    let server = try TestServer()
    let client = try server.client()
    let huge = [UInt8](repeating: 0, count: 5 << 20)
    #expect(throws: Status.self) { try client.call("cowbird.v1.Echo", "Unary", huge) }
    let chat = try client.openStream("cowbird.v1.Echo", "Chat", .both)
    #expect(throws: Status.self) { try chat.send(huge) }
    #expect(try client.call("cowbird.v1.Echo", "Unary", []).isEmpty)
  }

  @Test("connecting to nobody says so")
  func nobody() {
    #expect(throws: Status(.unavailable, "cannot connect to /tmp/nobody-here: No such file or directory")) {
      try Client(path: "/tmp/nobody-here")
    }
  }
}
