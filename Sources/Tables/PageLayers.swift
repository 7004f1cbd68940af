// A chain of streams (all pages, then changes, then changes of that) read as one stream of all pages, so that what
// is loaded is laid once, however long the chain.
//
//   changes  ┌ 3' ┬ 7'      ┐
//   changes  ┌ 2' ┬ 3'' ┬ 8 ┐    ─▶   0  1  2'  3'  4  5  6  7'  8
//   whole    ┌ 0 ┬ 1 ┬ … ┬ 7 ┐
//
// Each stream is read from its beginning to its end, page numbers in step; of a page that several hold, the newest
// counts.

/// What is wrong with one of the streams.
package struct PageLayerError: Error, CustomStringConvertible {
  /// 0: the newest.
  package var layer: Int
  package var cause: any Error

  package var description: String { "\(cause)" }
}

package struct PageLayers: PageSource {
  private struct Layer {
    var reader: PageStreamReader
    /// Its header was read, its pages were not.
    var waiting: PageSection?
    /// The next page of the section that is being read; nil: it has no more.
    var next: Int?
  }

  private var layers: [Layer]
  private var section = PageSection(name: "")
  private var unwanted: [UInt8] = []
  package let relatives: PageRelatives?

  /// - Parameters:
  ///   - streams: newest first; the last holds all pages.
  ///   - relatives: in memory, to share pages with what is read.
  package init(_ streams: [PageStreamReader], beside relatives: PageRelatives? = nil) {
    layers = streams.map { Layer(reader: $0) }
    self.relatives = relatives
  }

  package mutating func begin() throws -> PageSection {
    section = try inLayer(0) { try $0.reader.begin() }
    try inLayer(0) { $0.next = try $0.reader.nextPage() }
    var isWhole = section.base == nil
    for place in layers.indices.dropFirst() {
      // What a newer stream holds whole may not have been there before.
      guard try find(section.name, in: place, mustBeThere: !isWhole) else { continue }
      let older = layers[place].waiting
      layers[place].waiting = nil
      guard older?.pageBytes == section.pageBytes else {
        throw PageLayerError(
          layer: place,
          cause: PageStreamError.malformed(
            section: section.name, what: "pages of another size than in its child"))
      }
      if isWhole {
        try skip(in: place, pageBytes: section.pageBytes)
      } else {
        try inLayer(place) { $0.next = try $0.reader.nextPage() }
        isWhole = older?.base == nil
      }
    }
    guard isWhole else {
      throw PageStreamError.malformed(section: section.name, what: "the chain of changes has no beginning")
    }
    section.base = nil
    return section
  }

  package mutating func read(into target: UnsafeMutableRawBufferPointer) throws -> Int? {
    while let number = layers.lazy.compactMap(\.next).min() {
      var isTaken = number >= section.pageCount
      for place in layers.indices where layers[place].next == number {
        if isTaken {
          try discard(number, in: place, pageBytes: section.pageBytes)
        } else {
          try inLayer(place) { try $0.reader.readPage(number, into: target) }
        }
        isTaken = true
        try inLayer(place) { $0.next = try $0.reader.nextPage() }
      }
      if number < section.pageCount { return number }
    }
    return nil
  }

  /// Goes on to the section of this name. Sections before it, which the newer streams do not have any more, are passed
  /// over if it has to come.
  private mutating func find(_ name: String, in place: Int, mustBeThere: Bool) throws -> Bool {
    while true {
      if layers[place].waiting == nil {
        do {
          layers[place].waiting = try layers[place].reader.begin()
        } catch PageStreamError.truncated where !mustBeThere {
          return false
        } catch {
          throw PageLayerError(layer: place, cause: error)
        }
      }
      guard let found = layers[place].waiting, found.name != name else { return true }
      guard mustBeThere else { return false }
      layers[place].waiting = nil
      try skip(in: place, pageBytes: found.pageBytes)
    }
  }

  private mutating func skip(in place: Int, pageBytes: Int) throws {
    while let number = try inLayer(place, { try $0.reader.nextPage() }) {
      try discard(number, in: place, pageBytes: pageBytes)
    }
  }

  /// Reads a page for its checksum's sake.
  private mutating func discard(_ number: Int, in place: Int, pageBytes: Int) throws {
    if unwanted.count < pageBytes { unwanted = [UInt8](repeating: 0, count: pageBytes) }
    var buffer = unwanted
    unwanted = []
    defer { unwanted = buffer }
    try buffer.withUnsafeMutableBytes { bytes in
      let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<pageBytes])
      try inLayer(place) { try $0.reader.readPage(number, into: target) }
    }
  }

  private mutating func inLayer<Result>(_ place: Int, _ body: (inout Layer) throws -> Result) throws -> Result
  {
    do {
      return try body(&layers[place])
    } catch {
      throw PageLayerError(layer: place, cause: error)
    }
  }
}
