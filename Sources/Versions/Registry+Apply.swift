// How each command changes the registry.

package import Learning

extension Registry {
  /// Carries out one control record that stands at `offset` of the log. (`carryOut` is for new ones.)
  /// - Throws: `RegistryError`, with the registry as it was.
  package mutating func apply(_ record: ControlRecord, at offset: UInt64) throws(RegistryError) {
    var changed = self
    try changed.change(record, at: offset)
    changed.endOffset = max(endOffset, offset + 1)
    self = changed
  }

  /// Notes that the record at `offset` was read and left as it is, because it does not apply.
  package mutating func skip(_ offset: UInt64) { endOffset = max(endOffset, offset + 1) }

  private mutating func change(_ record: ControlRecord, at offset: UInt64) throws(RegistryError) {
    switch record.command {
    case .create(let version, let labels, let pinned):
      guard version.id.number >= nextNumber else {
        throw .conflict("\(version.id) was used before; numbers only grow")
      }
      for name in labels { try Self.check(label: name) }
      entries.append(
        Entry(record: version, author: record.author, reason: record.reason, isPinned: pinned))
      nextNumber = version.id.number + 1
      for name in labels { setLabel(name, version.id) }
    case .delete(let id):
      guard let position = position(of: id) else { throw .notFound(Self.noVersion(id)) }
      if let why = isHeld(id) { throw Self.cannotDelete(id, why) }
      entries.remove(at: position)
    case .label(let name, let id):
      try Self.check(label: name)
      guard self[id] != nil else { throw .notFound(Self.noVersion(id)) }
      setLabel(name, id)
    case .unlabel(let name):
      guard let index = labels.firstIndex(where: { $0.name == name }) else {
        throw .notFound("no label \"\(name)\"")
      }
      let target = ServingTarget.label(name)
      guard serving != target, shadow != target, !arms.contains(where: { $0.target == target }) else {
        throw .conflict("label \"\(name)\" is being served; switch to something else first")
      }
      labels.remove(at: index)
    case .pin(let id, let pinned):
      guard let position = position(of: id) else { throw .notFound(Self.noVersion(id)) }
      entries[position].isPinned = pinned
    case .serve(let target):
      _ = try resolve(target)
      serve(target)
    case .split(let newArms, let newSalt):
      try split(newArms, salt: newSalt)
    case .shadow(let target):
      if let target { _ = try resolve(target) }
      shadow = target
    case .rollback(let rollback):
      try apply(rollback, at: offset)
    case .abandon(let rollback):
      try abandon(rollback)
    case .pause: if pausedAt == nil { pausedAt = offset }
    case .resume: pausedAt = nil
    case .configure(let changes):
      settings.removeAll { old in changes.contains { $0.path == old.path } }
      settings += changes
    case .admit: break
    }
  }

  private mutating func setLabel(_ name: String, _ id: VersionID) {
    if let index = labels.firstIndex(where: { $0.name >= name }) {
      if labels[index].name == name { labels[index].id = id } else { labels.insert((name, id), at: index) }
    } else {
      labels.append((name, id))
    }
  }

  private mutating func serve(_ target: ServingTarget) {
    beforeReturn?.served = nil
    if target != serving { previous = serving }
    serving = target
    arms = []
  }

  private mutating func split(_ newArms: [SplitArm], salt newSalt: String) throws(RegistryError) {
    guard !newArms.isEmpty else {
      if let first = arms.first { serve(first.target) }
      return
    }
    guard (2...8).contains(newArms.count) else {
      throw .invalid("a split has 2 to 8 arms, not \(newArms.count)")
    }
    var names: [String] = []
    var sum = 0.0
    for arm in newArms {
      try Self.check(label: arm.name)
      guard !names.contains(arm.name) else { throw .invalid("two arms are called \"\(arm.name)\"") }
      guard arm.percent >= 0, arm.percent <= 100 else {
        throw .invalid("arm \"\(arm.name)\" has \(arm.percent) percent; 0 to 100 are allowed")
      }
      _ = try resolve(arm.target)
      names.append(arm.name)
      sum += arm.percent
    }
    guard abs(sum - 100) < 1e-6 else { throw .invalid("the arms add up to \(sum) percent, not 100") }
    beforeReturn?.served = nil
    arms = newArms
    salt = newSalt.isEmpty ? "cowbird" : newSalt
  }

  private mutating func apply(_ rollback: Rollback, at offset: UInt64) throws(RegistryError) {
    guard let entry = self[rollback.to] else { throw .notFound(Self.noVersion(rollback.to)) }
    for readmitted in rollback.readmit {
      guard
        let index = exclusions.firstIndex(where: { $0.rollback == readmitted && $0.readmitted == nil })
      else {
        throw .notFound("no rollback at offset \(readmitted) excludes events now")
      }
      exclusions[index].readmitted = offset
    }
    let first = entry.record.offset
    if rollback.leavesOut {
      exclusions.append(
        Exclusion(rollback: offset, filter: rollback.filter, range: first..<max(offset, first)))
    }
    let before = BeforeReturn(
      served: BeforeReturn.Served(serving: serving, previous: previous, arms: arms), pausedAt: pausedAt)
    returns.append(Return(offset: offset, to: rollback.to))
    // Learning that is paused stands behind the rollback then: what it left out is not waited for any more.
    if pausedAt != nil { pausedAt = offset + 1 }
    // The head is the old version from here on, until it has learned what came after.
    serve(.head)
    beforeReturn = before
  }

  /// Takes back what the last rollback changed, but for what was chosen since.
  private mutating func abandon(_ offset: UInt64) throws(RegistryError) {
    guard let last = returns.last, last.offset == offset, let before = beforeReturn else {
      throw .conflict("the rollback at offset \(offset) is not the last one")
    }
    returns.removeLast()
    abandoned.append(offset)
    exclusions.removeAll { $0.rollback == offset }
    for index in exclusions.indices where exclusions[index].readmitted == offset {
      exclusions[index].readmitted = nil
    }
    // The next record may be a pause of its own.
    if before.pausedAt != nil, pausedAt == offset + 1 { pausedAt = before.pausedAt }
    beforeReturn = nil
    // A version that was served may have been deleted.
    guard let served = before.served, (try? resolve(served.serving)) != nil,
      served.arms.allSatisfy({ (try? resolve($0.target)) != nil })
    else { return }
    (serving, previous, arms) = (served.serving, served.previous, served.arms)
  }

  /// Labels and arms are 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-', and no word that means something else.
  package static func check(label name: String) throws(RegistryError) {
    let allowed = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard allowed, (1...64).contains(name.utf8.count) else {
      throw .invalid("\"\(name)\" is no label; 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-' are allowed")
    }
    guard !["head", "serving", "latest", "previous"].contains(name), VersionID(name) == nil else {
      throw .invalid("\"\(name)\" means something else already; choose another label")
    }
  }
}
