// What is said of a version, and of metrics, as messages.

internal import CMessages
internal import Configuration
internal import Features
internal import Learning
internal import Primitives
internal import Statistics
internal import Versions
internal import Wire

extension MessageArena {
  func metrics(
    _ values: [MetricValue]
  ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Cowbird__V1__Metric>?>?) {
    messages(
      values.map { value in
        var message = Cowbird__V1__Metric.empty
        message.name = text(value.name)
        message.scope = text(value.scope.rawValue)
        message.value = value.value
        message.count = value.count
        return message
      })
  }

  func selector(_ target: ServingTarget) -> UnsafeMutablePointer<Cowbird__V1__VersionSelector> {
    var message = Cowbird__V1__VersionSelector.empty
    switch target {
    case .head:
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_HEAD
      message.head = 1
    case .version(let id):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID
      message.id = text(id.description)
    case .label(let name):
      message.selector_case = COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LABEL
      message.label = text(name)
    }
    return self.message(message)
  }
}

extension VersionService {
  /// All that is known of a version; nil: it is not there.
  /// - Parameter withFiles: reads the headers of its files, which a reactor must not.
  func info(
    _ id: VersionID, _ registry: Registry, withFiles: Bool = true, in arena: MessageArena
  ) -> UnsafeMutablePointer<Cowbird__V1__VersionInfo>? {
    guard let entry = registry[id] else { return nil }
    let record = entry.record
    var message = Cowbird__V1__VersionInfo.empty
    message.id = arena.text(id.description)
    message.parent = arena.text(record.parent?.description ?? "")
    message.offset = record.offset
    message.created_nanos = record.createdNanos
    message.event_time_nanos = record.eventTimeNanos
    message.digest = arena.text(record.digest.description)
    message.configuration_hash = arena.text(String(record.configurationHash, radix: 16))
    (message.n_labels, message.labels) = arena.texts(registry.labels(of: id))
    message.pinned = entry.isPinned ? 1 : 0
    message.serving = registry.isServed(id) ? 1 : 0
    message.file_bytes = record.fileBytes
    message.format = arena.text(record.isDiff ? "diff" : "full")
    message.author_uid = entry.author.uid
    message.author = arena.text(entry.author.name)
    message.reason = arena.text(entry.reason)
    (message.n_metrics, message.metrics) = arena.metrics(record.metrics)
    (message.n_since, message.since) = arena.metrics(metrics.values(of: id))
    message.rows = record.rows
    let place = keeper.isResident(id) ? "memory" : "disk"
    message.state = arena.text(place)
    if withFiles {
      do {
        message.chain_bytes = try keeper.store.chain(of: id, holding: record.digest).reduce(0) {
          $0 + keeper.store.fileBytes($1)
        }
      } catch {
        message.state = arena.text("damaged: \(error)")
      }
    }
    return arena.message(message)
  }

  /// The head, as if it were a version.
  func headInfo(
    _ model: Model, offset: UInt64, in arena: MessageArena
  ) -> UnsafeMutablePointer<Cowbird__V1__VersionInfo> {
    var message = Cowbird__V1__VersionInfo.empty
    message.offset = offset
    message.event_time_nanos = model.counters.eventTimeNanos
    message.configuration_hash = arena.text(String(model.plan.configuration.learnedHash, radix: 16))
    message.rows = UInt64(model.rowCount)
    message.state = arena.text("head")
    (message.n_metrics, message.metrics) = arena.metrics(model.figures)
    return arena.message(message)
  }
}

extension Registry {
  /// Whether some requests that name nothing are answered from it.
  func isServed(_ id: VersionID) -> Bool {
    let targets = arms.isEmpty ? [serving] : arms.map(\.target)
    return targets.contains { (try? resolve($0)).flatMap { $0 } == id }
  }

  /// "head", an id, "label:NAME", or "split:...".
  var servingText: String {
    guard !arms.isEmpty else { return serving.description }
    return "split:" + arms.map { "\($0.name)=\($0.target)@\($0.percent)" }.joined(separator: ",")
  }
}
