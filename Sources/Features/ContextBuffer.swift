// Attributes by their place in the configuration, converted to what features need: hashes and numbers. Filled
// from an event's bytes or, by the service, from a request's fields; reused, so that it allocates only to grow.

internal import Configuration
internal import Glibc
internal import Primitives
package import Wire

/// A filled buffer as features read it: a few words, no reference counts.
struct ContextView: BitwiseCopyable {
  /// By attribute: where its hashes start, how many there are; for vectors, of `vectors`.
  let start: UnsafeMutablePointer<Int32>
  let count: UnsafeMutablePointer<Int32>
  let number: UnsafeMutablePointer<Float>
  let hashes: UnsafeMutablePointer<UInt64>
  let vectors: UnsafeMutablePointer<Float>
}

package final class ContextBuffer {
  let attributes: [AttributePlan]
  /// What is asked for each attribute that comes in.
  private let plans: Constants<Plan>
  let view: ContextView
  /// Attributes as they were read, and where the one at each position of the list was found last: callers name
  /// theirs in the same order each time.
  private let views: UnsafeMutablePointer<AttributeView>
  private let expected: UnsafeMutablePointer<Int32>
  private static let viewCapacity = 64
  /// Behind a pointer, because a class's own variables are checked for exclusive access each time.
  private let fields: UnsafeMutablePointer<Fields>
  private let spelling: TextNormalization?
  private let hashCapacity: Int
  private let vectorCapacity: Int
  /// Texts of the hashes, gathered only when they are wanted for people.
  private(set) var describedTexts: [String] = []
  var isDescribed: Bool {
    get { fields.pointee.isDescribed }
    set { fields.pointee.isDescribed = newValue }
  }

  private struct Plan {
    var name: UnsafePointer<UInt8>
    var nameLength: Int
    var type: AttributeType
    var dimension: Int
    var minimumToken: Int
    var maximumValues: Int
    /// Of one value: what most are.
    var isCategory: Bool

    @inline(__always)
    func isNamed(_ other: ByteView) -> Bool {
      other.count == nameLength && memcmp(other.base, name, nameLength) == 0
    }
  }

  private struct Fields {
    var hashTop = 0
    var vectorTop = 0
    var isEmpty = true
    var unknown = 0
    var mistyped = 0
    var isDescribed = false
    /// Attributes that came, named or not.
    var given = 0
  }

  var isEmpty: Bool { fields.pointee.isEmpty }
  /// Names that the configuration does not know, and values of another kind than it says, since the last reset.
  package var unknown: Int { fields.pointee.unknown }
  package var mistyped: Int { fields.pointee.mistyped }

  init(_ attributes: [AttributePlan], _ spelling: TextNormalization?) {
    self.attributes = attributes
    self.spelling = spelling
    plans = Constants(
      attributes.map {
        Plan(
          name: Self.copy($0.name), nameLength: $0.name.utf8.count, type: $0.type, dimension: $0.dimension,
          minimumToken: $0.minimumToken, maximumValues: $0.maximumValues, isCategory: $0.type == .category)
      })
    // Twice what all attributes together may have: one that is given again leaves its former place behind.
    hashCapacity = 2 * attributes.reduce(0) { $0 + $1.maximumValues } + 1
    vectorCapacity = 2 * attributes.reduce(0) { $0 + $1.dimension } + 1
    let places = attributes.count + 1
    view = ContextView(
      start: .allocate(capacity: places), count: .allocate(capacity: places),
      number: .allocate(capacity: places), hashes: .allocate(capacity: hashCapacity),
      vectors: .allocate(capacity: vectorCapacity))
    view.start.initialize(repeating: 0, count: places)
    view.count.initialize(repeating: 0, count: places)
    view.number.initialize(repeating: .nan, count: places)
    views = .allocate(capacity: Self.viewCapacity)
    expected = .allocate(capacity: Self.viewCapacity)
    expected.initialize(repeating: 0, count: Self.viewCapacity)
    fields = .allocate(capacity: 1)
    fields.initialize(to: Fields())
  }

  private static func copy(_ name: String) -> UnsafePointer<UInt8> {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, name.utf8.count))
    for (place, byte) in name.utf8.enumerated() { bytes[place] = byte }
    return UnsafePointer(bytes)
  }

  deinit {
    for place in 0..<plans.count { plans[place].name.deallocate() }
    views.deallocate()
    expected.deallocate()
    plans.deallocate()
    view.start.deallocate()
    view.count.deallocate()
    view.number.deallocate()
    view.hashes.deallocate()
    view.vectors.deallocate()
    fields.deallocate()
  }

  package func reset() {
    guard fields.pointee.given > 0 else { return }
    fields.pointee = Fields(isDescribed: fields.pointee.isDescribed)
    for index in 0..<plans.count {
      view.count[index] = 0
      view.number[index] = .nan
    }
    if isDescribed { describedTexts = [] }
  }

  /// The attribute's place; nil: unknown.
  func place(of name: ByteView) -> Int? {
    for index in 0..<plans.count where plans[index].isNamed(name) { return index }
    return nil
  }

  // hot: once per event.
  /// Adds the attributes of an event or a request.
  package func add(_ list: AttributeViews) {
    let count = list.read(into: views, atMost: Self.viewCapacity)
    for index in 0..<count { add(views[index]) }
    guard count == Self.viewCapacity, list.count > count else { return }
    for (index, view) in list.enumerated() where index >= count { add(view) }
  }

  /// Adds one attribute; a later one of the same name takes the place of the former.
  package func add(_ attribute: AttributeView) {
    let position = min(fields.pointee.given, Self.viewCapacity - 1)
    fields.pointee.given += 1
    var place = Int(expected[position])
    if place >= plans.count || !plans[place].isNamed(attribute.name) {
      guard let found = self.place(of: attribute.name) else {
        fields.pointee.unknown += 1
        return
      }
      place = found
      expected[position] = Int32(place)
    }
    fields.pointee.isEmpty = false
    let plan = plans[place]
    if plan.isCategory, case .text = attribute.kind {
      open(place)
      pushCategory(attribute.text.bytes, place, plan)
      return
    }
    let isConverted =
      switch plan.type {
      case .number: addNumber(attribute, place)
      case .category, .categories: addCategories(attribute, place, plan)
      case .text: addTokens(attribute, place, plan)
      case .vector: addVector(attribute, place, plan)
      }
    if !isConverted { fields.pointee.mistyped += 1 }
  }

  private func addNumber(_ attribute: AttributeView, _ place: Int) -> Bool {
    var value = Float.nan
    switch attribute.kind {
    case .number: value = Float(attribute.number)
    case .flag: value = attribute.flag ? 1 : 0
    case .text:
      guard let parsed = Double(attribute.text.string) else { return false }
      value = Float(parsed)
    case .texts, .numbers, .none: return false
    }
    view.number[place] = value.isFinite ? value : .nan
    return true
  }

  private func addCategories(_ attribute: AttributeView, _ place: Int, _ plan: Plan) -> Bool {
    open(place)
    switch attribute.kind {
    case .text: pushCategory(attribute.text.bytes, place, plan)
    case .texts: for text in attribute.texts { pushCategory(text.bytes, place, plan) }
    case .flag: push(attribute.flag ? "true" : "false", place, plan)
    case .number: push(AttributeText.of(attribute.number), place, plan)
    case .numbers, .none: return false
    }
    return true
  }

  private func addTokens(_ attribute: AttributeView, _ place: Int, _ plan: Plan) -> Bool {
    open(place)
    switch attribute.kind {
    case .text: pushTokens(attribute.text, place, plan)
    case .texts: for text in attribute.texts { pushTokens(text, place, plan) }
    case .number, .numbers, .flag, .none: return false
    }
    return true
  }

  private func addVector(_ attribute: AttributeView, _ place: Int, _ plan: Plan) -> Bool {
    guard attribute.kind == .numbers else { return false }
    let first = fields.pointee.vectorTop
    view.count[place] = 0
    var length = 0
    for value in attribute.numbers {
      guard length < plan.dimension, first + length < vectorCapacity else { return false }
      view.vectors[first + length] = value
      length += 1
    }
    guard length == plan.dimension else { return false }
    fields.pointee.vectorTop = first + length
    view.start[place] = Int32(first)
    view.count[place] = Int32(length)
    return true
  }

  @inline(__always)
  private func open(_ place: Int) {
    view.start[place] = Int32(fields.pointee.hashTop)
    view.count[place] = 0
  }

  @inline(__always)
  private func push(_ text: UnsafeRawBufferPointer, _ place: Int, _ plan: Plan) {
    let top = fields.pointee.hashTop
    guard !text.isEmpty, Int(view.count[place]) < plan.maximumValues, top < hashCapacity else { return }
    view.hashes[top] = StableHash.of(text)
    if isDescribed { describedTexts.append(String(decoding: text, as: UTF8.self)) }
    fields.pointee.hashTop = top + 1
    view.count[place] += 1
  }

  @inline(__always)
  private func pushCategory(_ text: UnsafeRawBufferPointer, _ place: Int, _ plan: Plan) {
    spelling.withNormalized(text) { push($0, place, plan) }
  }

  private func push(_ text: String, _ place: Int, _ plan: Plan) {
    var text = text
    text.withUTF8 { push(UnsafeRawBufferPointer($0), place, plan) }
  }

  private func pushTokens(_ text: ByteView, _ place: Int, _ plan: Plan) {
    Tokens.forEach(in: text, minimum: plan.minimumToken) { token in
      push(UnsafeRawBufferPointer(token), place, plan)
    }
  }
}

/// Numbers and flags where a category is wanted.
enum AttributeText {
  /// Whole numbers without a point.
  static func of(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 0x1p53 ? "\(Int64(number))" : "\(number)"
  }
}

/// Text in tokens: what stands between white space, its ASCII letters in lower case, its ASCII punctuation left
/// out; other characters are kept as they are.
enum Tokens {
  static func forEach(in text: ByteView, minimum: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { token in
      var length = 0
      var characters = 0
      func flush() {
        if characters >= minimum { body(UnsafeBufferPointer(start: token.baseAddress, count: length)) }
        (length, characters) = (0, 0)
      }
      for byte in text.bytes {
        let kept: UInt8
        switch byte {
        case 0x41...0x5A: kept = byte | 0x20
        case 0x61...0x7A, 0x30...0x39, 0x80...0xFF: kept = byte
        case 0x20, 0x09...0x0D:
          flush()
          continue
        default: continue
        }
        // A token of more bytes than fit is known by its first ones.
        if length < token.count {
          token[length] = kept
          length += 1
          if kept & 0xC0 != 0x80 { characters += 1 }
        }
      }
      flush()
    }
  }
}
