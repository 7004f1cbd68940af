// An event as a Swift value: for clients, importers, tests, and the log's own records.

/// An attribute's value.
package enum AttributeValue: Equatable, Sendable {
  case number(Double)
  case text(String)
  case texts([String])
  case numbers([Float])
  case flag(Bool)
}

package struct NamedAttribute: Equatable, Sendable {
  package var name: String
  package var value: AttributeValue

  package init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }
}

extension NamedAttribute {
  /// A copy; nil: it has no value.
  package init?(_ view: AttributeView) {
    name = view.name.string
    switch view.kind {
    case .none: return nil
    case .number: value = .number(view.number)
    case .text: value = .text(view.text.string)
    case .texts: value = .texts(view.texts.map(\.string))
    case .numbers: value = .numbers(Array(view.numbers))
    case .flag: value = .flag(view.flag)
    }
  }
}

/// An item of an impressions event.
package struct ShownItem: Equatable, Sendable {
  package var item: String
  package var score: Float
  package var propensity: Float

  package init(_ item: String, score: Float = 0, propensity: Float = 1) {
    (self.item, self.score, self.propensity) = (item, score, propensity)
  }
}

/// An event as the log has it: what records carry that speak of an earlier one.
package struct LoggedEvent: Equatable, Sendable {
  /// Of `cowbird.v1.Event`.
  package var bytes: [UInt8]
  /// Of its record.
  package var timeNanos: Int64
  /// Empty: nobody numbered it.
  package var producer: String

  package init(bytes: [UInt8], timeNanos: Int64, producer: String) {
    (self.bytes, self.timeNanos, self.producer) = (bytes, timeNanos, producer)
  }
}

package struct EventBuilder: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case interaction(
      type: String, user: String = "", item: String = "", value: Double? = nil,
      context: [NamedAttribute] = [],
      weight: Float? = nil, requestID: String = "")
    case entity(
      EventView.EntityKind, id: String, EventView.Action, attributes: [NamedAttribute] = [])
    /// `event`: the daemon's alone.
    case retraction(eventID: String = "", offset: UInt64 = 0, event: LoggedEvent? = nil)
    case impressions(
      requestID: String, user: String = "", items: [ShownItem], context: [NamedAttribute] = [])
  }

  package var id = ""
  package var timeNanos: Int64 = 0
  package var source = ""
  package var sequence: UInt64 = 0
  package var kind: Kind

  package init(
    id: String = "", timeNanos: Int64 = 0, source: String = "", sequence: UInt64 = 0, _ kind: Kind
  ) {
    self.id = id
    self.timeNanos = timeNanos
    self.source = source
    self.sequence = sequence
    self.kind = kind
  }
}
