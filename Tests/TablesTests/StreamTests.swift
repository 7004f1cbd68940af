import Primitives
import Testing

@testable import Tables

@Suite("Streams of pages")
struct StreamTests {
  private func sample() -> PagedTable {
    var table = PagedTable(
      layout: TableLayout(weights: 2, state: 1, rowsPerPage: 4),
      bounds: TableBounds(maximumRows: 40, admissionCount: 2, admissionCells: 4096))
    for step in 0..<200 as Range<UInt64> {
      table.prepare(now: UInt32(step + 1), room: 1)
      table.set(step % 60, weights: [Float(step), 1], state: [2])
    }
    table.remove(199 % 60)
    return table
  }

  @Test("a stream cut anywhere is an error, and no table")
  func truncated() throws {
    var buffer = PageBuffer()
    try sample().write(to: &buffer, name: "t")
    let bytes = buffer.bytes
    for length in stride(from: 0, to: bytes.count, by: length(bytes.count)) {
      var cut = PageBuffer(bytes: Array(bytes[..<length]))
      #expect(throws: (any Error).self) { try PagedTable(from: &cut, name: "t") }
    }
  }

  private func length(_ count: Int) -> Int { max(1, count / 300) }

  @Test("a flipped bit anywhere is an error, or changes nothing")
  func damaged() throws {
    let table = sample()
    var buffer = PageBuffer()
    try table.write(to: &buffer, name: "t")
    let bytes = buffer.bytes
    var random = SeededRandom(3)
    for place in stride(from: 0, to: bytes.count, by: length(bytes.count)) {
      var broken = bytes
      broken[place] ^= 1 << UInt8(random.below(8))
      var source = PageBuffer(bytes: broken)
      #expect(throws: (any Error).self, "byte \(place)") { try PagedTable(from: &source, name: "t") }
    }
  }

  @Test("changes are refused by a table that they were not made for, which stays as it was")
  func wrongBase() throws {
    let parent = sample()
    var child = parent
    child.prepare(now: 500, room: 1)
    child.set(3, weights: [7, 7])
    var buffer = PageBuffer()
    try child.write(to: &buffer, name: "t", since: parent)
    var other = parent
    other.prepare(now: 600, room: 2)
    other.set(1000, weights: [1, 1])
    other.set(1000, weights: [1, 1])
    let before = other.digest
    var bytes = PageBuffer(bytes: buffer.bytes)
    #expect(throws: PageStreamError.self) { try other.apply(from: &bytes, name: "t") }
    #expect(other.digest == before)
    bytes = PageBuffer(bytes: buffer.bytes)
    #expect(throws: PageStreamError.self) { try PagedTable(from: &bytes, name: "t") }
    bytes = PageBuffer(bytes: buffer.bytes)
    #expect(throws: PageStreamError.unexpectedSection(wanted: "u", found: "t")) {
      try PagedTable(from: &bytes, name: "u")
    }
  }

  @Test("metadata that lies, under right checksums, is refused")
  func lies() throws {
    let table = sample()
    struct Liar: PageSink {
      var buffer = PageBuffer()
      var change: (inout PageSection) -> Void
      var page: (Int) -> Int = { $0 }
      mutating func begin(_ section: PageSection) throws {
        var section = section
        change(&section)
        try buffer.begin(section)
      }
      mutating func write(page number: Int, _ bytes: UnsafeRawBufferPointer) throws {
        try buffer.write(page: page(number), bytes)
      }
      mutating func end() throws { try buffer.end() }
    }
    var refused = 0
    for place in 0..<80 {
      for value: UInt8 in [1, 0xFF] {
        var liar = Liar { section in
          if section.name == "t", place < section.metadata.count { section.metadata[place] = value }
        }
        try table.write(to: &liar, name: "t")
        var source = liar.buffer
        // Either an error or a table that holds together.
        if let read = try? PagedTable(from: &source, name: "t") {
          var rows = 0
          read.forEachRow { _, _, _, _, _ in rows += 1 }
          #expect(rows == read.rowCount)
        } else {
          refused += 1
        }
      }
    }
    #expect(refused > 50)
    var shifted = Liar(change: { _ in }, page: { $0 + 1 })
    try table.write(to: &shifted, name: "t")
    #expect(throws: PageStreamError.self) { try PagedTable(from: &shifted.buffer, name: "t") }
  }

  @Test("changes of one row in a hundred pages are one page, not a hundred")
  func onlyWhatChanged() throws {
    var table = PagedTable(layout: TableLayout(weights: 16, state: 16))
    for key in 0..<8000 as Range<UInt64> { table.set(key, weights: Array(repeating: 1, count: 16)) }
    let parent = table
    for key in stride(from: 0, to: 8000, by: 800) {
      table.set(UInt64(key), weights: Array(repeating: 2, count: 16))
    }
    #expect(table.differingPages(from: parent).count == 10)
    #expect(table.sharedPages(with: parent) == 990)
    var whole = PageBuffer()
    try table.write(to: &whole, name: "t")
    var changes = PageBuffer()
    try table.write(to: &changes, name: "t", since: parent)
    #expect(changes.bytes.count * 80 < whole.bytes.count)
    // A page that was copied but holds the same bytes is no change.
    var touched = table
    touched.set(0, weights: Array(repeating: 2, count: 16))
    #expect(touched.differingPages(from: table) == [])
  }

  @Test("small values travel as sections of their own")
  func values() throws {
    var buffer = PageBuffer()
    try buffer.write(name: "digest", Digest(low: 1, high: 2))
    try buffer.write(name: "bounds", TableBounds(maximumRows: 5))
    let digest: Digest = try buffer.read(name: "digest")
    let bounds: TableBounds = try buffer.read(name: "bounds")
    #expect(digest == Digest(low: 1, high: 2) && bounds == TableBounds(maximumRows: 5))
    #expect(throws: PageStreamError.truncated) { try buffer.read(name: "more", Digest.self) }
  }
}
