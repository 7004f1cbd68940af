// What a picture is drawn on.

struct Color: Equatable, Sendable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  init(_ rgb: UInt32) {
    red = UInt8(rgb >> 16 & 255)
    green = UInt8(rgb >> 8 & 255)
    blue = UInt8(rgb & 255)
  }

  static let ink = Color(0x222222)
  static let soft = Color(0x666666)
  static let grid = Color(0xE4E4E4)
  static let paper = Color(0xFFFFFF)

  /// Colours that people with any colour vision tell apart (Okabe and Ito 2008), darkest contrast first.
  static let lines = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000, 0xB8A900].map {
    Color($0)
  }

  /// `#rrggbb`.
  var hexadecimal: String {
    let value = UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue)
    let digits = String(value, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.count) + digits
  }
}

enum TextAnchor: String { case start, middle, end }

/// Coordinates in points from the top left; y grows downwards.
protocol Canvas {
  mutating func polyline(_ points: [Point], width: Double, color: Color)
  mutating func rectangle(from: Point, to: Point, fill: Color, opacity: Double)
  /// `at` is on the baseline. A quarter turn reads upwards.
  mutating func text(
    _ text: String, at: Point, size: Double, anchor: TextAnchor, color: Color, isTurned: Bool)
  /// Width of a text in points, near enough to place it.
  func width(of text: String, size: Double) -> Double
}

extension Canvas {
  mutating func text(_ text: String, at point: Point, size: Double, anchor: TextAnchor, color: Color) {
    self.text(text, at: point, size: size, anchor: anchor, color: color, isTurned: false)
  }

  mutating func line(_ from: Point, _ to: Point, width: Double, color: Color) {
    polyline([from, to], width: width, color: color)
  }
}
