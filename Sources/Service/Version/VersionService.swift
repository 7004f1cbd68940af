// cowbird.v1.Version: what versions there are, which one answers, and the way back. The reactor only copies a
// request; a worker, which may wait for the disk, carries it out and answers.

internal import CMessages
internal import EventLog
internal import Learning
internal import Primitives
package import Transport
internal import Versions
internal import Wire

package final class VersionService: Sendable {
  static let name = "cowbird.v1.Version"

  let context: ServiceContext
  /// One rollback at a time.
  let rollbackTurn = Guarded(RollbackTurn())

  package init(_ context: ServiceContext) {
    self.context = context
    context.learner.observe(with: context.served)
  }

  var log: EventLog { context.log }
  var control: ControlPlane { context.control }
  var keeper: Keeper { context.keeper }
  var learner: Learner { context.learner }
  var metrics: ServedMetrics { context.served }

  package func register(in registry: inout ServiceRegistry) {
    registry.unary(Self.name, "Create", permission: .versionWrite) { call throws(Status) in
      try self.create(call)
    }
    unary("List", .versionRead, in: &registry) { message, caller throws(Status) in
      try self.list(message, caller)
    }
    unary("Get", .versionRead, in: &registry) { message, caller throws(Status) in
      try self.get(message, caller)
    }
    unary("Switch", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.switch(message, caller)
    }
    unary("Split", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.split(message, caller)
    }
    unary("Shadow", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.shadow(message, caller)
    }
    unary("Label", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.label(message, caller)
    }
    unary("Unlabel", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.unlabel(message, caller)
    }
    unary("Pin", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.pin(message, caller)
    }
    unary("Delete", .versionWrite, in: &registry) { message, caller throws(Status) in
      try self.delete(message, caller)
    }
    unary("Diff", .versionRead, in: &registry, on: context.transfers) { message, caller throws(Status) in
      try self.diff(message, caller)
    }
    registry.stream(Self.name, "Rollback", .server, permission: .versionWrite) { _ in RollbackStream(self) }
    registry.stream(Self.name, "Forget", .server, permission: .versionWrite) { _ in ForgetStream(self) }
    registry.stream(Self.name, "Export", .server, permission: .versionRead) { _ in ExportStream(self) }
    registry.stream(Self.name, "Import", .client, permission: .versionWrite) { stream in
      ImportStream(self, peer: stream.peer)
    }
    registry.stream(Self.name, "Watch", .server, permission: .versionRead) { _ in WatchStream(self) }
  }

  /// A method that a worker carries out: the request's bytes are copied, the answer is deferred.
  private func unary<M: WireMessage & SendableMetatype>(
    _ method: String, _ permission: Permissions, in registry: inout ServiceRegistry,
    on workers: Workers? = nil,
    _ body: @escaping @Sendable (UnsafePointer<M>, Caller) throws(Status) -> [UInt8]
  ) {
    let workers = workers ?? context.versionWorkers
    registry.unary(Self.name, method, permission: permission) { call throws(Status) in
      let payload = Array(call.payload)
      let caller = Caller(uid: call.peer.uid)
      let reply = call.deferAnswer()
      workers.perform {
        do throws(Status) {
          reply.respond(
            bytes: try Wire.withMessage(M.self, from: payload) { message throws(Status) in
              try body(message, caller)
            })
        } catch {
          reply.fail(error)
        }
      }
    }
  }

  /// Commits a command, publishes what it changes for requests, and answers with the version as it stands now.
  /// - Parameter check: a condition on the registry that holds at the moment of the change.
  func change(
    _ command: ControlRecord.Command, _ author: Author, _ reason: String,
    if check: (Registry) throws(Status) -> Void = { (_: Registry) throws(Status) in }
  ) throws(Status) -> [UInt8] {
    let offset = try control.commit(
      ControlRecord(author: author, reason: reason, command: command), if: check)
    keeper.publishServing()
    let registry = control.registry
    let arena = MessageArena(capacity: 4096)
    var response = Cowbird__V1__ChangeResponse.empty
    response.offset = offset
    if let id = subject(of: command, in: registry), let info = info(id, registry, in: arena) {
      response.version = info
    }
    return Wire.bytes(&response)
  }

  /// The version that a command is about; nil: the head, or one that is gone.
  private func subject(of command: ControlRecord.Command, in registry: Registry) -> VersionID? {
    switch command {
    case .serve(let target): (try? registry.resolve(target)).flatMap { $0 }
    case .shadow(let target): target.flatMap { (try? registry.resolve($0)).flatMap { $0 } }
    case .split(let arms, _): (arms.first?.target ?? registry.serving).flatMapVersion(in: registry)
    default: command.version
    }
  }
}

extension ServingTarget {
  fileprivate func flatMapVersion(in registry: Registry) -> VersionID? {
    (try? registry.resolve(self)).flatMap { $0 }
  }
}

/// Who asks, as the kernel says.
struct Caller: Sendable {
  let uid: UInt32

  /// The author of a command: the peer's uid, and the name that the caller gave.
  func author(_ name: UnsafeMutablePointer<CChar>?) throws(Status) -> Author {
    Author(uid: uid, name: try Field.text(name, "author", atMost: 256))
  }
}
