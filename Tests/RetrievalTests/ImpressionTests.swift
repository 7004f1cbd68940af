// What was shown and what came of it, whatever the order in which either arrives.

import Primitives
import Retrieval
import Tables
import Testing

@Suite("Impressions")
struct ImpressionTests {
  private func remember(
    _ join: inout ImpressionJoin, _ request: UInt64, _ item: UInt64, shared: [UInt8] = [], _ bytes: [UInt8],
    _ nanos: Int64
  ) -> Bool {
    shared.withUnsafeBytes { shared in
      bytes.withUnsafeBytes {
        join.remember(request: request, item: item, shared: shared, features: $0, nanos: nanos)
      }
    }
  }

  @Test("what the items of an answer have in common is kept once, until the last of them goes")
  func sharing() throws {
    func filled(_ isShared: Bool) -> ImpressionJoin {
      var join = ImpressionJoin(capacity: 10_000, waitNanos: 1_000)
      for request in 0..<100 as Range<UInt64> {
        let shared = [UInt8](repeating: UInt8(request), count: 1_500)
        for item in 0..<50 as Range<UInt64> {
          let own = [UInt8](repeating: UInt8(item), count: 200)
          _ = remember(&join, request, item, shared: isShared ? shared : [], isShared ? own : shared + own, 0)
        }
      }
      return join
    }
    var (join, apart) = (filled(true), filled(false))
    #expect(join.bytes * 4 < apart.bytes)
    #expect(
      join.join(request: 7, item: 49, nanos: 1)
        == .served(
          ServedBytes(shared: [UInt8](repeating: 7, count: 1_500), own: [UInt8](repeating: 49, count: 200))))
    #expect(
      join.expire(nanos: 1_000).allSatisfy {
        $0.features.shared == [UInt8](repeating: UInt8($0.request), count: 1_500)
      })
    #expect(join.expire(nanos: 2_000).isEmpty)
    #expect(join.count == 0)
    // All is free again: as much fits in as before, in the same memory.
    let bytes = join.bytes
    for request in 0..<100 as Range<UInt64> {
      for item in 0..<50 as Range<UInt64> {
        _ = remember(
          &join, request, item, shared: [UInt8](repeating: 1, count: 1_500),
          [UInt8](repeating: 2, count: 200),
          2_000)
      }
    }
    #expect(join.bytes == bytes)
  }

  @Test("large features of lengths that keep changing stay within the bound of bytes")
  func bytes() {
    var join = ImpressionJoin(capacity: 200, waitNanos: 1_000_000)
    for number in 0..<20_000 {
      let length = (number / 2_000 * 977 + number * 131) % (ImpressionJoin.longestFeatures + 1)
      let shared = [UInt8](repeating: 1, count: number / 3_000 % 2 == 0 ? length : 64)
      _ = remember(
        &join, UInt64(number / 4), UInt64(number), shared: shared, [UInt8](repeating: 2, count: length),
        Int64(number))
      if number % 1_000 == 0 { _ = join.join(request: UInt64(number / 4), item: UInt64(number), nanos: 0) }
    }
    #expect(join.bytes <= join.bytesBound)
    #expect(join.bytesBound < 200 * 2_200 + 200 * 100 + 70_000)
    #expect(join.counters.dropped > 19_000)
    // The newest is there, whatever its length.
    #expect(join.count > 10)
  }

  @Test("a click finds the features as they were served, once")
  func click() {
    var join = ImpressionJoin(capacity: 100, waitNanos: 1_000)
    #expect(remember(&join, 1, 10, [1, 2, 3], 0))
    #expect(remember(&join, 1, 11, [], 0))
    #expect(!remember(&join, 1, 10, [9], 5))
    #expect(join.join(request: 1, item: 10, nanos: 500) == .served(ServedBytes(own: [1, 2, 3])))
    #expect(join.join(request: 1, item: 10, nanos: 501) == .again)
    #expect(join.join(request: 1, item: 12, nanos: 501) == .unknown)
    #expect(join.join(request: 2, item: 10, nanos: 501) == .unknown)
    let negatives = join.expire(nanos: 1_000)
    #expect(negatives.map(\.item) == [11])
  }

  @Test("a late click corrects the negative, and an old one is forgotten")
  func late() {
    var join = ImpressionJoin(capacity: 100, waitNanos: 1_000, lateNanos: 2_000)
    _ = remember(&join, 1, 10, [7], 0)
    #expect(join.expire(nanos: 999).isEmpty)
    #expect(join.expire(nanos: 1_000).map(\.features) == [ServedBytes(own: [7])])
    #expect(join.expire(nanos: 1_500).isEmpty)
    #expect(join.join(request: 1, item: 10, nanos: 1_600) == .late(ServedBytes(own: [7])))
    #expect(join.join(request: 1, item: 10, nanos: 1_700) == .again)
    #expect(join.expire(nanos: 3_000).isEmpty)
    #expect(join.count == 0)
    #expect(join.join(request: 1, item: 10, nanos: 3_001) == .unknown)
  }

  @Test("events out of order: time never goes back, and nothing waits longer than from its arrival")
  func reordering() {
    var join = ImpressionJoin(capacity: 100, waitNanos: 100)
    _ = remember(&join, 1, 1, [], 1_000)
    _ = remember(&join, 2, 2, [], 500)
    #expect(join.expire(nanos: 700).isEmpty)
    #expect(join.expire(nanos: 1_100).map(\.item) == [1, 2])
    #expect(join.join(request: 3, item: 3, nanos: 0) == .unknown)
  }

  @Test("a flood stays within the capacity; the oldest go, and are counted")
  func flood() {
    var join = ImpressionJoin(capacity: 50, waitNanos: 1_000_000)
    for number in 0..<5_000 {
      _ = remember(&join, UInt64(number), 1, [UInt8](repeating: 1, count: number % 300), Int64(number))
    }
    #expect(join.count == 50)
    #expect(join.counters.dropped == 4_950)
    #expect(join.bytes <= join.bytesBound)
    #expect(join.join(request: 4_949, item: 1, nanos: 5_000) == .unknown)
    #expect(
      join.join(request: 4_999, item: 1, nanos: 5_000)
        == .served(ServedBytes(own: [UInt8](repeating: 1, count: 199))))
    #expect(!remember(&join, 9, 9, [UInt8](repeating: 0, count: ImpressionJoin.longestFeatures + 1), 5_000))
    var none = ImpressionJoin(capacity: 0, waitNanos: 1)
    #expect(!remember(&none, 1, 1, [], 0))
  }

  /// The same, with plain arrays.
  private struct Plain {
    struct Entry {
      var request: UInt64
      var item: UInt64
      var nanos: Int64
      var bytes: [UInt8]
      var shared: [UInt8] = []
      var isExpired = false
      var isClicked = false
    }
    let capacity: Int
    let wait: Int64
    var entries: [Entry] = []
    var now = Int64.min

    mutating func remember(
      _ request: UInt64, _ item: UInt64, _ shared: [UInt8], _ bytes: [UInt8], _ nanos: Int64
    ) {
      now = max(now, nanos)
      guard !entries.contains(where: { $0.request == request && $0.item == item }) else { return }
      add(Entry(request: request, item: item, nanos: now, bytes: bytes, shared: shared))
    }

    private mutating func add(_ entry: Entry) {
      if entries.count == capacity {
        entries.remove(at: entries.firstIndex { $0.isExpired } ?? 0)
      }
      entries.append(entry)
    }

    mutating func join(
      _ request: UInt64, _ item: UInt64, _ nanos: Int64, isExpected: Bool
    ) -> JoinOutcome {
      now = max(now, nanos)
      guard let index = entries.firstIndex(where: { $0.request == request && $0.item == item }) else {
        if isExpected { add(Entry(request: request, item: item, nanos: now, bytes: [], isClicked: true)) }
        return .unknown
      }
      if entries[index].isClicked { return .again }
      entries[index].isClicked = true
      let bytes = ServedBytes(shared: entries[index].shared, own: entries[index].bytes)
      return entries[index].isExpired ? .late(bytes) : .served(bytes)
    }

    mutating func expire(_ nanos: Int64) -> [UInt64] {
      now = max(now, nanos)
      var negatives: [UInt64] = []
      for index in entries.indices where !entries[index].isExpired && entries[index].nanos + wait <= now {
        entries[index].isExpired = true
        if !entries[index].isClicked { negatives.append(entries[index].item) }
      }
      entries.removeAll { $0.isExpired && $0.nanos + 2 * wait <= now }
      return negatives
    }
  }

  @Test("random operations with restarts equal plain arrays", arguments: [UInt64(1), 2, 3])
  func model(seed: UInt64) throws {
    var join = ImpressionJoin(capacity: 30, waitNanos: 50)
    var plain = Plain(capacity: 30, wait: 50)
    func random(_ bound: Int, _ counter: Int) -> Int {
      CounterRandom.index(below: bound, seed: seed, counter: UInt64(counter))
    }
    for step in 0..<3_000 {
      let (request, item) = (UInt64(random(25, step * 8)), UInt64(random(3, step * 8 + 1)))
      let nanos = Int64(step + random(40, step * 8 + 2) - 20)
      switch random(6, step * 8 + 3) {
      case 0, 1, 2:
        let bytes = [UInt8](repeating: UInt8(step & 255), count: random(200, step * 8 + 4))
        let shared = [UInt8](repeating: UInt8(request), count: random(3, step * 8 + 6) * 300)
        _ = remember(&join, request, item, shared: shared, bytes, nanos)
        plain.remember(request, item, shared, bytes, nanos)
      case 3, 4:
        let isExpected = random(2, step * 8 + 5) == 0
        #expect(
          join.join(request: request, item: item, nanos: nanos, isExpected: isExpected)
            == plain.join(request, item, nanos, isExpected: isExpected))
      default:
        #expect(join.expire(nanos: nanos).map(\.item) == plain.expire(nanos))
      }
      #expect(join.count == plain.entries.count)
      guard step % 500 == 499 else { continue }
      var buffer = PageBuffer()
      try join.write(to: &buffer, name: "impressions")
      var restored = ImpressionJoin(capacity: 30, waitNanos: 50)
      try restored.apply(from: &buffer, name: "impressions")
      #expect(restored.digest == join.digest)
      join = restored
    }
  }
}
