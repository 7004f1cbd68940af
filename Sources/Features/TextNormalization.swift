// One spelling for what people mean to be the same: trimmed, in one case, in one Unicode form.

internal import Configuration
internal import Primitives
@_spi(_Unicode) private import Swift
package import Wire

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

  /// Nil: the rule leaves everything as it is.
  init?(_ rule: SpellingRule) {
    guard rule.trim || rule.foldCase || rule.compose else { return nil }
    self.init(trims: rule.trim, foldsCase: rule.foldCase, composes: rule.compose)
  }

  package init(trims: Bool = true, foldsCase: Bool = false, composes: Bool = true) {
    self.trims = trims
    self.foldsCase = foldsCase
    self.composes = composes
  }

  // hot: once per id.
  /// Whether the UTF-8 `bytes` are ASCII that `normalized` would return as it is.
  @inline(__always)
  package func isNormal(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 0 else { return true }
    if trims, Self.isBlank(bytes[0]) || Self.isBlank(bytes[bytes.count &- 1]) { return false }
    return Text.isASCII(bytes) && !(foldsCase && Self.hasUpperCase(bytes))
  }

  /// Of ASCII.
  @inline(__always)
  private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == 0x7F }

  private static func hasUpperCase(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.contains { $0 >= 0x41 && $0 <= 0x5A }
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

extension Optional<TextNormalization> {
  // hot: one comparison where there is no rule.
  /// Lends the bytes as they are to be hashed; no rule: as they are.
  @inline(__always)
  func withNormalized<Result>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    guard let self, !self.isNormal(bytes) else { return body(bytes) }
    return self.withRewritten(bytes, body)
  }

  /// XXH3 of the bytes as they are to be hashed; of none: 0.
  @inline(__always)
  func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    guard bytes.count > 0 else { return 0 }
    if let self, !self.isNormal(bytes) { return self.hashRewritten(bytes, seed) }
    return StableHash.of(bytes, seed: seed)
  }
}

extension TextNormalization {
  @inline(never)
  fileprivate func hashRewritten(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    withRewritten(bytes) { $0.isEmpty ? 0 : StableHash.of($0, seed: seed) }
  }

  @inline(never)
  fileprivate func withRewritten<Result>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    var text = normalized(String(decoding: bytes, as: UTF8.self))
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }
}

extension FeaturePlan {
  /// Hash of a user's id, spelled as the configuration says; 0: none.
  @inline(__always)
  package func userKey(_ id: UnsafeRawBufferPointer) -> UInt64 { ids.hash(id, seed: FeatureState.userSeed) }

  /// Hash of an item's id, spelled as the configuration says; 0: none.
  @inline(__always)
  package func itemKey(_ id: UnsafeRawBufferPointer) -> UInt64 { ids.hash(id, seed: FeatureState.itemSeed) }

  package func userKey(_ id: ByteView) -> UInt64 { userKey(id.bytes) }
  package func itemKey(_ id: ByteView) -> UInt64 { itemKey(id.bytes) }
  package func itemKey(_ id: String) -> UInt64 {
    var id = id
    return id.withUTF8 { itemKey(UnsafeRawBufferPointer($0)) }
  }
}
