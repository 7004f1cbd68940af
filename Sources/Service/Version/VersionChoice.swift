// Which version a request means: the contract's selector, resolved against the registry.

internal import CMessages
internal import Learning
internal import Primitives
internal import Versions
internal import Wire

/// A selector of the contract as a value.
enum VersionChoice: Equatable, Sendable {
  case serving, head, latest, previous
  case id(VersionID)
  case label(String)
  case asOf(Int64)

  /// Nil: nothing is set.
  init?(_ message: UnsafeMutablePointer<Cowbird__V1__VersionSelector>?, _ field: String) throws(Status) {
    guard let message = message?.pointee else { return nil }
    switch message.selector_case {
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_SERVING: self = .serving
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_HEAD: self = .head
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_ID:
      let text = Field.text(message.id)
      guard let id = VersionID(text) else {
        throw Status(
          .invalidArgument,
          "\(field).id is \"\(text)\"; a version's id is \"v\" and a number, such as \"v17\"")
      }
      self = .id(id)
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LABEL: self = .label(Field.text(message.label))
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_AS_OF_NANOS: self = .asOf(message.as_of_nanos)
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_LATEST: self = .latest
    case COWBIRD__V1__VERSION_SELECTOR__SELECTOR_PREVIOUS: self = .previous
    default: return nil
    }
  }

  /// The same, where one must be set.
  static func required(
    _ message: UnsafeMutablePointer<Cowbird__V1__VersionSelector>?, _ field: String
  ) throws(Status) -> VersionChoice {
    guard let selection = try VersionChoice(message, field) else {
      throw Status(
        .invalidArgument, "\(field) is not set; name head, an id, a label, a moment, latest or previous")
    }
    return selection
  }

  /// What to serve: a label stays a label, so that what is served follows it.
  func target(in registry: Registry) throws(Status) -> ServingTarget {
    switch self {
    case .serving: return registry.serving
    case .head: return .head
    case .id(let id):
      guard registry[id] != nil else { throw Status(.notFound, Registry.noVersion(id)) }
      return .version(id)
    case .label(let name):
      let target = ServingTarget.label(name)
      do throws(RegistryError) { _ = try registry.resolve(target) } catch { throw Status(error) }
      return target
    case .latest:
      guard let id = registry.latest else { throw Self.none("there is no version yet") }
      return .version(id)
    case .asOf(let nanos):
      guard let id = registry.version(asOf: nanos) else {
        throw Self.none("no version was made at or before \(UTCText.of(nanos: nanos))")
      }
      return .version(id)
    case .previous:
      guard let previous = registry.previous else {
        throw Self.none("nothing was served before; there was no switch and no rollback yet")
      }
      return previous
    }
  }

  /// The kept version; nil: the head.
  func version(in registry: Registry) throws(Status) -> VersionID? {
    let target = try target(in: registry)
    do throws(RegistryError) { return try registry.resolve(target) } catch { throw Status(error) }
  }

  /// The kept version, where the head will not do.
  func keptVersion(in registry: Registry, _ field: String) throws(Status) -> VersionID {
    guard let id = try version(in: registry) else {
      throw Status(
        .failedPrecondition,
        "\(field) means the head, which is not kept; make a version first (`cowbird version create`)")
    }
    return id
  }

  private static func none(_ text: String) -> Status {
    Status(.notFound, text + "; `cowbird version list` shows what is kept")
  }
}
