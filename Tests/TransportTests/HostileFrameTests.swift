// What a peer may do to frames, and how each ends. Every test also proves that others are served meanwhile.

import Glibc
import Primitives
import Testing
import Wire

@testable import Transport

@Suite struct HostileFrameTests {
  @Test("a request cut at any byte is answered when the rest has come")
  func cutAtEveryByte() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let length = Frame.request(1, Echo.request("cut")).bytes.count
    for cut in 1..<length {
      let bytes = Frame.request(UInt32(2 * cut - 1), Echo.request("cut")).bytes
      peer.send(Array(bytes[..<cut]))
      // Another call between the parts makes the server see them apart.
      if cut % 16 == 0 { #expect(try server.serves()) }
      peer.send(Array(bytes[cut...]))
      #expect(Echo.payload(try peer.receive().payload) == Array("cut".utf8))
    }
  }

  @Test("a peer that vanishes at any byte of a request harms nobody")
  func vanishAtEveryByte() throws {
    let server = try TestServer()
    let bytes = Frame.request(1, Echo.request("gone")).bytes
    for cut in 0...bytes.count {
      let peer = try server.peer()
      peer.send(Array(bytes[..<cut]))
    }
    #expect(try server.serves())
    #expect(eventually { server.server.connectionCount == 0 })
  }

  @Test("a frame of no data is an empty envelope: no such service")
  func lengthZero() throws {
    let server = try TestServer()
    let answer = try server.peer().ask(Frame(1, type: FrameType.request))
    #expect(answer.status?.code == .unimplemented)
  }

