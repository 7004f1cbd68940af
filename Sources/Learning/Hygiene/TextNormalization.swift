// One spelling for what people mean to be the same: trimmed, in one case, in one Unicode form.

@_spi(_Unicode) private import Swift

/// How ids and categories are brought to one spelling before they are hashed.
///
/// The steps, in this order: trim White_Space and control characters at both ends; fold case (the Unicode default
/// lowercase mapping, which needs no locale); compose (Unicode NFC). The tables are the standard library's, which grow
/// with Unicode: characters that Unicode has had for long do not change.
///
/// - Complexity: O(n); ASCII that is in form already is told by one scan of its bytes, and needs no new string.
/// - Source: Unicode Standard Annex #15; default case conversion, Unicode 3.13.
package struct TextNormalization: Sendable, Equatable {
  package var trims: Bool
  package var foldsCase: Bool
  package var composes: Bool

  package init(trims: Bool = true, foldsCase: Bool = false, composes: Bool = true) {
    self.trims = trims
    self.foldsCase = foldsCase
    self.composes = composes
  }

  // hot: once per id.
  /// Whether the UTF-8 `bytes` are ASCII that `normalized` would return as it is.
  package func isNormal(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first, let last = bytes.last else { return true }
    if trims, first <= 0x20 || last <= 0x20 || last == 0x7F || first == 0x7F { return false }
    var high: UInt8 = 0
    var isUpper = false
    for byte in bytes {
      high |= byte
      isUpper = isUpper || (byte >= 0x41 && byte <= 0x5A)
    }
    return high < 0x80 && !(foldsCase && isUpper)
  }

  package func normalized(_ text: String) -> String {
    var text = text
    if text.withUTF8({ isNormal(UnsafeRawBufferPointer($0)) }) { return text }
    if trims {
      let scalars = text.unicodeScalars
      let isBlank = { (scalar: Unicode.Scalar) in
        scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
      }
      let head = scalars.drop(while: isBlank)
      let end = head.lastIndex { !isBlank($0) }
      text = end.map { String(head[...$0]) } ?? ""
    }
    if foldsCase { text = text.lowercased() }
    if composes {
      var scalars = String.UnicodeScalarView()
      scalars.append(contentsOf: text._nfc)
      text = String(scalars)
    }
    return text
  }
}
