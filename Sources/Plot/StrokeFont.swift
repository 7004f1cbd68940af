// A small font of strokes for pictures without a text engine: printable ASCII.

/// Glyphs on a grid: x grows to the right; y is 0 on the baseline, 4 at the height of an x, 6 at that of capitals, -2 at
/// the foot of a g. A glyph is written as strokes separated by spaces, a stroke as points, a point as a digit for x and
/// a letter for y:
///
///     i ─ 6 capitals      "0c2i4c 1e3e" = A:   ╱╲
///     g ─ 4 small letters                     ╱──╲
///     c ─ 0 baseline                         ╱    ╲
///     a ─ -2 descenders
enum StrokeFont {
  struct Glyph {
    var strokes: [[Point]]
    var advance: Double
  }

  /// Grid units in one unit of text size.
  static let unitsPerSize = 8.6

  static func glyph(_ character: Character) -> Glyph {
    glyphs[character] ?? missing
  }

  private static let missing = parse("0c3c3i0i0c")

  private static let glyphs: [Character: Glyph] = {
    var glyphs: [Character: Glyph] = [" ": Glyph(strokes: [], advance: 3)]
    for (character, text) in shapes { glyphs[character] = parse(text) }
    return glyphs
  }()

  private static func parse(_ text: String) -> Glyph {
    let strokes = text.split(separator: " ").map { stroke in
      let bytes = Array(stroke.utf8)
      return stride(from: 0, to: bytes.count - 1, by: 2).map { index in
        Point(Double(bytes[index]) - 48, Double(bytes[index + 1]) - 99)
      }
    }
    let width = strokes.flatMap { $0 }.map(\.x).max() ?? 0
    return Glyph(strokes: strokes, advance: width + 1.9)
  }

  private static let shapes: [(Character, String)] = [
    ("A", "0c2i4c 1e3e"), ("B", "0c0i3i4h4g3f0f 3f4e4d3c0c"), ("C", "4h3i1i0h0d1c3c4d"),
    ("D", "0c0i3i4h4d3c0c"), ("E", "4c0c0i4i 0f3f"), ("F", "0c0i4i 0f3f"), ("G", "4h3i1i0h0d1c3c4d4f2f"),
    ("H", "0c0i 4c4i 0f4f"), ("I", "0c0i"), ("J", "0d1c2c3d3i"), ("K", "0c0i 4i0e 1f4c"), ("L", "0i0c3c"),
    ("M", "0c0i2f4i4c"), ("N", "0c0i4c4i"), ("O", "1c3c4d4h3i1i0h0d1c"), ("P", "0c0i3i4h4g3f0f"),
    ("Q", "1c3c4d4h3i1i0h0d1c 2e4c"), ("R", "0c0i3i4h4g3f0f 2f4c"), ("S", "4h3i1i0h0g1f3f4e4d3c1c0d"),
    ("T", "0i4i 2c2i"), ("U", "0i0d1c3c4d4i"), ("V", "0i2c4i"), ("W", "0i1c2g3c4i"), ("X", "0i4c 0c4i"),
    ("Y", "0i2f4i 2f2c"), ("Z", "0i4i0c4c"),
    ("a", "0f1g2g3f3c 3e1e0d1c2c3d"), ("b", "0i0c 0f1g2g3f3d2c1c0d"), ("c", "3f2g1g0f0d1c2c3d"),
    ("d", "3i3c 3f2g1g0f0d1c2c3d"), ("e", "0e3e3f2g1g0f0d1c2c3d"), ("f", "3i2i1h1c 0g2g"),
    ("g", "3g3b2a1a0b 3f2g1g0f0d1c2c3d"), ("h", "0i0c 0f1g2g3f3c"), ("i", "0c0g 0i0i"), ("j", "1g1b0a 1i1i"),
    ("k", "0i0c 3g0e 1f3c"), ("l", "0i0c"), ("m", "0g0c 0f1g2f2c 2f3g4f4c"), ("n", "0g0c 0f1g2g3f3c"),
    ("o", "1c2c3d3f2g1g0f0d1c"), ("p", "0g0a 0f1g2g3f3d2c1c0d"), ("q", "3g3a 3f2g1g0f0d1c2c3d"),
    ("r", "0g0c 0f1g2g"), ("s", "3f2g1g0f1e2e3d2c1c0d"), ("t", "1i1d2c 0g2g"), ("u", "0g0d1c2c3d 3g3c"),
    ("v", "0g2c4g"), ("w", "0g1c2f3c4g"), ("x", "0g3c 0c3g"), ("y", "0g2c 4g2c1a0a"), ("z", "0g3g0c3c"),
    ("0", "1c2c3d3h2i1i0h0d1c"), ("1", "0h1i1c"), ("2", "0h1i2i3h3g0c3c"),
    ("3", "0h1i2i3h3g2f1f 2f3e3d2c1c0d"),
    ("4", "2c2i0e3e"), ("5", "3i0i0f2f3e3d2c1c0d"), ("6", "3h2i1i0h0d1c2c3d3e2f0f"), ("7", "0i3i1c"),
    ("8", "1f0g0h1i2i3h3g2f1f0e0d1c2c3d3e2f"), ("9", "0d1c2c3d3h2i1i0h0g1f3f"),
    (".", "0c0c"), (",", "1c0b"), (":", "0c0c 0f0f"), (";", "0c0b 0f0f"), ("!", "0i0e 0c0c"),
    ("?", "0h1i2i3h3g1f1e 1c1c"), ("-", "0f2f"), ("_", "0b4b"), ("+", "0f4f 2d2h"), ("*", "2e2i 0f4h 0h4f"),
    ("/", "0b3i"), ("\\", "0i3b"), ("|", "0i0b"), ("=", "0e3e 0g3g"), ("<", "3h0f3d"), (">", "0h3f0d"),
    ("(", "1i0g0e1c"), (")", "0i1g1e0c"), ("[", "1i0i0c1c"), ("]", "0i1i1c0c"), ("{", "2i1h1g0f1e1d2c"),
    ("}", "0i1h1g2f1e1d0c"), ("'", "0i0h"), ("\"", "0i0h 1i1h"), ("`", "0i1h"), ("~", "0f1g2f3g"),
    ("^", "0g2i4g"),
    ("#", "1c1i 3c3i 0e4e 0g4g"), ("%", "0c4i 0i1i1h0h0i 3d4d4c3c3d"), ("&", "4c1g1h2i3h0e0d1c2c4e"),
    ("@", "3e2e2f3f3e4e4h3i1i0h0d1c3c"), ("$", "4h3i1i0h0g1f3f4e4d3c1c0d 2b2j"),
  ]
}
