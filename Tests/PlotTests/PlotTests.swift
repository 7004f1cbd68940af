import Foundation
import Testing

@testable import Plot

@Suite struct PlotTests {
  private func figure() -> Figure {
    let curve = { (level: Double, rate: Double) in
      (0..<1000).map { Point(Double($0) * 100, level + 0.4 / (1 + Double($0) * rate)) }
    }
    return Figure(
      title: "ratings <&> \"films\"",
      panels: [
        Panel(
          yLabel: "rmse",
          series: [
            Series(name: "total", points: curve(0.93, 0.02)),
            Series(name: "window", points: curve(0.9, 0.05)),
          ]),
        Panel(title: "other", yLabel: "auc", series: [Series(name: "decayed", points: [Point(0, .nan)])]),
      ])
  }

  @Test("the SVG is well-formed XML with both lines, the labels and the legend")
  func svg() throws {
    let svg = figure().svg()
    #expect(try wellFormed(svg))
    #expect(svg.contains("ratings &lt;&amp;&gt; &quot;films&quot;"))
    for text in [">rmse<", ">total<", ">window<", ">examples<", ">no data<", ">1.1<", ">20k<"] {
      #expect(svg.contains(text), "\(text)")
    }
    #expect(svg.contains(Color.lines[1].hexadecimal))
  }

  /// Every tag that opens closes, in order.
  private func wellFormed(_ xml: String) throws -> Bool {
    var open: [Substring] = []
    for part in xml.split(separator: "<").dropFirst(0) {
      let tag = part.prefix { $0 != ">" }
      guard part.contains(">") else { return false }
      if tag.first == "/" {
        guard open.popLast() == tag.dropFirst() else { return false }
      } else if tag.last != "/" {
        open.append(tag.prefix { $0 != " " })
      }
    }
    return open.isEmpty
  }

  @Test("the PNG's chunks are whole, and what it holds unpacks to the picture")
  func png() throws {
    let png = figure().png(scale: 1)
    #expect(Array(png[..<8]) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    func word(_ place: Int) -> UInt32 { png[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }
    var place = 8
    var types: [String] = []
    var data: [UInt8] = []
    while place < png.count {
      let length = Int(word(place))
      let content = Array(png[place + 4..<place + 8 + length])
      types.append(String(decoding: content[..<4], as: UTF8.self))
      if types.last == "IDAT" { data += content[4...] }
      #expect(word(place + 8 + length) == PNG.crc32(content))
      place += 12 + length
    }
    #expect(types == ["IHDR", "IDAT", "IEND"])
    #expect(word(16) == 900 && word(20) == 880)
    let bytes = try inflate(Array(data[2..<data.count - 4]))
    #expect(bytes.count == (900 * 3 + 1) * 880)
    let stored = data.suffix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    #expect(PNG.adler32(bytes) == stored)
    // Undo the filter: the first row is paper, and the first line's colour is somewhere.
    var row = Array(repeating: 0 as UInt8, count: 2700)
    var hasColor = false
    for index in 0..<880 {
      #expect(bytes[index * 2701] == 2)
      for column in 0..<2700 { row[column] &+= bytes[index * 2701 + 1 + column] }
      if index == 0 { #expect(row.allSatisfy { $0 == 255 }) }
      for pixel in 0..<900
      where row[pixel * 3] == 0 && row[pixel * 3 + 1] == 0x72 && row[pixel * 3 + 2] == 0xB2 {
        hasColor = true
      }
    }
    #expect(hasColor)
    #expect(png.count < 60_000)
  }

  /// An independent reader of fixed-code deflate.
  private func inflate(_ data: [UInt8]) throws -> [UInt8] {
    var place = 0
    func bit() -> Int {
      defer { place += 1 }
      return Int(data[place / 8] >> UInt8(place % 8)) & 1
    }
    func bits(_ count: Int) -> Int { (0..<count).reduce(0) { $0 | bit() << $1 } }
    #expect(bits(1) == 1 && bits(2) == 1)
    var output: [UInt8] = []
    while true {
      var code = (0..<7).reduce(0) { value, _ in value << 1 | bit() }
      var symbol = code + 256
      if code > 0b0010111 {
        code = code << 1 | bit()
        if code >= 0x30, code <= 0xBF {
          symbol = code - 0x30
        } else if code >= 0xC0, code <= 0xC7 {
          symbol = code - 0xC0 + 280
        } else {
          symbol = (code << 1 | bit()) - 0x190 + 144
        }
      }
      if symbol == 256 { return output }
      if symbol < 256 {
        output.append(UInt8(symbol))
        continue
      }
      var length = symbol - 254
      if symbol == 285 {
        length = 258
      } else if symbol >= 265 {
        let extra = (symbol - 261) / 4
        length = ((symbol - 265) % 4 + 4) << extra + 3 + bits(extra)
      }
      #expect(bits(5) == 0)
      let last = try #require(output.last)
      output += Array(repeating: last, count: length)
    }
  }

  @Test("runs of every length survive deflate")
  func runs() throws {
    var bytes: [UInt8] = []
    for length in 1...600 { bytes += Array(repeating: UInt8(length & 255), count: length) }
    #expect(try inflate(Deflate.compress(bytes)) == bytes)
    #expect(try inflate(Deflate.compress([])) == [])
  }

  @Test("checksums have their published values")
  func checksums() {
    #expect(PNG.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(PNG.adler32(Array("Wikipedia".utf8)) == 0x11E6_0398)
  }

  @Test("ticks are round numbers inside of the range, and few")
  func ticks() {
    let axis = Ticks(in: 0.9...1.32, most: 6)
    #expect(axis.values.map { axis.label($0) } == ["0.9", "1.0", "1.1", "1.2", "1.3"])
    let large = Ticks(in: 0...100_000, most: 8)
    #expect(large.values.map { large.label($0) } == ["0", "20k", "40k", "60k", "80k", "100k"])
    let negative = Ticks(in: -0.02...0.03, most: 6)
    #expect(negative.values.map { negative.label($0) } == ["-0.02", "-0.01", "0", "0.01", "0.02", "0.03"])
    #expect(Ticks(in: 5...5, most: 5).values == [5])
    #expect(Ticks.fixed(-0.001, places: 2) == "0.00")
    for power in -8...12 {
      let scale = Double(sign: .plus, exponent: power * 3, significand: 1.3)
      let ticks = Ticks(in: -scale...2 * scale, most: 7)
      #expect((2...7).contains(ticks.values.count))
    }
  }

  @Test("nothing, one point, equal points and infinities draw without a trap")
  func odd() {
    let lists: [[Point]] = [
      [], [Point(1, 1)], [Point(1, 1), Point(1, 1)], [Point(0, .infinity), Point(.nan, 0), Point(1, 2)],
      [Point(-1e300, -1e300), Point(1e300, 1e300)], [Point(0, 0), Point(1, 0x1p-1050)],
    ]
    for points in lists {
      let figure = Figure(
        title: "", panels: [Panel(yLabel: "y", series: [Series(name: "é", points: points)])])
      #expect(figure.svg().hasSuffix("</svg>\n"))
      #expect(figure.png(scale: 0.5).count > 100)
    }
    #expect(Figure(title: "t", panels: []).png(scale: 0.5).count > 100)
  }
}
