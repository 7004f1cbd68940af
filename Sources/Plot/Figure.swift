// Learning curves as pictures: panels of lines over a common kind of axis, as SVG or PNG.

/// One line. Points should come in the order of x; points that are not finite break the line.
package struct Series: Sendable, Equatable {
  package var name: String
  package var points: [Point]

  package init(name: String, points: [Point]) {
    self.name = name
    self.points = points
  }
}

package struct Point: Sendable, Equatable {
  package var x: Double
  package var y: Double

  package init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }

  var isFinite: Bool { x.isFinite && y.isFinite }
}

/// A frame with axes, a grid, lines and a legend.
package struct Panel: Sendable, Equatable {
  package var title: String
  package var xLabel: String
  package var yLabel: String
  package var series: [Series]

  package init(title: String = "", xLabel: String = "examples", yLabel: String, series: [Series]) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
  }
}

/// Panels one above the other.
package struct Figure: Sendable, Equatable {
  package var title: String
  package var panels: [Panel]
  /// In points; a PNG has `scale` pixels for each.
  package var width: Double
  package var panelHeight: Double

  package init(title: String, panels: [Panel], width: Double = 900, panelHeight: Double = 420) {
    precondition(width >= 200 && panelHeight >= 150)
    self.title = title
    self.panels = panels
    self.width = width
    self.panelHeight = panelHeight
  }

  var height: Double { titleHeight + Double(max(1, panels.count)) * panelHeight }
  private var titleHeight: Double { title.isEmpty ? 0 : 40 }

  /// The picture as an SVG document.
  package func svg() -> String {
    var canvas = SVGCanvas(width: width, height: height)
    draw(on: &canvas)
    return canvas.document
  }

  /// The picture as a PNG file; `scale` is held to what keeps the picture below 64 million pixels.
  package func png(scale: Double = 2) -> [UInt8] {
    let most = (64_000_000 / (width * height)).squareRoot()
    let canvas = PixelCanvas(width: width, height: height, scale: min(max(scale, 0.5), most))
    var drawn = canvas
    draw(on: &drawn)
    return PNG.encode(width: drawn.pixelWidth, height: drawn.pixelHeight, rgb: drawn.rgb)
  }

  private func draw(on canvas: inout some Canvas) {
    if !title.isEmpty {
      canvas.text(title, at: Point(width / 2, 26), size: 18, anchor: .middle, color: .ink)
    }
    for (index, panel) in panels.enumerated() {
      let top = titleHeight + Double(index) * panelHeight
      PanelLayout(panel, top: top, width: width, height: panelHeight).draw(panel, on: &canvas)
    }
  }
}