  @Test("a frame of exactly 4 MiB is served")
  func maximum() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let overhead =
      Frame.request(1, Echo.request([UInt8](repeating: 1, count: 4_000_000))).data.count - 4_000_000
    let frame = Frame.request(
      1, Echo.request([UInt8](repeating: 1, count: FrameHeader.maximumLength - overhead)))
    #expect(frame.data.count == FrameHeader.maximumLength)
    #expect(try peer.ask(frame).status == nil)
    #expect(try peer.ask(.request(3)).streamID == 3)
  }

  @Test(
    "a longer frame is refused on its stream, and the connection ends",
    arguments: [(4 << 20) + 1, .max] as [UInt32])
  func tooLong(length: UInt32) throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(.request(1)).streamID == 1)
    peer.send(Frame(3, type: FrameType.request).header(length: length))
    let answer = try peer.receive()
    #expect(answer.streamID == 3)
    #expect(answer.status?.code == .resourceExhausted)
    #expect(answer.status?.message.contains("\(length)") == true)
    #expect(throws: Peer.Ended.self) { try peer.receive() }
    #expect(try server.serves())
  }

  @Test("a connection that is refused in the middle of a frame gives its buffer to one other only")
  func tooLongInPieces() throws {
    let server = try TestServer()
    for round in 0..<8 {
      let peer = try server.peer()
      let header = Frame(1, type: FrameType.request).header(length: (4 << 20) + 1)
      peer.send(Array(header[..<5]))
      #expect(try server.serves())
      peer.send(Array(header[5...]))
      #expect(try peer.receive().status?.code == .resourceExhausted)
      // Two requests that wait for their second half at the same time.
      let peers = try (0..<4).map { _ in try server.peer() }
      let requests = (0..<4).map { Frame.request(1, Echo.request("round \(round), peer \($0)")).bytes }
      for (peer, request) in zip(peers, requests) { peer.send(Array(request[..<20])) }
      #expect(try server.serves())
      for (place, peer) in peers.enumerated() {
        peer.send(Array(requests[place][20...]))
        #expect(Echo.payload(try peer.receive().payload) == Array("round \(round), peer \(place)".utf8))
      }
    }
  }

  @Test("a peer that goes on sending its too long frame can still read why it was refused")
  func tooLongSent() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let length = (4 << 20) + 1
    let frame = Frame(1, type: FrameType.request)
    #expect(peer.send(frame.header(length: UInt32(length)) + [UInt8](repeating: 0, count: length)))
    #expect(try peer.receive().status?.code == .resourceExhausted)
  }

  @Test(
    "even stream ids are refused, and the connection goes on", arguments: [0, 2, 4_294_967_294] as [UInt32])
  func evenIDs(id: UInt32) throws {
    let server = try TestServer()
    let peer = try server.peer()
    let answer = try peer.ask(.request(id))
    #expect(answer.streamID == id && answer.status?.code == .invalidArgument)
    #expect(try peer.ask(.request(1)).status == nil)
  }

  @Test("repeated and falling stream ids are refused, and the connection goes on")
  func repeatedIDs() throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(.request(9)).status == nil)
    #expect(try peer.ask(.request(9)).status?.code == .invalidArgument)
    #expect(try peer.ask(.request(7)).status?.code == .invalidArgument)
    #expect(try peer.ask(.request(4_294_967_295)).status == nil)
    #expect(try peer.ask(.request(1)).status?.code == .invalidArgument)
  }

  @Test("an id that is repeated while its call runs ends that call: one answer, and no second")
  func repeatedInFlight() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, Echo.request("x", delayNanos: 20_000_000)), .request(1))
    #expect(try peer.receive().status?.code == .invalidArgument)
    #expect(try peer.ask(.request(3, Echo.request("y", delayNanos: 60_000_000))).streamID == 3)
  }

  @Test("data on a stream that was never opened, is closed, or is unary is refused")
  func strayData() throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(.data(1, [1])).status == Status(.invalidArgument, "stream 1 was never opened"))
    #expect(try peer.ask(.request(3)).status == nil)
    #expect(try peer.ask(.data(3, [1])).status == Status(.invalidArgument, "stream 3 is no longer open"))
    peer.send(.request(5, Echo.request(delayNanos: 1_000_000_000)))
    #expect(
      try peer.ask(.data(5)).status
        == Status(.invalidArgument, "stream 5 is a unary call, which takes no data"))
    peer.send(.request(7, "cowbird.v1.Echo", "Chat", flags: 2))
    #expect(try peer.ask(.data(7, flags: 5)) == .data(7, flags: 5))
    #expect(try peer.ask(.data(7, Echo.request("late"))).status?.code == .invalidArgument)
    #expect(try peer.ask(.request(9)).status == nil)
  }

  @Test("data after the client has closed its side ends the stream with an error")
  func dataAfterClose() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Health", "Watch", flags: 1))
    #expect(try peer.receive().type == FrameType.data)
    #expect(
      try peer.ask(.data(1)).status == Status(.invalidArgument, "data came on stream 1 after it was closed"))
    #expect(try peer.ask(.request(3)).status == nil)
  }

  @Test("data on its way to a stream that the server has ended is dropped, not answered again")
  func dataInFlight() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(
      .request(1, "cowbird.v1.Echo", "Chat", flags: 2), .data(1, Echo.request("no", failCode: 5)),
      .data(1, Echo.request("more")), .data(1, flags: 5), .request(3))
    #expect(try peer.receive().status == Status(.notFound, "no"))
    #expect(try peer.receive().streamID == 3)
  }

  @Test(
    "flags that do not fit are refused",
    arguments: [
      ("Unary", 2), ("Unary", 3), ("Unary", 4), ("Unary", 0x80), ("Collect", 0), ("Collect", 3),
      ("Expand", 0),
      ("Expand", 2), ("Chat", 0), ("Chat", 0xFF),
    ] as [(String, UInt8)])
  func wrongFlags(method: String, flags: UInt8) throws {
    let server = try TestServer()
    let peer = try server.peer()
    let answer = try peer.ask(.request(1, "cowbird.v1.Echo", method, flags: flags))
    #expect(answer.type == FrameType.response)
    #expect(answer.status?.code == .invalidArgument)
    #expect(try peer.ask(.request(3)).status == nil)
  }

  @Test("a unary call flagged remote closed is answered: clients that know streams may send that")
  func unaryRemoteClosed() throws {
    let server = try TestServer()
    let answer = try server.peer().ask(
      .request(1, "cowbird.v1.Echo", "Unary", flags: FrameFlags.remoteClosed, Echo.request("x")))
    #expect(answer.type == FrameType.response && answer.status == nil)
  }

  @Test(
    "flags of data that do not fit end the stream with an error", arguments: [2, 8, 0x80, 0xFF] as [UInt8])
  func wrongDataFlags(flags: UInt8) throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Echo", "Chat", flags: 2))
    #expect(try peer.ask(.data(1, flags: flags, Echo.request("x"))).status?.code == .invalidArgument)
    peer.send(.request(3, "cowbird.v1.Echo", "Chat", flags: 2))
    #expect(try peer.ask(.data(3, flags: FrameFlags.noData, [1])).status?.code == .invalidArgument)
    #expect(try peer.ask(.request(5)).status == nil)
  }

  @Test(
    "types that a client does not send are refused, and the connection goes on",
    arguments: [0, 2, 4, 255] as [UInt8])
  func unknownTypes(type: UInt8) throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(try peer.ask(Frame(1, type: type, [1, 2, 3])).status?.code == .invalidArgument)
    #expect(try peer.ask(.request(3)).status == nil)
  }

  @Test("garbage ends its own connection at most")
  func garbage() throws {
    let server = try TestServer()
    for seed in 0..<50 as Range<UInt64> {
      let peer = try server.peer()
      peer.send((0..<4096).map { UInt8(truncatingIfNeeded: CounterRandom.bits(seed: seed, counter: $0)) })
      peer.closeSending()
      #expect(peer.sawEnd())
    }
    #expect(try server.serves())
  }

  @Test(
    "an envelope that is no envelope is refused, and the connection goes on",
    arguments: [
      [0xFF], [0x0A], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x08, 1],
      [0x0A, 1, 0xFF], [0x1A, 9, 1], [0x20, 0x80], [0, 0], [0x0B, 0x0C],
    ] as [[UInt8]])
  func badEnvelope(data: [UInt8]) throws {
    let server = try TestServer()
    let peer = try server.peer()
    let answer = try peer.ask(Frame(1, type: FrameType.request, data))
    #expect(answer.status?.code == .invalidArgument)
    #expect(answer.status?.message.hasPrefix("ttrpc.Request") == true)
    #expect(try peer.ask(.request(3)).status == nil)
  }

  @Test("a message that is no message is refused by name")
  func badMessage() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let answer = try peer.ask(.request(1, [0x0A, 9, 1]))
    #expect(answer.status?.code == .invalidArgument)
    #expect(answer.status?.message.hasPrefix("cowbird.v1.EchoRequest") == true)
    let watch = try peer.ask(.request(3, "cowbird.v1.Health", "Watch", flags: 1, [0x0A, 2, 0x61, 0]))
    #expect(
      watch.status == Status(.invalidArgument, "cowbird.v1.HealthCheckRequest.service contains a zero byte"))
  }

  @Test("an unknown service or method is UNIMPLEMENTED")
  func unknown() throws {
    let server = try TestServer()
    let peer = try server.peer()
    #expect(
      try peer.ask(.request(1, "cowbird.v1.Nope", "Unary")).status
        == Status(.unimplemented, "unknown service cowbird.v1.Nope"))
    #expect(
      try peer.ask(.request(3, "cowbird.v1.Echo", "Nope")).status
        == Status(.unimplemented, "service cowbird.v1.Echo has no method Nope"))
    let long = String(repeating: "x", count: 100_000)
    #expect(try #require(try peer.ask(.request(5, long, "Unary")).status).message.utf8.count < 200)
  }
}
