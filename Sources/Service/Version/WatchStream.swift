// Watch: every change of the registry as it happens, after those that the caller has missed.

internal import CMessages
internal import Learning
internal import Primitives
internal import Synchronization
internal import Transport
internal import Versions
internal import Wire

extension RegistryChange {
  private static let driftKind = "drift"
  var isDrift: Bool { kind == Self.driftKind }

  init(drift place: DriftPlaces.Place) {
    self.init(
      offset: place.offset, timeNanos: place.timeNanos, kind: Self.driftKind,
      summary: "\(place.detector) fired at offset \(place.offset), for \(place.count) times so far")
  }
}

final class WatchStream: StreamHandler, @unchecked Sendable {
  // Sound because: touched on the stream's reactor only, but for what stands under mutexes.

  /// A watcher that reads nothing for so many changes is closed.
  private static let limit = 10_000

  private let service: VersionService
  private let changes = Inbox<RegistryChange>()
  private let watcher = Guarded<Int?>(nil)
  private let isReady = Atomic(false)
  /// What the log holds of before.
  private let history = Guarded<[RegistryChange]>([])
  /// What is no record and was told of before: it may have come while that was gathered.
  private var told: Set<String> = []
  /// Changes below are told.
  private var nextOffset: UInt64 = 0
  private var waiting: [RegistryChange] = []

  init(_ service: VersionService) { self.service = service }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__WatchRequest.self, message).pointee
    let isPresent =
      request.after_offset_presence_case == COWBIRD__V1__WATCH_REQUEST__AFTER_OFFSET_PRESENCE_AFTER_OFFSET
    let after = isPresent ? request.after_offset : nil
    let id = service.control.watch { [self] change in
      changes.put(change)
      if isReady.load(ordering: .acquiring) { stream.wake() }
    }
    watcher.withLock { $0 = id }
    guard let after else {
      isReady.store(true, ordering: .releasing)
      return stream.wake()
    }
    // What is live meanwhile waits in the inbox: what the log holds comes first, and nothing comes twice.
    service.context.workers.perform { [self] in
      do {
        let missed = try service.control.changes(after: after) + driftPlaces(after: after)
        history.withLock { $0 = missed.sorted { $0.offset < $1.offset } }
        isReady.store(true, ordering: .releasing)
        stream.wake()
      } catch {
        unwatch()
        stream.fail(error as? Status ?? Status(.outOfRange, "the log cannot be read from there: \(error)"))
      }
    }
  }

  func woken(_ stream: ServerStream) throws(Status) {
    guard isReady.load(ordering: .acquiring) else { return }
    let missed = history.withLock { history in
      defer { history = [] }
      return history
    }
    told.formUnion(missed.lazy.filter(\.isDrift).map(\.summary))
    waiting += missed
    waiting += changes.takeAll().filter { !$0.isDrift || !told.contains($0.summary) }
    guard waiting.count <= Self.limit else {
      unwatch()
      throw Status(
        .resourceExhausted, "\(waiting.count) changes wait to be read; watch again after offset \(nextOffset)"
      )
    }
    try send(stream)
  }

  func writable(_ stream: ServerStream) throws(Status) { try send(stream) }

  func ended(_ stream: ServerStream, _ reason: Status) { unwatch() }

  func drain(_ stream: ServerStream) {
    unwatch()
    stream.fail(Status(.unavailable, "the server is stopping; watch again from the last offset"))
  }

  deinit { unwatch() }

  /// What the head's detectors noticed, as far as the head remembers.
  private func driftPlaces(after offset: UInt64) -> [RegistryChange] {
    service.context.learner.publication.current.model.driftPlaces.newest.lazy
      .filter { $0.offset > offset }.map { RegistryChange(drift: $0) }
  }

  private func unwatch() {
    let id = watcher.withLock { id in
      defer { id = nil }
      return id
    }
    if let id { service.control.unwatch(id) }
  }

  private func send(_ stream: ServerStream) throws(Status) {
    var sent = 0
    while sent < waiting.count, stream.mayWrite {
      let change = waiting[sent]
      sent += 1
      // Records come once; what is no record (drift) has its event's offset, and comes as it is.
      if !change.isDrift {
        guard change.offset >= nextOffset else { continue }
        nextOffset = change.offset + 1
      }
      send(change, stream)
    }
    waiting.removeFirst(sent)
  }

  private func send(_ change: RegistryChange, _ stream: ServerStream) {
    let arena = MessageArena(capacity: 2048)
    var message = Cowbird__V1__WatchEvent.empty
    message.offset = change.offset
    message.time_nanos = change.timeNanos
    message.kind = arena.text(change.kind)
    message.summary = arena.text(change.summary)
    message.author_uid = change.author.uid
    message.author = arena.text(change.author.name)
    message.reason = arena.text(change.reason)
    if let id = change.version {
      message.version = service.info(id, service.control.registry, withFiles: false, in: arena)
    }
    stream.send(&message)
  }
}
