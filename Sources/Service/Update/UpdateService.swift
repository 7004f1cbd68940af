// cowbird.v1.Update: how the learner is doing, and what it is told. Every call is answered by a worker: most of
// them wait for the log.

internal import CMessages
internal import Configuration
internal import EventLog
internal import Learning
internal import Logging
internal import Primitives
package import Transport
internal import Versions
internal import Wire

package final class UpdateService: Sendable {
  let context: ServiceContext
  /// One command at a time, so that what is in force is what the log says last.
  private let turn = Lock()

  package init(_ context: ServiceContext) { self.context = context }

  package func register(in registry: inout ServiceRegistry) {
    let name = "cowbird.v1.Update"
    registry.unary(name, "Status", permission: .predict) { call throws(Status) in
      _ = try call.request(Cowbird__V1__StatusRequest.self)
      self.onWorker(call) { _ throws(Status) in StatusAnswer(self.context).bytes }
    }
    registry.unary(name, "Metrics", permission: .predict) { call throws(Status) in
      _ = try call.request(Cowbird__V1__MetricsRequest.self)
      self.onWorker(call) { _ throws(Status) in
        let arena = MessageArena()
        var answer = Cowbird__V1__MetricsResponse.empty
        answer.text = arena.text(OpenMetrics.text(self.context))
        return Wire.bytes(&answer)
      }
    }
    registry.unary(name, "Pause", permission: .update) { call throws(Status) in
      let reason = try Self.reason(try call.request(Cowbird__V1__PauseRequest.self).pointee.reason)
      self.onWorker(call) { author throws(Status) in try self.pause(author, reason) }
    }
    registry.unary(name, "Resume", permission: .update) { call throws(Status) in
      let reason = try Self.reason(try call.request(Cowbird__V1__ResumeRequest.self).pointee.reason)
      self.onWorker(call) { author throws(Status) in try self.resume(author, reason) }
    }
    registry.unary(name, "Configure", permission: .update) { call throws(Status) in
      let (settings, reason) = try Self.settings(call)
      // It writes a version first.
      self.onWorker(call, of: self.context.versionWorkers) { author throws(Status) in
        try self.configure(settings, author, reason)
      }
    }
    registry.unary(name, "Settings", permission: .predict) { call throws(Status) in
      let request = try call.request(Cowbird__V1__SettingsRequest.self).pointee
      let (prefix, isConfigured) = (String(cString: request.prefix), request.configured != 0)
      self.onWorker(call) { _ throws(Status) in self.settingsInForce(prefix, isConfigured) }
    }
    registry.unary(name, "Flush", permission: .predict) { call throws(Status) in try self.flush(call) }
    registry.unary(name, "Quarantine", permission: .update) { call throws(Status) in
      try self.quarantine(call)
    }
    registry.stream(name, "Run", .server, permission: .update) { _ in RunStream(self.context) }
  }

  /// Answers with what `body` returns, on a worker.
  func onWorker(
    _ call: UnaryCall, of workers: Workers? = nil,
    _ body: @escaping @Sendable (Author) throws(Status) -> [UInt8]
  ) {
    let author = Author(uid: call.peer.uid)
    let reply = call.deferAnswer()
    (workers ?? context.workers).perform {
      do throws(Status) { reply.respond(bytes: try body(author)) } catch { reply.fail(error) }
    }
  }

  static func reason(_ text: UnsafePointer<CChar>) throws(Status) -> String {
    let reason = String(cString: text)
    guard reason.utf8.count <= 1_024 else {
      throw Status(.invalidArgument, "reason: \(reason.utf8.count) bytes; at most 1024 are allowed")
    }
    return reason
  }

  static func control(_ offset: UInt64) -> [UInt8] {
    var answer = Cowbird__V1__ControlResponse.empty
    answer.offset = offset
    return Wire.bytes(&answer)
  }

  /// Carries out a command and, before the next one, what follows from it.
  func command(
    _ author: Author, _ reason: String, _ command: ControlRecord.Command, _ then: (UInt64) -> Void = { _ in }
  ) throws(Status) -> UInt64 {
    try inTurn { () throws(Status) in
      let offset = try context.commit(ControlRecord(author: author, reason: reason, command: command))
      then(offset)
      return offset
    }
  }

  private func inTurn(_ body: () throws(Status) -> UInt64) throws(Status) -> UInt64 {
    let result = turn.withLock { Result { () throws(Status) in try body() } }
    return try result.get()
  }

  // MARK: Pause and resume

  /// The head learns what stands before the record, and nothing behind it: a start comes to rest there too.
  private func pause(_ author: Author, _ reason: String) throws(Status) -> [UInt8] {
    let (learner, control) = (context.learner, context.control)
    let record = ControlRecord(author: author, reason: reason, command: .pause)
    let offset = try inTurn { () throws(Status) in
      if control.registry.isPaused { return try context.commit(record) }
      // What comes behind the record waits already while it is written.
      learner.pause(at: context.log.endOffset)
      do throws(Status) {
        let offset = try context.commit(record)
        learner.pause(at: offset)
        return offset
      } catch {
        // It may be in force all the same.
        if let offset = control.registry.pausedAt { learner.pause(at: offset) } else { learner.resume() }
        throw error
      }
    }
    context.logger.notice("learning paused", metadata: ["offset": "\(offset)"])
    return Self.control(offset)
  }

  private func resume(_ author: Author, _ reason: String) throws(Status) -> [UInt8] {
    let offset = try command(author, reason, .resume) { _ in context.learner.resume() }
    context.logger.notice("learning goes on", metadata: ["offset": "\(offset)"])
    return Self.control(offset)
  }

  // MARK: Configure

  private static func settings(_ call: UnaryCall) throws(Status) -> ([Setting], String) {
    let request = try call.request(Cowbird__V1__ConfigureRequest.self).pointee
    guard (1...1_000).contains(request.n_settings) else {
      throw Status(
        .invalidArgument, "ConfigureRequest.settings: \(request.n_settings) settings; 1 to 1000 are allowed")
    }
    let settings = (0..<request.n_settings).map { index in
      let setting = request.settings[index]!.pointee
      return Setting(path: String(cString: setting.path), value: String(cString: setting.value))
    }
    return (settings, try reason(request.reason))
  }

  private func configure(_ settings: [Setting], _ author: Author, _ reason: String) throws(Status) -> [UInt8]
  {
    let (_, isLearned) = try changed(settings)
    // The state before is kept, so that there is a way back.
    if isLearned { try keepVersion(author, "before a change of settings") }
    let offset = try inTurn { () throws(Status) in
      // Another command may have come first.
      _ = try changed(settings)
      let offset = try context.commit(
        ControlRecord(author: author, reason: reason, command: .configure(settings)))
      context.putConfiguredInForce(settings, at: offset)
      return offset
    }
    context.logger.notice(
      "settings changed",
      metadata: ["offset": "\(offset)", "settings": "\(settings.map(\.path).joined(separator: " "))"])
    if isLearned {
      _ = context.learner.publication.whenPublished(offset) { [self] _ in
        context.createVersion(VersionOrder(author: author, reason: "after a change of settings")) { _ in }
      }
    }
    return Self.control(offset)
  }

  private func settingsInForce(_ prefix: String, _ isConfiguredOnly: Bool) -> [UInt8] {
    let configuration = context.configuration
    let configured = context.configuredPaths
    let arena = MessageArena()
    var answer = Cowbird__V1__SettingsResponse.empty
    answer.configuration_hash = arena.text(hexadecimal(configuration.learnedHash))
    let fields = configuration.fields.filter {
      $0.path.hasPrefix(prefix) && (!isConfiguredOnly || configured.contains($0.path))
    }
    (answer.n_settings, answer.settings) = arena.messages(
      fields.map { field in
        var message = Cowbird__V1__SettingInForce.empty
        message.path = arena.text(field.path)
        message.value = arena.text(field.value)
        message.effect = arena.text(field.effect.rawValue)
        message.configured = configured.contains(field.path) ? 1 : 0
        return message
      })
    return Wire.bytes(&answer)
  }

  /// The configuration with the settings, if they may be changed while the daemon runs.
  private func changed(_ settings: [Setting]) throws(Status) -> (Configuration, isLearned: Bool) {
    let current = context.configuration
    let changed: Configuration
    do {
      changed = try current.setting(settings.map { (path: $0.path, value: $0.value) })
    } catch {
      throw Status(.invalidArgument, "ConfigureRequest.settings: \(error)")
    }
    let changes = current.changes(to: changed)
    if let change = changes.first(where: { $0.effect == .model }) {
      throw Status(
        .failedPrecondition,
        "ConfigureRequest.settings: \(change.path) decides what a model is made of and cannot change while it lives; "
          + "change the file and start with --rebuild, or with another data directory")
    }
    if let change = changes.first(where: { $0.effect == .restart }) {
      throw Status(
        .failedPrecondition,
        "ConfigureRequest.settings: \(change.path) is in force after a restart only; change it in the file")
    }
    return (changed, changes.contains { $0.effect == .learning })
  }

  /// Keeps the head, on this thread.
  private func keepVersion(_ author: Author, _ reason: String) throws(Status) {
    while true {
      let (model, offset) = try context.copyOfHead()
      do throws(Status) {
        _ = try context.createVersion(of: model, offset: offset, VersionOrder(author: author, reason: reason))
        return
      } catch {
        // Of a head that has gone meanwhile: of the one that is now.
        guard error.code == .aborted else { throw error }
      }
    }
  }

  // MARK: Flush

  private func flush(_ call: UnaryCall) throws(Status) {
    let request = try call.request(Cowbird__V1__FlushRequest.self).pointee
    let isGiven = request.offset_presence_case == COWBIRD__V1__FLUSH_REQUEST__OFFSET_PRESENCE_OFFSET
    let end = context.log.endOffset
    let offset = isGiven ? request.offset : end - 1
    if isGiven, offset >= end {
      throw Status(
        .outOfRange, "FlushRequest.offset: \(offset), but the log ends at \(end); an offset below is needed")
    }
    let wantsDigest = request.digest != 0
    let status = context.learner.status
    if status.publishedOffset <= offset, offset > 0 {
      if let failure = status.failure {
        throw Status(.failedPrecondition, "learning stands still: \(failure)")
      }
      if let pausedAt = context.control.registry.pausedAt, offset >= pausedAt {
        throw Status(.failedPrecondition, "learning is paused; `cowbird update resume` goes on")
      }
    }
    let reply = call.deferAnswer()
    let publication = context.learner.publication
    let waiter = publication.whenPublished(max(offset, 1) - (offset == 0 ? 1 : 0)) { [context] revision in
      guard wantsDigest else {
        reply.respond(bytes: Self.flushed(revision.number, revision.offset, ""))
        return
      }
      context.withHead { model, offset in
        reply.respond(bytes: Self.flushed(revision.number, offset, model.digest.description))
      }
    }
    guard let waiter else { return }
    // The transport answers a deadline; what waits for nobody is withdrawn.
    reply.after(min(UInt64(max(0, call.remainingNanos ?? .max)), 3_600_000_000_000)) { reply in
      guard publication.cancel(waiter) else { return }
      reply.fail(Status(.deadlineExceeded, "offset \(offset) is not learned yet"))
    }
  }

  private static func flushed(_ revision: UInt64, _ offset: UInt64, _ digest: String) -> [UInt8] {
    let arena = MessageArena(capacity: 1024)
    var model = Cowbird__V1__ModelReference.empty
    model.revision = revision
    model.offset = offset
    var answer = Cowbird__V1__FlushResponse.empty
    answer.model = arena.message(model)
    answer.digest = arena.text(digest)
    return Wire.bytes(&answer)
  }
}
