// One thread, one epoll, the connections that it owns. Everything that happens to a connection happens here.
//
//   wait ──> events ──> each ready connection: read, serve, send ──> mailbox ──> timers ──> wait
//
// A turn does bounded work for each connection, so that one that floods delays the others by one turn.

internal import CSystem
internal import Glibc
internal import Primitives
internal import Synchronization
internal import Wire

package final class Reactor: @unchecked Sendable {
  // What the class is unchecked about: all stored variables are touched by the reactor's own thread only,
  // apart from `mailbox`, `load` and `threadNumber`, which synchronise themselves. The checks of exclusive access
  // that are switched off here and in what a call passes through were a quarter of its instructions.

  let index: Int
  let options: ServerOptions
  @exclusivity(unchecked) private(set) var methods: MethodTable
  let epoll: Int32
  let mailbox: Mailbox
  /// Connections held, for those who choose where a new one goes.
  let load = Atomic(0)
  private let threadNumber = Atomic<UInt>(0)

  @exclusivity(unchecked) private(set) var now: UInt64 = MonotonicClock.nanos()
  let arena: MessageArena
  let readBuffer: UnsafeMutableRawPointer
  let call: UnaryCall
  let refusal: Status
  let counters: CallCounters

  @exclusivity(unchecked) private var connections: [Connection?] = []
  @exclusivity(unchecked) private var generations: [UInt32] = []
  private var freeSlots: [Int] = []
  @exclusivity(unchecked) var timers = TimerQueue()
  /// What wakes the loop for `timers`, and the time it is set to.
  private let timer: Int32
  private var timerSetTo = UInt64.max
  private var works: [UInt64: () -> Void] = [:]
  private var nextWork: UInt64 = 0

  /// Connections whose output waits for the end of the turn.
  @exclusivity(unchecked) var dirty: [Connection] = []
  /// Connections that have whole frames left for the next turn.
  @exclusivity(unchecked) private var again: [Connection] = []
  private var resuming: [Connection] = []
  @exclusivity(unchecked) private var turnStart: UInt64 = 0
  /// The buffer that the next connection to need one gets, and more of them.
  @exclusivity(unchecked) private var spareQueue: ByteQueue?
  @exclusivity(unchecked) private var queues: [ByteQueue] = []
  private var acceptor: Acceptor?
  @exclusivity(unchecked) private var isStopping = false
  private var isDraining = false

  init(index: Int, options: ServerOptions, methods: MethodTable) throws(Status) {
    self.index = index
    self.options = options
    self.methods = methods
    counters = CallCounters(methods: methods.methods.count)
    arena = MessageArena()
    call = UnaryCall(arena: arena)
    epoll = cowbird_epoll_create()
    guard epoll >= 0 else { throw Status(.resourceExhausted, "epoll: \(errnoText(-epoll))") }
    timer = cowbird_timer_create()
    guard timer >= 0, let mailbox = Mailbox() else {
      if timer >= 0 { _ = close(timer) }
      _ = close(epoll)
      throw Status(.resourceExhausted, "a reactor's timer and wake-up: too many descriptors are open")
    }
    self.mailbox = mailbox
    readBuffer = .allocate(byteCount: options.readSize, alignment: 64)
    refusal = Status(
      .resourceExhausted, "\(options.maximumConnections) connections are open, which is the limit")
    _ = cowbird_epoll_add(epoll, mailbox.wakeDescriptor, EPOLLIN.rawValue, .max)
    _ = cowbird_epoll_add(epoll, timer, EPOLLIN.rawValue, Self.timerToken)
  }

  deinit {
    readBuffer.deallocate()
    _ = close(timer)
    _ = close(epoll)
  }

  // Tokens of epoll above those of connections: the timer's, then up to 63 listeners', then the mailbox's.
  private static let timerToken = UInt64.max - 64

  // MARK: - From other threads

  /// True on the reactor's own thread.
  var isCurrent: Bool { threadNumber.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Has `work` run on the reactor's thread. Dropped when the reactor has ended.
  package func post(_ work: @escaping Mailbox.Work) { mailbox.post(work) }

  // MARK: - Connections

  /// The connection of that name, if it is still there.
  func connection(_ token: UInt64) -> Connection? {
    let slot = Int(token & 0xFFFF_FFFF)
    guard slot < connections.count, generations[slot] == UInt32(token >> 32) else { return nil }
    return connections[slot]
  }

  /// Takes over a connected socket, which is non-blocking.
  func adopt(_ descriptor: Int32, _ peer: PeerCredentials, _ permissions: Permissions, isRefused: Bool) {
    guard !isStopping else {
      _ = close(descriptor)
      load.subtract(1, ordering: .relaxed)
      return
    }
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = connections.count
      connections.append(nil)
      generations.append(0)
    }
    let token = UInt64(generations[slot]) << 32 | UInt64(slot)
    let connection = Connection(
      reactor: self, descriptor: descriptor, token: token, peer: peer, permissions: permissions,
      isRefused: isRefused)
    connections[slot] = connection
    let added = cowbird_epoll_add(epoll, descriptor, EPOLLIN.rawValue, token)
    if added < 0 { connection.close(.stopped) }
    if isDraining { connection.drain() }
  }

  /// A connection has closed its descriptor.
  func forget(_ connection: Connection) {
    let slot = Int(connection.token & 0xFFFF_FFFF)
    connections[slot] = nil
    generations[slot] &+= 1
    // The highest generation is left out, so that no token is that of the eventfd or a listener.
    if generations[slot] < .max { freeSlots.append(slot) }
    load.subtract(1, ordering: .relaxed)
    acceptor?.connectionClosed()
  }

  /// Gives the connection another turn after the others.
  func serveAgain(_ connection: Connection) { again.append(connection) }

  /// Whether the connection that is being served has had its time.
  func turnIsOver() -> Bool { MonotonicClock.nanos() &- turnStart > options.turnNanos }

  // MARK: - Buffers

  /// An empty queue, used before if there is one: connections hold buffers only while bytes wait in them.
  func takeQueue() -> ByteQueue { spareQueue.take() ?? queues.popLast() ?? ByteQueue() }

  /// Takes a queue back. Few and small ones are kept.
  func give(_ queue: consuming ByteQueue) {
    guard queue.capacity <= 256 << 10, queues.count < 32 else { return }
    queue.truncate(to: 0)
    if let former = spareQueue.take() { queues.append(former) }
    spareQueue = consume queue
  }

  // MARK: - Timers

  /// Runs `work` on this thread after `nanos`.
  func after(_ nanos: UInt64, _ work: @escaping () -> Void) {
    nextWork += 1
    works[nextWork] = work
    let (time, isBeyond) = MonotonicClock.nanos().addingReportingOverflow(nanos)
    timers.push(Timer(time: isBeyond ? .max : time, token: nextWork, streamID: 0, kind: .work))
  }

  private func runTimers() {
    while let timer = timers.pop(dueAt: now) {
      switch timer.kind {
      case .deadline: connection(timer.token)?.expire(timer.streamID)
      case .connection: connection(timer.token)?.check(timer)
      case .work: works.removeValue(forKey: timer.token)?()
      case .accept: acceptor?.resume()
      }
    }
    timers.compact { timer in
      switch timer.kind {
      case .deadline: connection(timer.token)?.calls[timer.streamID] != nil
      case .connection: connection(timer.token)?.timerAt == timer.time
      case .work, .accept: true
      }
    }
  }

  // MARK: - The loop

  /// Serves until `stop`. The calling thread becomes the reactor's.
  func run() {
    threadNumber.store(UInt(pthread_self()), ordering: .relaxed)
    let capacity = 256
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { events.deallocate() }
    var box: [Mailbox.Work] = []
    var lastWork = now
    while !isStopping {
      let isBusy = !again.isEmpty || (options.busyPollNanos > 0 && now &- lastWork < options.busyPollNanos)
      // A timer, not a time given to epoll: it is set when a limit comes nearer, not for every wait.
      if timers.next < timerSetTo { setTimer() }
      let count = cowbird_epoll_wait(epoll, events, Int32(capacity), !isBusy)
      now = MonotonicClock.nanos()
      if count > 0 { lastWork = now }
      var isWoken = false
      for place in 0..<Int(max(0, count)) {
        let token = cowbird_event_token(events + place)
        if token < Self.timerToken {
          guard let connection = connection(token) else { continue }
          turnStart = now
          connection.handle(cowbird_event_flags(events + place))
        } else if token == .max {
          isWoken = true
        } else if token == Self.timerToken {
          // Set anew after what is due was done.
          timerSetTo = .max
          cowbird_timer_set(timer, .max)
        } else {
          acceptor?.accept(listener: Int(UInt64.max - 1 - token))
        }
      }
      if !again.isEmpty { serveLeftovers() }
      if isWoken {
        mailbox.take(into: &box)
        for work in box { work(self) }
        box.removeAll(keepingCapacity: true)
      }
      if timers.next <= now { runTimers() }
      if !dirty.isEmpty { flushDirty() }
    }
    end()
  }

  private func setTimer() {
    timerSetTo = timers.next
    cowbird_timer_set(timer, timerSetTo)
  }

  private func serveLeftovers() {
    // Two arrays take turns, so that neither is copied or allocated anew.
    swap(&again, &resuming)
    for place in resuming.indices where resuming[place].state != .closed {
      turnStart = MonotonicClock.nanos()
      resuming[place].resumeInput()
    }
    resuming.removeAll(keepingCapacity: true)
  }

  private func flushDirty() {
    var place = 0
    // What a flush lets handlers send is flushed in the next turn at the latest.
    while place < dirty.count, place < 4096 {
      let connection = dirty[place]
      place += 1
      if connection.isDirty { connection.flush() }
    }
    dirty.removeFirst(place)
  }

  // MARK: - Starting and stopping

  /// Gives this reactor the listeners.
  func accept(with acceptor: Acceptor) { self.acceptor = acceptor }

  /// Every connection finishes what is in flight and closes.
  func drain() {
    isDraining = true
    // Whoever has connected may have sent calls already.
    acceptor?.acceptRest()
    acceptor?.stop()
    for connection in connections { connection?.drain() }
  }

  /// The loop ends after this turn; what is still open is closed.
  func stop() { isStopping = true }

  private func end() {
    acceptor?.stop()
    acceptor = nil
    for connection in connections { connection?.close(.stopped) }
    for work in mailbox.shut() { work(self) }
    works.removeAll()
    // What handlers hold may hold streams and replies, which hold this reactor.
    methods = MethodTable(ServiceRegistry())
    again.removeAll()
    dirty.removeAll()
  }
}
