// Kills a process that appends, again and again, at any moment, and checks what the log holds after each restart.
// COWBIRD_CRASHES sets how often (default 200); thousands must pass.

import EventLog
import Glibc
import Testing

private struct Acknowledged {
  var producer: Int
  var sequence: UInt64
  var offset: UInt64
}

@Suite("The log and kill -9")
struct LogCrashTests {
  @Test("every acknowledged record is there once and in order after a kill, and nothing else is")
  func killAndRestart() throws {
    let count = KilledProcess.setting("COWBIRD_CRASHES", default: 200)
    let temporary = try TemporaryDirectory()
    let directory = temporary.path
    var acknowledgedTotal = 0
    var verifiedEnd: UInt64 = 1
    var highest = [UInt64](repeating: 0, count: 3)
    var random = UInt64(getpid())
    for round in 0..<count {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let delay = UInt32((random >> 33) % 60_000)
      let acknowledged = try runAndKill(directory, seed: round, afterMicroseconds: delay)
      acknowledgedTotal += acknowledged.count
      try verify(directory, acknowledged, &verifiedEnd, &highest, round: round)
    }
    #expect(acknowledgedTotal > count, "the child had hardly time to append")
    let check = try LogCheck.verify(directory: directory, options: CrashScript.options)
    #expect(check.findings.isEmpty, "\(check.findings)")
  }

  /// Reads what is new since the last round: records must follow each other by offset and by sequence.
  private func verify(
    _ directory: String, _ acknowledged: [Acknowledged], _ verifiedEnd: inout UInt64,
    _ highest: inout [UInt64],
    round: Int
  ) throws {
    let log = try EventLog.open(directory: directory, options: CrashScript.options)
    defer { log.close() }
    let start = max(verifiedEnd, log.firstOffset)
    // What retention deleted cannot be read; its sequences are known all the same.
    var mayJump = start > verifiedEnd
    var found: [UInt64: (Int, UInt64)] = [:]
    var expected = start
    var seen = [Bool](repeating: false, count: 3)
    let reader = log.reader(from: start)
    while let batch = try reader.next() {
      for record in batch {
        #expect(record.offset == expected)
        expected += 1
        let name = String(decoding: record.producer, as: UTF8.self)
        guard let which = CrashScript.producers.firstIndex(of: name) else {
          Issue.record("round \(round): a producer that was never there: \(name)")
          continue
        }
        let follows = record.sequence == highest[which] + 1
        let jumps = mayJump && !seen[which] && record.sequence > highest[which]
        #expect(follows || jumps, "round \(round): \(name) has \(record.sequence) after \(highest[which])")
        #expect(Array(record.payload) == CrashScript.payload(which, record.sequence))
        highest[which] = record.sequence
        seen[which] = true
        found[record.offset] = (which, record.sequence)
      }
    }
    mayJump = false
    for one in acknowledged where one.offset >= start {
      #expect(
        found[one.offset].map { $0 == (one.producer, one.sequence) } ?? false,
        "round \(round): acknowledged \(one) is \(String(describing: found[one.offset]))")
    }
    for (which, name) in CrashScript.producers.enumerated() {
      let known = try log.highestSequence(of: name)
      #expect(known >= highest[which], "round \(round): \(name) is known up to \(known) of \(highest[which])")
      highest[which] = known
    }
    #expect(expected == log.endOffset)
    verifiedEnd = expected
  }

  private func runAndKill(
    _ directory: String, seed: Int, afterMicroseconds delay: UInt32
  ) throws -> [Acknowledged] {
    // A start that takes long is killed too.
    let lines = try KilledProcess.lines(
      "LogCrasher", [directory, "\(seed)"],
      patienceMilliseconds: seed % 4 == 0 ? Int32(delay / 4000) : 10_000, thenMicroseconds: delay)
    return lines.map { line in
      let fields = line.split(separator: " ").map { UInt64($0)! }
      return Acknowledged(producer: Int(fields[0]), sequence: fields[1], offset: fields[2])
    }
  }
}
