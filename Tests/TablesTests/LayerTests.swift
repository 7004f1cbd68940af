import Primitives
import Testing

@testable import Tables

@Suite("Chains of changes")
struct LayerTests {
  /// All that a version holds of these kinds, one after the other.
  private struct Parts: Equatable {
    var rows = PagedTable(
      layout: TableLayout(weights: 2, state: 1, rowsPerPage: 4), bounds: TableBounds(maximumRows: 60))
    var names = InternTable()
    var slots = PagedArray<UInt64>(repeating: 0, count: 700, pageBytes: 64)

    init() {}

    func write(to sink: inout PageBuffer, since parent: Parts?) throws {
      guard let parent else {
        try rows.write(to: &sink, name: "rows")
        try names.write(to: &sink, name: "names")
        return try slots.write(to: &sink, name: "slots")
      }
      try rows.write(to: &sink, name: "rows", since: parent.rows)
      try names.write(to: &sink, name: "names", since: parent.names)
      try slots.write(to: &sink, name: "slots", since: parent.slots)
    }

    init<Source: PageSource>(from source: inout Source) throws {
      rows = try PagedTable(from: &source, name: "rows")
      names = try InternTable(from: &source, name: "names")
      slots = try PagedArray(from: &source, name: "slots", repeating: 0, pageBytes: 64)
    }

    mutating func change(_ random: inout SeededRandom, now: UInt32) {
      for _ in 0..<random.below(20) {
        rows.prepare(now: now, room: 1)
        rows.set(UInt64(random.below(90)), weights: [Float(now), 1], state: [2])
      }
      if random.below(4) == 0 { rows.remove(UInt64(random.below(90))) }
      for _ in 0..<random.below(4) {
        // Of all lengths: classes of slots come that the parent had not.
        _ = names.intern(String(repeating: "n", count: 1 + random.below(200)) + "\(random.below(50))")
        if random.below(3) == 0 { names.remove(UInt32(random.below(20))) }
      }
      for _ in 0..<random.below(5) { slots[random.below(700)] = UInt64(random.below(3)) }
    }
  }

  private func chain(_ seed: UInt64, length: Int) throws -> (states: [Parts], files: [[UInt8]]) {
    var random = SeededRandom(seed)
    var parts = Parts()
    var (states, files): ([Parts], [[UInt8]]) = ([], [])
    for place in 0..<length {
      parts.change(&random, now: UInt32(place + 1))
      var buffer = PageBuffer()
      try parts.write(to: &buffer, since: states.last)
      states.append(parts)
      files.append(buffer.bytes)
    }
    return (states, files)
  }

  @Test(
    "a chain read as one is what was written last, wherever it is cut off", arguments: 0..<40 as Range<UInt64>
  )
  func equal(seed: UInt64) throws {
    let (states, files) = try chain(seed, length: 6)
    for last in states.indices {
      var layers = PageLayers(files[...last].reversed().map { PageStreamReader(bytes: $0) })
      #expect(try Parts(from: &layers) == states[last])
    }
  }

  @Test("a damaged or cut stream of a chain is named, and so is a chain without a beginning")
  func damage() throws {
    let (_, files) = try chain(7, length: 4)
    var random = SeededRandom(5)
    for place in files.indices {
      for turn in 0..<30 {
        var broken = files
        let byte = random.below(files[place].count)
        if turn % 2 == 0 {
          broken[place][byte] ^= 1 << UInt8(random.below(8))
        } else {
          broken[place].removeLast(files[place].count - byte)
        }
        var layers = PageLayers(broken.reversed().map { PageStreamReader(bytes: $0) })
        #expect(throws: (any Error).self, "file \(place), byte \(byte)") { try Parts(from: &layers) }
      }
    }
    var cut = files
    cut[1].removeLast(3)
    var layers = PageLayers(cut.reversed().map { PageStreamReader(bytes: $0) })
    let error = #expect(throws: PageLayerError.self) { try Parts(from: &layers) }
    #expect(error?.layer == 2)
    layers = PageLayers(files.dropFirst().reversed().map { PageStreamReader(bytes: $0) })
    #expect(throws: (any Error).self) { try Parts(from: &layers) }
  }

  @Test("pages that nobody touched are not written")
  func zeroes() throws {
    var array = PagedArray<UInt64>(repeating: 0, count: 1 << 16, pageBytes: 256)
    for place in [40, 9_000, 65_535] { array[place] = 7 }
    var buffer = PageBuffer()
    try array.write(to: &buffer, name: "a")
    #expect(buffer.bytes.count < 3 * 300 + 200)
    #expect(try PagedArray<UInt64>(from: &buffer, name: "a", repeating: 0, pageBytes: 256) == array)
    // What became zero is a change like any other.
    var later = array
    later[9_000] = 0
    var changes = PageBuffer()
    try later.write(to: &changes, name: "a", since: array)
    try array.apply(from: &changes, name: "a")
    #expect(array == later)
  }
}
