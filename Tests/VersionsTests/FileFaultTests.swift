// Every call to the file system fails once, and from then on, while versions are made, imported, loaded and cleared away.

import Configuration
import EventLog
import Features
import Foundation
import Glibc
import Learning
import Primitives
import Testing
import Wire

@testable import Versions

@Suite("Versions and a file system that fails")
final class FileFaultTests {
  private let directory =
    FileManager.default.temporaryDirectory.path + "/cowbird-\(UUID().uuidString.prefix(8))"
  private let files = FaultyFiles()
  private let plan: FeaturePlan
  private let log: EventLog
  private let reports = Guarded<[String]>([])
  private var model: Model
  private let learner: RecordLearner
  private var offset: UInt64

  init() throws {
    try PosixFileSystem().makeDirectory(directory)
    plan = FeaturePlan(
      try Configuration(
        yaml: """
          label: {minimum: 0, maximum: 1, center: 0.5}
          events: {click: {label: positive}, skip: {label: negative}}
          features: {sparse: {user: {of: user}, item: {of: item}}, dense: []}
          model: {loss: logistic, members: {fm: {kind: fm, factors: 2}}, stack: {by: first}}
          hygiene: {burst: {action: off}}
          """))
    log = try EventLog.open(directory: directory + "/log")
    model = try Model(plan)
    learner = RecordLearner(log: log, workspace: Workspace(plan, model.ensemble))
    offset = log.firstOffset
  }

  deinit {
    log.close()
    try? FileManager.default.removeItem(atPath: directory)
  }

  private struct Opened {
    var control: ControlPlane
    var store: VersionStore
    var keeper: Keeper
  }

  private func open() throws -> Opened {
    let control = try ControlPlane(
      log: log, directory: directory, learnedHash: plan.configuration.learnedHash, files: files)
    let store = try VersionStore(directory: directory + "/versions", plan: plan, files: files)
    let keeper = Keeper(
      store: store, control: control, log: log, fullEvery: 3, residentLimit: 1,
      report: { [reports] text in reports.withLock { $0.append(text) } })
    return Opened(control: control, store: store, keeper: keeper)
  }

  /// Learns some events more.
  private func learn(_ count: Int = 20) throws {
    let batch = LogBatch()
    for place in 0..<count {
      let number = Int(offset) * 100 + place
      let event = EventBuilder(
        timeNanos: 1_700_000_000_000_000_000 + Int64(number) * 1_000_000_000,
        .interaction(
          type: number % 3 == 0 ? "click" : "skip", user: "u\(number % 40)", item: "i\(number % 17)"))
      try batch.add(kind: RecordKind.event, timeNanos: event.timeNanos, payload: event.encoded())
    }
    _ = try log.append(batch)
    let reader = log.reader(from: offset)
    while let records = try reader.next() { for record in records { learner.learn(record, into: &model) } }
    offset = log.endOffset
  }

  private func create(_ keeper: Keeper) throws(Status) -> VersionRecord {
    try keeper.create(model, offset: offset, VersionOrder(author: Author(uid: 0), reason: "", nowNanos: 1))
  }

  private var names: [String] {
    ((try? PosixFileSystem().list(directory + "/versions")) ?? []).sorted()
  }

  /// What is listed is whole, and nothing else has a version's name.
  private func expectSound(_ opened: Opened, _ what: String) throws {
    for entry in opened.control.registry.entries {
      #expect(try opened.store.load(entry.record).digest == entry.record.digest, "\(what)")
    }
    let listed = opened.control.registry.entries.map { "\($0.record.id).pages" }
    #expect(Set(listed).isSubset(of: Set(names)), "\(what)")
  }

  private static let errors = [EIO, ENOSPC, EROFS]

