// Kills a daemon amid making, labelling, serving, deleting, importing, rolling back and clearing away versions, again
// and again, and checks what its directory holds after each kill.
// COWBIRD_VERSION_CRASHES sets how often (default 256); thousands must pass.

import EventLog
import Features
import Learning
import Primitives
import Testing
import Versions

@Suite("Versions and kill -9")
struct VersionCrashTests {
  private struct Told {
    var head: (offset: UInt64, digest: String, files: [String])?
    var made: [(id: VersionID, digest: String)] = []
    var controlOffset: UInt64 = 0

    init(_ lines: [Substring]) throws {
      for line in lines {
        let words = line.split(separator: " ").map(String.init)
        switch words[0] {
        case "head":
          head = (
            try #require(UInt64(words[1])), words[2],
            words.count > 3 ? words[3].split(separator: ",").map(String.init) : []
          )
        case "made": made.append((try #require(VersionID(words[1])), words[3]))
        default: controlOffset = try #require(UInt64(words[1]))
        }
      }
    }
  }

  @Test(
    "after any kill the directory opens, nothing kept is lost, nothing half-made is listed, every digest is right"
  )
  func killAndRestart() throws {
    let count = KilledProcess.setting("COWBIRD_VERSION_CRASHES", default: 256)
    let directory = try TemporaryDirectory(isInMemory: true)
    let plan = FeaturePlan(try CrashPlan.configuration(directory.path))
    var reference = try ReferenceHead(plan)
    var random = SeededDice(UInt64(count))
    /// What the files must be once the next start has cleared up.
    var files: [String] = []
    var digest = reference.model.digest.description
    var starts = 0
    for round in 0..<count {
      let isCutShort = round % 5 == 4
      let told = try Told(
        KilledProcess.lines(
          "VersionCrasher", [directory.path, "\(round)"],
          after: isCutShort ? 1 : 1 + random.below(24),
          patienceMilliseconds: isCutShort ? Int32(random.below(150)) : 20_000,
          thenMicroseconds: UInt32(random.below(12_000))))
      if let head = told.head {
        starts += 1
        #expect(head.digest == digest, "round \(round): recovered to another head")
        #expect(head.files == files, "round \(round): files")
      }
      // A start that was cut short may not have made the log yet.
      guard let log = try? EventLog.open(directory: directory.path + "/data/log") else { continue }
      defer { log.close() }
      let control = try ControlPlane(log: log, directory: directory.path + "/data")
      let store = try VersionStore(directory: directory.path + "/data/versions", plan: plan)
      try reference.follow(log, control.registry)
      try check(told, control.registry, store, reference, round)
      files = try needed(control.registry, store)
      digest = reference.model.digest.description
      if round % 32 == 31 || round == count - 1 {
        try replayed(log, control.registry, store, reference, plan, &random, round)
      }
      reference.forget(but: control.registry)
    }
    #expect(starts > count / 2, "the child had hardly time to start")
    #expect(reference.records.count > count / 2, "hardly a version was made")
  }

  /// What was told is there, what is listed is whole, and nothing went without a record that says so.
  private func check(
    _ told: Told, _ registry: Registry, _ store: VersionStore, _ reference: ReferenceHead, _ round: Int
  ) throws {
    #expect(registry.endOffset >= told.controlOffset, "round \(round): a command is lost")
    for made in told.made {
      let record = try #require(
        reference.records[made.id], "round \(round): \(made.id) was told of and is not there")
      #expect(record.digest.description == made.digest)
    }
    let listed = Set(registry.entries.map(\.record.id))
    #expect(
      listed == Set(reference.records.keys).subtracting(reference.deleted),
      "round \(round): versions are lost")
    for entry in registry.entries {
      #expect(
        try store.load(entry.record).digest == entry.record.digest, "round \(round): \(entry.record.id)")
    }
    _ = try registry.resolve(registry.serving)
    for label in registry.labels { #expect(listed.contains(label.id)) }
  }

  /// The versions whose files the listed ones need.
  private func needed(_ registry: Registry, _ store: VersionStore) throws -> [String] {
    var needed: Set<VersionID> = []
    for entry in registry.entries { needed.formUnion(try store.chain(of: entry.record.id)) }
    return needed.sorted().map(\.description)
  }

  /// Learned from nothing, and from a version on, the log gives the same head.
  private func replayed(
    _ log: EventLog, _ registry: Registry, _ store: VersionStore, _ reference: ReferenceHead,
    _ plan: FeaturePlan, _ random: inout SeededDice, _ round: Int
  ) throws {
    var fromNothing = try ReferenceHead(plan)
    try fromNothing.follow(log, registry)
    #expect(fromNothing.model.digest == reference.model.digest, "round \(round): from nothing")
    let moments = registry.entries.filter(\.record.isOfHead).map(\.record)
    guard !moments.isEmpty else { return }
    let record = moments[random.below(moments.count)]
    var fromVersion = fromNothing.from(try store.load(record), at: record.offset)
    try fromVersion.follow(log, registry)
    #expect(fromVersion.model.digest == reference.model.digest, "round \(round): from \(record.id)")
  }
}

/// The same numbers for the same seed.
struct SeededDice {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 2 &+ 1 }

  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}
