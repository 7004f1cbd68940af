// Attributes by their place in the configuration, converted to what features need: hashes and numbers. Filled
// from an event's bytes or, by the service, from a request's fields; reused, so that it allocates only to grow.

internal import Configuration
internal import Primitives
package import Wire

package final class ContextBuffer {
  let attributes: [AttributePlan]
  /// What is asked for each attribute that comes in.
  private let plans: Constants<Plan>
  /// By attribute: where its hashes start, how many there are; for vectors, of `vectors`.
  let start: UnsafeMutablePointer<Int32>
  let count: UnsafeMutablePointer<Int32>
  let number: UnsafeMutablePointer<Float>
  let hashes: UnsafeMutablePointer<UInt64>
  let vectors: UnsafeMutablePointer<Float>
  /// Behind a pointer, because a class's own variables are checked for exclusive access each time.
  private let fields: UnsafeMutablePointer<Fields>
  private let hashCapacity: Int
  private let vectorCapacity: Int
  /// Texts of the hashes, gathered only when they are wanted for people.
  private(set) var describedTexts: [String] = []
  var isDescribed: Bool {
    get { fields.pointee.isDescribed }
    set { fields.pointee.isDescribed = newValue }
  }

  private struct Plan {
    var nameHash: UInt64
    var type: AttributeType
    var dimension: Int
    var minimumToken: Int
    var maximumValues: Int
  }

  private struct Fields {
    var hashTop = 0
    var vectorTop = 0
    var isEmpty = true
    var unknown = 0
    var mistyped = 0
    var isDescribed = false
  }

  var isEmpty: Bool { fields.pointee.isEmpty }
  /// Names that the configuration does not know, and values of another kind than it says, since the last reset.
  package var unknown: Int { fields.pointee.unknown }
  package var mistyped: Int { fields.pointee.mistyped }

  init(_ attributes: [AttributePlan]) {
    self.attributes = attributes
    plans = Constants(
      attributes.map {
        Plan(
          nameHash: StableHash.of($0.name), type: $0.type, dimension: $0.dimension,
          minimumToken: $0.minimumToken, maximumValues: $0.maximumValues)
      })
    // Twice what all attributes together may have: one that is given again leaves its former place behind.
    hashCapacity = 2 * attributes.reduce(0) { $0 + $1.maximumValues } + 1
    vectorCapacity = 2 * attributes.reduce(0) { $0 + $1.dimension } + 1
    start = .allocate(capacity: attributes.count + 1)
    start.initialize(repeating: 0, count: attributes.count + 1)
    count = .allocate(capacity: attributes.count + 1)
    count.initialize(repeating: 0, count: attributes.count + 1)
    number = .allocate(capacity: attributes.count + 1)
    number.initialize(repeating: .nan, count: attributes.count + 1)
    hashes = .allocate(capacity: hashCapacity)
    vectors = .allocate(capacity: vectorCapacity)
    fields = .allocate(capacity: 1)
    fields.initialize(to: Fields())
  }

  deinit {
    plans.deallocate()
    start.deallocate()
    count.deallocate()
    number.deallocate()
    hashes.deallocate()
    vectors.deallocate()
    fields.deallocate()
  }

  package func reset() {
    guard !fields.pointee.isEmpty || fields.pointee.unknown > 0 else { return }
    fields.pointee = Fields(isDescribed: fields.pointee.isDescribed)
    for index in 0..<plans.count {
      count[index] = 0
      number[index] = .nan
    }
    if isDescribed { describedTexts = [] }
  }

  /// The attribute's place; nil: unknown.
  func place(of name: ByteView) -> Int? {
    let hash = StableHash.of(name.bytes)
    for index in 0..<plans.count where plans[index].nameHash == hash { return index }
    return nil
  }

  /// Adds one attribute; a later one of the same name takes the place of the former.
  package func add(_ view: AttributeView) {
    guard let place = place(of: view.name) else {
      fields.pointee.unknown += 1
      return
    }
    fields.pointee.isEmpty = false
    let plan = plans[place]
    let isConverted =
      switch plan.type {
      case .number: addNumber(view, place)
      case .category, .categories: addCategories(view, place, plan)
      case .text: addTokens(view, place, plan)
      case .vector: addVector(view, place, plan)
      }
    if !isConverted { fields.pointee.mistyped += 1 }
  }

  private func addNumber(_ view: AttributeView, _ place: Int) -> Bool {
    var value = Float.nan
    switch view.kind {
    case .number: value = Float(view.number)
    case .flag: value = view.flag ? 1 : 0
    case .text:
      guard let parsed = Double(view.text.string) else { return false }
      value = Float(parsed)
    case .texts, .numbers, .none: return false
    }
    number[place] = value.isFinite ? value : .nan
    return true
  }

  private func addCategories(_ view: AttributeView, _ place: Int, _ plan: Plan) -> Bool {
    open(place)
    switch view.kind {
    case .text: push(view.text.bytes, place, plan)
    case .texts: for text in view.texts { push(text.bytes, place, plan) }
    case .flag: push(view.flag ? "true" : "false", place, plan)
    case .number: push(AttributeText.of(view.number), place, plan)
    case .numbers, .none: return false
    }
    return true
  }

  private func addTokens(_ view: AttributeView, _ place: Int, _ plan: Plan) -> Bool {
    open(place)
    switch view.kind {
    case .text: pushTokens(view.text, place, plan)
    case .texts: for text in view.texts { pushTokens(text, place, plan) }
    case .number, .numbers, .flag, .none: return false
    }
    return true
  }

  private func addVector(_ view: AttributeView, _ place: Int, _ plan: Plan) -> Bool {
    guard view.kind == .numbers else { return false }
    let first = fields.pointee.vectorTop
    count[place] = 0
    var length = 0
    for value in view.numbers {
      guard length < plan.dimension, first + length < vectorCapacity else { return false }
      vectors[first + length] = value
      length += 1
    }
    guard length == plan.dimension else { return false }
    fields.pointee.vectorTop = first + length
    start[place] = Int32(first)
    count[place] = Int32(length)
    return true
  }

  @inline(__always)
  private func open(_ place: Int) {
    start[place] = Int32(fields.pointee.hashTop)
    count[place] = 0
  }

  @inline(__always)
  private func push(_ text: UnsafeRawBufferPointer, _ place: Int, _ plan: Plan) {
    let top = fields.pointee.hashTop
    guard !text.isEmpty, Int(count[place]) < plan.maximumValues, top < hashCapacity else { return }
    hashes[top] = StableHash.of(text)
    if isDescribed { describedTexts.append(String(decoding: text, as: UTF8.self)) }
    fields.pointee.hashTop = top + 1
    count[place] += 1
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
