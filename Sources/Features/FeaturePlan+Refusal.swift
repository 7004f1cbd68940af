// What the configuration asks of an event, beyond the contract: Ingest refuses what breaks it.

internal import Configuration
internal import Primitives
package import Wire

extension FeaturePlan {
  /// Nil: the event can be learned. The refusal names the field, the value and what is allowed.
  package func refusal(_ event: EventView) -> EventRefusal? {
    switch event.kind {
    case .interaction:
      let type = typeIndex(hash: StableHash.of(event.type.bytes))
      guard type >= 0 else { return unknownType(event.type.string) }
      return outOfRange(event, type)
    case .entity:
      var bytes = 0
      for attribute in event.attributes.encodings { bytes += attribute.count }
      let bound = EntityRecord.maximumBytes / 2
      return bytes <= bound
        ? nil : EventRefusal(field: "entity.attributes", reason: "\(bytes) bytes in all; at most \(bound)")
    case .retraction, .impressions, .none: return nil
    }
  }

  private func unknownType(_ name: String) -> EventRefusal {
    let known = configuration.events.map(\.name)
    let hint = Suggestion.hint(for: name, among: known)
    return EventRefusal(
      field: "interaction.type",
      reason: "\"\(name)\" is no event type of the configuration"
        + (hint.isEmpty ? "; known: \(known.joined(separator: ", "))" : hint))
  }

  /// A label that no answer could reach is a mistake of the sender's.
  private func outOfRange(_ event: EventView, _ type: Int) -> EventRefusal? {
    guard types[type].label == .value, event.hasValue else { return nil }
    let (low, high) = (configuration.label.minimum, configuration.label.maximum)
    guard event.value < low || event.value > high else { return nil }
    return EventRefusal(
      field: "interaction.value",
      reason: "\(event.value) lies outside the label's range; \(low) to \(high) are allowed")
  }
}
