// Diff: how two models differ. Metrics, the lines of the configuration, pages, the features whose weights are furthest
// apart, and what a sample of users would be recommended by each.

internal import CMessages
internal import Configuration
internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Statistics
internal import Tables
internal import Versions
internal import Wire

extension VersionService {
  /// One of the two.
  private struct Side {
    var id: VersionID?
    var model: Model
    var offset: UInt64
  }

  func diff(_ request: UnsafePointer<Cowbird__V1__DiffRequest>, _: Caller) throws(Status) -> [UInt8] {
    let request = request.pointee
    guard request.features <= 1_000 else {
      throw Status(.invalidArgument, "DiffRequest.features is \(request.features); at most 1000 (0: 20)")
    }
    guard request.users <= 1_000 else {
      throw Status(.invalidArgument, "DiffRequest.users is \(request.users); at most 1000")
    }
    let registry = control.registry
    let a = try side(request.a, "DiffRequest.a", registry)
    let b = try side(request.b, "DiffRequest.b", registry)
    let arena = MessageArena(capacity: 64 << 10)
    var response = Cowbird__V1__DiffResponse.empty
    response.a = info(of: a, registry, arena)
    response.b = info(of: b, registry, arena)
    (response.n_metrics, response.metrics) = arena.messages(metricDeltas(a, b, registry, arena))
    (response.n_configuration, response.configuration) = arena.texts(configurationLines(a.model, b.model))
    let features: [ModelComparison.Feature]
    do {
      let count = try PageCount(b.model, since: a.model)
      response.pages = UInt64(count.pages)
      response.pages_changed = UInt64(count.changed)
      response.pages_changed_share = count.pages > 0 ? Double(count.changed) / Double(count.pages) : 0
      features = try ModelComparison(a: a.model, b: b.model).furthest(
        request.features == 0 ? 20 : Int(request.features), log,
        min(a.offset, b.offset)..<max(a.offset, b.offset))
    } catch {
      throw Status(.unavailable, "the two cannot be compared: \(error)")
    }
    (response.n_features, response.features) = arena.messages(
      features.map { feature in
        var message = Cowbird__V1__FeatureDelta.empty
        message.feature = arena.text(feature.name)
        message.a = feature.a
        message.b = feature.b
        message.distance = feature.distance
        return message
      })
    let changes = TopComparison(a.model, b.model).changes(users: Int(request.users))
    (response.n_top, response.top) = arena.messages(
      changes.map { change in
        var message = Cowbird__V1__TopChange.empty
        message.user = arena.text(change.user)
        message.common = UInt32(change.a.filter(change.b.contains).count)
        (message.n_a, message.a) = arena.texts(change.a)
        (message.n_b, message.b) = arena.texts(change.b)
        return message
      })
    return Wire.bytes(&response)
  }

  private func side(
    _ message: UnsafeMutablePointer<Cowbird__V1__VersionSelector>?, _ field: String, _ registry: Registry
  ) throws(Status) -> Side {
    guard let id = try VersionChoice.required(message, field).version(in: registry) else {
      return try head()
    }
    let offset = registry[id]?.record.offset ?? 0
    return Side(id: id, model: try keeper.loadModel(id), offset: offset)
  }

  /// The head with its optimizers' state, which a revision has not.
  private func head() throws(Status) -> Side {
    let arrived = Signal()
    let seen = arrived.count
    let taken = Guarded<(model: Model, offset: UInt64)?>(nil)
    learner.perform { learner in
      taken.withLock { $0 = (learner.model, learner.offset) }
      arrived.raise()
    }
    arrived.wait(after: seen, nanos: 20_000_000_000)
    guard let (model, offset) = taken.withLock({ $0 }) else {
      throw Status(
        .unavailable, "the learner is busy with a rollback; compare versions, or ask again when it is done")
    }
    return Side(id: nil, model: model, offset: offset)
  }

  private func info(
    of side: Side, _ registry: Registry, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Cowbird__V1__VersionInfo>? {
    side.id.flatMap { info($0, registry, in: arena) } ?? headInfo(side.model, offset: side.offset, in: arena)
  }

  /// Metrics that both have.
  private func metricDeltas(
    _ a: Side, _ b: Side, _ registry: Registry, _ arena: MessageArena
  ) -> [Cowbird__V1__MetricDelta] {
    let others = b.model.figures
    return a.model.figures.compactMap { value in
      guard let other = others.first(where: { $0.name == value.name && $0.scope == value.scope }) else {
        return nil
      }
      var message = Cowbird__V1__MetricDelta.empty
      message.name = arena.text(value.name)
      message.scope = arena.text(value.scope.rawValue)
      message.a = value.value
      message.b = other.value
      return message
    }
  }

  private func configurationLines(_ a: Model, _ b: Model) -> [String] {
    func lines(_ model: Model) -> [String] {
      model.configuration.rendered().split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }
    return lines(b).difference(from: lines(a)).map { change in
      switch change {
      case .remove(_, let line, _): "-" + line
      case .insert(_, let line, _): "+" + line
      }
    }
  }
}
