// Retention, pins, redaction, and what the parts promise by themselves.

import CSystem
import Primitives
import Testing

@testable import EventLog

@Suite("The log's upkeep")
struct UpkeepTests {
  @Test("retention deletes the oldest segments, never what a pin needs, and forgets no producer and no id")
  func retention() throws {
    let sample = try Sample(records: 400)
    var options = sample.options
    options.retention.bytes = 100 << 10
    var log = try EventLog.open(
      directory: "/log", options: options, fileSystem: sample.disk, isThreaded: false)
    try log.pin("version-3", at: 250)
    #expect(log.firstOffset == 1)
    var report = try log.applyRetention()
    #expect(report.heldBy == "version-3")
    #expect(log.firstOffset > 1 && log.firstOffset <= 250)
    #expect(try log.withRecord(at: 250) { $0.sequence } == 250)
    #expect(throws: LogError.self) { try log.pin("too-late", at: 1) }

    // The pin outlives a restart.
    log.close()
    log = try EventLog.open(directory: "/log", options: options, fileSystem: sample.disk, isThreaded: false)
    report = try log.applyRetention()
    #expect(report.segmentsDeleted == 0)
    try log.pin("version-3", at: log.endOffset)
    report = try log.applyRetention()
    #expect(report.segmentsDeleted > 0)
    #expect(log.firstOffset > 250)
    #expect(log.status.bytes <= 100 << 10)
    #expect(throws: LogError.self) { try log.withRecord(at: 100) { $0.sequence } }
    #expect(throws: LogError.self) { try log.reader(from: 5).next() }

    sample.disk.kill()
    log = try EventLog.open(directory: "/log", options: options, fileSystem: sample.disk, isThreaded: false)
    #expect(try log.highestSequence(of: "p1") == 400)
    #expect(try log.add(["x"], ids: ["id-398"]).duplicates.count == 1)
    let first = log.firstOffset
    #expect(try log.all() == sample.records.filter { $0.offset >= first })
  }

  @Test("retention by age goes by the log's clock")
  func retentionByAge() throws {
    let disk = SimulatedDisk(seed: 1)
    let time = Recorded<Int64>()
    time.add(1_000)
    var options = smallSegments()
    options.clock = { time.values.last! }
    let log = try EventLog.open(directory: "/log", options: options, fileSystem: disk, isThreaded: false)
    for _ in 0..<100 { try log.add([String(repeating: "x", count: 3000)]) }
    log.close()
    options.retention.nanos = 500
    time.add(1_400)
    var again = try EventLog.open(directory: "/log", options: options, fileSystem: disk, isThreaded: false)
    #expect(try again.applyRetention().segmentsDeleted == 0)
    again.close()
    time.add(1_600)
    again = try EventLog.open(directory: "/log", options: options, fileSystem: disk, isThreaded: false)
    #expect(try again.applyRetention().segmentsDeleted > 0)
    #expect(again.status.segments == 1)
  }

  @Test("redaction empties the chosen payloads, in old segments and the newest, and moves nothing else")
  func redaction() throws {
    let sample = try Sample()
    var log = try sample.open()
    let follower = log.reader(from: 1)
    let held = try follower.next()!
    let redacted = try log.redact { $0.sequence % 10 == 0 }
    #expect(redacted == (1...25).map { UInt64($0 * 10) })
    // A batch read before shows what it showed; the next read shows tombstones.
    #expect(held.map { $0.payload.isEmpty }.contains(true) == false)
    for pass in 0..<2 {
      for (record, original) in zip(try log.all(), sample.records) {
        var expected = original
        if record.sequence % 10 == 0 { expected.payload = [] }
        #expect(record == expected)
      }
      #expect(try log.withRecord(at: 20) { $0.isTombstone && !$0.isLost })
      if pass == 0 {
        log.close()
        #expect(
          !sample.disk.fileNames.contains { sample.disk.content($0).count > 64 && sample.holds($0, 20) })
        log = try sample.open()
      }
    }
    // What makes a repeat harmless stays.
    #expect(try log.add(["x"], ids: ["id-250"]).duplicates.count == 1)
    log.close()
    let result = try LogCheck.verify(directory: "/log", options: sample.options, fileSystem: sample.disk)
    #expect(result.findings.isEmpty)
    #expect(result.tombstones == 25)
  }

  @Test("the processor's CRC-32C equals the table's and the published values")
  func crc() {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up; and the usual check value.
    func crc(_ bytes: [UInt8]) -> UInt32 {
      bytes.withUnsafeBytes { cowbird_crc32c(0, $0.baseAddress, $0.count) }
    }
    #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(crc(Array(0..<32)) == 0x46DD_794E)
    #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    bytes.withUnsafeBytes { raw in
      for start in 0..<16 {
        for count in 0..<(300 - start) {
          let at = raw.baseAddress! + start
          #expect(cowbird_crc32c(7, at, count) == cowbird_crc32c_portable(7, at, count))
        }
      }
    }
  }

  @Test("the window of ids agrees with a plain dictionary and queue")
  func window() {
    var window = IdentifierWindow(capacity: 40)
    var queue: [UInt64] = []
    var dice = Dice(3)
    for offset in 0..<UInt64(5000) {
      let id = dice.next() % 90
      let digest = Digest(low: id, high: 0)
      #expect((window.offset(of: digest) != nil) == queue.contains(id))
      if !queue.contains(id) {
        window.insert(digest, offset: offset)
        queue.append(id)
        if queue.count > 40 { queue.removeFirst() }
      }
    }
    #expect(window.count == 40)
  }

  @Test("too many producers cost the least recently active ones their place")
  func producerLimit() {
    var table = ProducerTable(limit: 16)
    for number in 0..<20 { table.note("p\(number)", sequence: 5, offset: UInt64(number)) }
    #expect(table.states.count <= 16)
    #expect(table.highest("p0") == 0)
    #expect(table.highest("p19") == 5)
  }

  @Test("the bytes of a record are as the format says")
  func goldenBytes() throws {
    let batch = LogBatch(producer: "ab")
    try batch.add(kind: 3, timeNanos: 0x0102, sequence: 9, payload: [0xEE])
    RecordLayout.seal(batch.memory, offset: 258, durableEnd: 256)
    let bytes = Array(UnsafeRawBufferPointer(start: batch.memory, count: batch.byteCount))
    #expect(
      bytes.dropFirst(4) == [
        45, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 3, 1, 1, 0, 2, 0, 0, 0,
        9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x61, 0x62, 0xEE,
      ])
  }
}

extension Sample {
  /// True: the payload of a record stands in a file.
  func holds(_ name: String, _ offset: Int) -> Bool {
    let payload = records[offset - 1].payload
    let bytes = disk.content(name)
    guard name.hasSuffix(".log"), bytes.count > payload.count else { return false }
    var run = 0
    for byte in bytes {
      run = byte == payload[0] ? run + 1 : 0
      if run >= payload.count { return true }
    }
    return false
  }
}
