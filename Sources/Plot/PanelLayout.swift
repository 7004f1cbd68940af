// Where things stand in a panel, and the drawing of it.
//
//   ┌──────────────────────────────────────┐
//   │              title                   │
//   │ y   ┌───────────────────────────┐    │
//   │ label│ grid, lines, legend       │    │
//   │     └───────────────────────────┘    │
//   │         ticks, x label               │
//   └──────────────────────────────────────┘

struct PanelLayout {
  private let left: Double
  private let right: Double
  private let top: Double
  private let bottom: Double
  private let panelTop: Double
  private let width: Double
  private let height: Double
  private let xRange: ClosedRange<Double>
  private let yRange: ClosedRange<Double>
  private let hasData: Bool

  init(_ panel: Panel, top panelTop: Double, width: Double, height: Double) {
    self.panelTop = panelTop
    self.width = width
    self.height = height
    left = 84
    right = width - 28
    top = panelTop + (panel.title.isEmpty ? 18 : 40)
    bottom = panelTop + height - 58
    let points = panel.series.flatMap { $0.points.filter(\.isFinite) }
    hasData = !points.isEmpty
    xRange = Self.range(points.map(\.x), padding: 0)
    yRange = Self.range(points.map(\.y), padding: 0.05)
  }

  /// From the smallest to the largest value, never empty.
  private static func range(_ values: [Double], padding: Double) -> ClosedRange<Double> {
    guard let low = values.min(), let high = values.max() else { return 0...1 }
    let span = high - low
    guard span > 0, span.isFinite else {
      let room = max(abs(low) * 0.1, 1e-9)
      return max(low - room, -1e300)...min(low + room, 1e300)
    }
    return low - span * padding...high + span * padding
  }

  private func place(_ point: Point) -> Point {
    let x = (point.x - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
    let y = (point.y - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
    return Point(left + x * (right - left), bottom - y * (bottom - top))
  }

  func draw(_ panel: Panel, on canvas: inout some Canvas) {
    drawAxes(panel, on: &canvas)
    guard hasData else {
      canvas.text(
        "no data", at: Point((left + right) / 2, (top + bottom) / 2), size: 14, anchor: .middle, color: .soft)
      return
    }
    for (index, series) in panel.series.enumerated() {
      let color = Color.lines[index % Color.lines.count]
      for run in runs(series.points) { canvas.polyline(run, width: 1.8, color: color) }
    }
    drawLegend(panel, on: &canvas)
  }

  private func drawAxes(_ panel: Panel, on canvas: inout some Canvas) {
    let yTicks = Ticks(in: yRange, most: max(3, Int((bottom - top) / 42)))
    for value in yTicks.values {
      let y = place(Point(xRange.lowerBound, value)).y
      canvas.line(Point(left, y), Point(right, y), width: 1, color: .grid)
      canvas.text(yTicks.label(value), at: Point(left - 8, y + 4), size: 12, anchor: .end, color: .soft)
    }
    let xTicks = Ticks(in: xRange, most: max(3, Int((right - left) / 90)))
    for value in xTicks.values {
      let x = place(Point(value, yRange.lowerBound)).x
      canvas.line(Point(x, top), Point(x, bottom), width: 1, color: .grid)
      canvas.line(Point(x, bottom), Point(x, bottom + 4), width: 1, color: .soft)
      canvas.text(xTicks.label(value), at: Point(x, bottom + 19), size: 12, anchor: .middle, color: .soft)
    }
    canvas.line(Point(left, top), Point(left, bottom), width: 1, color: .soft)
    canvas.line(Point(left, bottom), Point(right, bottom), width: 1, color: .soft)
    canvas.text(
      panel.xLabel, at: Point((left + right) / 2, bottom + 42), size: 13, anchor: .middle, color: .ink)
    canvas.text(
      panel.yLabel, at: Point(22, (top + bottom) / 2), size: 13, anchor: .middle, color: .ink, isTurned: true)
    if !panel.title.isEmpty {
      canvas.text(
        panel.title, at: Point((left + right) / 2, panelTop + 26), size: 15, anchor: .middle, color: .ink)
    }
  }

  /// The line in pieces between points that are not finite, thinned to what a picture can show: of the points that fall
  /// on half a point of width the first, the lowest, the highest and the last.
  private func runs(_ points: [Point]) -> [[Point]] {
    var runs: [[Point]] = []
    for piece in points.split(whereSeparator: { !$0.isFinite }) {
      var run: [Point] = []
      var column: [Point] = []
      func flush() {
        guard let first = column.first, let last = column.last else { return }
        let low = column.indices.min { column[$0].y < column[$1].y } ?? 0
        let high = column.indices.max { column[$0].y < column[$1].y } ?? 0
        run.append(first)
        for index in [min(low, high), max(low, high)] where index > 0 && index < column.count - 1 {
          run.append(column[index])
        }
        if column.count > 1 { run.append(last) }
        column.removeAll(keepingCapacity: true)
      }
      for point in piece {
        let placed = place(point)
        if let first = column.first, (first.x * 2).rounded(.down) != (placed.x * 2).rounded(.down) { flush() }
        column.append(placed)
      }
      flush()
      runs.append(run)
    }
    return runs
  }

  /// In the corner of the frame through which the fewest points go.
  private func drawLegend(_ panel: Panel, on canvas: inout some Canvas) {
    let named = panel.series.filter { !$0.name.isEmpty }
    guard !named.isEmpty else { return }
    let textWidth = named.map { canvas.width(of: $0.name, size: 12) }.max() ?? 0
    let (boxWidth, boxHeight) = (textWidth + 46, Double(named.count) * 18 + 10)
    let corners = [
      Point(right - boxWidth - 8, top + 8), Point(right - boxWidth - 8, bottom - boxHeight - 8),
      Point(left + 8, top + 8), Point(left + 8, bottom - boxHeight - 8),
    ]
    let placed = panel.series.flatMap { $0.points.filter(\.isFinite).map(place) }
    let crowds = corners.map { corner in
      placed.count {
        $0.x > corner.x && $0.x < corner.x + boxWidth && $0.y > corner.y && $0.y < corner.y + boxHeight
      }
    }
    let best = crowds.indices.min { crowds[$0] < crowds[$1] } ?? 0
    let corner = corners[best]
    canvas.rectangle(
      from: corner, to: Point(corner.x + boxWidth, corner.y + boxHeight), fill: .paper, opacity: 0.85)
    var row = 0.0
    for (index, series) in panel.series.enumerated() where !series.name.isEmpty {
      let y = corner.y + 14 + row * 18
      canvas.line(
        Point(corner.x + 8, y), Point(corner.x + 32, y), width: 2.4,
        color: Color.lines[index % Color.lines.count])
      canvas.text(series.name, at: Point(corner.x + 39, y + 4), size: 12, anchor: .start, color: .ink)
      row += 1
    }
  }
}
