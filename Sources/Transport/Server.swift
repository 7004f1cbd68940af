// A server: listeners, reactors, and the way from start to a stop that loses no answer.

internal import CSystem
internal import Glibc
internal import Primitives
internal import Synchronization
package import Wire

package final class Server: @unchecked Sendable {
  // Unchecked: `threads` is written by `init` and read by `stop`, which runs its body once.

  package let options: ServerOptions
  /// Replace its `current` to change what new connections may do.
  package let permissions: PermissionSource
  let reactors: [Reactor]
  private let listeners: [Listener]
  private let methods: [Method]
  private var threads: [PlainThread] = []
  private let isStopped = Atomic(false)

  /// Starts serving: when this returns, peers can connect.
  ///
  /// Throws INVALID_ARGUMENT for options out of range, RESOURCE_EXHAUSTED when the system gives no thread or
  /// descriptor.
  package init(
    _ registry: ServiceRegistry, listeners: [Listener], permissions: PermissionTable, options: ServerOptions
  ) throws(Status) {
    try options.validate()
    guard (1...32).contains(listeners.count) else {
      throw Status(.invalidArgument, "a server has 1 to 32 sockets, not \(listeners.count)")
    }
    self.options = options
    self.permissions = PermissionSource(permissions)
    self.listeners = listeners
    methods = registry.methods
    let table = MethodTable(registry)
    var reactors: [Reactor] = []
    for index in 0..<options.reactors {
      reactors.append(try Reactor(index: index, options: options, methods: table))
    }
    self.reactors = reactors
    // All is initialised: should a thread be refused, `deinit` stops those that were started.
    for reactor in reactors { threads.append(try Self.start(reactor)) }
    let descriptors = listeners.map(\.descriptor)
    let source = self.permissions
    reactors[0].post { [reactors] reactor in
      reactor.accept(
        with: Acceptor(reactor: reactor, reactors: reactors, listeners: descriptors, permissions: source))
    }
  }

  deinit { stop(within: 0) }

  /// What was called and how it ended, since the start. Any thread may ask.
  package var counts: CallCounts {
    reactors.reduce(into: CallCounts(methods: methods)) { $0.add($1.counters) }
  }

  /// Connections that are open.
  package var connectionCount: Int { reactors.reduce(0) { $0 + $1.load.load(ordering: .relaxed) } }

  /// Stops: no new connections, peers can send nothing more, what they have sent is answered, then the
  /// connections close. Blocks until all are closed, at most `nanos` (default: the option's drain timeout);
  /// those open then are cut. Returns how many were cut. Further calls return 0 at once.
  @discardableResult
  package func stop(within nanos: UInt64? = nil) -> Int {
    guard
      isStopped.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    else { return 0 }
    for listener in listeners { listener.remove() }
    let draining = Atomic(reactors.count)
    let limit = MonotonicClock.nanos() &+ (nanos ?? options.drainTimeoutNanos)
    for reactor in reactors {
      reactor.post { reactor in
        reactor.drain()
        draining.subtract(1, ordering: .acquiringAndReleasing)
      }
    }
    // A reactor that is draining has counted all whom it will have.
    while draining.load(ordering: .acquiring) > 0 || connectionCount > 0 {
      guard MonotonicClock.nanos() < limit else { break }
      usleep(1000)
    }
    let cut = connectionCount
    for reactor in reactors { reactor.post { $0.stop() } }
    for thread in threads { thread.join() }
    for listener in listeners { listener.close() }
    return cut
  }

  private static func start(_ reactor: Reactor) throws(Status) -> PlainThread {
    do throws(ThreadRefused) {
      return try PlainThread(trying: "reactor \(reactor.index)") { reactor.run() }
    } catch {
      throw Status(.resourceExhausted, "cannot start a thread: \(errnoText(error.errno))")
    }
  }
}
