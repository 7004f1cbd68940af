// Create: waits until the learner has learned what the log held when the call came, takes a copy, and has it
// written beside learning and serving.

internal import CMessages
internal import EventLog
internal import Learning
internal import Primitives
internal import Transport
internal import Versions
internal import Wire

extension VersionService {
  func create(_ call: UnaryCall) throws(Status) {
    let request = try call.request(Cowbird__V1__CreateRequest.self).pointee
    let order = VersionOrder(
      author: try Caller(uid: call.peer.uid).author(request.author), reason: try Field.reason(request.reason),
      labels: Field.texts(request.labels, request.n_labels), isPinned: request.pin != 0)
    guard order.labels.count <= 64 else {
      throw Status(.invalidArgument, "CreateRequest.labels: \(order.labels.count) labels; at most 64")
    }
    for label in order.labels {
      do throws(RegistryError) { try Registry.check(label: label) } catch { throw Status(error) }
    }
    if let failure = learner.status.failure {
      throw Status(.failedPrecondition, "learning stands still, so the head is no good version: \(failure)")
    }
    let end = log.endOffset
    let reply = call.deferAnswer()
    let turn = OnceFlag()
    let make: @Sendable () -> Void = { [self] in
      if turn.take() { snapshot(order, end, reply) }
    }
    guard end > 0, !isLearned(end),
      let waiter = learner.publication.whenPublished(end - 1, { _ in make() })
    else { return make() }
    waitOrPause(reply, end, waiter, make)
  }

  /// Whether all below `end` is learned, or all that learning goes on to while it is paused.
  private func isLearned(_ end: UInt64) -> Bool {
    learner.publication.current.offset >= min(end, control.registry.pausedAt ?? end)
  }

  /// Where learning is paused, or is put back behind a pause meanwhile, nobody waits for what is behind it.
  private func waitOrPause(
    _ reply: Reply, _ end: UInt64, _ waiter: UInt64, _ make: @escaping @Sendable () -> Void
  ) {
    reply.after(200_000_000) { [self] reply in
      if isLearned(end) || learner.status.failure != nil || reply.isLate {
        if learner.publication.cancel(waiter) { make() }
      } else if learner.publication.isWaiting(waiter) {
        waitOrPause(reply, end, waiter, make)
      }
    }
  }

  /// - Parameter end: of the log when the call came.
  private func snapshot(_ order: VersionOrder, _ end: UInt64, _ reply: Reply) {
    learner.perform { [self] learner in
      let (model, offset, failure) = (learner.model, learner.offset, learner.status.failure)
      context.versionWorkers.perform { [self] in
        do throws(Status) {
          // Nobody waits any more: a version that nobody knows of is not made.
          if reply.isLate { throw Status(.deadlineExceeded, "the deadline came before the version was made") }
          if let failure { throw Status(.failedPrecondition, "learning stands still: \(failure)") }
          let record = try context.createVersion(of: model, offset: offset, order)
          let arena = MessageArena(capacity: 4096)
          var response = Cowbird__V1__CreateResponse.empty
          response.version = info(record.id, control.registry, in: arena)
          response.missing_records = end - min(end, offset)
          reply.respond(&response)
        } catch {
          // Of a head that has gone meanwhile: of the one that is now.
          if error.code == .aborted { return snapshot(order, end, reply) }
          reply.fail(error)
        }
      }
    }
  }
}

extension Reply {
  var isLate: Bool { deadline != 0 && MonotonicClock.nanos() >= deadline }
}
