import CSystem
import Primitives
import Synchronization
import Testing
import Wire

@testable import Transport

@Suite struct DeadlineTests {
  @Test("a call that is not answered in time is DEADLINE_EXCEEDED, and answered once")
  func unary() throws {
    let server = try TestServer()
    let peer = try server.peer()
    let start = MonotonicClock.nanos()
    let answer = try peer.ask(.request(1, timeout: 20_000_000, Echo.request("x", delayNanos: 100_000_000)))
    #expect(answer.status?.code == .deadlineExceeded)
    #expect(MonotonicClock.nanos() - start >= 20_000_000)
    #expect(try peer.ask(.request(3, Echo.request("y", delayNanos: 150_000_000))).streamID == 3)
  }

  @Test("a deadline that had passed before the call came is DEADLINE_EXCEEDED, and nothing is done")
  func past() throws {
    let server = try TestServer()
    let peer = try server.peer()
    // -1 as a 64-bit varint.
    let answer = try peer.ask(.request(1, timeout: nil, Echo.request("x")).with(timeout: .max))
    #expect(answer.status?.code == .deadlineExceeded)
  }

  @Test("timeouts longer than the clock are no deadline")
  func far() throws {
    let server = try TestServer()
    #expect(try server.peer().ask(.request(1, timeout: UInt64(Int64.max), Echo.request("x"))).status == nil)
  }

  @Test("a stream that takes longer than its deadline ends with DEADLINE_EXCEEDED")
  func stream() throws {
    let server = try TestServer()
    let peer = try server.peer()
    peer.send(.request(1, "cowbird.v1.Health", "Watch", flags: 1, timeout: 30_000_000))
    #expect(try peer.receive().type == FrameType.data)
    #expect(try peer.receive().status?.code == .deadlineExceeded)
    peer.send(.request(3, "cowbird.v1.Echo", "Chat", flags: 2, timeout: 30_000_000))
    #expect(try peer.receive().status?.code == .deadlineExceeded)
  }

  @Test("a deadline covers the write: what a slow reader gets too late is DEADLINE_EXCEEDED, not the answer")
  func write() throws {
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 20
    let server = try TestServer(options: options)
    let peer = try server.peer()
    let payload = [UInt8](repeating: 7, count: 1 << 20)
    for number in 0..<8 as Range<UInt32> {
      peer.send(.request(1 + 2 * number, Echo.request(payload)))
    }
    peer.send(.request(17, timeout: 50_000_000, Echo.request("on time?")))
    peer.send(.request(19, Echo.request("after")))
    // The peer reads nothing until the deadline has passed.
    let other = try server.peer()
    #expect(try other.ask(.request(1, Echo.request(delayNanos: 200_000_000))).status == nil)
    for number in 0..<8 as Range<UInt32> {
      let answer = try peer.receive()
      #expect(answer.streamID == 1 + 2 * number)
      #expect(Echo.payload(answer.payload) == payload)
    }
    let late = try peer.receive()
    #expect(late.streamID == 17)
    #expect(late.status?.code == .deadlineExceeded)
    let after = try peer.receive()
    #expect(after.streamID == 19 && after.status == nil)
  }

  @Test("timers come in the order of their times, and settled ones are cleared away")
  func queue() {
    var queue = TimerQueue()
    for number in 0..<5000 as Range<UInt64> {
      queue.push(Timer(time: (number &* 7919) % 5000, token: number, streamID: 0, kind: .deadline))
    }
    queue.settled = 4000
    queue.compact { $0.token >= 4000 }
    #expect(queue.count == 1000)
    var last: UInt64 = 0
    while let timer = queue.pop(dueAt: .max) {
      #expect(timer.time >= last)
      #expect(timer.token >= 4000)
      last = timer.time
    }
    #expect(queue.pop(dueAt: .max) == nil)
  }

  @Test("calls with far deadlines that were answered leave no timers behind")
  func settled() throws {
    let server = try TestServer()
    let client = try server.client()
    for _ in 0..<50 {
      let calls = try (0..<100).map { _ in
        try client.submit(
          "cowbird.v1.Echo", "Unary", Echo.request(delayNanos: 1000), timeoutNanos: 3_600_000_000_000)
      }
      for call in calls { _ = try client.collect(call) }
    }
    let count = Mutex(Int.max)
    server.server.reactors[0].post { reactor in count.withLock { $0 = reactor.timers.count } }
    #expect(eventually { count.withLock { $0 } < 3000 })
  }
}

extension Frame {
  /// The request with a timeout field of any 64 bits.
  fileprivate func with(timeout bits: UInt64) -> Frame {
    var frame = self
    frame.data.append(4 << 3)
    Varint.append(bits, to: &frame.data)
    return frame
  }
}
