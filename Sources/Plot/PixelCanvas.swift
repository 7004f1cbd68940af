// Draws as pixels, with smooth edges.

internal import Glibc

struct PixelCanvas: Canvas {
  let pixelWidth: Int
  let pixelHeight: Int
  private let scale: Double
  /// Rows from the top, three bytes a pixel.
  private(set) var rgb: [UInt8]

  init(width: Double, height: Double, scale: Double) {
    self.scale = scale
    pixelWidth = max(1, Int((width * scale).rounded()))
    pixelHeight = max(1, Int((height * scale).rounded()))
    rgb = Array(repeating: 255, count: pixelWidth * pixelHeight * 3)
  }

  mutating func polyline(_ points: [Point], width: Double, color: Color) {
    guard let first = points.first else { return }
    // The coverage of the whole line is gathered before it is blended, so that joints are not painted twice.
    var coverage = Coverage()
    if points.count == 1 { add(first, first, width: width, to: &coverage) }
    for (from, to) in zip(points, points.dropFirst()) { add(from, to, width: width, to: &coverage) }
    for (index, alpha) in coverage.alphas { blend(index, color, alpha) }
  }

  mutating func rectangle(from: Point, to: Point, fill: Color, opacity: Double) {
    let rows =
      max(0, Int((from.y * scale).rounded()))..<max(0, min(pixelHeight, Int((to.y * scale).rounded())))
    let columns =
      max(0, Int((from.x * scale).rounded()))..<max(0, min(pixelWidth, Int((to.x * scale).rounded())))
    for row in rows {
      for column in columns { blend(row * pixelWidth + column, fill, Float(opacity)) }
    }
  }

  mutating func text(
    _ text: String, at point: Point, size: Double, anchor: TextAnchor, color: Color, isTurned: Bool
  ) {
    let unit = size / StrokeFont.unitsPerSize
    let total = width(of: text, size: size)
    var x = anchor == .start ? 0 : anchor == .middle ? -total / 2 : -total
    for character in text {
      let glyph = StrokeFont.glyph(character)
      for stroke in glyph.strokes {
        let line = stroke.map { place in
          let (right, up) = (x + place.x * unit, place.y * unit)
          return isTurned ? Point(point.x - up, point.y - right) : Point(point.x + right, point.y - up)
        }
        polyline(line, width: size / 11, color: color)
      }
      x += glyph.advance * unit
    }
  }

  func width(of text: String, size: Double) -> Double {
    text.reduce(0) { $0 + StrokeFont.glyph($1).advance } * size / StrokeFont.unitsPerSize
  }

  private struct Coverage {
    /// By pixel. The order in which pixels are blended does not matter: each is blended once.
    var alphas: [Int: Float] = [:]
  }

  /// Covers what lies within half a width of the segment, fading over one pixel.
  private func add(_ from: Point, _ to: Point, width: Double, to coverage: inout Coverage) {
    let (ax, ay) = (from.x * scale, from.y * scale)
    let (dx, dy) = (to.x * scale - ax, to.y * scale - ay)
    let length = dx * dx + dy * dy
    let reach = max(width * scale, 1) / 2 + 0.5
    guard ax.isFinite, ay.isFinite, dx.isFinite, dy.isFinite else { return }
    let rows = clamped(min(ay, ay + dy) - reach, max(ay, ay + dy) + reach, pixelHeight)
    for row in rows {
      let y = Double(row) + 0.5
      // Only the columns that the segment can reach in this row.
      var (low, high) = (min(ax, ax + dx), max(ax, ax + dx))
      if abs(dy) > 1e-9 {
        let first = min(max((y - reach - 1 - ay) / dy, 0), 1)
        let second = min(max((y + reach + 1 - ay) / dy, 0), 1)
        low = ax + dx * (dx >= 0 ? min(first, second) : max(first, second))
        high = ax + dx * (dx >= 0 ? max(first, second) : min(first, second))
      }
      for column in clamped(low - reach - 1, high + reach + 1, pixelWidth) {
        let (px, py) = (Double(column) + 0.5 - ax, y - ay)
        let along = length > 0 ? min(max((px * dx + py * dy) / length, 0), 1) : 0
        let (ex, ey) = (px - along * dx, py - along * dy)
        let alpha = Float(min(max(reach - (ex * ex + ey * ey).squareRoot(), 0), 1))
        guard alpha > 0 else { continue }
        let index = row * pixelWidth + column
        coverage.alphas[index] = max(coverage.alphas[index] ?? 0, alpha)
      }
    }
  }

  private func clamped(_ low: Double, _ high: Double, _ limit: Int) -> Range<Int> {
    let first = Int(min(max(low, 0), Double(limit)).rounded(.down))
    let last = Int(min(max(high, 0), Double(limit)).rounded(.up))
    return first..<max(first, min(last, limit))
  }

  private mutating func blend(_ index: Int, _ color: Color, _ alpha: Float) {
    let parts = [color.red, color.green, color.blue]
    for part in 0..<3 {
      let old = Float(rgb[index * 3 + part])
      rgb[index * 3 + part] = UInt8((old + (Float(parts[part]) - old) * alpha).rounded())
    }
  }
}
