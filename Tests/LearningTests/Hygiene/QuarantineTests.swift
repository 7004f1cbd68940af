import Configuration
import Primitives
import Testing
import Wire

@testable import Learning

@Suite struct QuarantineTests {
  /// What the list should hold, the plain way.
  private struct Plain {
    var entries: [(offset: UInt64, reason: HygieneReason, owner: UInt64)] = []

    mutating func add(_ offset: UInt64, _ reason: HygieneReason, _ owner: UInt64, _ limit: Int) {
      guard entries.count(where: { $0.owner == owner }) < limit / 4 else { return }
      guard !entries.contains(where: { $0.offset == offset }) else { return }
      entries.append((offset, reason, owner))
      entries.sort { $0.offset < $1.offset }
      if entries.count > limit { entries.removeFirst() }
    }
  }

  @Test(
    "it lists what a plain sorted list of the same bounds holds, whatever the order of offsets",
    arguments: 1...4)
  func model(seed: UInt64) throws {
    func draw(_ below: Int, _ counter: Int) -> Int {
      CounterRandom.index(below: below, seed: seed, counter: UInt64(counter))
    }
    let limit = 3_000
    var (quarantine, plain) = (Quarantine(), Plain())
    for step in 0..<6_000 {
      let offset = UInt64(draw(10, 4 * step) == 0 ? draw(20_000, 4 * step + 1) : 3 * step)
      let reason = HygieneReason.allCases[draw(HygieneReason.allCases.count, 4 * step + 2)]
      // Few enough that no two share a number.
      let owner = UInt64(draw(7, 4 * step + 3))
      if step % 5 == 4 {
        let index = plain.entries.firstIndex { $0.offset == offset }
        #expect(quarantine.contains(offset) == (index != nil))
        #expect(quarantine.remove(offset) == (index != nil))
        if let index { plain.entries.remove(at: index) }
      } else {
        quarantine.add(offset, reason, of: owner, limit: limit)
        plain.add(offset, reason, owner, limit)
      }
    }
    #expect(quarantine.count == plain.entries.count)
    let listed = quarantine.list(after: nil, limit: .max)
    #expect(listed.map(\.offset) == plain.entries.map(\.offset))
    #expect(listed.map(\.reason) == plain.entries.map(\.reason))
    let middle = plain.entries[plain.entries.count / 2].offset
    #expect(
      quarantine.list(after: middle, limit: 700).map(\.offset)
        == Array(plain.entries.map(\.offset).filter { $0 > middle }.prefix(700)))
    var writer = ByteWriter()
    quarantine.encode(to: &writer)
    var reader = ByteReader(writer.bytes)
    let read = try Quarantine(from: &reader)
    #expect(read.list(after: nil, limit: .max) == listed && read.unlisted == quarantine.unlisted)
    var (first, second) = (quarantine, read)
    first.add(100_000, .value, of: 3, limit: limit)
    second.add(100_000, .value, of: 3, limit: limit)
    #expect(first.list(after: nil, limit: .max) == second.list(after: nil, limit: .max))
  }

  @Test("a flood by one user pushes nobody else's events out, and its first ones can be admitted")
  func flood() throws {
    var stream = try LearnedStream("preset: ratings\nlimits: {quarantine: 4000}\n")
    func take(_ user: String, _ value: Double, _ offset: UInt64) throws {
      let event = EventBuilder(
        timeNanos: 1_700_000_000_000_000_000,
        .interaction(type: "rating", user: user, item: "i", value: value))
      try event.encoded().withUnsafeBytes { bytes in
        _ = stream.model.learn(
          try EventView(bytes), timeNanos: 1_700_000_000_000_000_000, offset: offset, in: stream.workspace)
      }
    }
    try take("ann", 9, 1)
    for offset in 2..<20_000 as Range<UInt64> { try take("bot", 5, offset) }
    try take("bob", 9, 20_000)
    let quarantine = stream.model.quarantine
    // A thousand are learned before it is a burst, a thousand are its share.
    #expect(quarantine.count == 1_002 && quarantine.unlisted == 19_998 - 2_000)
    #expect(quarantine.contains(1) && quarantine.contains(1_002) && quarantine.contains(20_000))
    #expect(stream.model.counters.quarantined == 19_000)
  }
}
