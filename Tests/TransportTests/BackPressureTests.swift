import Glibc
import Primitives
import Testing
import Wire

@testable import Transport

@Suite struct BackPressureTests {
  /// Sends requests until the server takes no more; returns how many whole frames it took.
  private func flood(_ peer: Peer, _ frame: (UInt32) -> Frame) -> (taken: Int, rest: [UInt8]) {
    var taken = 0
    var id: UInt32 = 1
    var rest: [UInt8] = []
    var stalls = 0
    while stalls < 200, taken < 5000 {
      if rest.isEmpty {
        rest = frame(id).bytes
        id += 2
      }
      let sent = peer.sendSome(rest)
      rest.removeFirst(sent)
      if rest.isEmpty { taken += 1 }
      if sent == 0 {
        stalls += 1
        usleep(1000)
      } else {
        stalls = 0
      }
    }
    return (taken, rest)
  }

  @Test(
    "a peer that never reads is not read from beyond a bound, gets all when it does read, and delays nobody")
  func neverReads() throws {
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 10
    let server = try TestServer(options: options)
    let peer = try server.peer()
    let payload = [UInt8](repeating: 1, count: 10_000)
    var (taken, rest) = flood(peer) { .request($0, Echo.request(payload)) }
    #expect(taken < 5000, "the server never stopped reading")
    #expect(try server.serves())
    // The frame that is half sent belongs to the last call.
    let total = taken + (rest.isEmpty ? 0 : 1)
    for number in 0..<total {
      let answer = try peer.receive()
      #expect(answer.streamID == UInt32(1 + 2 * number))
      if !rest.isEmpty { rest.removeFirst(peer.sendSome(rest)) }
    }
    #expect(try server.serves())
  }

  @Test("a peer that does not read its answers in time is closed")
  func writeTimeout() throws {
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 10
    options.writeTimeoutNanos = 100_000_000
    let server = try TestServer(options: options)
    let peer = try server.peer()
    peer.send(
      .request(
        1, "cowbird.v1.Echo", "Expand", flags: 1,
        Echo.request([UInt8](repeating: 1, count: 1000), repeat: 1_000_000)))
    #expect(eventually { server.server.connectionCount == 0 })
    #expect(try server.serves())
  }

  @Test("a peer that reads slowly but steadily is not closed, and a stream waits for it")
  func slowReader() throws {
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 10
    options.writeTimeoutNanos = 200_000_000
    let server = try TestServer(options: options)
    let peer = try server.peer()
    let count = 3000
    peer.send(
      .request(
        1, "cowbird.v1.Echo", "Expand", flags: 1,
        Echo.request([UInt8](repeating: 1, count: 1000), repeat: UInt64(count))))
    for number in 0..<count {
      if number % 500 == 0 { usleep(50_000) }
      #expect(Echo.number(try peer.receive().data) == UInt64(number))
    }
    #expect(try peer.receive() == .data(1, flags: 5))
  }

  @Test("a stream's answers wait in a bounded buffer while nobody reads them")
  func boundedStream() throws {
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 10
    let server = try TestServer(options: options)
    let peer = try server.peer()
    peer.send(
      .request(
        1, "cowbird.v1.Echo", "Expand", flags: 1,
        Echo.request([UInt8](repeating: 1, count: 1000), repeat: 100_000)))
    #expect(try server.serves())
    usleep(20_000)
    let unsent = Probe()
    server.server.reactors[0].post { reactor in
      unsent.value = reactor.anyConnection?.output?.count ?? -1
    }
    #expect(eventually { unsent.value >= 0 })
    #expect(unsent.value > 0 && unsent.value < 80 << 10)
  }

  @Test(
    "deferred work is bounded: a peer that asks for too much at once is not read from until it is answered")
  func deferredBytes() throws {
    var options = ServerOptions()
    options.maximumDeferredBytes = 64 << 10
    options.maximumStreamsPerConnection = 100_000
    let server = try TestServer(options: options)
    let peer = try server.peer()
    let payload = [UInt8](repeating: 1, count: 10_000)
    peer.send(
      (0..<30).flatMap {
        Frame.request(UInt32(1 + 2 * $0), Echo.request(payload, delayNanos: 50_000_000)).bytes
      })
    let held = Probe()
    server.server.reactors[0].post { held.value = $0.anyConnection?.deferredBytes ?? -1 }
    for number in 0..<30 { #expect(try peer.receive().streamID == UInt32(1 + 2 * number)) }
    #expect(held.value < 64 << 10 + 20_000)
    #expect(try server.serves())
  }

  @Test("one that floods does not starve another on the same reactor")
  func fairness() throws {
    let server = try TestServer()
    let flooder = try server.peer()
    let patient = try server.peer()
    let burst = (0..<20_000).flatMap { Frame.request(UInt32(1 + 2 * $0), Echo.request("flood")).bytes }
    // Sends from another thread, so that this one sees what it does to others.
    let thread = Background { flooder.send(burst) }
    var answered = 0
    for number in 0..<50 as Range<UInt32> {
      if try patient.ask(.request(1 + 2 * number)).status == nil { answered += 1 }
    }
    #expect(answered == 50)
    for number in 0..<20_000 { #expect(try flooder.receive().streamID == UInt32(1 + 2 * number)) }
    thread.join()
  }
}

/// A number that one thread sets and another waits for.
final class Probe: @unchecked Sendable {
  private let lock = Lock()
  private var stored = -1

  var value: Int {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }
}

/// A thread that runs `body`, and ends by itself if nobody joins it.
final class Background: @unchecked Sendable {
  private var thread = pthread_t()
  private var isJoined = false
  private var body: (() -> Void)?

  init(_ body: @escaping () -> Void) {
    self.body = body
    pthread_create(
      &thread, nil,
      { argument in
        let thread = Unmanaged<Background>.fromOpaque(argument!).takeRetainedValue()
        thread.body?()
        thread.body = nil
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
  }

  deinit {
    if !isJoined { pthread_detach(thread) }
  }

  func join() {
    isJoined = true
    pthread_join(thread, nil)
  }
}

extension Reactor {
  /// The first connection that there is.
  var anyConnection: Connection? {
    for slot in 0..<64 as Range<UInt64> {
      for generation in 0..<8 as Range<UInt64> {
        if let found = connection(generation << 32 | slot) { return found }
      }
    }
    return nil
  }
}
