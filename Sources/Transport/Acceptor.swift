// New connections: accepted by the first reactor, given to the one that has fewest.

internal import CSystem
internal import Glibc
internal import Synchronization

/// Belongs to one reactor's thread.
final class Acceptor {
  /// More than the limit are accepted only to be told so; beyond these they are closed unheard.
  private static let refusedAtOnce = 128
  /// With no descriptor left, accepting is tried again after this time, or when a connection closes.
  private static let pauseNanos: UInt64 = 100_000_000

  private unowned let reactor: Reactor
  private let reactors: [Reactor]
  private let listeners: [Int32]
  private let permissions: PermissionSource
  private var isPaused = false
  private var isStopped = false

  init(reactor: Reactor, reactors: [Reactor], listeners: [Int32], permissions: PermissionSource) {
    self.reactor = reactor
    self.reactors = reactors
    self.listeners = listeners
    self.permissions = permissions
    watch()
  }

  /// Accepts what waits, a bounded number at a time.
  func accept(listener: Int) {
    guard !isStopped, !isPaused, listeners.indices.contains(listener) else { return }
    for _ in 0..<64 where !acceptOne(listeners[listener]) { return }
  }

  /// Accepts all who have connected so far.
  func acceptRest() {
    guard !isStopped else { return }
    for listener in listeners {
      for _ in 0..<reactor.options.maximumConnections where !acceptOne(listener) { break }
    }
  }

  /// False when nobody waits, or nobody can be accepted now.
  private func acceptOne(_ listener: Int32) -> Bool {
    let descriptor = cowbird_accept(listener)
    switch -descriptor {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      pause()
      return false
    case EAGAIN: return false
    case ECONNABORTED, EINTR, EPROTO: return true  // That peer has gone before it was accepted.
    default:
      guard descriptor >= 0 else { return false }
      assign(descriptor)
      return true
    }
  }

  /// A descriptor was freed.
  func connectionClosed() {
    if isPaused { resume() }
  }

  /// Goes on after a pause.
  func resume() {
    guard isPaused, !isStopped else { return }
    isPaused = false
    watch()
  }

  /// Accepts no more.
  func stop() {
    guard !isStopped else { return }
    if !isPaused { unwatch() }
    isStopped = true
  }

  private func assign(_ descriptor: Int32) {
    guard let peer = PeerCredentials(of: descriptor) else {
      _ = close(descriptor)
      return
    }
    var total = 0
    var target = reactors[0]
    var least = Int.max
    for reactor in reactors {
      let load = reactor.load.load(ordering: .relaxed)
      total += load
      if load < least { (least, target) = (load, reactor) }
    }
    let limit = reactor.options.maximumConnections
    guard total < limit + Self.refusedAtOnce else {
      _ = close(descriptor)
      return
    }
    let isRefused = total >= limit
    let granted = permissions.current.permissions(of: peer)
    target.load.add(1, ordering: .relaxed)
    if target === reactor {
      reactor.adopt(descriptor, peer, granted, isRefused: isRefused)
    } else if !target.mailbox.post({ $0.adopt(descriptor, peer, granted, isRefused: isRefused) }) {
      _ = close(descriptor)
    }
  }

  /// No descriptor is left: whoever wants to connect waits in the kernel's queue.
  private func pause() {
    guard !isPaused else { return }
    isPaused = true
    unwatch()
    reactor.timers.push(
      Timer(time: reactor.now + Self.pauseNanos, token: 0, streamID: 0, kind: .accept))
  }

  private func watch() {
    for (place, descriptor) in listeners.enumerated() {
      _ = cowbird_epoll_add(reactor.epoll, descriptor, EPOLLIN.rawValue, UInt64.max - 1 - UInt64(place))
    }
  }

  private func unwatch() {
    for descriptor in listeners { _ = cowbird_epoll_remove(reactor.epoll, descriptor) }
  }
}
