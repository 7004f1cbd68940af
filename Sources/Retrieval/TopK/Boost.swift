// Business rules as text: `category == "sale" * 1.2`.
//
//   boost      = condition "*" number               the item's odds are multiplied by the number, > 0
//   condition  = any ("or" any)*
//   any        = one ("and" one)*
//   one        = "not" one | "(" condition ")" | field comparison
//   comparison = ("==" | "!=" | "<" | "<=" | ">" | ">=") value
//              | "in" "[" number "," number "]"     both ends included
//              | "in" "{" value ("," value)* "}"
//   value      = "text" | number | true | false
//
// Scores are logarithms of odds up to a constant, so a factor is added as its logarithm: it means the same for every
// item, whatever its score. An attribute that the item has not fits no comparison, `!=` included. A list fits `==`
// and `in` if one of its values does, and `!=` if none equals.

internal import Primitives

/// An item's attribute, as boosts see it.
package enum BoostValue: Equatable, Sendable {
  case missing
  case number(Double)
  case text(String)
  case texts([String])
  case flag(Bool)
}

/// An attribute that items may have.
package struct BoostField: Equatable, Sendable {
  package enum Kind: Sendable { case text, number, vector }

  package let name: String
  package let kind: Kind

  package init(name: String, kind: Kind) { (self.name, self.kind) = (name, kind) }
}

package struct Boost: Sendable, Equatable {
  package let source: String
  package let factor: Double
  /// What an item that fits gets on its score.
  let addend: Float
  let condition: BoostCondition

  /// - Parameters:
  ///   - source: the rule.
  ///   - fields: the attributes that items may have; nil: any name is taken.
  package init(_ source: String, fields: [BoostField]? = nil) throws(BoostError) {
    var parser = BoostParser(source, fields: fields)
    (condition, factor) = try parser.parse()
    self.source = source
    addend = Float(DeterministicMath.log(factor))
  }

  /// Whether an item with these attributes fits.
  package func applies(_ attribute: (_ field: String) -> BoostValue) -> Bool { condition.holds(attribute) }
}

/// Why a rule is not one.
package struct BoostError: Error, Equatable, CustomStringConvertible {
  package let source: String
  /// Bytes before the place, from 0.
  package let position: Int
  package let found: String
  package let expected: String

  package var description: String {
    "boost at byte \(position): found \(found), expected \(expected); in: \(source)"
  }
}

indirect enum BoostCondition: Sendable, Equatable {
  enum Comparison: String, Sendable, CaseIterable {
    case equal = "=="
    case unequal = "!="
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case less = "<"
    case greater = ">"
  }

  case compare(String, Comparison, BoostValue)
  case range(String, ClosedRange<Double>)
  case among(String, [BoostValue])
  case not(BoostCondition)
  case and(BoostCondition, BoostCondition)
  case or(BoostCondition, BoostCondition)

  func holds(_ attribute: (_ field: String) -> BoostValue) -> Bool {
    switch self {
    case .compare(let field, let comparison, let value):
      Self.holds(attribute(field), comparison, value)
    case .range(let field, let range):
      if case .number(let number) = attribute(field) { range.contains(number) } else { false }
    case .among(let field, let values):
      values.contains { Self.holds(attribute(field), .equal, $0) }
    case .not(let condition): !condition.holds(attribute)
    case .and(let first, let second): first.holds(attribute) && second.holds(attribute)
    case .or(let first, let second): first.holds(attribute) || second.holds(attribute)
    }
  }

  private static func holds(_ left: BoostValue, _ comparison: Comparison, _ right: BoostValue) -> Bool {
    switch (left, right) {
    case (.missing, _), (_, .missing): false
    case (.number(let left), .number(let right)):
      switch comparison {
      case .equal: left == right
      case .unequal: left != right
      case .less: left < right
      case .lessOrEqual: left <= right
      case .greater: left > right
      case .greaterOrEqual: left >= right
      }
    case (.texts(let left), .text(let right)):
      comparison == .equal ? left.contains(right) : comparison == .unequal && !left.contains(right)
    default: comparison == .equal ? left == right : comparison == .unequal && left != right
    }
  }
}
