// One peer: its bytes in, its bytes out, its calls in flight. A reactor owns it, and only that reactor's
// thread touches it. Reading, dispatch, answering and ending are the files Connection+*.swift.
//
//   open ──────────> lingering ──────> closed
//     │  framing lost  │  the last answer is sent, what comes is dropped,
//     │  or refused    │  until the peer closes or a second has passed
//     └────────────────┴─> the peer is gone

internal import CSystem
internal import Glibc
internal import Wire

/// A call or a stream that has not been answered to its end.
struct LiveCall {
  var deadline: UInt64
  /// Bytes that count towards the connection's bound of deferred work.
  var heldBytes = 0
  /// Nil for a unary call.
  var stream: ServerStream?
  var handler: (any StreamHandler)?
  /// The peer sends nothing more on it.
  var isRemoteClosed = true
  /// How often the handler has asked for reading to stop.
  var holds = 0
  /// The handler was told that the server stops.
  var isDraining = false
}

/// Where an answer with a deadline stands among the bytes ever queued, while it may still be unsent.
struct QueuedAnswer {
  var streamID: UInt32
  var deadline: UInt64
  var start: UInt64
  var end: UInt64
}

final class Connection {
  enum State {
    case open
    /// Too many connections: the first request is answered with the reason, and that is all.
    case refusing
    case lingering
    case closed
  }

  static let lingerNanos: UInt64 = 1_000_000_000

  /// Forgets the connection when that closes, which ends the cycle.
  let reactor: Reactor
  let descriptor: Int32
  /// Names this connection within its reactor for ever: slot and generation.
  let token: UInt64
  let peer: PeerCredentials
  let permissions: Permissions

  @exclusivity(unchecked) var state: State
  /// Bytes read and not served yet: the start of a frame, or what waits for this connection's next turn.
  @exclusivity(unchecked) var input: ByteQueue?
  /// Bytes packed and not sent yet.
  @exclusivity(unchecked) var output: ByteQueue?
  @exclusivity(unchecked) var lastStreamID: UInt32 = 0
  /// Calls in flight. Looked up, and gone through only where the order does not matter.
  @exclusivity(unchecked) var calls: [UInt32: LiveCall] = [:]
  /// Streams that the server ended while the peer was still sending: their data is dropped. The newest 64.
  @exclusivity(unchecked) var cutStreams: [UInt32] = []
  /// The method called last: most peers call the same one again.
  @exclusivity(unchecked) var lastMethod = 0

  /// The peer sends nothing more.
  @exclusivity(unchecked) var isPeerClosed = false
  @exclusivity(unchecked) var isDraining = false
  /// Whole frames wait in `input` for the next turn.
  @exclusivity(unchecked) var hasMore = false
  /// Output waits for the end of the reactor's turn.
  @exclusivity(unchecked) var isDirty = false
  @exclusivity(unchecked) var isReadingPaused = false
  @exclusivity(unchecked) var interest: UInt32 = EPOLLIN.rawValue
  @exclusivity(unchecked) var deferredBytes = 0
  @exclusivity(unchecked) var holds = 0
  @exclusivity(unchecked) var window: SendWindow?
  /// How much of `window` is this connection's unsent output.
  @exclusivity(unchecked) var windowShare = 0

  // Bytes ever sent and ever queued, to find answers in the output.
  @exclusivity(unchecked) var sentBytes: UInt64 = 0
  @exclusivity(unchecked) var queuedAnswers: [QueuedAnswer] = []
  /// No answer that waits to be sent has an earlier deadline.
  @exclusivity(unchecked) var queuedDeadline: UInt64 = .max

  // Times of the monotonic clock in nanoseconds; 0: not so now.
  @exclusivity(unchecked) var lastActivity: UInt64
  @exclusivity(unchecked) var blockedSince: UInt64 = 0
  @exclusivity(unchecked) var frameSince: UInt64 = 0
  @exclusivity(unchecked) var lingerUntil: UInt64 = 0
  /// The timer in the reactor's queue that will look at this connection.
  @exclusivity(unchecked) var timerAt: UInt64 = .max

  init(
    reactor: Reactor, descriptor: Int32, token: UInt64, peer: PeerCredentials, permissions: Permissions,
    isRefused: Bool
  ) {
    self.reactor = reactor
    self.descriptor = descriptor
    self.token = token
    self.peer = peer
    self.permissions = permissions
    state = isRefused ? .refusing : .open
    lastActivity = reactor.now
    if isRefused { lingerUntil = reactor.now + Self.lingerNanos }
    scheduleCheck()
  }

  /// Nothing is owed to the peer, and nothing is half read.
  var isQuiet: Bool { calls.isEmpty && output == nil && input == nil }

  // MARK: - Events

  func handle(_ events: UInt32) {
    if events & EPOLLOUT.rawValue != 0 { flush() }
    if events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0, state != .closed {
      if isReadingPaused || isPeerClosed {
        // The peer is gone for good, and what it is owed cannot be sent.
        if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { close(.peerGone) }
      } else if !hasMore {
        read()
      }
    }
  }

  /// Tells epoll what this connection waits for, if that has changed.
  func updateInterest() {
    guard state != .closed else { return }
    var wanted: UInt32 = 0
    if !isReadingPaused && !isPeerClosed { wanted |= EPOLLIN.rawValue }
    if output != nil { wanted |= EPOLLOUT.rawValue }
    guard wanted != interest else { return }
    interest = wanted
    _ = cowbird_epoll_modify(reactor.epoll, descriptor, wanted, token)
  }

  // MARK: - Times

  /// The next time at which something of this connection is too late.
  private var nextLimit: UInt64 {
    let options = reactor.options
    var limit = UInt64.max
    if lingerUntil != 0 { limit = min(limit, lingerUntil) }
    if blockedSince != 0 { limit = min(limit, blockedSince + options.writeTimeoutNanos) }
    if frameSince != 0, !isReadingPaused { limit = min(limit, frameSince + options.frameTimeoutNanos) }
    if isQuiet { limit = min(limit, lastActivity + options.idleTimeoutNanos) }
    if output != nil { limit = min(limit, queuedDeadline) }
    return limit
  }

  /// Sees to it that a timer looks at this connection in time.
  func scheduleCheck() {
    let limit = nextLimit
    guard limit < timerAt else { return }
    if timerAt != .max { reactor.timers.settled += 1 }
    timerAt = limit
    reactor.timers.push(Timer(time: limit, token: token, streamID: 0, kind: .connection))
  }

  /// A timer of this connection is due.
  func check(_ timer: Timer) {
    guard timer.time == timerAt else { return }
    timerAt = .max
    let now = reactor.now
    let options = reactor.options
    if lingerUntil != 0, lingerUntil <= now { return close(.lingered) }
    if blockedSince != 0, blockedSince + options.writeTimeoutNanos <= now { return close(.writeTimeout) }
    if frameSince != 0, !isReadingPaused, frameSince + options.frameTimeoutNanos <= now {
      return loseFrame()
    }
    if isQuiet, lastActivity + options.idleTimeoutNanos <= now { return close(.idle) }
    expireQueuedAnswers()
    // The idle time is far away and moves with every call: there is always a next look.
    timerAt = .max
    let limit = min(nextLimit, now + options.idleTimeoutNanos)
    timerAt = max(limit, now + 1)
    reactor.timers.push(Timer(time: timerAt, token: token, streamID: 0, kind: .connection))
  }
}
