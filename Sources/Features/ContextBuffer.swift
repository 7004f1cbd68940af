// Attributes by their place in the configuration, converted to what features need: hashes and numbers. Filled
// from an event's bytes or, by the service, from a request's fields; reused, so that it allocates only to grow.

internal import Configuration
internal import Primitives
package import Wire

package final class ContextBuffer {
  let attributes: [AttributePlan]
  private let nameHashes: [UInt64]
  /// By attribute: where its hashes start, how many there are; for vectors, of `vectors`.
  private(set) var start: [Int32]
  private(set) var count: [Int32]
  private(set) var number: [Float]
  private(set) var hashes: [UInt64] = []
  private(set) var vectors: [Float] = []
  /// Texts of the hashes, gathered only when they are wanted for people.
  private(set) var describedTexts: [String] = []
  private(set) var isEmpty = true
  var isDescribed = false
  /// Names that the configuration does not know, and values of another kind than it says, since the last reset.
  package private(set) var unknown = 0
  package private(set) var mistyped = 0

  init(_ attributes: [AttributePlan]) {
    self.attributes = attributes
    nameHashes = attributes.map { StableHash.of($0.name) }
    start = Array(repeating: 0, count: attributes.count)
    count = Array(repeating: 0, count: attributes.count)
    number = Array(repeating: .nan, count: attributes.count)
  }

  package func reset() {
    (unknown, mistyped) = (0, 0)
    guard !isEmpty else { return }
    isEmpty = true
    for index in attributes.indices {
      count[index] = 0
      number[index] = .nan
    }
    hashes.removeAll(keepingCapacity: true)
    vectors.removeAll(keepingCapacity: true)
    describedTexts.removeAll(keepingCapacity: true)
  }

  /// The attribute's place; nil: unknown.
  func place(of name: ByteView) -> Int? {
    let hash = StableHash.of(name.bytes)
    for index in nameHashes.indices where nameHashes[index] == hash { return index }
    return nil
  }

  /// Adds one attribute; a later one of the same name takes the place of the former.
  package func add(_ view: AttributeView) {
    guard let place = place(of: view.name) else {
      unknown += 1
      return
    }
    isEmpty = false
    if !convert(view, place) { mistyped += 1 }
  }

  /// Hands the hashes or numbers of `view` on, as `attributes[place]` wants them; false: another kind.
  private func convert(_ view: AttributeView, _ place: Int) -> Bool {
    let plan = attributes[place]
    switch plan.type {
    case .number:
      switch view.kind {
      case .number: number[place] = view.number.isFinite ? Float(view.number) : .nan
      case .flag: number[place] = view.flag ? 1 : 0
      case .text:
        guard let value = Double(view.text.string), value.isFinite else { return false }
        number[place] = Float(value)
      case .texts, .numbers, .none: return false
      }
      if !number[place].isFinite { number[place] = .nan }
      return true
    case .category, .categories:
      open(place)
      switch view.kind {
      case .text: push(view.text, place)
      case .flag: push(view.flag ? "true" : "false", place)
      case .number: push(AttributeText.of(view.number), place)
      case .texts:
        for text in view.texts where count[place] < plan.maximumValues { push(text, place) }
      case .numbers, .none: return false
      }
      return true
    case .text:
      open(place)
      switch view.kind {
      case .text: pushTokens(view.text, place)
      case .texts: for text in view.texts { pushTokens(text, place) }
      case .number, .numbers, .flag, .none: return false
      }
      return true
    case .vector:
      guard view.kind == .numbers else { return false }
      start[place] = Int32(vectors.count)
      vectors.append(contentsOf: view.numbers)
      let length = vectors.count - Int(start[place])
      guard length == plan.dimension else {
        vectors.removeLast(length)
        count[place] = 0
        return false
      }
      count[place] = Int32(length)
      return true
    }
  }

  private func open(_ place: Int) {
    start[place] = Int32(hashes.count)
    count[place] = 0
  }

  private func push(_ text: ByteView, _ place: Int) {
    guard !text.isEmpty else { return }
    hashes.append(StableHash.of(text.bytes))
    if isDescribed { describedTexts.append(text.string) }
    count[place] += 1
  }

  private func push(_ text: String, _ place: Int) {
    hashes.append(StableHash.of(text))
    if isDescribed { describedTexts.append(text) }
    count[place] += 1
  }

  private func pushTokens(_ text: ByteView, _ place: Int) {
    let plan = attributes[place]
    Tokens.forEach(in: text, minimum: plan.minimumToken) { token in
      guard count[place] < plan.maximumValues else { return }
      hashes.append(StableHash.of(UnsafeRawBufferPointer(token)))
      if isDescribed { describedTexts.append(String(decoding: token, as: UTF8.self)) }
      count[place] += 1
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
