// Diff: how two models differ. Metrics, the lines of the configuration, pages, the features whose rows are furthest
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
    let comparison = ModelComparison(a.model, b.model)
    response.pages = UInt64(comparison.pages)
    response.pages_changed = UInt64(comparison.changedPages)
    response.pages_changed_share =
      comparison.pages > 0 ? Double(comparison.changedPages) / Double(comparison.pages) : 0
    let features = comparison.furthest(request.features == 0 ? 20 : Int(request.features))
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
    guard let id = try Selection.required(message, field).version(in: registry) else {
      let head = learner.publication.current
      return Side(id: nil, model: head.model, offset: head.offset)
    }
    let revision = try keeper.revision(id)
    return Side(id: id, model: revision.model, offset: revision.offset)
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
    let others = b.model.metrics.values()
    return a.model.metrics.values().compactMap { value in
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