  @Test(
    "whatever call fails while a version is made, none is listed, the caller is told, and the next one is made"
  )
  func creating() throws {
    let opened = try open()
    try learn()
    _ = try create(opened.keeper)
    var hit: Set<String> = []
    for lasts in [false, true] {
      for number in Self.errors {
        var call = 0
        while true {
          call += 1
          try learn(3)
          let before = opened.control.registry
          let digest = model.digest
          let what = "call \(call), errno \(number)\(lasts ? ", lasting" : "")"
          files.arm(.init(call: call, number: number, lasts: lasts))
          let refusal: Status?
          do throws(Status) {
            _ = try create(opened.keeper)
            refusal = nil
          } catch {
            refusal = error
          }
          hit.formUnion(files.met)
          let wasHit = !files.met.isEmpty
          files.arm(nil)
          #expect(model.digest == digest, "\(what)")
          if let refusal {
            #expect(
              refusal.code == (number == ENOSPC ? .resourceExhausted : .unavailable), "\(what): \(refusal)")
            #expect(refusal.message.contains("/versions"), "\(what): \(refusal)")
            #expect(opened.control.registry == before, "\(what)")
            if !lasts {
              #expect(names == before.entries.map { "\($0.record.id).pages" }.sorted(), "\(what)")
            }
          } else {
            #expect(opened.control.registry.entries.count == before.entries.count + 1, "\(what)")
          }
          try expectSound(opened, what)
          if !wasHit { break }
        }
      }
    }
    #expect(hit.isSuperset(of: ["create", "write", "sync", "rename", "sync directory"]))
    // A new start finds the same, and clears up what a disk that stayed broken left.
    let again = try open()
    #expect(again.control.registry == opened.control.registry)
    try expectSound(again, "after a start")
    #expect(!names.contains { $0.hasSuffix(".new") })
  }

  @Test("writes that the system cuts short are gone on with")
  func shortWrites() throws {
    let opened = try open()
    try learn()
    for call in 1...4 {
      try learn(3)
      files.arm(.init(call: call, number: 0, isShort: true))
      let record = try create(opened.keeper)
      files.arm(nil)
      #expect(try opened.store.load(record).digest == record.digest)
    }
  }

  @Test(
    "whatever call fails while a version is loaded or imported, the caller is told, and it works the next time"
  )
  func loading() throws {
    let opened = try open()
    for _ in 0..<3 {
      try learn()
      _ = try create(opened.keeper)
    }
    let record = opened.control.registry.entries[1].record
    let digest = record.digest
    var exported: [UInt8] = []
    let middle = try opened.store.load(record)
    try opened.store.export(middle, id: record.id, digest: digest) { exported += $0 }
    for lasts in [false, true] {
      var call = 0
      while true {
        call += 1
        files.arm(.init(call: call, number: EIO, lasts: lasts))
        let loaded = Result { try opened.store.load(record) }
        let wasHit = !files.met.isEmpty
        files.arm(nil)
        if wasHit {
          #expect(throws: VersionFileError.self, "call \(call)") { try loaded.get() }
        } else {
          #expect(try loaded.get().digest == digest)
          break
        }
      }
      call = 0
      while true {
        call += 1
        let before = opened.control.registry
        files.arm(.init(call: call, number: ENOSPC, lasts: lasts))
        var rest = exported[...]
        let imported = Result {
          try opened.keeper.importVersion(VersionOrder(author: Author(uid: 0), reason: "", nowNanos: 1)) {
            target in
            let count = min(target.count, rest.count)
            target.copyBytes(from: rest.prefix(count))
            rest = rest.dropFirst(count)
            return count
          }
        }
        let wasHit = !files.met.isEmpty
        files.arm(nil)
        if case .failure(let error) = imported {
          #expect((error as? Status)?.code == .resourceExhausted, "call \(call): \(error)")
          #expect(opened.control.registry == before)
        }
        try expectSound(opened, "import, call \(call)")
        if !wasHit { break }
      }
    }
  }

  @Test(
    "files that cannot be deleted are told of and go the next time; a checkpoint that fails costs nothing")
  func clearing() throws {
    for call in 1...12 {
      let opened = try open()
      for _ in 0..<3 {
        try learn(3)
        _ = try create(opened.keeper)
      }
      for entry in opened.control.registry.entries.dropLast() {
        try opened.control.commit(
          ControlRecord(author: Author(uid: 0), reason: "", command: .delete(entry.record.id)))
      }
      let registry = opened.control.registry
      reports.withLock { $0 = [] }
      files.arm(.init(call: call, number: EIO))
      opened.keeper.clear()
      let met = files.met
      files.arm(nil)
      let isTold = reports.withLock { !$0.isEmpty }
      if met == ["list"] || met == ["unlink"] { #expect(isTold, "call \(call): \(met)") }
      try expectSound(opened, "call \(call)")
      opened.keeper.clear()
      let needed = try opened.store.chain(of: registry.entries[0].record.id).map { "\($0).pages" }.sorted()
      #expect(names == needed, "call \(call)")
      #expect(try open().control.registry == registry, "call \(call)")
    }
  }

  @Test("a version that is deleted while it is loaded is told of as one that is not there")
  func deletedMeanwhile() throws {
    let opened = try open()
    for _ in 0..<2 {
      try learn(3)
      _ = try create(opened.keeper)
    }
    files.arm(
      .init(call: 1, number: EIO, operation: "open") {
        try opened.control.commit(
          ControlRecord(author: Author(uid: 0), reason: "", command: .delete(VersionID(1))))
        // What is laid upon it goes too, so that its file does.
        try opened.store.clear(keeping: [])
      })
    let refused = #expect(throws: Status.self) { try opened.keeper.loadModel(VersionID(1), isShared: false) }
    files.arm(nil)
    #expect(refused?.code == .notFound)
    #expect(refused?.message.contains("v1") == true)
    // One that is listed has lost its file.
    let lost = #expect(throws: Status.self) {
      try self.open().keeper.loadModel(VersionID(2), isShared: false)
    }
    #expect(lost?.code == .dataLoss)
  }

  @Test("a damaged version that is listed keeps no file but its own")
  func clearingBesideDamage() throws {
    let opened = try open()
    for _ in 0..<3 {
      try learn(3)
      _ = try create(opened.keeper)
    }
    let entries = opened.control.registry.entries
    #expect(entries[2].record.isDiff)
    for entry in entries.dropLast() {
      try opened.control.commit(
        ControlRecord(author: Author(uid: 0), reason: "", command: .delete(entry.record.id)))
    }
    opened.keeper.clear()
    #expect(names.count == 3)
    // As long as it cannot be read, nothing that it may lie upon goes.
    files.arm(.init(call: 3, number: EIO, lasts: true))
    opened.keeper.clear()
    files.arm(nil)
    #expect(names.count == 3)
    let path = opened.store.path(entries[2].record.id)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
    opened.keeper.clear()
    #expect(names == ["\(entries[2].record.id).pages"])
    #expect(reports.withLock { $0 } == [])
  }

  @Test("a byte that changed, at every kind of place of a version's file, is found, and the file named")
  func damage() throws {
    let opened = try open()
    try learn(60)
    let first = try create(opened.keeper)
    try learn(60)
    let second = try create(opened.keeper)
    #expect(second.isDiff)
    for record in [first, second] {
      let path = opened.store.path(record.id)
      let bytes = try #require(FileManager.default.contents(atPath: path))
      let map = try Self.places(Array(bytes))
      #expect(map.count == 12)
      for (kind, places) in map {
        for place in [places.first!, places[places.count / 2], places.last!] {
          var broken = bytes
          broken[place] ^= 0x10
          try broken.write(to: URL(fileURLWithPath: path))
          let error = #expect(throws: VersionFileError.self, "\(kind) at \(place) of \(record.id)") {
            try opened.store.load(record)
          }
          #expect(error?.description.contains("/v") == true, "\(kind): \(error.map { "\($0)" } ?? "")")
          // Its child may not need the place, and is what it was then.
          if let child = try? opened.store.load(second) { #expect(child.digest == second.digest) }
        }
      }
      for length in [0, 1, 8, bytes.count / 3, bytes.count - 1] {
        try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
        #expect(throws: VersionFileError.self, "cut at \(length)") { try opened.store.load(record) }
      }
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(try opened.store.load(second).digest == second.digest)
    }
  }

  /// Bytes of a file by what they are.
  private static func places(_ bytes: [UInt8]) throws -> [String: [Int]] {
    var map: [String: [Int]] = [:]
    var at = 0
    func number(_ place: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
    func take(_ kind: String, _ count: Int) {
      map[kind, default: []] += at..<at + count
      at += count
    }
    take("magic", 8)
    while at < bytes.count {
      try #require(bytes[at] == 1)
      take("section mark", 1)
      let length = number(at, 4)
      // Name, metadata, bytes of a page: the first two with their lengths before them.
      let name = number(at + 4, 4)
      let metadata = number(at + 8 + name, 4)
      let pageBytes = number(at + 12 + name + metadata, 8)
      take("header length", 4)
      take("header", length)
      take("header checksum", 8)
      while bytes[at] == 2 {
        take("page mark", 1)
        take("page number", 4)
        let half = pageBytes / 2
        take("page, first half", half)
        take("page, second half", pageBytes - half)
        take("page checksum", 8)
      }
      try #require(bytes[at] == 3)
      take("end mark", 1)
    }
    map["last byte"] = [bytes.count - 1]
    return map
  }
}
