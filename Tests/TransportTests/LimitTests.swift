import CSystem
import Glibc
import Testing
import Wire

@testable import Transport

@Suite struct LimitTests {
  @Test("one connection too many is told so on its first request and closed; the others are served")
  func connections() throws {
    var options = ServerOptions(reactors: 2)
    options.maximumConnections = 3
    let server = try TestServer(options: options)
    let peers = try (0..<3).map { _ in try server.peer() }
    for peer in peers { #expect(try peer.ask(.request(1)).status == nil) }
    let fourth = try server.peer()
    let answer = try fourth.ask(.request(1, Echo.request("me too")))
    #expect(answer.status == Status(.resourceExhausted, "3 connections are open, which is the limit"))
    #expect(throws: Peer.Ended.self) { try fourth.receive() }
    for peer in peers { #expect(try peer.ask(.request(3)).status == nil) }
  }

  @Test("when a connection closes there is room for another")
  func room() throws {
    var options = ServerOptions()
    options.maximumConnections = 1
    let server = try TestServer(options: options)
    for _ in 0..<20 {
      #expect(try eventually { try server.peer().ask(.request(1)).status == nil })
    }
  }

  @Test("one call too many on a connection is refused; those in flight are answered")
  func streams() throws {
    var options = ServerOptions()
    options.maximumStreamsPerConnection = 4
    let server = try TestServer(options: options)
    let peer = try server.peer()
    for id in [1, 3, 5, 7] as [UInt32] { peer.send(.request(id, Echo.request(delayNanos: 100_000_000))) }
    let refused = try peer.ask(.request(9, "cowbird.v1.Echo", "Chat", flags: 2))
    #expect(refused.streamID == 9 && refused.status?.code == .resourceExhausted)
    for _ in 0..<4 { #expect(try peer.receive().status == nil) }
    #expect(try peer.ask(.request(11)).status == nil)
  }

  @Test("a frame that trickles in is given up after its time, and says so")
  func trickle() throws {
    var options = ServerOptions()
    options.frameTimeoutNanos = 100_000_000
    let server = try TestServer(options: options)
    let peer = try server.peer()
    let bytes = Frame.request(1, Echo.request("slowly")).bytes
    for byte in bytes.prefix(15) {
      peer.send([byte])
      usleep(1000)
    }
    let answer = try peer.receive()
    #expect(answer.streamID == 1 && answer.status?.code == .deadlineExceeded)
    #expect(throws: Peer.Ended.self) { try peer.receive() }
    // Without even a header there is no stream to answer on.
    let other = try server.peer()
    other.send([0, 0])
    #expect(throws: Peer.Ended.self) { try other.receive() }
    #expect(try server.serves())
  }

  @Test("a frame may come slowly as long as it comes in time, and idle time is none of it")
  func patient() throws {
    var options = ServerOptions()
    options.frameTimeoutNanos = 300_000_000
    let server = try TestServer(options: options)
    let peer = try server.peer()
    for id in [1, 3, 5] as [UInt32] {
      let bytes = Frame.request(id).bytes
      peer.send(Array(bytes.prefix(5)))
      usleep(120_000)
      peer.send(Array(bytes.dropFirst(5)))
      #expect(try peer.receive().status == nil)
    }
  }

  @Test("a connection on which nothing happens is closed after its idle time, but not one with a stream")
  func idle() throws {
    var options = ServerOptions()
    options.idleTimeoutNanos = 50_000_000
    let server = try TestServer(options: options)
    let watcher = try server.peer()
    #expect(try watcher.ask(.request(1, "cowbird.v1.Health", "Watch", flags: 1)).type == FrameType.data)
    let idle = try server.peer()
    #expect(try idle.ask(.request(1)).status == nil)
    #expect(throws: Peer.Ended.self) { try idle.receive() }
    server.health.set("", .notServing(reason: "x"))
    #expect(try watcher.receive().type == FrameType.data)
  }

  @Test("options out of range are refused by name, value and range")
  func ranges() throws {
    var options = ServerOptions()
    options.maximumFrameLength = 5 << 20
    #expect(
      throws: Status(.invalidArgument, "maximumFrameLength is 5242880; it must be 1024 to 4194304")
    ) { try options.validate() }
    options = ServerOptions(reactors: 0)
    #expect(throws: Status(.invalidArgument, "reactors is 0; it must be 1 to 64")) { try options.validate() }
    try ServerOptions().validate()
  }

  @Test("connections that close are forgotten")
  func forgotten() throws {
    let server = try TestServer(options: ServerOptions(reactors: 3))
    for _ in 0..<3 {
      var peers = try (0..<200).map { _ in try server.peer() }
      for peer in peers { #expect(try peer.ask(.request(1)).status == nil) }
      #expect(server.server.connectionCount == 200)
      peers.removeAll()
      #expect(eventually { server.server.connectionCount == 0 })
    }
  }
}
