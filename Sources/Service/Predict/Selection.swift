// From a request's selector to one model.

internal import Features
package import Learning
internal import Primitives
package import Versions
package import Wire

enum Selected {
  case ready(Source)
  /// A kept version that is on the disk only.
  case onDisk(VersionID)
}

extension SelectorView {
  // hot: no allocation where the selector names nothing.
  func select(_ reader: PredictReader, user: UInt64) throws(Status) -> Selected {
    let serving = reader.serving
    switch kind {
    case .none, .serving:
      let arm = serving.arms[serving.arm(ofUser: user)]
      if case .head = arm.target { return .ready(Source(revision: reader.head, arm: arm.name)) }
      guard let revision = arm.revision else {
        // Better than no answer; the start has said why, and the answer says it.
        return .ready(
          Source(
            revision: reader.head, arm: arm.name,
            degraded: "\(arm.target) is served and cannot be loaded: the head answers"))
      }
      return .ready(Source(revision: revision, arm: arm.name))
    case .head: return .ready(Source(revision: reader.head, arm: ""))
    case .id, .label, .asOf, .latest, .previous:
      guard let id = try version(in: serving.registry) else {
        return .ready(Source(revision: reader.head, arm: ""))
      }
      if let revision = serving.residents[id] { return .ready(Source(revision: revision, arm: "")) }
      return .onDisk(id)
    }
  }

  /// The version that is meant; nil: the head.
  package func version(in registry: Registry) throws(Status) -> VersionID? {
    switch kind {
    case .none, .serving, .head: return nil
    case .id:
      guard let id = VersionID(text.string) else {
        throw Status(
          .invalidArgument, "version.id: \"\(Text.excerpt(text.bytes))\" is no id; ids are like v17")
      }
      return try resolve(.version(id), registry)
    case .label: return try resolve(.label(text.string), registry)
    case .asOf:
      guard let id = registry.version(asOf: nanos) else {
        throw Status(
          .notFound, "version.as_of_nanos: no version was made at or before \(UTCText.of(nanos: nanos))")
      }
      return id
    case .latest:
      guard let id = registry.latest else {
        throw Status(.notFound, "version.latest: there is no version yet; `cowbird version create` makes one")
      }
      return id
    case .previous:
      guard let target = registry.previous else {
        throw Status(.notFound, "version.previous: nothing was served before what is served now")
      }
      return try resolve(target, registry)
    }
  }

  private func resolve(_ target: ServingTarget, _ registry: Registry) throws(Status) -> VersionID? {
    do throws(RegistryError) { return try registry.resolve(target) } catch { throw Status(error) }
  }
}
