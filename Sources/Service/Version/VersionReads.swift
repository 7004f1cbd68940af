// List and Get.

internal import CMessages
internal import Learning
internal import Versions
internal import Wire

extension VersionService {
  func list(_ request: UnsafePointer<Cowbird__V1__ListRequest>, _: Caller) throws(Status) -> [UInt8] {
    let request = request.pointee
    guard request.limit <= 1_000 else {
      throw Status(.invalidArgument, "ListRequest.limit is \(request.limit); 1 to 1000 are allowed (0: 100)")
    }
    let limit = request.limit == 0 ? 100 : Int(request.limit)
    let before = Field.text(request.before)
    let end = VersionID(before)
    guard before.isEmpty || end != nil else {
      throw Status(.invalidArgument, "ListRequest.before is \"\(before)\"; an id such as \"v17\" is expected")
    }
    let registry = control.registry
    let arena = MessageArena(capacity: 64 << 10)
    let infos = registry.entries.reversed().lazy.map(\.record.id)
      .filter { id in end.map { id < $0 } ?? true }.prefix(limit)
      .compactMap { self.info($0, registry, in: arena) }
    var response = Cowbird__V1__ListResponse.empty
    let versions = Array(infos).map { Optional($0) }
    (response.n_versions, response.versions) = (versions.count, arena.array(versions))
    response.serving = arena.text(registry.servingText)
    (response.n_split, response.split) = arena.messages(registry.arms.map { arm(of: $0, in: arena) })
    response.shadow = arena.text(registry.shadow?.description ?? "")
    return Wire.bytes(&response)
  }

  private func arm(of arm: SplitArm, in arena: MessageArena) -> Cowbird__V1__SplitArm {
    var message = Cowbird__V1__SplitArm.empty
    message.name = arena.text(arm.name)
    message.version = arena.selector(arm.target)
    message.percent = arm.percent
    (message.n_metrics, message.metrics) = arena.metrics(metrics.values(ofArm: arm.name))
    return message
  }

  func get(_ request: UnsafePointer<Cowbird__V1__GetRequest>, _: Caller) throws(Status) -> [UInt8] {
    let selection = try Selection.required(request.pointee.version, "GetRequest.version")
    let registry = control.registry
    let id = try selection.keptVersion(in: registry, "GetRequest.version")
    let arena = MessageArena(capacity: 4096)
    guard let info = info(id, registry, in: arena) else { throw Status(.notFound, Registry.noVersion(id)) }
    return Wire.bytes(info)
  }
}
