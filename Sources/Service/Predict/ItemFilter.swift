// Conditions on an item's attributes: what Recommend's filter and limits look at.

internal import CMessages
internal import Configuration
internal import Features
internal import Wire

/// An item's attributes, as they were given.
struct ItemAttributes {
  private let views: [AttributeView]

  init(_ encodings: [ByteView]) { views = encodings.compactMap { try? AttributeView($0) } }

  func view(_ name: [UInt8]) -> AttributeView? {
    views.first { $0.name.count == name.count && $0.name.bytes.elementsEqual(name) }
  }

  /// The values of an attribute as text: a category's, a list's, a number's as it is written, a flag's.
  static func texts(_ view: AttributeView) -> [String] {
    switch view.kind {
    case .text: [view.text.string]
    case .texts: view.texts.map(\.string)
    case .number: [text(view.number)]
    case .flag: [view.flag ? "true" : "false"]
    case .numbers, .none: []
    }
  }

  /// Whole numbers without a point.
  static func text(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 0x1p53 ? "\(Int64(number))" : "\(number)"
  }
}

indirect enum ItemFilter: Sendable {
  case all([ItemFilter])
  case any([ItemFilter])
  case not(ItemFilter)
  case among([UInt8], [String])
  case range([UInt8], ClosedRange<Double>)
  case has([UInt8])

  func matches(_ item: ItemAttributes) -> Bool {
    switch self {
    case .all(let filters): return filters.allSatisfy { $0.matches(item) }
    case .any(let filters): return filters.contains { $0.matches(item) }
    case .not(let filter): return !filter.matches(item)
    case .among(let name, let values):
      guard let view = item.view(name) else { return false }
      return ItemAttributes.texts(view).contains { values.contains($0) }
    case .range(let name, let range):
      guard let view = item.view(name), view.kind == .number else { return false }
      return range.contains(view.number)
    case .has(let name): return item.view(name) != nil
    }
  }
}

/// Reads a filter and checks it against the configuration.
struct ItemFilterReader {
  /// Filters within filters, and conditions in all, at most.
  private static let deepest = 32
  private static let most = 1_000

  private let known: [AttributeSection]
  private var count = 0

  /// - Parameter attributes: those that the configuration gives items.
  init(_ attributes: [AttributeSection]) { known = attributes }

  mutating func read(
    _ message: UnsafePointer<Cowbird__V1__Filter>, _ path: String = "filter", depth: Int = 1
  ) throws(Status) -> ItemFilter {
    count += 1
    guard depth <= Self.deepest, count <= Self.most else {
      throw Status(
        .invalidArgument,
        "RecommendRequest.\(path): too large; at most \(Self.most) conditions, \(Self.deepest) within each other"
      )
    }
    let filter = message.pointee
    switch filter.kind_case {
    case COWBIRD__V1__FILTER__KIND_ALL:
      return .all(try list(filter.all.pointee.filters, filter.all.pointee.n_filters, path + ".all", depth))
    case COWBIRD__V1__FILTER__KIND_ANY:
      return .any(try list(filter.any.pointee.filters, filter.any.pointee.n_filters, path + ".any", depth))
    case COWBIRD__V1__FILTER__KIND_NOT: return .not(try read(filter.not_, path + ".not", depth: depth + 1))
    case COWBIRD__V1__FILTER__KIND_IN:
      let values = (0..<filter.in.pointee.n_values).map { String(cString: filter.in.pointee.values[$0]!) }
      guard (1...1_000).contains(values.count) else {
        throw Status(
          .invalidArgument,
          "RecommendRequest.\(path).in.values: \(values.count) values; 1 to 1000 are allowed")
      }
      let name = try name(
        filter.in.pointee.attribute, path + ".in.attribute", of: [.category, .categories, .text, .number],
        "values are compared as text")
      if isNumber(name), let value = values.first(where: { Double($0).map(ItemAttributes.text) != $0 }) {
        throw Status(
          .invalidArgument,
          "RecommendRequest.\(path).in.values: \"\(value)\", but \"\(String(decoding: name, as: UTF8.self))\" is "
            + "a number; numbers as they are written, such as 3 or 0.5, are allowed")
      }
      return .among(name, values)
    case COWBIRD__V1__FILTER__KIND_RANGE: return try range(filter.range.pointee, path + ".range")
    case COWBIRD__V1__FILTER__KIND_HAS:
      return .has(try name(filter.has, path + ".has", of: AttributeType.allCases, ""))
    default:
      throw Status(
        .invalidArgument,
        "RecommendRequest.\(path): nothing is set; one of all, any, not, in, range and has is")
    }
  }

  private mutating func list(
    _ filters: UnsafeMutablePointer<UnsafeMutablePointer<Cowbird__V1__Filter>?>?, _ count: Int,
    _ path: String,
    _ depth: Int
  ) throws(Status) -> [ItemFilter] {
    var list: [ItemFilter] = []
    for index in 0..<count { list.append(try read(filters![index]!, "\(path)[\(index)]", depth: depth + 1)) }
    return list
  }

  private func range(_ range: Cowbird__V1__Filter__Range, _ path: String) throws(Status) -> ItemFilter {
    let hasLow = range.at_least_presence_case == COWBIRD__V1__FILTER__RANGE__AT_LEAST_PRESENCE_AT_LEAST
    let hasHigh = range.at_most_presence_case == COWBIRD__V1__FILTER__RANGE__AT_MOST_PRESENCE_AT_MOST
    let low = hasLow ? range.at_least : -.infinity
    let high = hasHigh ? range.at_most : .infinity
    guard low <= high else {
      throw Status(
        .invalidArgument, "RecommendRequest.\(path): \(low) to \(high); at_least must not be above at_most")
    }
    let name = try name(range.attribute, path + ".attribute", of: [.number], "a range is of numbers")
    return .range(name, low...high)
  }

  private func isNumber(_ name: [UInt8]) -> Bool {
    known.contains { $0.type == .number && $0.name.utf8.elementsEqual(name) }
  }

  /// The attribute's name, which the configuration must know, as one of these types.
  func name(
    _ text: UnsafePointer<CChar>, _ path: String, of types: [AttributeType], _ reason: String
  ) throws(Status) -> [UInt8] {
    let name = String(cString: text)
    guard let attribute = known.first(where: { $0.name == name }) else {
      let names = known.map(\.name)
      let hint = Suggestion.hint(for: name, among: names)
      throw Status(
        .invalidArgument,
        "RecommendRequest.\(path): items have no attribute \"\(name)\""
          + (hint.isEmpty ? "; known: \(names.joined(separator: ", "))" : hint))
    }
    guard types.contains(attribute.type) else {
      let fitting = known.filter { types.contains($0.type) }.map(\.name)
      throw Status(
        .invalidArgument,
        "RecommendRequest.\(path): \"\(name)\" is of type \(attribute.type.rawValue), and \(reason); allowed: "
          + (fitting.isEmpty ? "none of the items' attributes" : fitting.joined(separator: ", ")))
    }
    return Array(name.utf8)
  }
}
