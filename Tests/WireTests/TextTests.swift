import Primitives
import Testing

@testable import Wire

@Suite struct TextTests {
  private func isUTF8(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { Text.isUTF8($0) } }

  @Test("text that Swift takes for UTF-8 is UTF-8, and nothing else is")
  func agreesWithSwift() {
    // Bytes that are likely to be leads, continuations and edges.
    let alphabet: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
      0xEE,
      0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    for trial in 0..<200_000 {
      let length = CounterRandom.index(below: 12, seed: 1, counter: UInt64(trial))
      let bytes = (0..<length).map { place in
        alphabet[
          CounterRandom.index(below: alphabet.count, seed: 2, counter: UInt64(trial) << 8 | UInt64(place))]
      }
      #expect(isUTF8(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
    }
  }

  @Test(
    "every character survives, at every place of the eight-byte stride",
    arguments: ["", "a", "é", "€", "𐍈", "\u{10FFFF}"])
  func padded(character: String) {
    for pad in 0..<20 {
      let bytes = Array((String(repeating: "x", count: pad) + character + "yz").utf8)
      #expect(isUTF8(bytes))
      if let cut = bytes.firstIndex(where: { $0 >= 0x80 }) {
        #expect(!isUTF8(Array(bytes[...cut])))
      }
    }
  }
}
