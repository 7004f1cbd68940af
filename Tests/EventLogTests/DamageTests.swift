// What a start, a reader and fsck make of files that are not as they were written. COWBIRD_FUZZ_SEEDS sets how many
// damaged logs the fuzz makes of a closed log, and of one whose process was killed (default 60 each).

import Glibc
import Testing

@testable import EventLog

/// A closed log on a disk in memory.
struct Sample {
  let disk: SimulatedDisk
  let records: [Seen]
  let options: LogOptions

  init(records count: Int = 250, isClosed: Bool = true, options: LogOptions = smallSegments()) throws {
    disk = SimulatedDisk(seed: 1)
    self.options = options
    let log = try EventLog.open(directory: "/log", options: options, fileSystem: disk, isThreaded: false)
    for number in 1...count {
      let batch = LogBatch(producer: "p\(number % 3)")
      try batch.add(
        kind: UInt8(number % 5), timeNanos: Int64(number), sequence: UInt64(number),
        eventID: number % 2 == 0 ? "id-\(number)" : "",
        payload: [UInt8](repeating: UInt8(number % 250) + 1, count: 200 + number * 7 % 900))
      _ = try log.append(batch)
    }
    records = try log.all()
    if isClosed { log.close() } else { disk.kill() }
  }

  func open(_ disk: SimulatedDisk? = nil) throws -> EventLog {
    try EventLog.open(
      directory: "/log", options: options, fileSystem: disk ?? self.disk, isThreaded: false)
  }

  var segmentNames: [String] { disk.fileNames.filter { $0.hasSuffix(".log") } }
}

@Suite("A damaged log")
struct DamageTests {
  /// Where the last record of the newest segment lies.
  private func lastRecord(_ sample: Sample) throws -> (name: String, Range<Int>) {
    let name = sample.segmentNames.last!
    let bytes = sample.disk.content(name)
    let first = SegmentHeader.firstOffset(ofName: String(name.dropFirst("/log/".count)))!
    let map = try sample.disk.open(name, .read).map(bytes.count)
    var before = 0
    let scan = SegmentScan.run(map, from: first, at: SegmentHeader.bytes, until: nil) {
      before = $0.base - map.base
    }
    return (name, before..<scan.position)
  }

  @Test("a torn tail is cut at the last whole record, wherever it was torn")
  func tornTail() throws {
    let sample = try Sample(records: 20, isClosed: false)
    let (name, range) = try lastRecord(sample)
    for cut in range.dropFirst() {
      let disk = sample.disk.copy(seed: 1)
      disk.tamper(name) { for at in cut..<$0.count { $0[at] = 0 } }
      let log = try sample.open(disk)
      #expect(try log.all() == sample.records.dropLast())
      #expect(log.recovery.cut?.position == range.lowerBound)
      #expect(log.recovery.cut?.offset == 20)
      let receipt = try log.add(["after"])
      #expect(receipt.firstOffset == 20)
    }
  }

  @Test("damage before synced records is refused, with file and offset, and nothing is cut")
  func damageInTheMiddle() throws {
    let sample = try Sample(records: 20, isClosed: false)
    let name = sample.segmentNames[0]
    sample.disk.tamper(name) { $0[SegmentHeader.bytes + 700] ^= 1 }
    let before = sample.disk.content(name)
    let error = #expect(throws: LogError.self) { try sample.open() }
    #expect(error?.code == .dataLoss)
    #expect(error?.file == name)
    #expect(error?.offset != nil)
    #expect(error?.message.contains("fsck") == true)
    #expect(sample.disk.content(name) == before)
  }

  @Test("a clean log that lost its last record since it was closed is refused")
  func lostEnd() throws {
    let sample = try Sample(records: 20)
    let (name, range) = try lastRecord(sample)
    sample.disk.tamper(name) { for at in range { $0[at] = 0 } }
    #expect(throws: LogError.self) { try sample.open() }
  }

  @Test(
    "repair leaves tombstones for what is lost, every other record at its offset, and the damaged bytes aside"
  )
  func repair() throws {
    let sample = try Sample()
    let name = sample.segmentNames[1]
    sample.disk.tamper(name) { $0[5000] ^= 0x40 }
    var check = try LogCheck.verify(directory: "/log", options: sample.options, fileSystem: sample.disk)
    #expect(!check.isSound)
    #expect(check.findings.count == 1)
    #expect(check.findings[0].lost?.count == 1)
    let lost = check.findings[0].lost!.lowerBound

    _ = try LogRepair.repair(directory: "/log", options: sample.options, fileSystem: sample.disk)
    check = try LogCheck.verify(directory: "/log", options: sample.options, fileSystem: sample.disk)
    #expect(check.isSound)
    #expect(sample.disk.fileNames.contains { $0.hasPrefix("/log/cut/") })
    let log = try sample.open()
    let records = try log.all()
    #expect(records.count == sample.records.count)
    for (record, original) in zip(records, sample.records) where record.offset != lost {
      #expect(record == original)
    }
    #expect(try log.withRecord(at: lost) { $0.isLost && $0.payload.isEmpty })
  }

  @Test("a missing segment is refused, and repair fills its offsets with tombstones")
  func missingSegment() throws {
    let sample = try Sample()
    let name = sample.segmentNames[1]
    sample.disk.delete(name)
    #expect(throws: LogError.self) { try sample.open() }
    let check = try LogRepair.repair(directory: "/log", options: sample.options, fileSystem: sample.disk)
    #expect(!check.isSound)
    let records = try sample.open().all()
    #expect(records.map(\.offset) == sample.records.map(\.offset))
    #expect(records.filter { $0.payload.isEmpty }.count > 10)
  }

