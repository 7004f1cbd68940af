// cowbird.v1.Predict: answers from a model that nobody writes. Nothing here changes state.
//
//   request ─▶ checked ─▶ selector ─▶ fresh enough? ─▶ answered on the reactor that read it
//                             │            └ no: waits for the publication, then answered on that reactor
//                             └ on the disk only: a worker loads it, then answered on that reactor

internal import Configuration
internal import Features
internal import Learning
internal import Primitives
package import Transport
internal import Versions
internal import Wire

package final class PredictService: Sendable {
  /// Longest wait of a caller that names no deadline.
  static let longestWaitNanos: UInt64 = 30_000_000_000

  let context: ServiceContext
  private let readers: PerThread<PredictReader>
  let shadows: ShadowScorer

  /// Of the calling thread.
  var worker: PredictReader { readers.value }

  package init(_ context: ServiceContext) {
    self.context = context
    readers = PerThread { PredictReader(context) }
    shadows = ShadowScorer(context)
  }

  package func register(in registry: inout ServiceRegistry) {
    registry.unary("cowbird.v1.Predict", "Score", permission: .predict) { call throws(Status) in
      try self.handle(call, .score)
    }
    registry.unary("cowbird.v1.Predict", "Recommend", permission: .predict) { call throws(Status) in
      try self.handle(call, .recommend)
    }
    registry.unary("cowbird.v1.Predict", "Explain", permission: .predict) { call throws(Status) in
      try self.handle(call, .explain)
    }
  }

  enum Method: Sendable {
    case score, recommend, explain

    var layout: PredictRequestView.Layout {
      switch self {
      case .score: .score
      case .recommend: .recommend
      case .explain: .explain
      }
    }
  }

  // hot: Score of a resident model runs from here to the answer without an allocation.
  private func handle(_ call: UnaryCall, _ method: Method) throws(Status) {
    let begin = MonotonicClock.nanos()
    do throws(Status) {
      let reader = readers.value
      let request = try PredictRequestView(call.payload, method.layout)
      try check(request, method, reader.limits)
      let user = context.plan.userKey(request.user)
      guard case .ready(let source) = try request.selector.select(reader, user: user),
        request.minimumOffset.map({ source.revision.offset > $0 }) ?? true
      else { return try wait(call, request, method, user) }
      try answer(request, user, source, method, reader, Answering(call))
    } catch {
      context.tally.refusedRequests.add()
      throw error
    }
    histogram(method).add(nanos: MonotonicClock.nanos() &- begin)
  }

  private func histogram(_ method: Method) -> LatencyHistogram {
    switch method {
    case .score: context.tally.scores
    case .recommend: context.tally.recommendations
    case .explain: context.tally.explanations
    }
  }

  private func answer(
    _ request: PredictRequestView, _ user: UInt64, _ source: Source, _ method: Method,
    _ reader: PredictReader,
    _ to: Answering
  ) throws(Status) {
    if !source.degraded.isEmpty { context.tally.degraded.add() }
    switch method {
    case .score: try score(request, user, source, reader, to)
    case .recommend: try recommend(request, user, source, reader, to)
    case .explain: try explain(request, user, source, reader, to)
    }
  }

  // MARK: Checking

  private func check(_ request: PredictRequestView, _ method: Method, _ limits: RequestLimits) throws(Status)
  {

    let name = request.layout.name
    if method == .score, !(1...limits.candidates).contains(request.candidateCount) {
      throw Status(
        .invalidArgument,
        "\(name).candidates: \(request.candidateCount) candidates; 1 to \(limits.candidates) are allowed "
          + "(limits.candidates)")
    }
    if method == .explain, request.candidateCount != 1 {
      throw Status(.invalidArgument, "\(name).candidate: \(request.candidateCount) given; one is required")
    }
    try limits.check(request.user, name, ".user")
    guard request.timeNanos >= 0 else {
      throw Status(
        .invalidArgument,
        "\(name).time_nanos: \(request.timeNanos); 0 (the server's clock) or a Unix time in nanoseconds")
    }
    if let refusal = limits.bounds.refusal(request.context, "context") {
      throw Status(.invalidArgument, "\(name).\(refusal)")
    }
    if let refusal = limits.bounds.refusal(request.userAttributes, "user_attributes") {
      throw Status(.invalidArgument, "\(name).\(refusal)")
    }
  }

  // MARK: Waiting

  /// Answers later: when the version is loaded, when the head holds the offset, or, degraded, when the time is up.
  private func wait(
    _ call: UnaryCall, _ request: PredictRequestView, _ method: Method, _ user: UInt64
  ) throws(Status) {
    let reader = readers.value
    let bytes = Array(call.payload)
    let offset = request.minimumOffset
    let remaining = call.remainingNanos
    switch try request.selector.select(reader, user: user) {
    case .onDisk(let id):
      let reply = call.deferAnswer()
      context.workers.perform { [self] in
        do throws(Status) {
          let revision = try context.keeper.revision(id)
          reply.after(0) { self.finish($0, bytes, method, Source(revision: revision, arm: "")) }
        } catch {
          reply.fail(error)
        }
      }
    case .ready(let source):
      // The version has been loaded meanwhile.
      guard let offset else { return try answer(request, user, source, method, reader, Answering(call)) }
      guard source.revision.version == nil else {
        guard request.allowsDegraded else {
          throw Status(
            .failedPrecondition,
            "freshness.min_offset: \(offset), but \(source.revision.version?.description ?? "") ends at offset "
              + "\(source.revision.offset) and never changes; ask the head, or allow a degraded answer")
        }
        var stale = source
        stale.degraded = "min_offset not reached"
        return try answer(request, user, stale, method, reader, Answering(call))
      }
      let arm = source.arm
      let isPatient = request.allowsDegraded
      let reply = call.deferAnswer()
      waitForHead(reply, offset, remaining: remaining, isPatient: isPatient) { [self] reply, revision in
        var source = Source(revision: revision, arm: arm)
        if revision.offset <= offset { source.degraded = "min_offset not reached" }
        finish(reply, bytes, method, source)
      }
    }
  }

  /// Calls `body` once on the call's reactor: with the first head that holds `offset`, or, for a caller who takes
  /// what there is, with the newest shortly before the deadline.
  private func waitForHead(
    _ reply: Reply, _ offset: UInt64, remaining: Int64?, isPatient: Bool,
    _ body: @escaping @Sendable (Reply, Revision) -> Void
  ) {
    let publication = context.learner.publication
    let isDone = OnceFlag()
    let waiter = publication.whenPublished(offset) { revision in
      reply.after(0) { reply in
        if isDone.take() { body(reply, revision) }
      }
    }
    guard let waiter else { return }
    let limit = min(remaining.map { UInt64(max(0, $0)) } ?? Self.longestWaitNanos, Self.longestWaitNanos)
    // The answer itself takes time too.
    let wait = isPatient ? limit - min(limit, max(limit / 10, 2_000_000)) : limit
    reply.after(wait) { reply in
      guard publication.cancel(waiter), isDone.take() else { return }
      if isPatient {
        body(reply, publication.current)
      } else {
        reply.fail(
          Status(
            .deadlineExceeded,
            "freshness.min_offset: \(offset) is not published yet; the head is at \(publication.current.offset)"
          ))
      }
    }
  }

  /// The answer of a request that had to wait.
  private func finish(_ reply: Reply, _ bytes: [UInt8], _ method: Method, _ source: Source) {
    let reader = readers.value
    bytes.withUnsafeBytes { bytes in
      do throws(Status) {
        let request = try PredictRequestView(bytes, method.layout)
        let user = context.plan.userKey(request.user)
        // A version that had to be loaded may be too old as well.
        var source = source
        if let offset = request.minimumOffset, source.revision.offset <= offset, source.degraded.isEmpty {
          guard request.allowsDegraded else {
            throw Status(
              .failedPrecondition,
              "freshness.min_offset: \(offset), but the version ends at offset \(source.revision.offset)")
          }
          source.degraded = "min_offset not reached"
        }
        try answer(request, user, source, method, reader, Answering(reply))
      } catch {
        context.tally.refusedRequests.add()
        reply.fail(error)
      }
    }
  }
}

/// Where an answer goes: to the call that is being handled, or to one that had to wait.
struct Answering {
  private let call: UnaryCall?
  private let reply: Reply?

  init(_ call: UnaryCall) { (self.call, reply) = (call, nil) }
  init(_ reply: Reply) { (call, self.reply) = (nil, reply) }

  // hot: a call's answer is written straight into what will be sent.
  func respond(size: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    if let call { return call.respond(size: size, fill: fill) }
    reply?.respond(
      bytes: [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        if let base = buffer.baseAddress { fill(UnsafeMutableRawPointer(base)) }
        count = size
      })
  }

  /// Refuses a caller who may not ingest. One that had to wait was asked before.
  func requireIngest() throws(Status) {
    guard let call, !call.permissions.isSuperset(of: .ingest) else { return }
    throw Status(
      .permissionDenied,
      "RecommendRequest.log_impressions needs the permission ingest, which \(call.peer) has not")
  }

  /// The right to answer later; nil: the reply is that already, and the answer may take its time here.
  func deferred() -> Reply? { call?.deferAnswer() ?? reply }

  func respond<M: WireMessage>(_ message: UnsafePointer<M>) {
    if let call { return call.respond(message) }
    reply?.respond(message)
  }
}
