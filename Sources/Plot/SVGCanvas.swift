// Draws as SVG 1.1.

struct SVGCanvas: Canvas {
  private let pictureWidth: Double
  private let pictureHeight: Double
  private var body = ""

  init(width: Double, height: Double) {
    pictureWidth = width
    pictureHeight = height
  }

  var document: String {
    let (width, height) = (Self.number(pictureWidth), Self.number(pictureHeight))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">
      <rect width="\(width)" height="\(height)" fill="\(Color.paper.hexadecimal)"/>
      \(body)</svg>

      """
  }

  mutating func polyline(_ points: [Point], width: Double, color: Color) {
    guard !points.isEmpty else { return }
    // One point alone is drawn as a dot, which round caps make of a line without length.
    let points = points.count == 1 ? [points[0], points[0]] : points
    let text = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")
    body += """
      <polyline points="\(text)" fill="none" stroke="\(color.hexadecimal)" stroke-width="\(Self.number(width))" \
      stroke-linejoin="round" stroke-linecap="round"/>

      """
  }

  mutating func rectangle(from: Point, to: Point, fill: Color, opacity: Double) {
    body += """
      <rect x="\(Self.number(from.x))" y="\(Self.number(from.y))" width="\(Self.number(to.x - from.x))" \
      height="\(Self.number(to.y - from.y))" fill="\(fill.hexadecimal)" fill-opacity="\(Self.number(opacity))"/>

      """
  }

  mutating func text(
    _ text: String, at point: Point, size: Double, anchor: TextAnchor, color: Color, isTurned: Bool
  ) {
    let (x, y) = (Self.number(point.x), Self.number(point.y))
    let turn = isTurned ? " transform=\"rotate(-90 \(x) \(y))\"" : ""
    body += """
      <text x="\(x)" y="\(y)" font-size="\(Self.number(size))" text-anchor="\(anchor.rawValue)" \
      fill="\(color.hexadecimal)"\(turn)>\(Self.escaped(text))</text>

      """
  }

  func width(of text: String, size: Double) -> Double { Double(text.count) * size * 0.56 }

  /// Two places, no trailing zeros.
  private static func number(_ value: Double) -> String {
    var text = Ticks.fixed(value, places: 2)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text.isEmpty || text == "-" ? "0" : text
  }

  /// Without the characters that XML forbids.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t": result += " "
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": continue
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
