import Configuration
import Learning
import Primitives
import Statistics
import Testing
import Wire

@testable import Versions

@Suite struct RegistryTests {
  private let me = Author(uid: 1000, name: "me")

  private func version(_ number: UInt64, offset: UInt64 = 0, at nanos: Int64 = 0) -> VersionRecord {
    VersionRecord(
      id: VersionID(number), parent: number > 1 ? VersionID(number - 1) : nil, offset: offset,
      createdNanos: nanos, eventTimeNanos: nanos, digest: Digest(low: number, high: 7),
      configurationHash: 9, rows: 10, fileBytes: 100, isDiff: number > 1,
      metrics: [MetricValue(name: "rmse", scope: .total, value: 0.9, count: 3)])
  }

  private func registry(_ commands: [ControlRecord.Command]) throws -> Registry {
    var registry = Registry()
    for (offset, command) in commands.enumerated() {
      try registry.apply(ControlRecord(author: me, command: command), at: UInt64(offset))
    }
    return registry
  }

  private func three(_ more: [ControlRecord.Command] = []) throws -> Registry {
    try registry(
      (1...3).map { .create(version($0, offset: $0 * 10, at: Int64($0) * 100), labels: [], pinned: false) }
        + more)
  }

  @Test("every command survives its bytes")
  func codec() throws {
    var filter = EventFilter()
    filter.sources = ["mobile-ios"]
    filter.untilNanos = 5
    let commands: [ControlRecord.Command] = [
      .create(version(2), labels: ["a"], pinned: true), .delete(VersionID(3)), .label("a", VersionID(1)),
      .unlabel("a"), .pin(VersionID(1), true), .serve(.label("stable")), .serve(.head),
      .split([SplitArm(name: "x", target: .version(VersionID(4)), percent: 12.5)], salt: "s"),
      .shadow(nil), .shadow(.head),
      .rollback(Rollback(to: VersionID(1), replays: true, exclude: filter, readmit: [7])), .abandon(9),
      .configure([Setting(path: "learning.rate", value: "0.1")]), .pause, .resume,
      .admit([
        AdmittedEvent(offset: 1, event: nil),
        AdmittedEvent(offset: 2, event: LoggedEvent(bytes: [8, 1], timeNanos: 3, producer: "p")),
      ]),
    ]
    for command in commands {
      let record = ControlRecord(author: me, reason: "why", command: command)
      #expect(try ControlRecord(decoding: record.encoded()) == record)
      for length in 0..<record.encoded().count {
        #expect(throws: ControlRecordError.self) {
          try ControlRecord(decoding: Array(record.encoded()[..<length]))
        }
      }
    }
  }

  @Test("a control record of a newer format is refused, and says what to do")
  func newerFormat() {
    var bytes = ControlRecord(author: me, command: .pause).encoded()
    bytes[0] = 9
    #expect(throws: ControlRecordError.newerFormat(9)) { try ControlRecord(decoding: bytes) }
  }

  @Test("a registry rebuilt from its bytes is the same")
  func checkpoint() throws {
    let registry = try three([
      .label("stable", VersionID(2)), .serve(.label("stable")), .pin(VersionID(1), true),
      .split(
        [
          SplitArm(name: "a", target: .head, percent: 95),
          SplitArm(name: "b", target: .label("stable"), percent: 5),
        ], salt: ""),
    ])
    var reader = ByteReader(registry.encoded())
    #expect(try Registry(from: &reader) == registry)
    #expect(reader.isAtEnd)
  }

  @Test("a refused command changes nothing")
  func refusal() throws {
    var registry = try three()
    let before = registry
    let refused: [ControlRecord.Command] = [
      .serve(.version(VersionID(9))), .label("head", VersionID(1)), .label("no spaces", VersionID(1)),
      .label("v7", VersionID(1)), .delete(VersionID(4)), .unlabel("none"),
      .split([SplitArm(name: "a", target: .head, percent: 100)], salt: ""),
      .split(
        [
          SplitArm(name: "a", target: .head, percent: 50),
          SplitArm(name: "b", target: .version(VersionID(1)), percent: 49),
        ], salt: ""),
      .create(version(2), labels: [], pinned: false),
      .rollback(Rollback(to: VersionID(1), replays: true, readmit: [99])),
    ]
    for command in refused {
      #expect(throws: RegistryError.self) {
        try registry.apply(ControlRecord(author: me, command: command), at: 50)
      }
      #expect(registry == before)
    }
  }

  @Test("what is labelled, pinned or served cannot be deleted")
  func held() throws {
    var registry = try three([
      .label("stable", VersionID(1)), .pin(VersionID(2), true), .serve(.version(VersionID(3))),
    ])
    for number in 1...3 as ClosedRange<UInt64> {
      #expect(throws: RegistryError.self) {
        try registry.apply(ControlRecord(author: me, command: .delete(VersionID(number))), at: 50)
      }
    }
    try registry.apply(ControlRecord(author: me, command: .pin(VersionID(2), false)), at: 51)
    try registry.apply(ControlRecord(author: me, command: .delete(VersionID(2))), at: 52)
    #expect(registry.entries.map(\.record.id.number) == [1, 3])
  }

  @Test("the version that a start can begin with stays when those that rollbacks went back to have gone")
  func start() throws {
    var registry = try three()
    func apply(_ command: ControlRecord.Command, at offset: UInt64) throws {
      try registry.carryOut(ControlRecord(author: me, command: command), at: offset, StartCondition())
    }
    func delete(_ number: UInt64, at offset: UInt64) throws {
      try apply(.delete(VersionID(number)), at: offset)
    }
    func create(_ number: UInt64, at offset: UInt64) throws {
      try apply(.create(version(number, offset: offset), labels: [], pinned: false), at: offset + 1)
    }
    try apply(.rollback(Rollback(to: VersionID(2), replays: true)), at: 40)
    #expect(throws: RegistryError.self) { try delete(2, at: 41) }
    try create(4, at: 50)
    // While the version that the rollback went back to is there, a start may come upon it again.
    let both = registry
    try delete(4, at: 52)
    #expect(throws: RegistryError.self) { try delete(2, at: 53) }
    registry = both
    try delete(2, at: 52)
    #expect(throws: RegistryError.self) { try delete(4, at: 53) }
    #expect(registry.entries.map(\.record.id.number) == [1, 3, 4])
    try create(5, at: 60)
    try delete(4, at: 62)
    #expect(throws: RegistryError.self) { try delete(5, at: 63) }
    try delete(3, at: 64)
    #expect(registry.entries.map(\.record.id.number) == [1, 5])
  }

  @Test(
    "the only version that a start can begin with cannot be deleted; one that the log tells of as deleted is")
  func onlyStart() throws {
    func version(_ number: UInt64, _ change: (inout VersionRecord) -> Void) -> ControlRecord.Command {
      var record = self.version(number, offset: number * 10)
      change(&record)
      return .create(record, labels: [], pinned: false)
    }
    // Before the log's beginning; the one; of another configuration; a candidate; an import.
    let registry = try registry([
      version(1) { _ in }, version(2) { _ in }, version(3) { $0.configurationHash = 8 },
      version(4) { $0.isOfHead = false },
      version(5) { ($0.isOfHead, $0.isImported) = (false, true) },
    ])
    let condition = StartCondition(configurationHash: 9, firstOffset: 20)
    #expect(registry.start(condition)?.id == VersionID(2))
    for number in 1...5 as ClosedRange<UInt64> {
      let delete = ControlRecord(author: me, command: .delete(VersionID(number)))
      var changed = registry
      if number == 2 {
        let refused = #expect(throws: RegistryError.self) {
          try changed.carryOut(delete, at: 60, condition)
        }
        #expect(refused?.message.contains("cowbird version create") == true)
        #expect(changed == registry)
        // An older build may have carried it out: then its file is gone.
        try changed.apply(delete, at: 60)
        #expect(changed[VersionID(2)] == nil)
      } else {
        try changed.carryOut(delete, at: 60, condition)
      }
    }
    var another = registry
    try another.apply(ControlRecord(author: me, command: version(6) { _ in }), at: 60)
    try another.carryOut(ControlRecord(author: me, command: .delete(VersionID(2))), at: 61, condition)
    #expect(another.start(condition)?.id == VersionID(6))
  }

  @Test("whatever is made, rolled back to and deleted, a start comes upon no rollback to what is not there")
  func anyStart() throws {
    var drawn: UInt64 = 0
    func below(_ bound: Int) -> Int {
      drawn += 1
      return CounterRandom.index(below: bound, seed: 17, counter: drawn)
    }
    var (starts, refused) = (0, 0)
    for _ in 0..<300 {
      var registry = Registry()
      var wasStartable = false
      /// Where the head stood when it was copied for versions that are still to be written.
      var copies: [UInt64] = []
      for offset in (1...80 as ClosedRange<UInt64>).map({ $0 * 10 }) {
        let ids = registry.entries.map(\.record.id)
        let any = ids.isEmpty ? VersionID(1) : ids[below(ids.count)]
        let next = registry.nextNumber
        let command: ControlRecord.Command
        switch below(12) {
        case 0..<2:
          copies.append(offset)
          continue
        case 2..<4:
          // Two workers write versions: the one that was copied first need not be written first.
          guard !copies.isEmpty else { continue }
          let copied = copies.remove(at: below(copies.count))
          command = .create(version(next, offset: copied), labels: [], pinned: false)
        case 4:
          var imported = version(next, offset: offset)
          (imported.isOfHead, imported.isImported) = (false, true)
          command = .create(imported, labels: [], pinned: false)
        case 5..<7: command = .rollback(Rollback(to: any, replays: below(2) == 0))
        case 7:
          guard let last = registry.returns.last else { continue }
          command = .abandon(last.offset)
        default: command = .delete(any)
        }
        do {
          try registry.carryOut(
            ControlRecord(author: me, command: command), at: offset, StartCondition())
        } catch {
          refused += 1
        }
        let isStartable = registry.start(StartCondition()) != nil
        #expect(isStartable || !wasStartable, "nothing to begin with after \(command)")
        wasStartable = isStartable
        let begin = registry.heads.first?.offset ?? 0
        for due in registry.returns where due.offset >= begin {
          starts += 1
          #expect(registry[due.to] != nil, "a start at \(begin) needs \(due.to) at offset \(due.offset)")
        }
      }
    }
    #expect(starts > 1000 && refused > 1000)
  }

  @Test("the head grew from the versions that no rollback has dropped")
  func lineage() throws {
    var registry = try three()
    func apply(_ command: ControlRecord.Command, at offset: UInt64) throws {
      try registry.apply(ControlRecord(author: me, command: command), at: offset)
    }
    func numbers(_ find: [VersionRecord] = []) -> [UInt64] {
      registry.lineage { id in find.first { $0.id == id } }.versions.map(\.id.number)
    }
    #expect(numbers() == [3, 2, 1])
    try apply(.rollback(Rollback(to: VersionID(2), replays: true)), at: 40)
    #expect(numbers() == [2, 1])
    try apply(.create(version(4, offset: 50), labels: [], pinned: false), at: 51)
    try apply(.delete(VersionID(2)), at: 52)
    // What it went back to is not listed any more: the log tells of it, or nobody knows what came before.
    #expect(numbers([version(2, offset: 20)]) == [4, 1])
    #expect(
      registry.lineage { _ in nil } == HeadLineage(versions: [version(4, offset: 50)], origin: VersionID(2)))
    var imported = version(5, offset: 60)
    (imported.isOfHead, imported.isImported) = (false, true)
    try apply(.create(imported, labels: [], pinned: false), at: 60)
    try apply(.rollback(Rollback(to: VersionID(5), replays: true)), at: 70)
    try apply(.create(version(6, offset: 80), labels: [], pinned: false), at: 81)
    #expect(numbers() == [6, 5])
    // A rollback that was dropped itself tells nothing.
    try apply(.rollback(Rollback(to: VersionID(4), replays: true)), at: 90)
    #expect(numbers([version(2, offset: 20)]) == [4, 1])
    var without = version(7, offset: 95)
    (without.isOfHead, without.isWithoutUser) = (false, true)
    try apply(.create(without, labels: [], pinned: false), at: 95)
    try apply(.rollback(Rollback(to: VersionID(7), replays: true)), at: 96)
    #expect(registry.lineage { _ in version(2, offset: 20) }.origin == nil)
    #expect(numbers([version(2, offset: 20)]) == [7, 4, 1])
  }

  @Test("serving follows a label when it moves, and knows what came before")
  func serving() throws {
    var registry = try three([.label("stable", VersionID(1)), .serve(.label("stable"))])
    #expect(try registry.resolve(registry.serving) == VersionID(1))
    #expect(registry.previous == .head)
    try registry.apply(ControlRecord(author: me, command: .label("stable", VersionID(3))), at: 9)
    #expect(try registry.resolve(registry.serving) == VersionID(3))
    #expect(registry.version(asOf: 250) == VersionID(2))
    #expect(registry.version(asOf: 99) == nil)
    #expect(registry.latest == VersionID(3))
  }

  @Test("a rollback's exclusion stays until it is readmitted")
  func exclusions() throws {
    var filter = EventFilter()
    filter.sources = ["bot"]
    var registry = try three([.rollback(Rollback(to: VersionID(1), replays: true, exclude: filter))])
    #expect(registry.exclusions.map(\.range) == [10..<10])
    try registry.apply(
      ControlRecord(author: me, command: .rollback(Rollback(to: VersionID(1), replays: true, readmit: [3]))),
      at: 40)
    #expect(registry.exclusions.filter { $0.isActive(at: 100) }.isEmpty)
    #expect(registry.exclusions.filter { $0.isActive(at: 20) }.count == 1)
  }

  @Test("an abandoned rollback leaves what it found, but for what was chosen since")
  func abandoned() throws {
    var registry = try three([
      .rollback(Rollback(to: VersionID(1), replays: false)), .label("stable", VersionID(2)),
      .serve(.label("stable")), .pause,
    ])
    let before = registry
    func apply(_ command: ControlRecord.Command, at offset: UInt64) throws {
      try registry.apply(ControlRecord(author: me, command: command), at: offset)
    }
    try apply(.rollback(Rollback(to: VersionID(1), replays: true, readmit: [3])), at: 40)
    #expect(registry.serving == .head)
    var reader = ByteReader(registry.encoded())
    registry = try Registry(from: &reader)
    #expect(throws: RegistryError.self) { try apply(.abandon(3), at: 41) }
    try apply(.abandon(40), at: 41)
    #expect(registry.abandoned == [40])
    #expect(registry.exclusions == before.exclusions)
    #expect(registry.returns == before.returns)
    #expect(registry.serving == before.serving)
    #expect(registry.previous == before.previous)
    #expect(registry.pausedAt == before.pausedAt)
    #expect(throws: RegistryError.self) { try apply(.abandon(40), at: 42) }

    try apply(.rollback(Rollback(to: VersionID(1), replays: false)), at: 50)
    try apply(.serve(.version(VersionID(3))), at: 51)
    try apply(.resume, at: 52)
    try apply(.abandon(50), at: 53)
    #expect(registry.serving == .version(VersionID(3)))
    #expect(!registry.isPaused)
  }

  @Test("a pause whose record comes right behind a rollback that is abandoned stays")
  func pausedBehindRollback() throws {
    for isPausedBefore in [false, true] {
      var registry = try three(isPausedBefore ? [.pause] : [])
      func apply(_ command: ControlRecord.Command, at offset: UInt64) throws {
        try registry.apply(ControlRecord(author: me, command: command), at: offset)
      }
      try apply(.rollback(Rollback(to: VersionID(1), replays: true)), at: 40)
      try apply(.pause, at: 41)
      #expect(registry.pausedAt == 41)
      try apply(.abandon(40), at: 42)
      #expect(registry.pausedAt == (isPausedBefore ? 3 : 41))
    }
  }

  @Test("retention keeps the newest, one a period, and whatever is held")
  func retention() throws {
    let hour: Int64 = 3_600_000_000_000
    var registry = try registry(
      (1...8).map { .create(version($0, at: Int64($0) * hour / 2), labels: [], pinned: false) })
    try registry.apply(ControlRecord(author: me, command: .label("old", VersionID(1))), at: 20)
    let policy = RetentionPolicy(last: 2, hourly: 3, daily: 0, weekly: 0)
    // Newest two: 7, 8. Newest of the last three hours in which there are any: 8 (hour 4), 7 (hour 3), 5 (hour 2).
    #expect(policy.expired(in: registry, StartCondition()).map(\.number) == [2, 3, 4, 6])
  }

  @Test("candidates and imports push out no version of the head, nor what a start begins with")
  func retentionOfHeads() throws {
    let hour: Int64 = 3_600_000_000_000
    func expired(
      _ numbers: Range<UInt64>, _ condition: StartCondition = StartCondition(),
      _ change: (inout VersionRecord) -> Void
    ) throws -> [UInt64] {
      let registry = try registry(
        numbers.map { number in
          // All in the same hour.
          var record = version(number, offset: number * 10, at: hour + Int64(number))
          change(&record)
          return .create(record, labels: [], pinned: false)
        })
      let policy = RetentionPolicy(last: 2, hourly: 1, daily: 1, weekly: 1)
      return policy.expired(in: registry, condition).map(\.number)
    }
    #expect(try expired(1..<9) { $0.isOfHead = $0.id.number < 4 } == [1, 4, 5, 6])
    // Written late: the one that is furthest along the log came first.
    #expect(try expired(1..<5) { $0.offset = 100 - $0.offset } == [2])
    // Those of the configuration before go; not the only one of this.
    #expect(
      try expired(1..<5, StartCondition(configurationHash: 8)) {
        $0.configurationHash = $0.id.number < 2 ? 8 : 9
      }
        == [2])
  }

  @Test("retention counts as the settings say: 24 hours, 7 days and 4 weeks by themselves")
  func retentionSettings() throws {
    let hour: Int64 = 3_600_000_000_000
    // Sixty days, a version every six hours.
    let registry = try registry(
      (1...240).map { .create(version($0, at: Int64($0) * 6 * hour), labels: [], pinned: false) })
    func kept(_ change: (inout VersionsSection) -> Void) -> Int {
      var section = VersionsSection()
      (section.keep, section.keepFor) = (1, 0)
      change(&section)
      return 240
        - RetentionPolicy(section, nowNanos: 241 * 6 * hour)
        .expired(in: registry, StartCondition()).count
    }
    // 24 hours are the newest six days, which hold the newest of 7 days and of 2 weeks.
    #expect(kept { _ in } == 24 + 2)
    #expect(kept { ($0.keepHourly, $0.keepDaily, $0.keepWeekly) = (0, 0, 0) } == 1)
    #expect(kept { ($0.keepHourly, $0.keepDaily, $0.keepWeekly) = (0, 10, 0) } == 10)
    #expect(kept { ($0.keepHourly, $0.keepDaily, $0.keepWeekly) = (0, 0, 6) } == 6)
    #expect(kept { $0.keepFor = 100 * 24 * hour } == 240)
  }
}
