// Tables that are read beside a relative in memory: the same value as read alone, in the relative's pages.

import Primitives
import Testing

@testable import Tables

@Suite("Tables beside a relative")
struct RelativeTests {
  private static let layout = TableLayout(weights: 3, state: 2, rowsPerPage: 8)

  private func grown(_ keys: Range<UInt64>) -> PagedTable {
    var table = PagedTable(layout: Self.layout)
    for key in keys {
      table.prepare(now: UInt32(key + 1))
      table.set(key, weights: [Float(key), 1, 2], state: [Float(key), 3])
    }
    return table
  }

  private func stream(_ table: PagedTable) throws -> [UInt8] {
    var buffer = PageBuffer()
    try table.write(to: &buffer, name: "t")
    return buffer.bytes
  }

  private func read(_ bytes: [UInt8], beside relative: PagedTable?) throws -> PagedTable {
    var relatives = PageRelatives()
    try relative?.write(to: &relatives, name: "t")
    var source = PageLayers([reader(bytes)], beside: relatives)
    return try PagedTable(from: &source, name: "t")
  }

  private func reader(_ bytes: [UInt8]) -> PageStreamReader {
    var rest = bytes[...]
    return PageStreamReader { target in
      let count = min(target.count, rest.count)
      target.copyBytes(from: rest.prefix(count))
      rest = rest.dropFirst(count)
      return count
    }
  }

  /// Every key of either is found where it is, and nowhere else.
  private func expectSame(_ table: PagedTable, _ original: PagedTable, keys: Range<UInt64>) {
    #expect(table.rowCount == original.rowCount)
    for key in keys
    where table.find(key) != original.find(key) || table.weights(of: key) != original.weights(of: key) {
      Issue.record("key \(key)")
    }
    let many = Array(keys)
    let found = table.withReader { reader in
      var rows = [UnsafePointer<Float>?](repeating: nil, count: many.count)
      many.withUnsafeBufferPointer { keys in
        rows.withUnsafeMutableBufferPointer { reader.find(keys, into: $0.baseAddress!) }
      }
      return rows.map { $0.map { $0[0] } }
    }
    #expect(found == many.map { original.weights(of: $0)?[0] })
  }

  @Test("what hardly differs costs what it differs by, index and all, and is the same value")
  func sharing() throws {
    let relative = grown(0..<20_000)
    var other = relative
    for key in 100..<300 as Range<UInt64> { other.set(key, weights: [7, 7, 7], state: [7, 7]) }
    for key in 20_000..<20_150 as Range<UInt64> { other.set(key, weights: [8, 8, 8], state: [8, 8]) }
    for key in 400..<420 as Range<UInt64> { other.remove(key) }
    let bytes = try stream(other)
    let alone = try read(bytes, beside: nil)
    let loaded = try read(bytes, beside: relative)
    #expect(loaded.digest == other.digest && alone.digest == other.digest)
    #expect(loaded.sharedPages(with: relative) > loaded.pageCount * 95 / 100)
    #expect(loaded.memory.liveBytes * 12 < alone.memory.liveBytes)
    expectSame(loaded, other, keys: 0..<21_000)
    // Without the optimizers' state, as revisions are, the weights are shared still.
    let plain = try read(bytes, beside: relative.weightsOnly())
    #expect(plain.digest == other.digest)
    #expect(plain.sharedPages(with: relative) == loaded.sharedPages(with: relative))
  }

  @Test(
    "a table that shares is written like any other, and its relative does not feel it, nor live for it in vain"
  )
  func writing() throws {
    var relative: PagedTable? = grown(0..<4_000)
    let before = relative!.digest
    var other = relative!
    other.set(17, weights: [9, 9, 9], state: [9, 9])
    other.set(9_000, weights: [9, 9, 9], state: [9, 9])
    var loaded = try read(stream(other), beside: relative)
    let kept = loaded
    var twin = other
    for key in stride(from: 0, to: 6_000, by: 3) {
      for table in [0, 1] {
        func change(_ table: inout PagedTable) {
          table.prepare(now: UInt32(10_000 + key))
          table.set(UInt64(key), weights: [Float(key), 0, 0], state: [1, 1])
          table.remove(UInt64(key + 1))
        }
        if table == 0 { change(&loaded) } else { change(&twin) }
      }
    }
    #expect(loaded.digest == twin.digest)
    expectSame(loaded, twin, keys: 0..<9_500)
    #expect(kept.digest == other.digest && relative!.digest == before)
    expectSame(kept, other, keys: 0..<9_500)
    relative!.set(3, weights: [0, 0, 0])
    relative = nil
    expectSame(kept, other, keys: 0..<9_500)
  }

  @Test("what differs much gets pages and an index of its own")
  func differing() throws {
    let relative = grown(0..<2_000)
    let other = grown(1_000..<4_000)
    let loaded = try read(stream(other), beside: relative)
    #expect(loaded.digest == other.digest && loaded.sharedPages(with: relative) == 0)
    expectSame(loaded, other, keys: 0..<5_000)
  }

  @Test(
    "of a long line, each loaded beside the one before, every one is the same as alone", arguments: [1, 2, 3])
  func line(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    var table = grown(0..<3_000)
    var line: [(bytes: [UInt8], digest: Digest, copy: PagedTable)] = []
    for step in 0..<40 {
      table.prepare(now: UInt32(5_000 + step))
      for _ in 0..<10 {
        let key = UInt64(random.below(3_300))
        if random.below(4) == 0 {
          table.remove(key)
        } else {
          table.set(key, weights: [Float(step), 1, 2], state: [0, 0])
        }
      }
      line.append((try stream(table), table.digest, table))
    }
    var present: [PagedTable] = [try read(line[39].bytes, beside: nil)]
    for _ in 0..<40 {
      let place = random.below(40)
      let loaded = try read(line[place].bytes, beside: present[random.below(present.count)])
      #expect(loaded.digest == line[place].digest)
      expectSame(loaded, line[place].copy, keys: 0..<3_400)
      present.append(loaded)
      if present.count > 4 { present.remove(at: random.below(4)) }
    }
  }

  @Test("a key with two rows is refused beside a relative, too")
  func strays() throws {
    let relative = grown(0..<1_000)
    struct Forger: PageSink {
      var buffer = PageBuffer()
      var isHere = false
      mutating func begin(_ section: PageSection) throws {
        isHere = section.name == "t"
        try buffer.begin(section)
      }
      mutating func write(page: Int, _ bytes: UnsafeRawBufferPointer) throws {
        var copy = Array(bytes)
        // The second page's first row gets the key of a row of the first.
        if isHere, page == 1 { copy.withUnsafeMutableBytes { $0.storeBytes(of: 3, as: UInt64.self) } }
        try copy.withUnsafeBytes { try buffer.write(page: page, $0) }
      }
      mutating func end() throws { try buffer.end() }
    }
    var forger = Forger()
    try relative.write(to: &forger, name: "t")
    #expect(throws: PageStreamError.self) { try read(forger.buffer.bytes, beside: relative) }
  }
}
