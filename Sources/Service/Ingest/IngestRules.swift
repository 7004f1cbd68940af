// Which events may be logged: what the contract asks of each, and those rules of hygiene that reject.

package import Configuration
internal import EventLog
package import Wire

/// What an event that is refused has broken, as it is counted.
package enum IngestRule: String, CaseIterable, Sendable {
  /// It is no event, or a field of it breaks the contract.
  case malformed
  case clock
  /// Its type is not in the configuration.
  case type
  case value, weight, range, missing
  /// It takes back an event that the log does not know.
  case retraction
  /// Its producer's numbering.
  case sequence
}

/// Decides, of one event, whether it may be logged. Made from the configuration; replaced when that changes.
package struct IngestRules: Sendable {
  /// What is asked of an event type.
  private struct Kind {
    var name: [UInt8]
    var label: LabelRule
    var range: ClosedRange<Double>?
    var needsValue: Bool
  }

  package var bounds: EventBounds
  private var kinds: [Kind]
  private var clock: ClockRule
  private var value: ValueRule
  /// Largest weight; infinity: the rule does not reject.
  private var maxWeight: Double
  package var batchEvents: Int
  package var durability: LogDurability
  /// For records of files.
  let types: RecordTypes

  package init(_ configuration: Configuration) {
    bounds = EventBounds(idBytes: configuration.limits.idBytes)
    let hygiene = configuration.hygiene
    kinds = configuration.events.map { event in
      Kind(
        name: Array(event.name.utf8), label: event.label,
        range: hygiene.range.action == .reject ? configuration.range(of: event) : nil,
        needsValue: hygiene.missing.action == .reject && configuration.needsValue(event))
    }
    clock = hygiene.clock
    value = hygiene.value
    maxWeight = hygiene.weight.action == .reject ? hygiene.weight.maximum : .infinity
    batchEvents = configuration.limits.batchEvents
    types = configuration.recordTypes
    durability =
      switch configuration.log.durability {
      case .durable: .durable
      case .written: .written
      case .received: .received
      }
  }

  // hot: once per event; no allocation for an event that is accepted.
  /// Nil: the event may be logged.
  func refusal(_ event: EventView, nowNanos: Int64) -> (rule: IngestRule, refusal: EventRefusal)? {
    if let refusal = event.refusal(within: bounds) { return (.malformed, refusal) }
    if event.timeNanos != 0, clock.action == .reject, let refusal = untimely(event, nowNanos) {
      return (.clock, refusal)
    }
    guard event.kind == .interaction else { return nil }
    guard
      let place = kinds.firstIndex(where: {
        $0.name.count == event.type.count && event.type.bytes.elementsEqual($0.name)
      })
    else { return (.type, unknownType(event.type.string)) }
    if Double(event.weight) > maxWeight {
      return (
        .weight,
        EventRefusal(
          field: "interaction.weight",
          reason: "\(event.weight); at most \(maxWeight) is allowed (hygiene.weight)")
      )
    }
    guard event.hasValue else {
      return kinds[place].needsValue ? (.missing, missing(kinds[place])) : nil
    }
    if value.action == .reject, event.value < value.minimum || event.value > value.maximum {
      return (
        .value,
        EventRefusal(
          field: "interaction.value",
          reason: "\(event.value); \(value.minimum) to \(value.maximum) are allowed (hygiene.value)")
      )
    }
    if let range = kinds[place].range, !range.contains(event.value) {
      return (.range, outOfRange(event.value, range, kinds[place]))
    }
    return nil
  }

  private func untimely(_ event: EventView, _ nowNanos: Int64) -> EventRefusal? {
    let place: String
    if event.timeNanos > nowNanos.addingReportingOverflow(clock.future).partialValue {
      place =
        "\(DurationText.render(clock.future)) ahead of the server's clock (hygiene.clock.future)"
    } else if event.timeNanos < nowNanos.subtractingReportingOverflow(clock.past).partialValue {
      place = "\(DurationText.render(clock.past)) behind the server's clock (hygiene.clock.past)"
    } else {
      return nil
    }
    return EventRefusal(field: "time_nanos", reason: "\(event.timeNanos) is more than \(place)")
  }

  private func unknownType(_ name: String) -> EventRefusal {
    let known = kinds.map { String(decoding: $0.name, as: UTF8.self) }
    let hint = Suggestion.hint(for: name, among: known)
    return EventRefusal(
      field: "interaction.type",
      reason: "\"\(name)\" is no event type of the configuration"
        + (hint.isEmpty ? "; known: \(known.joined(separator: ", "))" : hint))
  }

  private func missing(_ kind: Kind) -> EventRefusal {
    let name = String(decoding: kind.name, as: UTF8.self)
    return EventRefusal(
      field: "interaction.value",
      reason: "none, and the label of \"\(name)\" is made from it; events.\(name).default_value gives one "
        + "(hygiene.missing)")
  }

  private func outOfRange(_ value: Double, _ range: ClosedRange<Double>, _ kind: Kind) -> EventRefusal {
    let name = String(decoding: kind.name, as: UTF8.self)
    guard range.lowerBound == .leastNonzeroMagnitude else {
      return EventRefusal(
        field: "interaction.value",
        reason: "\(value); \(Self.shown(range)) are allowed (events.\(name).minimum, maximum or label; "
          + "hygiene.range)")
    }
    let opposite = types.negatives.first.map { "send what did not happen as \"\($0)\", " } ?? ""
    return EventRefusal(
      field: "interaction.value",
      reason:
        "\(value), but \"\(name)\" is learned as something that happened; \(opposite)name a file's column "
        + "label, set events.\(name).label: threshold, or allow it with events.\(name).minimum (hygiene.range)"
    )
  }

  private static func shown(_ range: ClosedRange<Double>) -> String {
    let most = Double.greatestFiniteMagnitude
    return switch (range.lowerBound, range.upperBound) {
    case (-most, let high): "values up to \(high)"
    case (let low, most): "values from \(low) on"
    case (let low, let high): "\(low) to \(high)"
    }
  }
}
