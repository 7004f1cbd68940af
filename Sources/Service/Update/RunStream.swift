// Update.Run: a candidate version learned beside the head, from a stretch of the log, with progress.

internal import CMessages
internal import EventLog
internal import Learning
internal import Logging
internal import Primitives
internal import Statistics
internal import Transport
internal import Versions
internal import Wire

final class RunStream: ReplayStream {
  let context: ServiceContext
  let progress = ReplayProgress()
  private var hasBegun = false

  init(_ context: ServiceContext) { self.context = context }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    guard !hasBegun else { throw Status(.invalidArgument, "RunRequest: one run a call") }
    let run = try CandidateRun(
      stream.unpack(Cowbird__V1__RunRequest.self, message), Self.selector(message), context,
      Author(uid: stream.peer.uid),
      progress)
    hasBegun = true
    perform(on: stream) { [context, progress] () throws(Status) in
      let former = context.control.registry.id(labelled: run.label)
      let record = try run.perform()
      Self.send(
        progress.current, record.metrics, record.id.description, labelFrom: former?.description ?? "",
        on: stream)
    }
  }

  /// The selector's own bytes.
  private static func selector(_ message: UnsafeRawBufferPointer) throws(Status) -> SelectorView {
    try SelectorView(field: 1, of: message, "RunRequest.from")
  }

  func report(_ values: ReplayProgress.Values, on stream: ServerStream) {
    Self.send(values, [], "", on: stream)
  }

  private static func send(
    _ values: ReplayProgress.Values, _ metrics: [MetricValue], _ version: String,
    labelFrom former: String = "",
    on stream: ServerStream
  ) {
    let arena = MessageArena(capacity: 4096)
    var message = Cowbird__V1__RunProgress.empty
    message.events_done = values.passed
    message.events_total = values.total
    message.events_per_second = values.eventsPerSecond
    message.eta_seconds = version.isEmpty ? values.secondsLeft : 0
    message.epoch = values.epoch
    message.version = arena.text(version)
    message.label_moved_from = arena.text(former)
    (message.n_metrics, message.metrics) = arena.messages(metrics.map { $0.message(arena) })
    stream.send(&message)
  }
}

/// What a run does, checked.
private struct CandidateRun: Sendable {
  private let context: ServiceContext
  private let author: Author
  private let progress: ReplayProgress
  private let from: VersionID?
  private let isFromScratch: Bool
  private let first: UInt64?
  private let end: UInt64
  /// The end was named.
  private let hasEnd: Bool
  private let epochs: Int
  private let reason: String
  let label: String

  init(
    _ message: UnsafePointer<Cowbird__V1__RunRequest>, _ selector: SelectorView, _ context: ServiceContext,
    _ author: Author, _ progress: ReplayProgress
  ) throws(Status) {
    let request = message.pointee
    self.context = context
    self.author = author
    self.progress = progress
    isFromScratch = request.from_scratch != 0
    guard !isFromScratch || request.from == nil else {
      throw Status(.invalidArgument, "RunRequest.from: it excludes from_scratch")
    }
    let serving = context.keeper.serving.current
    if selector.kind == .serving {
      guard serving.registry.arms.isEmpty else {
        throw Status(.invalidArgument, "RunRequest.from: traffic is split; name a version")
      }
      do throws(RegistryError) {
        from = try serving.registry.resolve(serving.registry.serving)
      } catch {
        throw Status(error)
      }
    } else {
      from = try selector.version(in: serving.registry)
    }
    let logEnd = context.log.endOffset
    hasEnd = request.end_offset_presence_case == COWBIRD__V1__RUN_REQUEST__END_OFFSET_PRESENCE_END_OFFSET
    end = hasEnd ? request.end_offset : logEnd
    guard end <= logEnd else {
      throw Status(.outOfRange, "RunRequest.end_offset: \(end), but the log ends at \(logEnd)")
    }
    let hasFirst =
      request.first_offset_presence_case == COWBIRD__V1__RUN_REQUEST__FIRST_OFFSET_PRESENCE_FIRST_OFFSET
    first = hasFirst ? request.first_offset : nil
    if let first, first < context.log.firstOffset || first > end {
      throw Status(
        .outOfRange,
        "RunRequest.first_offset: \(first); \(context.log.firstOffset) (the oldest kept) to \(end) are allowed"
      )
    }
    guard request.epochs <= 1_000 else {
      throw Status(.invalidArgument, "RunRequest.epochs: \(request.epochs); 1 to 1000 are allowed")
    }
    epochs = max(1, Int(request.epochs))
    reason = try UpdateService.reason(request.reason)
    label = String(cString: request.label)
  }

  /// Takes as long as it takes.
  func perform() throws(Status) -> VersionRecord {
    var (model, learned) = try begin()
    let start = first ?? learned
    guard end >= start || !hasEnd else {
      throw Status(
        .outOfRange,
        "RunRequest.end_offset: \(end), but the model that the run begins with has learned all up to \(start); name an "
          + "older one, from_scratch, or first_offset to learn a stretch again")
    }
    guard start >= context.log.firstOffset else {
      throw Status(
        .outOfRange,
        "the run begins at offset \(start), but the log's oldest record is \(context.log.firstOffset); name first_offset"
      )
    }
    if learned < start { model.omissions.drop(learned..<start) }
    let learner = RecordLearner(log: context.log, workspace: Workspace(context.plan, model.ensemble))
    let replay = Replay(
      learner, start..<max(start, end),
      leavingOut: context.control.registry.exclusions.clauses(at: context.log.endOffset))
    let isDone: Bool
    do throws(LogError) {
      isDone = try replay.run(into: &model, epochs: epochs, progress: progress)
    } catch {
      throw Status(error)
    }
    guard isDone else { throw Status(.cancelled, "the run was ended before it was done; nothing was made") }
    let order = VersionOrder(
      author: author, reason: reason.isEmpty ? "run" : reason, labels: label.isEmpty ? [] : [label])
    // A head that was copied late has learned beyond the end: what goes on from the candidate must not do so again.
    let offset = max(learned, end)
    let record = try context.keeper.create(model, offset: offset, as: .candidate, order)
    context.logger.notice("candidate made", metadata: ["version": "\(record.id)", "offset": "\(offset)"])
    return record
  }

  private func begin() throws(Status) -> (Model, UInt64) {
    if isFromScratch {
      do { return (try Model(context.plan), EventLog.firstOffset) } catch {
        throw Status(.internal, "an empty model cannot be made: \(error)")
      }
    }
    if let from {
      guard let entry = context.control.registry[from] else {
        throw Status(.notFound, "RunRequest.from: \(from) is gone")
      }
      return (try context.keeper.loadModel(from), entry.record.offset)
    }
    return try context.copyOfHead()
  }
}
