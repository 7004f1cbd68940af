// Forget: what it would reach, how far it is, and what became of it.

internal import CMessages
internal import Learning
internal import Primitives
internal import Transport
internal import Versions
internal import Wire

final class ForgetStream: ReplayStream {
  private let service: VersionService
  let progress = ReplayProgress()
  var context: ServiceContext { service.context }

  init(_ service: VersionService) { self.service = service }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__ForgetRequest.self, message).pointee
    let user = try Field.text(request.user, "ForgetRequest.user", atMost: 256)
    guard !user.isEmpty else {
      throw Status(.invalidArgument, "ForgetRequest.user: empty; a user's id is required")
    }
    let forgetting = Forgetting(
      service: service, user: user, author: try Caller(uid: stream.peer.uid).author(request.author),
      reason: try Field.reason(request.reason), progress: progress)
    let isDryRun = request.dry_run != 0
    let progress = progress
    perform(on: stream) { () throws(Status) in
      let plan = try forgetting.plan()
      Self.send("planned", plan.events, progress.current, on: stream) { message, arena in
        message.version = arena.text(plan.base?.id.description ?? "")
      }
      guard !isDryRun, plan.events > 0 else { return }
      let done = try forgetting.perform(plan)
      Self.send("done", plan.events, progress.current, on: stream) { message, arena in
        message.version = arena.text(done.version.description)
        (message.n_deleted, message.deleted) = arena.texts(done.deleted.map(\.description))
        (message.n_held, message.held) = arena.texts(done.held.map(\.description))
      }
    }
  }

  func report(_ values: ReplayProgress.Values, on stream: ServerStream) {
    if values.total > 0 { Self.send("learning", 0, values, on: stream) }
  }

  private static func send(
    _ stage: String, _ events: UInt64, _ values: ReplayProgress.Values, on stream: ServerStream,
    _ fill: (inout Cowbird__V1__ForgetProgress, MessageArena) -> Void = { _, _ in }
  ) {
    let arena = MessageArena(capacity: 1024)
    var message = Cowbird__V1__ForgetProgress.empty
    message.stage = arena.text(stage)
    message.events = events
    message.records_done = values.passed
    message.records_total = values.total
    message.eta_seconds = values.secondsLeft
    fill(&message, arena)
    stream.send(&message)
  }
}
