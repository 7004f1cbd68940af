// The promises of a log that nothing goes wrong under.

import Primitives
import Testing

@testable import EventLog

@Suite("The log")
struct EventLogTests {
  @Test("appended records are read back in order, with everything they brought")
  func roundTrip() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    defer { log.close() }
    let batch = LogBatch(producer: "shop")
    try batch.add(kind: 7, timeNanos: 42, sequence: 1, eventID: "e-1", payload: [1, 2, 3])
    try batch.add(timeNanos: 43, sequence: 2, payload: [])
    let receipt = try log.append(batch)
    #expect(receipt.firstOffset == 1)
    #expect(receipt.lastOffset == 2)
    #expect(receipt.producerSequence == 2)
    let seen = try log.all(.durable)
    #expect(seen.map(\.offset) == [1, 2])
    #expect(seen.map(\.kind) == [7, 0])
    #expect(seen.map(\.timeNanos) == [42, 43])
    #expect(seen.map(\.sequence) == [1, 2])
    #expect(seen.map(\.producer) == ["shop", "shop"])
    #expect(seen.map(\.payload) == [[1, 2, 3], []])
  }

  @Test("a record without a time gets that of its arrival")
  func arrivalTime() throws {
    let scratch = Scratch()
    var options = LogOptions()
    options.clock = { 1234 }
    let log = try EventLog.open(directory: scratch.path, options: options)
    defer { log.close() }
    let batch = LogBatch()
    try batch.add(payload: [1])
    _ = try log.append(batch)
    #expect(try log.all().map(\.timeNanos) == [1234])
  }

  @Test("a repeated sequence is a duplicate and a skipped one is told, also after a restart")
  func sequences() throws {
    let scratch = Scratch()
    var log = try EventLog.open(directory: scratch.path)
    try log.add(["a", "b"], producer: "p", firstSequence: 1)
    var receipt = try log.add(["b", "c", "d"], producer: "p", firstSequence: 2)
    #expect(receipt.duplicates.map(\.index) == [0])
    #expect(receipt.accepted == 2)
    #expect(receipt.firstOffset == 3)
    #expect(receipt.offset(at: 2) == 4)
    log.close()

    log = try EventLog.open(directory: scratch.path)
    defer { log.close() }
    #expect(try log.highestSequence(of: "p") == 4)
    receipt = try log.add(["d", "g"], producer: "p", firstSequence: 4)
    #expect(receipt.duplicates.count == 1)
    receipt = try log.add(["x"], producer: "p", firstSequence: 9)
    #expect(receipt.gaps == [6...8])
    #expect(receipt.producerSequence == 9)
    #expect(try log.add(["x"], producer: "q", firstSequence: 3).gaps == [1...2])
  }

  @Test("an event id is known as a duplicate, with its offset, within a batch and after a restart")
  func identifiers() throws {
    let scratch = Scratch()
    var log = try EventLog.open(directory: scratch.path)
    let receipt = try log.add(["a", "b", "a"], ids: ["1", "2", "1"])
    #expect(receipt.duplicates == [.init(index: 2, offset: 1)])
    log.close()
    log = try EventLog.open(directory: scratch.path)
    defer { log.close() }
    #expect(try log.add(["b"], ids: ["2"]).duplicates == [.init(index: 0, offset: 2)])
    #expect(try log.add(["c"], ids: ["3"]).accepted == 1)
    let id = Array("3".utf8)
    #expect(try id.withUnsafeBytes { try log.offset(ofEventID: $0) } == 3)
  }

  @Test("the window forgets the oldest id first")
  func windowBound() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path, options: smallSegments())
    defer { log.close() }
    for number in 0..<150 { try log.add(["x"], ids: ["\(number)"], durability: .written) }
    #expect(try log.add(["x"], ids: ["50"]).accepted == 0)
    #expect(try log.add(["x"], ids: ["49"]).accepted == 1)
    #expect(try log.add(["x"], ids: ["51"]).accepted == 0)
    #expect(try log.add(["x"], ids: ["50"]).accepted == 1)
  }

  @Test("records go on over many segments, and are found by offset and by time")
  func manySegments() throws {
    let scratch = Scratch()
    var log = try EventLog.open(directory: scratch.path, options: smallSegments())
    let padding = [UInt8](repeating: 7, count: 400)
    for chunk in 0..<40 {
      let batch = LogBatch(producer: "p")
      for index in 0..<50 {
        let number = UInt64(chunk * 50 + index + 1)
        try batch.add(timeNanos: Int64(number) * 10, sequence: number, payload: padding)
      }
      _ = try log.append(batch, durability: .written)
    }
    #expect(log.status.segments > 10)
    for pass in 0..<2 {
      let seen = try log.all()
      #expect(seen.map(\.sequence) == Array(1...2000))
      for offset in [1, 2, 49, 777, 1999, 2000] as [UInt64] {
        #expect(try log.withRecord(at: offset) { $0.sequence } == offset)
        #expect(try log.offset(ofTime: Int64(offset) * 10) == offset)
        #expect(try log.offset(ofTime: Int64(offset) * 10 - 9) == offset)
      }
      #expect(try log.offset(ofTime: 1_000_000) == 2001)
      if pass == 0 {
        log.close()
        log = try EventLog.open(directory: scratch.path, options: smallSegments())
        #expect(log.recovery.cut == nil)
        #expect(log.recovery.recordsRead == 0)
      }
    }
    log.close()
  }

  @Test("a reader that waits is woken by an append, and by the close of the log")
  func following() async throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    let follower = Task.detached {
      let reader = log.reader(from: 1, durability: .durable)
      var count = 0
      while let batch = try reader.next(timeoutNanos: nil) { count += batch.count }
      return count
    }
    for number in 0..<20 { try log.add(["\(number)"]) }
    log.close()
    #expect(try await follower.value == 20)
  }

  @Test("a hook is called with the new end")
  func hooks() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    let ends = Recorded<UInt64>()
    _ = log.onAdvance(.durable) { ends.add($0) }
    try log.add(["a", "b"])
    log.close()
    #expect(ends.values.contains(3))
  }

  @Test("a second log on the same directory is refused")
  func locking() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    let refusal = #expect(throws: LogError.self) { try EventLog.open(directory: scratch.path) }
    #expect(refusal?.code == .failedPrecondition)
    log.close()
    try EventLog.open(directory: scratch.path).close()
  }

  @Test("what a batch may not hold is refused with the bound")
  func bounds() throws {
    let batch = LogBatch(producer: String(repeating: "x", count: 257))
    #expect(throws: LogError.self) { try batch.add(sequence: 1, payload: []) }
    #expect(throws: LogError.self) { try LogBatch().add(sequence: 1, payload: []) }
    #expect(throws: LogError.self) {
      try LogBatch().add(payload: [UInt8](repeating: 0, count: LogBatch.maxRecordBytes))
    }
    #expect(batch.isEmpty)
  }

  @Test("a batch larger than a segment gets a segment of its own")
  func largeBatch() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path, options: smallSegments())
    try log.add(["small"])
    try log.add([String(repeating: "x", count: 200_000)])
    try log.add(["small"])
    #expect(try log.all().map(\.payload.count) == [5, 200_000, 5])
    log.close()
    let again = try EventLog.open(directory: scratch.path, options: smallSegments())
    #expect(try again.all().map(\.payload.count) == [5, 200_000, 5])
    again.close()
  }

  @Test("received records are read from memory before they are written")
  func receivedFromMemory() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    defer { log.close() }
    let receipt = try log.add(["a", "b"], durability: .received)
    #expect(receipt.accepted == 2)
    #expect(try log.all(.received).count == 2)
    try log.flush()
    #expect(log.durableOffset == 3)
    #expect(try log.all(.durable).count == 2)
  }
}

/// A list that several threads add to.
final class Recorded<Value: Sendable>: @unchecked Sendable {
  private let lock = Lock()
  private var list: [Value] = []

  func add(_ value: Value) {
    lock.lock()
    list.append(value)
    lock.unlock()
  }

  var values: [Value] {
    lock.lock()
    defer { lock.unlock() }
    return list
  }
}
