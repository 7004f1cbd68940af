// A section of the configuration lists its fields once; reading, rendering, hashing, comparing and the
// reference are visitors of that list, so they cannot disagree.

/// What a change of a field means for a running daemon.
package enum Effect: String, Sendable, CaseIterable {
  /// The shape of what is learned: a new model, or a rebuild from the log.
  case model
  /// What is learned from here on: a control record, in force from its offset.
  case learning
  /// Operation only: in force at once on reload.
  case live
  /// Operation only: in force after a restart.
  case restart

  /// How a change comes into force, for people.
  package var meaning: String {
    switch self {
    case .model: "in a new model"
    case .learning: "by configure"
    case .live: "at once"
    case .restart: "after a restart"
    }
  }

  /// The field is part of the hash that a model remembers.
  package var isLearned: Bool { self == .model || self == .learning }
}

/// A mapping with known keys. `init()` gives the defaults.
package protocol Section: Equatable, Sendable {
  init()
  /// Visits every field once, in the order of the rendering. A field that decides which others there are
  /// comes first.
  mutating func visit(_ visitor: inout some FieldVisitor)
  /// The field that a value alone (not a mapping) is for: `age: number` for `age: {type: number}`.
  static var shorthand: String? { get }
}

extension Section {
  package static var shorthand: String? { nil }
}

/// A section that stands in a mapping under a name of the user's choice.
package protocol NamedSection: Section {
  var name: String { get set }
  /// Sections that together have every field there is; `when` says what the fields of one depend on.
  static var samples: [(when: String, section: Self)] { get }
  /// One that was not there can be set by its path while a daemon runs. Where not, a name that is not there is a slip.
  static var canBeAddedByPath: Bool { get }
}

extension NamedSection {
  package static var samples: [(when: String, section: Self)] { [("", Self())] }
  package static var canBeAddedByPath: Bool { false }

  /// A section for each value of a field that decides which others there are.
  static func samples<Value: RawRepresentable & CaseIterable>(
    _ key: String, _ field: WritableKeyPath<Self, Value>
  ) -> [(when: String, section: Self)] where Value.RawValue == String {
    Value.allCases.map { value in
      var section = Self()
      section[keyPath: field] = value
      return ("\(key) \(value.rawValue)", section)
    }
  }
}

package protocol FieldVisitor {
  mutating func value<Value: Equatable & Sendable>(
    _ key: String, _ value: inout Value, _ kind: Kind<Value>, _ effect: Effect, _ about: String)
  mutating func section<S: Section>(_ key: String, _ section: inout S, _ about: String)
  /// Sections by name. Reading merges by name; `name: null` takes an inherited one away.
  mutating func named<S: NamedSection>(_ key: String, _ sections: inout [S], _ about: String)
}

/// Names that users choose: of events, attributes, features.
enum Name {
  static let allowed = "a letter, then letters, digits, \"_\" or \"-\"; at most 64 bytes"

  static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    return (isLetter(first) || first == UInt8(ascii: "_"))
      && name.utf8.allSatisfy {
        isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
      }
  }
}
