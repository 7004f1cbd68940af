// Bounds of requests, as the configuration has them now.

package import Configuration
internal import Wire

package struct RequestLimits: Sendable {
  var bounds: EventBounds
  var candidates: Int
  var seen: SeenDefault
  /// Best by the blend that rules choose from.
  var retrieved: Int

  package init(_ configuration: Configuration) {
    bounds = EventBounds(idBytes: configuration.limits.idBytes)
    candidates = configuration.limits.candidates
    seen = configuration.retrieval.seen
    retrieved = configuration.retrieval.candidates
  }

  // hot
  /// - Throws: INVALID_ARGUMENT for an id that is too long or no UTF-8.
  func check(_ id: ByteView, _ message: String, _ field: @autoclosure () -> String) throws(Status) {
    if id.count > bounds.idBytes {
      throw Status(
        .invalidArgument,
        "\(message)\(field()): \(id.count) bytes; at most \(bounds.idBytes) (limits.id_bytes)")
    }
    if !id.isUTF8 { throw Status(.invalidArgument, "\(message)\(field()): not UTF-8") }
  }
}
