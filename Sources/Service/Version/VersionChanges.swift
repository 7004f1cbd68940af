// Commands that change the registry alone. What is going to be served is loaded first: the change itself is then
// one pointer, and no request waits for it.

internal import CMessages
internal import Learning
internal import Versions
internal import Wire

extension VersionService {
  func `switch`(
    _ request: UnsafePointer<Cowbird__V1__SwitchRequest>, _ caller: Caller
  ) throws(Status) -> [UInt8] {
    let request = request.pointee
    let (author, reason) = (try caller.author(request.author), try Field.reason(request.reason))
    let target = try Selection.required(request.to, "SwitchRequest.to").target(in: control.registry)
    try keeper.prepare(target)
    return try change(.serve(target), author, reason)
  }

  func split(
    _ request: UnsafePointer<Cowbird__V1__SplitRequest>, _ caller: Caller
  ) throws(Status) -> [UInt8] {
    let request = request.pointee
    let (author, reason) = (try caller.author(request.author), try Field.reason(request.reason))
    let salt = try Field.text(request.salt, "SplitRequest.salt", atMost: 256)
    let registry = control.registry
    guard request.n_arms > 0 else {
      guard !registry.arms.isEmpty else {
        throw Status(.failedPrecondition, "there is no split to end; name 2 to 8 arms to begin one")
      }
      return try change(.split([], salt: salt), author, reason)
    }
    guard request.n_arms <= 8 else {
      throw Status(.invalidArgument, "SplitRequest.arms: \(request.n_arms) arms; 2 to 8 are allowed")
    }
    var arms: [SplitArm] = []
    for place in 0..<request.n_arms {
      guard let arm = request.arms[place]?.pointee else { continue }
      guard arm.percent.isFinite else {
        throw Status(.invalidArgument, "SplitRequest.arms[\(place)].percent is no number")
      }
      arms.append(
        SplitArm(
          name: Field.text(arm.name),
          target: try Selection.required(arm.version, "SplitRequest.arms[\(place)].version")
            .target(in: registry),
          percent: arm.percent))
    }
    for arm in arms { try keeper.prepare(arm.target) }
    return try change(.split(arms, salt: salt), author, reason)
  }

  func shadow(
    _ request: UnsafePointer<Cowbird__V1__ShadowRequest>, _ caller: Caller
  ) throws(Status) -> [UInt8] {
    let request = request.pointee
    let (author, reason) = (try caller.author(request.author), try Field.reason(request.reason))
    let target = try Selection(request.version, "ShadowRequest.version")?.target(in: control.registry)
    if let target { try keeper.prepare(target) }
    return try change(.shadow(target), author, reason)
  }

  func label(
    _ request: UnsafePointer<Cowbird__V1__LabelRequest>, _ caller: Caller
  ) throws(Status) -> [UInt8] {
    let request = request.pointee
    let (author, reason) = (try caller.author(request.author), try Field.reason(request.reason))
    let name = Field.text(request.label)
    let registry = control.registry
    let id = try Selection.required(request.version, "LabelRequest.version")
      .keptVersion(in: registry, "LabelRequest.version")
    var expected: ExpectedLabel = .anything
    if request.expect_presence_case == COWBIRD__V1__LABEL_REQUEST__EXPECT_PRESENCE_EXPECT {
      let text = Field.text(request.expect)
      guard text.isEmpty || VersionID(text) != nil else {
        throw Status(
          .invalidArgument, "LabelRequest.expect is \"\(text)\"; an id such as \"v17\", or nothing")
      }
      expected = .exactly(VersionID(text))
    }
    // What serves the label will serve this version: it is loaded before the label moves.
    if registry.serves(label: name) { try keeper.prepare(.version(id)) }
    return try change(
      .label(name, id), author, reason,
      if: { registry throws(Status) in
        try expected.check(name, in: registry)
      })
  }

  func unlabel(
    _ request: UnsafePointer<Cowbird__V1__UnlabelRequest>, _ caller: Caller
  ) throws(Status) -> [UInt8] {
    let request = request.pointee
    return try change(
      .unlabel(Field.text(request.label)), caller.author(request.author), Field.reason(request.reason))
  }

  func pin(_ request: UnsafePointer<Cowbird__V1__PinRequest>, _ caller: Caller) throws(Status) -> [UInt8] {
    let request = request.pointee
    let (author, reason) = (try caller.author(request.author), try Field.reason(request.reason))
    let id = try Selection.required(request.version, "PinRequest.version")
      .keptVersion(in: control.registry, "PinRequest.version")
    return try change(.pin(id, request.pinned != 0), author, reason)
  }

  func delete(
    _ request: UnsafePointer<Cowbird__V1__DeleteRequest>, _ caller: Caller
  ) throws(Status) -> [UInt8] {
    let request = request.pointee
    let (author, reason) = (try caller.author(request.author), try Field.reason(request.reason))
    let text = Field.text(request.id)
    guard let id = VersionID(text) else {
      throw Status(.invalidArgument, "DeleteRequest.id is \"\(text)\"; an id such as \"v17\" is expected")
    }
    let answer = try change(.delete(id), author, reason)
    keeper.clear()
    return answer
  }
}

/// The condition of a label's compare-and-set.
private enum ExpectedLabel: Sendable {
  case anything
  /// Nil: the label must not exist.
  case exactly(VersionID?)

  func check(_ name: String, in registry: Registry) throws(Status) {
    guard case .exactly(let expected) = self else { return }
    let actual = registry.id(labelled: name)
    guard actual != expected else { return }
    throw Status(
      .failedPrecondition,
      "label \"\(name)\" points at \(actual?.description ?? "nothing"), not at "
        + "\(expected?.description ?? "nothing"); look again, then decide")
  }
}

extension Registry {
  /// Whether what is served follows this label.
  func serves(label name: String) -> Bool {
    let target = ServingTarget.label(name)
    return serving == target || shadow == target || arms.contains { $0.target == target }
  }
}