  @Test("a missing or damaged index is made again")
  func index() throws {
    let sample = try Sample()
    let names = sample.disk.fileNames.filter { $0.hasSuffix(".index") }
    #expect(names.count >= 2)
    sample.disk.delete(names[0])
    sample.disk.tamper(names[1]) { $0[10] ^= 1 }
    let log = try sample.open()
    #expect(try log.all() == sample.records)
    #expect(log.recovery.notes.count == 2)
    log.close()
    #expect(try sample.open().recovery.notes.isEmpty)
  }

  @Test("a damaged checkpoint is made again from the records while they are all there")
  func checkpoint() throws {
    let sample = try Sample()
    sample.disk.tamper("/log/checkpoint") { $0[30] ^= 1 }
    let log = try sample.open()
    #expect(log.recovery.notes.count == 1)
    #expect(try log.highestSequence(of: "p0") == 249)
    #expect(try log.add(["x"], ids: ["id-250"]).duplicates.first?.offset == 250)
  }

  @Test("payloads of a newer format stop the start with a clear error")
  func newerFormat() throws {
    let sample = try Sample(records: 3, isClosed: false)
    let name = sample.segmentNames[0]
    sample.disk.tamper(name) { bytes in
      bytes.withUnsafeMutableBytes { raw in
        let record = raw.baseAddress! + SegmentHeader.bytes
        RecordLayout.store(record, RecordLayout.format, UInt16(2))
        let length = LogRecord(base: record).length
        RecordLayout.store(record, RecordLayout.checksum, RecordLayout.checksum(of: record, length: length))
      }
    }
    let error = #expect(throws: LogError.self) { try sample.open() }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.message.contains("newer") == true)
  }

  @Test("files changed at random are never read as records that were not written, and never silently shorter")
  func fuzz() throws {
    let count = getenv("COWBIRD_FUZZ_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 60
    for isClosed in [true, false] {
      let sample = try Sample(isClosed: isClosed)
      for seed in 0..<count {
        let disk = sample.disk.copy(seed: seed)
        let name = mutate(disk, seed)
        try checkDamaged(sample, disk, "seed \(seed) in \(name), closed: \(isClosed)", isClosed: isClosed)
      }
    }
  }

  /// Flips, cuts, splices, zeros or garbage in one file.
  private func mutate(_ disk: SimulatedDisk, _ seed: UInt64) -> String {
    var dice = Dice(seed)
    let names = disk.fileNames.filter { !$0.hasSuffix("/lock") }
    let name = names[dice.below(names.count)]
    let donor = disk.content(names[dice.below(names.count)])
    disk.tamper(name) { bytes in
      guard !bytes.isEmpty else { return }
      // Where there is something, mostly.
      let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
      let at = dice.below(dice.chance(80) ? used : bytes.count)
      let count = 1 + dice.below(min(3000, bytes.count - at))
      switch dice.below(7) {
      case 0: bytes[at] ^= 1 << UInt8(dice.below(8))
      case 1: bytes.removeLast(bytes.count - at)
      case 2:
        let from = dice.below(donor.count)
        let piece = donor[from..<min(from + count, donor.count)]
        bytes.replaceSubrange(at..<min(at + piece.count, bytes.count), with: piece)
      case 6: spliceRecords(&bytes, donor, &dice)
      case 3: for place in at..<at + count { bytes[place] = 0 }
      case 4: for place in at..<at + count { bytes[place] = UInt8(dice.below(256)) }
      default: bytes.removeSubrange(at..<at + count)
      }
    }
    return name
  }

  /// From one whole record on, what follows another one, perhaps of another segment.
  private func spliceRecords(_ bytes: inout [UInt8], _ donor: [UInt8], _ dice: inout Dice) {
    func boundaries(_ bytes: [UInt8]) -> [Int] {
      var at = SegmentHeader.bytes
      var found: [Int] = []
      while at + RecordLayout.headerBytes <= bytes.count {
        let length = bytes.withUnsafeBytes { Int(LogRecord(base: $0.baseAddress! + at).length) }
        if length < RecordLayout.headerBytes { break }
        found.append(at)
        at += length
      }
      return found
    }
    let targets = boundaries(bytes)
    let sources = boundaries(donor)
    guard !targets.isEmpty && !sources.isEmpty else { return }
    let target = targets[dice.below(targets.count)]
    let piece = donor[sources[dice.below(sources.count)]...].prefix(bytes.count - target)
    bytes.replaceSubrange(target..<target + piece.count, with: piece)
  }

  private func checkDamaged(
    _ sample: Sample, _ disk: SimulatedDisk, _ what: Comment, isClosed: Bool
  ) throws {
    let check = try LogCheck.verify(
      directory: "/log", options: sample.options, fileSystem: disk.copy(seed: 0))
    var isReported = !check.findings.isEmpty
    let opened = disk.copy(seed: 0)
    do {
      let log = try sample.open(opened)
      if log.recovery.cut != nil { isReported = true }
      let records = try log.all()
      #expect(Array(sample.records.prefix(records.count)) == records, what)
      // Of a log that was never closed, the last synced record is known by nothing but itself.
      #expect(records.count == sample.records.count || isReported, what)
    } catch is LogError {
      #expect(isReported, "\(what): refused, but fsck finds nothing")
    }
    let repaired = disk.copy(seed: 0)
    _ = try LogRepair.repair(directory: "/log", options: sample.options, fileSystem: repaired)
    let log = try sample.open(repaired)
    for record in try log.all() {
      let original = sample.records[Int(record.offset) - 1]
      #expect(record == original || (record.payload.isEmpty && record.sequence == 0), what)
    }
  }
}
