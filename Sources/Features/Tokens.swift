// Categories made of what is no category: text in tokens, numbers and flags as texts.

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
  static func forEach(
    in text: UnsafeRawBufferPointer, minimum: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { token in
      var length = 0
      var characters = 0
      func flush() {
        if characters >= minimum { body(UnsafeBufferPointer(start: token.baseAddress, count: length)) }
        (length, characters) = (0, 0)
      }
      for byte in text {
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
