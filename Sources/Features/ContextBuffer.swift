// Attributes by their place in the configuration, converted to what features need: hashes and numbers. Filled
// from an event's bytes or, by the service, from a request's fields; reused, so that it allocates only to grow.

internal import Configuration
internal import Primitives
package import Wire

/// A filled buffer as features read it: a few words, no reference counts.
///
///     hashes ┌ first of attribute 0 ┬ first of attribute 1 ┬ … ┬ list ┬ list ┬ … ┐
///
/// The only or first category of each attribute stands at its own place, 0 where there is none; those of attributes
/// that may have several stand in a list as well.
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
  /// Where the attribute at each position of a list was found last: callers name theirs in the same order each time.
  private let expected: UnsafeMutablePointer<Int32>
  private static let positions = 64
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
    var name: NameMatcher
    var type: AttributeType
    var dimension: Int
    var minimumToken: Int
    var maximumValues: Int
    /// Of one value: what most are.
    var isCategory: Bool
  }

  private struct Fields {
    var hashTop = 0
    var vectorTop = 0
    var unknown = 0
    var mistyped = 0
    var unsound = 0
    var isDescribed = false
    /// Attributes that came, named or not.
    var given = 0
  }

  /// No attribute of a known name came.
  var isEmpty: Bool { fields.pointee.given == fields.pointee.unknown }
  /// Names that the configuration does not know, and values of another kind than it says, since the last reset.
  package var unknown: Int { fields.pointee.unknown }
  package var mistyped: Int { fields.pointee.mistyped }
  /// Numbers and vectors that were left out, because they are not finite or too large.
  var unsound: Int { fields.pointee.unsound }

  /// Magnitude up to which a number may enter features: its square is finite as a Float.
  package static let largestNumber = 1e18

  init(_ attributes: [AttributePlan], _ spelling: TextNormalization?) {
    self.attributes = attributes
    self.spelling = spelling
    plans = Constants(
      attributes.map {
        Plan(
          name: NameMatcher($0.name), type: $0.type, dimension: $0.dimension, minimumToken: $0.minimumToken,
          maximumValues: $0.maximumValues, isCategory: $0.type == .category)
      })
    // Twice what all attributes together may have: one that is given again leaves its former place behind.
    hashCapacity = attributes.count + 2 * attributes.reduce(0) { $0 + $1.maximumValues } + 1
    vectorCapacity = 2 * attributes.reduce(0) { $0 + $1.dimension } + 1
    let places = attributes.count + 1
    view = ContextView(
      start: .allocate(capacity: places), count: .allocate(capacity: places),
      number: .allocate(capacity: places), hashes: .allocate(capacity: hashCapacity),
      vectors: .allocate(capacity: vectorCapacity))
    for place in 0..<places { (view.start + place).initialize(to: Int32(place)) }
    expected = .allocate(capacity: Self.positions)
    expected.initialize(repeating: 0, count: Self.positions)
    fields = .allocate(capacity: 1)
    fields.initialize(to: Fields(given: 1))
    reset()
  }

  deinit {
    for place in 0..<plans.count { plans[place].name.deallocate() }
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
    fields.pointee = Fields(hashTop: plans.count, isDescribed: fields.pointee.isDescribed)
    for index in 0..<plans.count {
      view.count[index] = 0
      view.number[index] = .nan
      view.hashes[index] = 0
    }
    if isDescribed { describedTexts = [] }
  }

  /// The attribute's place; nil: unknown.
  func place(of name: ByteView) -> Int? {
    for index in 0..<plans.count where plans[index].name.matches(name, readable: name.count) { return index }
    return nil
  }

  // hot: once per event.
  /// Adds the attributes of an event or a request; a later one of the same name takes the place of the former.
  package func add(_ list: AttributeViews) {
    var scan = list.scan
    let (plans, expected, view, spelling) = (plans, expected, view, spelling)
    while true {
      var given = fields.pointee.given
      while let attribute = scan.text() {
        // A category where it was the last time: what nearly all are.
        let place = Int(expected[min(given, Self.positions &- 1)])
        if place < plans.count {
          let plan = plans.pointer + place
          if plan.pointee.isCategory, plan.pointee.name.matches(attribute.name, readable: attribute.readable),
            !fields.pointee.isDescribed
          {
            given &+= 1
            let hash = spelling.hash(attribute.text.bytes)
            view.hashes[place] = hash
            view.count[place] = hash == 0 ? 0 : 1
            continue
          }
        }
        fields.pointee.given = given
        add(AttributeView(attribute))
        given = fields.pointee.given
      }
      fields.pointee.given = given
      guard let attribute = scan.other() else { return }
      add(attribute)
    }
  }

  /// Adds one attribute.
  package func add(_ attribute: AttributeView) {
    guard let place = nextPlace(attribute.name) else { return }
    let plan = plans[place]
    let isConverted =
      switch plan.type {
      case .number: addNumber(attribute, place)
      case .category, .categories: addCategories(attribute, place, plan)
      case .text: addTokens(attribute, place, plan)
      case .vector: addVector(attribute, place, plan)
      }
    if !isConverted { fields.pointee.mistyped += 1 }
  }

  /// The place of the attribute that comes; nil, and counted: unknown.
  private func nextPlace(_ name: ByteView) -> Int? {
    let position = min(fields.pointee.given, Self.positions - 1)
    fields.pointee.given += 1
    let last = Int(expected[position])
    if last < plans.count, plans[last].name.matches(name, readable: name.count) { return last }
    guard let found = place(of: name) else {
      fields.pointee.unknown += 1
      return nil
    }
    expected[position] = Int32(found)
    return found
  }

  private func addNumber(_ attribute: AttributeView, _ place: Int) -> Bool {
    var value = 0.0
    switch attribute.kind {
    case .number: value = attribute.number
    case .flag: value = attribute.flag ? 1 : 0
    case .text:
      guard let parsed = Double(attribute.text.string) else { return false }
      value = parsed
    case .texts, .numbers, .none: return false
    }
    let isSound = value.magnitude <= Self.largestNumber
    if !isSound { fields.pointee.unsound += 1 }
    view.number[place] = isSound ? Float(value) : .nan
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
    case .text: pushTokens(attribute.text.bytes, place, plan)
    case .texts: for text in attribute.texts { pushTokens(text.bytes, place, plan) }
    // A title may look like one.
    case .number: pushTokens(AttributeText.of(attribute.number), place, plan)
    case .numbers, .flag, .none: return false
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
      guard value.magnitude <= Float(Self.largestNumber) else {
        fields.pointee.unsound += 1
        return true
      }
      view.vectors[first + length] = value
      length += 1
    }
    guard length == plan.dimension else { return false }
    fields.pointee.vectorTop = first + length
    view.start[place] = Int32(first)
    view.count[place] = Int32(length)
    return true
  }

  private func open(_ place: Int) {
    view.start[place] = Int32(attributes[place].type == .category ? place : fields.pointee.hashTop)
    view.count[place] = 0
    view.hashes[place] = 0
  }

  private func push(_ text: UnsafeRawBufferPointer, _ place: Int, _ plan: Plan) {
    let top = fields.pointee.hashTop
    let count = Int(view.count[place])
    guard !text.isEmpty, count < plan.maximumValues, top < hashCapacity else { return }
    let hash = StableHash.of(text)
    // Once: members learn each feature of an example as if no other had its key.
    let own = UnsafeBufferPointer(start: view.hashes + Int(view.start[place]), count: count)
    if !plan.isCategory, own.contains(hash) { return }
    if count == 0 { view.hashes[place] = hash }
    if !plan.isCategory {
      view.hashes[top] = hash
      fields.pointee.hashTop = top + 1
    }
    view.count[place] += 1
    if isDescribed { describedTexts.append(String(decoding: text, as: UTF8.self)) }
  }

  private func pushCategory(_ text: UnsafeRawBufferPointer, _ place: Int, _ plan: Plan) {
    spelling.withNormalized(text) { push($0, place, plan) }
  }

  private func push(_ text: String, _ place: Int, _ plan: Plan) {
    var text = text
    text.withUTF8 { push(UnsafeRawBufferPointer($0), place, plan) }
  }

  private func pushTokens(_ text: UnsafeRawBufferPointer, _ place: Int, _ plan: Plan) {
    spelling.withNormalized(text) { text in
      Tokens.forEach(in: text, minimum: plan.minimumToken) { push(UnsafeRawBufferPointer($0), place, plan) }
    }
  }

  private func pushTokens(_ text: String, _ place: Int, _ plan: Plan) {
    var text = text
    text.withUTF8 { pushTokens(UnsafeRawBufferPointer($0), place, plan) }
  }
}
