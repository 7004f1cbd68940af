// What a line of a file says, before any configuration gives it a meaning.

package import Wire

/// Something that happened.
package struct RawEvent: Sendable, Equatable {
  /// Id of the event; empty: none.
  package var id = ""
  /// Event type; empty: the file does not say.
  package var type = ""
  /// Empty: none.
  package var user = ""
  /// Empty: none.
  package var item = ""
  /// Nil: none, as of an example without a label.
  package var value: Double?
  /// The value is a class (0 or -1, and 1), if there is one: it says whether the thing happened.
  package var isClassified = false
  /// Unix time; 0: the file does not say.
  package var timeNanos: Int64 = 0
  /// Nil: 1.
  package var weight: Float?
  /// Empty: none.
  package var source = ""
  package var context: [NamedAttribute] = []

  package init() {}
}

/// What is known of a user or an item.
package struct RawEntityChange: Sendable, Equatable {
  package enum Kind: String, Sendable { case user, item }
  package enum Action: String, Sendable { case set, merge, delete }

  package var kind: Kind
  package var id: String
  package var action: Action
  /// Unix time; 0: the file does not say.
  package var timeNanos: Int64 = 0
  package var attributes: [NamedAttribute]

  package init(kind: Kind, id: String, action: Action = .set, attributes: [NamedAttribute] = []) {
    self.kind = kind
    self.id = id
    self.action = action
    self.attributes = attributes
  }
}

package enum RawRecord: Sendable, Equatable {
  case event(RawEvent)
  case entity(RawEntityChange)
}
