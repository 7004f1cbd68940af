import CMessages
import Configuration
import Features
import Foundation
import Learning
import Primitives
import Service
import Tables
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct VersionFileTests {
  @Test("an exported version is the same on another daemon; full and put together from a chain")
  func carry() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    var exports: [(facts: VersionFacts, bytes: [UInt8], scores: [Float])] = []
    for place in 0..<2 {
      try client.append(Shop.ratings(place * 100..<place * 100 + 100))
      let facts = try client.create()
      let file = try client.export(.id(facts.id))
      #expect(UInt64(file.bytes.count) == file.total)
      exports.append((facts, file.bytes, try client.score("u1", ["i1", "i2"], .id(facts.id)).scores))
    }
    #expect(exports.map(\.facts.format) == ["full", "diff"])

    let other = try TestDaemon { $0.versions.atStop = false }
    let receiver = try other.client()
    try receiver.append(Shop.ratings(500..<520))
    let own = try receiver.flush()
    for (place, exported) in exports.enumerated() {
      let taken = try receiver.importing(exported.bytes, labels: ["from-other-\(place)"])
      #expect(taken.digest == exported.facts.digest)
      #expect(taken.labels == ["from-other-\(place)"])
      #expect(try receiver.score("u1", ["i1", "i2"], .id(taken.id)).scores == exported.scores)
    }
    // An import is no moment of this head: a start does not go on from it, but a rollback may.
    #expect(try receiver.flush() == own)
    try other.restart()
    let restarted = try other.client()
    #expect(try restarted.flush() == own)
    try restarted.rollback(to: .label("from-other-1"))
    #expect(try restarted.flush() == exports[1].facts.digest)
    try other.restart()
    #expect(try other.client().flush() == exports[1].facts.digest)
  }

  @Test("a version that is deleted while its export begins is told of as one that is not there")
  func deletedMeanwhile() throws {
    let files = FaultyFiles()
    let daemon = try TestDaemon(files: files)
    let client = try daemon.client()
    for place in 0..<2 {
      try client.append(Shop.ratings(place * 40..<place * 40 + 40))
      try client.create()
    }
    let folder = daemon.directory + "/data/versions/"
    files.arm(
      .init(call: 1, number: EIO, operation: "open") { [context = daemon.context] in
        let delete = ControlRecord(author: Author(uid: 0), command: .delete(VersionID(1)))
        try context.control.commit(delete)
        // What is laid upon it keeps its file until it is deleted too.
        try FileManager.default.removeItem(atPath: folder + "v1.pages")
      })
    let refused = refusal { _ = try client.export(.id("v1")) }
    files.arm(nil)
    #expect(refused?.code == .notFound)
  }

  @Test("a file that is cut, changed or of another configuration is refused, and nothing is listed")
  func badImports() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create()
    let bytes = try client.export(.latest).bytes
    let other = try TestDaemon { $0.learning.seed = 99 }
    let mismatch = try #require(refusal { try other.client().importing(bytes) }).message
    #expect(mismatch.contains("another configuration"))
    #expect(mismatch.contains("learning.seed: "))
    let hash = daemon.context.plan.configuration.learnedHash
    #expect(mismatch.contains(String(hash, radix: 16)))
    var changed = bytes
    changed[bytes.count / 2] ^= 1
    for broken in [Array(bytes.dropLast(1)), Array(bytes.prefix(10)), changed, Array("no model".utf8)] {
      #expect(refusal { try client.importing(broken) }?.code == .invalidArgument)
    }
    #expect(refusal { try client.importing(bytes, labels: ["head"]) }?.code == .invalidArgument)
    #expect(try client.listing().versions.map(\.id) == ["v1"])
    let files = try FileManager.default.contentsOfDirectory(atPath: daemon.directory + "/data/versions")
    #expect(files == ["v1.pages"])
  }

  @Test("a small file that announces more pages than memory may hold is refused")
  func announcedPages() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create()
    var source = PageStreamReader(bytes: try client.export(.latest).bytes)
    var crafted: [UInt8] = []
    var sink = PageStreamWriter { crafted += $0 }
    var isChanged = false
    // To its end, where no section follows.
    while var section = try? source.begin() {
      if section.pageCount > 0, !isChanged {
        section.pageCount = Int(UInt32.max)
        isChanged = true
      }
      try sink.begin(section)
      var page = [UInt8](repeating: 0, count: section.pageBytes)
      while let number = try page.withUnsafeMutableBytes({ try source.read(into: $0) }) {
        try page.withUnsafeBytes { try sink.write(page: number, $0) }
      }
      try sink.end()
    }
    let refused = try #require(refusal { try client.importing(crafted) })
    #expect(refused.code == .invalidArgument)
    #expect(refused.message.contains("more pages than there is to be memory for"))
    #expect(try client.listing().versions.count == 1)
  }

  @Test("retention and deletion never break a child: every listed version loads with its digest")
  func retention() throws {
    let daemon = try TestDaemon {
      $0.versions.keep = 3
      $0.versions.keepFor = 0
      $0.versions.fullEvery = 5
      $0.versions.inMemory = 1
    }
    let client = try daemon.client()
    for place in 0..<12 {
      try client.append(Shop.ratings(place * 20..<place * 20 + 20))
      try client.create(labels: place == 2 ? ["kept"] : [], pin: place == 4)
      if place == 8 { try client.delete("v8") }
    }
    let listing = try client.listing()
    #expect(listing.versions.map(\.id) == ["v12", "v11", "v10", "v5", "v3"])
    try daemon.restart { $0.versions.atStop = false }
    let (store, registry) = (daemon.context.keeper.store, daemon.context.control.registry)
    for version in listing.versions {
      let entry = try #require(VersionID(version.id).flatMap { registry[$0] })
      #expect(try store.load(entry.record).digest.description == version.digest)
    }
  }

  @Test("what a kill left half-made is not listed, and the directory opens")
  func halfMade() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    try daemon.client().append(Shop.ratings(0..<100))
    try daemon.client().create()
    let digest = try daemon.client().flush()
    try daemon.restart(meanwhile: {
      // Killed while writing, and between the file and its record.
      let folder = daemon.directory + "/data/versions/"
      let whole = try #require(FileManager.default.contents(atPath: folder + "v1.pages"))
      try whole.prefix(1_000).write(to: URL(fileURLWithPath: folder + "v2.pages.new"))
      try whole.write(to: URL(fileURLWithPath: folder + "v2.pages"))
    })
    let client = try daemon.client()
    #expect(try client.listing().versions.map(\.id) == ["v1"])
    #expect(try client.flush() == digest)
    let files = try FileManager.default.contentsOfDirectory(atPath: daemon.directory + "/data/versions")
    #expect(files == ["v1.pages"])
    #expect(try client.create().id == "v2")
  }

  @Test(
    "a full disk costs the version that is being made, says so, and nothing else; it works again when there is room"
  )
  func diskFull() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create()
    try client.append(Shop.ratings(60..<120))
    let folder = daemon.directory + "/data/versions/"
    try FileManager.default.createSymbolicLink(
      atPath: folder + "v2.pages.new", withDestinationPath: "/dev/full")
    let refused = refusal { try client.create(labels: ["never"]) }
    #expect(refused?.code == .resourceExhausted)
    #expect(refused?.message.contains("No space left on device") == true)
    #expect(try client.listing().versions.map(\.id) == ["v1"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["v1.pages"])
    let metrics = try client.ask(
      "Update", "Metrics", Cowbird__V1__MetricsRequest.self, Cowbird__V1__MetricsResponse.self
    ) { String(cString: $0.text) }
    #expect(metrics.contains("cowbird_version_failures_total 1\n"))
    try client.append(Shop.ratings(120..<180))
    let digest = try client.flush()
    #expect(try client.score("u1", ["i1"]).scores.count == 1)
    let made = try client.create()
    #expect(made.id == "v2")
    #expect(made.digest == digest)
    try daemon.restart()
    let entry = try #require(daemon.context.control.registry[VersionID(2)])
    #expect(try daemon.context.keeper.store.load(entry.record).digest.description == digest)
  }

  @Test(
    "a disk that fails costs the versions of that time; learning and answers go on, and the operator is told")
  func failingDisk() throws {
    let files = FaultyFiles()
    let daemon = try TestDaemon(files: files) { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<60))
    try client.create(labels: ["kept"])
    for (place, call) in [1, 2, 3, 5].enumerated() {
      files.arm(.init(call: call, number: EIO, lasts: true))
      try client.append(Shop.ratings(60 + place * 20..<80 + place * 20))
      let refused = refusal { try client.create(labels: ["never"]) }
      #expect(refused?.code == .unavailable && refused?.message.contains("Input/output error") == true)
      #expect(try client.listing().versions.map(\.id) == ["v1"])
      #expect(try client.score("u1", ["i1"], .label("kept")).version == "v1")
      let before = try client.flush()
      try client.append(Shop.ratings(200 + place..<201 + place))
      #expect(try client.flush() != before)
      try client.label("moved-\(place)", .id("v1"))
    }
    let metrics = try client.ask(
      "Update", "Metrics", Cowbird__V1__MetricsRequest.self, Cowbird__V1__MetricsResponse.self
    ) { String(cString: $0.text) }
    #expect(metrics.contains("cowbird_version_failures_total 4\n"))
    files.arm(nil)
    let digest = try client.flush()
    #expect(try client.create().digest == digest)
    try daemon.restart()
    #expect(try daemon.client().flush() == digest)
    #expect(try daemon.client().version(.label("moved-3")).id == "v1")
  }

  @Test("a comparison names metrics, pages, features and the users whose best items changed")
  func diff() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<100))
    try client.create()
    try client.append(Shop.ratings(100..<300))
    try client.configure([("learning.rate", "0.5")])
    try client.flush()
    try client.create()
    func compare(_ a: Selector, _ b: Selector) throws -> (
      metrics: Int, features: [String], pages: [UInt64], lines: [String],
      users: [UInt32]
    ) {
      try client.ask("Version", "Diff", Cowbird__V1__DiffRequest.self, Cowbird__V1__DiffResponse.self) {
        request, arena in
        request.a = arena.message(a.message(arena))
        request.b = arena.message(b.message(arena))
        request.users = 5
        request.features = 400
      } _: { answer in
        (
          answer.n_metrics,
          (0..<answer.n_features).map { String(cString: answer.features[$0]!.pointee.feature) },
          [answer.pages_changed, answer.pages],
          (0..<answer.n_configuration).map { String(cString: answer.configuration[$0]!) },
          (0..<answer.n_top).map { answer.top[$0]!.pointee.common }
        )
      }
    }
    let changed = try compare(.id("v1"), .latest)
    #expect(changed.metrics > 0)
    // Ids, crosses and figures have their names; what depends on the state of its time, as sessions do, may not.
    #expect(changed.features.contains { $0.contains("user=u") })
    #expect(changed.features.contains { $0.contains(" x ") })
    #expect(changed.features.contains { !$0.contains("=") })
    #expect(changed.features.count { $0.contains("=") && !$0.contains("#") } > 54)
    #expect(changed.pages[0] > 0)
    #expect(changed.pages[0] < changed.pages[1])
    #expect(changed.lines.contains { $0.hasPrefix("+") && $0.contains("0.5") })
    #expect(changed.users.count == 5)
    let same = try compare(.latest, .head)
    #expect(same.features == [])
    #expect(same.pages[0] == 0)
    #expect(same.pages[1] == changed.pages[1])
    #expect(same.lines.isEmpty)
    #expect(same.users.allSatisfy { $0 == 10 })
  }

  @Test("a watcher gets what it missed, then what happens, each change once and in order")
  func watch() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<10))
    try client.create("one", labels: ["a"])
    var request = Cowbird__V1__WatchRequest.empty
    request.after_offset_presence_case = COWBIRD__V1__WATCH_REQUEST__AFTER_OFFSET_PRESENCE_AFTER_OFFSET
    request.after_offset = 0
    let watcher = try daemon.client()
    let stream = try watcher.openStream(
      "cowbird.v1.Version", "Watch", .server, request: Wire.bytes(&request), timeoutNanos: patience)
    func next() throws -> (kind: String, offset: UInt64)? {
      try stream.receive(Cowbird__V1__WatchEvent.self) { event throws(Status) in
        (String(cString: event.pointee.kind), event.pointee.offset)
      }
    }
    var last: UInt64 = 0
    func expect(_ kinds: [String]) throws {
      for kind in kinds {
        let event = try #require(try next())
        #expect(event.kind == kind)
        #expect(event.offset > last)
        last = event.offset
      }
    }
    try expect(["create"])
    try client.serve(.id("v1"))
    try client.serve(.head)
    try client.unlabel("a")
    _ = try client.pause()
    _ = try client.resume()
    try expect(["switch", "switch", "unlabel", "pause", "resume"])
    try client.rollback(to: .id("v1"))
    try expect(["rollback"])

    request.after_offset = .max
    let beyond = try watcher.openStream(
      "cowbird.v1.Version", "Watch", .server, request: Wire.bytes(&request), timeoutNanos: patience)
    #expect(refusal { _ = try beyond.receive() }?.code == .outOfRange)
  }
}
