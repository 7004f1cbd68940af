// Keeps versions: writes them from snapshots in the background, loads them, holds the loaded ones, publishes what is
// served, and clears away what the policy lets go.

internal import Configuration
package import EventLog
internal import Features
package import Learning
internal import Primitives
internal import Statistics
package import Wire

/// What is asked of a new version.
package struct VersionOrder: Sendable {
  package var author: Author
  package var reason: String
  package var labels: [String]
  package var isPinned: Bool
  package var nowNanos: Int64

  package init(
    author: Author, reason: String, labels: [String] = [], isPinned: Bool = false,
    nowNanos: Int64 = WallClock.nanos()
  ) {
    self.author = author
    self.reason = reason
    self.labels = labels
    self.isPinned = isPinned
    self.nowNanos = nowNanos
  }
}

/// What a version is a copy of.
package enum VersionKind: Sendable {
  case head
  /// A start must not go on from it.
  case candidate
  /// A candidate that is the head as if a user had never come.
  case withoutUser
}

package final class Keeper: Sendable {
  private struct State: Sendable {
    var residents: [VersionID: Revision] = [:]
    /// Least recently asked for first; served ones are held anyway.
    var order: [VersionID] = []
    /// The next version's parent: the one that was written last, or that the head began with. Nil model: it is on the
    /// disk alone, so that the head need not copy the pages that it changes.
    var last: (record: VersionRecord, model: Model?, chain: Int)?
    /// Loaded for a rollback that is about to begin.
    var ready: (id: VersionID, model: Model)?
    /// Where the head can be seen.
    var head: Publication<Revision>?
  }

  package let store: VersionStore
  package let control: ControlPlane
  private let log: EventLog
  private let state = Guarded(State())
  /// One version is written at a time, and no file goes while one is: it is listed after it is written.
  private let writing = Lock()
  /// One serving is published at a time, so that an older one never comes after a newer.
  private let publishing = Lock()
  private let fullEvery: Int
  private let residentLimit: Int
  private let report: @Sendable (String) -> Void
  package let serving: Publication<Serving>

  /// - Parameters:
  ///   - fullEvery: longest chain of files with changed pages only.
  ///   - residentLimit: versions kept loaded beside those that are served.
  ///   - report: is told of failures that no caller hears of.
  package init(
    store: VersionStore, control: ControlPlane, log: EventLog, fullEvery: Int = 16, residentLimit: Int = 4,
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.store = store
    self.control = control
    self.log = log
    self.fullEvery = fullEvery
    self.residentLimit = residentLimit
    self.report = report
    serving = Publication(Serving(registry: control.registry, residents: [:]), offset: 0)
  }

  // MARK: Creating

  /// Writes a version and lists it. Blocks; not for reactors, nor for the learner.
  /// - Parameters:
  ///   - model: a whole copy, optimizers' state included.
  ///   - offset: all log records below are in it.
  ///   - kind: what it is a copy of.
  /// - Throws: ABORTED for a copy of the head from before a rollback, RESOURCE_EXHAUSTED when the disk is full, what the
  ///   registry or the log refuse; nothing is listed then.
  package func create(
    _ model: Model, offset: UInt64, as kind: VersionKind = .head, _ order: VersionOrder
  ) throws(Status) -> VersionRecord {
    let result = writing.withLock {
      Result { () throws(Status) in try createInTurn(model, offset: offset, kind, order) }
    }
    return try result.get()
  }

  private func createInTurn(
    _ model: Model, offset: UInt64, _ kind: VersionKind, _ order: VersionOrder
  ) throws(Status) -> VersionRecord {
    let registry = control.registry
    let isOfHead = kind == .head
    let check: (Registry) throws(Status) -> Void = { (registry: Registry) throws(Status) in
      guard isOfHead, registry.isGone(headAt: offset) else { return }
      throw Status(.aborted, "a rollback came after the head was copied: nothing was made")
    }
    try check(registry)
    let id = VersionID(registry.nextNumber)
    let digest = model.digest
    // A candidate has a history of its own: it is written whole.
    let grownFrom = state.withLock { state in
      isOfHead && isNext(offset, after: state.last?.record) ? state.last?.record.id : nil
    }
    let parent = grownFrom == nil ? nil : self.parent(of: model)
    let bytes: UInt64
    do {
      bytes = try store.write(
        model, id: id, digest: digest, parent: parent.map { ($0.id, $0.model) })
    } catch let error as VersionFileError {
      throw Status(error.isDiskFull ? .resourceExhausted : .unavailable, error.description)
    } catch {
      throw Status(.internal, "\(id) could not be written: \(error)")
    }
    let record = VersionRecord(
      id: id, parent: grownFrom ?? registry.heads.first { $0.offset <= offset }?.id, offset: offset,
      createdNanos: order.nowNanos, eventTimeNanos: model.counters.eventTimeNanos, digest: digest,
      configurationHash: model.plan.configuration.learnedHash, rows: UInt64(model.rowCount),
      fileBytes: bytes, isDiff: parent != nil, isOfHead: isOfHead, isWithoutUser: kind == .withoutUser,
      metrics: model.figures)
    try list(record, order, if: check)
    state.withLock { state in
      guard isOfHead, isNext(offset, after: state.last?.record) else { return }
      state.last = (record, model, parent.map { $0.chain + 1 } ?? 0)
    }
    hold(Revision(model.revision, number: id.number, offset: offset, version: id))
    publishServing()
    return record
  }

  /// Whether a copy of the head grew from what was written last: a newer copy may have been written before it, and a
  /// rollback may have come right after it was listed.
  private func isNext(_ offset: UInt64, after last: VersionRecord?) -> Bool {
    offset >= last?.offset ?? 0 && !control.registry.isGone(headAt: offset)
  }

  /// What a version of the head need not write again; nil: it is written whole.
  private func parent(of model: Model) -> (id: VersionID, model: Model, chain: Int)? {
    guard let last = state.withLock({ $0.last }), last.chain + 1 < fullEvery, store.exists(last.record.id)
    else { return nil }
    guard let parent = last.model ?? (try? store.load(last.record, beside: model)) else { return nil }
    return (last.record.id, parent, last.chain)
  }

  private func list(
    _ record: VersionRecord, _ order: VersionOrder,
    if check: (Registry) throws(Status) -> Void = { (_: Registry) throws(Status) in }
  ) throws(Status) {
    do throws(Status) {
      try control.commit(
        ControlRecord(
          author: order.author, reason: order.reason,
          command: .create(record, labels: order.labels, pinned: order.isPinned)), if: check)
    } catch {
      clearFiles(keeping: control.registry.entries.map(\.record.id))
      throw error
    }
  }

  /// Takes a version from an exported file. Blocks.
  package func importVersion(
    _ order: VersionOrder, _ input: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws(Status) -> VersionRecord {
    // Read before it is this version's turn: the bytes may come slowly.
    let model: Model
    let digest: Digest
    do {
      (model, digest) = try store.readExport(input)
    } catch let error as Status {
      throw error
    } catch {
      throw Status(.invalidArgument, "the file cannot be imported: \(error)")
    }
    let result = writing.withLock {
      Result { () throws(Status) in
        let id = VersionID(control.registry.nextNumber)
        let offset = log.endOffset
        var model = model
        model.transplant(to: offset)
        let bytes: UInt64
        do {
          bytes = try store.write(model, id: id, digest: digest)
        } catch let error as VersionFileError {
          throw Status(error.isDiskFull ? .resourceExhausted : .unavailable, error.description)
        } catch {
          throw Status(.internal, "\(id) could not be written: \(error)")
        }
        let record = VersionRecord(
          id: id, parent: nil, offset: offset, createdNanos: order.nowNanos,
          eventTimeNanos: model.counters.eventTimeNanos, digest: digest,
          configurationHash: model.plan.configuration.learnedHash, rows: UInt64(model.rowCount),
          fileBytes: bytes, isDiff: false, isOfHead: false, isImported: true, metrics: model.figures)
        try list(record, order)
        hold(Revision(model.revision, number: id.number, offset: record.offset, version: id))
        publishServing()
        return record
      }
    }
    return try result.get()
  }

  // MARK: Loading

  /// The loaded version, at once; nil: it is on the disk only, or not there.
  package func resident(_ id: VersionID) -> Revision? {
    state.withLock { state in
      guard let revision = state.residents[id] else { return nil }
      state.order.removeAll { $0 == id }
      state.order.append(id)
      return revision
    }
  }

  /// Whether the version is loaded; asking does not count as using it.
  package func isResident(_ id: VersionID) -> Bool { state.withLock { $0.residents[id] != nil } }

  /// The version, loaded if need be. Blocks; not for reactors.
  package func revision(_ id: VersionID) throws(Status) -> Revision {
    if let revision = resident(id) { return revision }
    guard let entry = control.registry[id] else { throw Status(.notFound, Registry.noVersion(id)) }
    let model = try loadModel(id)
    let revision = Revision(
      model.revision, number: id.number, offset: entry.record.offset, version: id)
    hold(revision)
    publishServing()
    return revision
  }

  /// The whole model of a version, with the optimizers' state. Blocks.
  /// - Parameter isShared: its pages may be those of what is in memory; false for one that will be written.
  package func loadModel(_ id: VersionID, isShared: Bool = true) throws(Status) -> Model {
    if let last = state.withLock({ $0.last }), last.record.id == id, let model = last.model { return model }
    guard let entry = control.registry[id] else { throw Status(.notFound, Registry.noVersion(id)) }
    do {
      return try store.load(entry.record, beside: isShared ? relative(of: id) : nil)
    } catch {
      throw unreadable(id, "cannot be loaded: \(error)")
    }
  }

  /// Why a version that was listed cannot be read: it was deleted meanwhile, or something is wrong with its files.
  package func unreadable(_ id: VersionID, _ what: String) -> Status {
    control.registry[id] == nil
      ? Status(.notFound, Registry.noVersion(id)) : Status(.dataLoss, "\(id) \(what)")
  }

  /// The model in memory that a version probably has most in common with: the one whose offset is nearest.
  private func relative(of id: VersionID) -> Model? {
    guard let offset = control.registry[id]?.record.offset else { return nil }
    func distance(_ other: UInt64) -> UInt64 { max(offset, other) - min(offset, other) }
    return state.withLock { state in
      let seen = Array(state.residents.values) + (state.head.map { [$0.current] } ?? [])
      let nearest = seen.min {
        (distance($0.offset), $0.version?.number ?? 0) < (distance($1.offset), $1.version?.number ?? 0)
      }
      // With the optimizers' state, where it is as near.
      if let last = state.last, let model = last.model,
        nearest.map({ distance(last.record.offset) <= distance($0.offset) }) ?? true
      {
        return model
      }
      return nearest?.model
    }
  }

  /// From now on the head is seen where versions are loaded: they share pages with it.
  package func follow(_ head: Publication<Revision>) { state.withLock { $0.head = head } }

  // MARK: Beginning again from a version

  /// The head goes on from a version: the next one is written as what changed since.
  package func begin(at record: VersionRecord) {
    let chain = (try? store.chain(of: record.id).count) ?? fullEvery
    state.withLock { $0.last = (record, nil, chain - 1) }
  }

  /// Loads what a rollback goes back to, and finds it sound, before anything is changed. It is the next that
  /// `takeModel` gives.
  package func prepareRollback(to id: VersionID) throws(Status) {
    guard let entry = control.registry[id] else { throw Status(.notFound, Registry.noVersion(id)) }
    let model = try loadModel(id, isShared: false)
    state.withLock { $0.ready = (id, model) }
    hold(Revision(model.revision, number: id.number, offset: entry.record.offset, version: id))
    publishServing()
  }

  /// The rollback is not begun after all.
  package func cancelRollback() { state.withLock { $0.ready = nil } }

  /// The whole model of a version for nobody but the caller, so that it may be written without copies. Blocks.
  package func takeModel(_ id: VersionID) throws(Status) -> Model {
    let ready = state.withLock { state in
      defer { state.ready = nil }
      return state.ready
    }
    if let ready, ready.id == id { return ready.model }
    return try loadModel(id, isShared: false)
  }

  private func hold(_ revision: Revision) {
    guard let id = revision.version else { return }
    let registry = control.registry
    state.withLock { state in
      state.residents[id] = revision
      state.order.removeAll { $0 == id }
      state.order.append(id)
      let held = Self.served(registry)
      while state.residents.count > residentLimit + held.count,
        let index = state.order.firstIndex(where: { !held.contains($0) && $0 != id })
      {
        state.residents[state.order.remove(at: index)] = nil
      }
    }
  }

  /// Versions that something serves now.
  private static func served(_ registry: Registry) -> [VersionID] {
    let targets = [registry.serving] + registry.arms.map(\.target) + (registry.shadow.map { [$0] } ?? [])
    return targets.compactMap { (try? registry.resolve($0)).flatMap { $0 } }
  }

  // MARK: Serving

  /// Loads what a command is going to serve, so that the switch itself is one pointer.
  package func prepare(_ target: ServingTarget) throws(Status) {
    let id: VersionID?
    do throws(RegistryError) { id = try control.registry.resolve(target) } catch { throw Status(error) }
    if let id { _ = try revision(id) }
  }

  /// Publishes what the registry says is served.
  package func publishServing() {
    publishing.withLock { publishInTurn() }
  }

  private func publishInTurn() {
    let registry = control.registry
    for id in Self.served(registry) where state.withLock({ $0.residents[id] }) == nil {
      if let model = try? loadModel(id), let entry = registry[id] {
        let revision = Revision(
          model.revision, number: id.number, offset: entry.record.offset, version: id)
        state.withLock { $0.residents[id] = revision }
      }
    }
    let residents = state.withLock { $0.residents }
    serving.publish(Serving(registry: registry, residents: residents), offset: registry.endOffset)
  }

  // MARK: Retention

  /// Deletes what the policy lets go, and the files that nothing needs any more; tells the log from where on it is
  /// needed. Blocks.
  /// - Returns: the versions that were deleted.
  @discardableResult
  package func retain(_ policy: RetentionPolicy) -> [VersionID] {
    var deleted: [VersionID] = []
    for id in policy.expired(in: control.registry, control.startCondition) {
      let record = ControlRecord(
        author: Author(uid: 0, name: "cowbird"), reason: "retention", command: .delete(id))
      if (try? control.commit(record)) != nil { deleted.append(id) }
    }
    clear()
    return deleted
  }

  /// Deletes the files of versions that are listed no more. Waits for the version that is being written.
  package func clear() {
    writing.withLock { clearInTurn() }
  }

  /// What cannot be deleted now goes the next time.
  private func clearFiles(keeping kept: [VersionID]) {
    do {
      try store.clear(keeping: kept)
    } catch {
      report("files of versions that are listed no more are left: \(error)")
    }
  }

  private func clearInTurn() {
    let registry = control.registry
    let listed = registry.entries.map(\.record.id)
    let last = state.withLock { $0.last?.record.id }
    clearFiles(keeping: listed + (last.map { [$0] } ?? []).filter { store.exists($0) })
    state.withLock { state in
      for id in Array(state.residents.keys) where !listed.contains(id) {
        state.residents[id] = nil
        state.order.removeAll { $0 == id }
      }
    }
    // Without a version that a start can go on from everything is needed, and with one the commands that no checkpoint
    // holds.
    let checkpointOffset = control.checkpoint()
    let isStartable = registry.start(control.startCondition) != nil
    let oldest = isStartable ? registry.entries.map(\.record.offset).min() ?? 0 : 0
    try? log.pin(StartCondition.pin, at: max(min(oldest, checkpointOffset), log.firstOffset))
    publishServing()
  }
}
