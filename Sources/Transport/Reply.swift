// An answer that is still owed: a unary call whose handler has returned without answering.

internal import Primitives
internal import Synchronization
package import Wire

/// The right to answer one call, once, from any thread. If the caller is gone, or its deadline has passed,
/// the answer is dropped. A reply that is forgotten answers INTERNAL by itself.
package final class Reply: Sendable {
  private let reactor: Reactor
  private let connection: UInt64
  private let streamID: UInt32
  /// When the caller stops waiting, in nanoseconds of the monotonic clock; 0: never.
  package let deadline: UInt64
  private let isSettled = Atomic(false)
  /// What waits for its time. Let go when the call is answered, with all that it holds.
  private let waiting = Guarded<[@Sendable (Reply) -> Void]>([])

  init(reactor: Reactor, connection: UInt64, streamID: UInt32, deadline: UInt64) {
    self.reactor = reactor
    self.connection = connection
    self.streamID = streamID
    self.deadline = deadline
  }

  deinit {
    guard !isSettled.load(ordering: .acquiring) else { return }
    deliver(.failure(Status(.internal, "the answer was lost; this is a fault of the server")))
  }

  package func respond<M: WireMessage>(_ message: UnsafePointer<M>) {
    respond(bytes: Wire.bytes(message))
  }

  /// Answers with an encoded message.
  package func respond(bytes: [UInt8]) {
    if settle() { deliver(.success(bytes)) }
  }

  package func fail(_ status: Status) {
    if settle() { deliver(.failure(status)) }
  }

  /// Runs `body` on the reactor that owns the call, after `nanos`, unless the call is answered by then. The reply stays
  /// open.
  package func after(_ nanos: UInt64, _ body: @escaping @Sendable (Reply) -> Void) {
    let place = waiting.withLock { waiting in
      waiting.append(body)
      return waiting.count - 1
    }
    reactor.post { [self] reactor in
      reactor.after(nanos) { [self] in
        let body = waiting.withLock { place < $0.count ? $0[place] : nil }
        if !isSettled.load(ordering: .acquiring) { body?(self) }
      }
    }
    if isSettled.load(ordering: .acquiring) { waiting.withLock { $0 = [] } }
  }

  private func settle() -> Bool {
    let isFirst = isSettled.compareExchange(
      expected: false, desired: true, ordering: .acquiringAndReleasing
    ).exchanged
    if isFirst { waiting.withLock { $0 = [] } }
    return isFirst
  }

  private func deliver(_ answer: Result<[UInt8], Status>) {
    let (token, id) = (connection, streamID)
    reactor.post { reactor in reactor.connection(token)?.settle(id, answer) }
  }
}
