// A seeded search for a run of bad luck that makes the log lie: random appends on a disk that fails, with kills
// and power cuts between. COWBIRD_FAULT_SEEDS sets how many runs (default 60), COWBIRD_FAULT_SEED
// the first; a failure names its seed.

import Glibc
import Testing

@testable import EventLog

/// One run, and what the log has promised in it.
private struct FaultRun {
  let seed: UInt64
  let disk: SimulatedDisk
  var dice: Dice
  var log: EventLog?
  /// What must be there for as long as the given thing does not happen: by offset.
  var promised: [UInt64: (payload: [UInt8], durability: Durability)] = [:]
  /// Payloads that the log refused for good.
  var refused: Set<[UInt8]> = []
  /// For each producer: the sequence to send next, and the highest that was acknowledged.
  var next: [UInt64] = [1, 1, 1]
  var token = 0
  var violations: [String] = []

  init(seed: UInt64) {
    self.seed = seed
    disk = SimulatedDisk(seed: seed)
    dice = Dice(seed ^ 0xABCD)
  }

  var options: LogOptions {
    var options = LogOptions()
    options.segmentBytes = 64 << 10
    options.checkpointEveryBytes = 100 << 10
    options.eventIDWindow = 50
    options.syncAfterBytes = 40 << 10
    options.maxUnsyncedBytes = 80 << 10
    options.clock = { 1 }
    if seed % 4 == 0 { options.retention.bytes = 200 << 10 }
    return options
  }

  mutating func violated(_ what: String) { violations.append("seed \(seed): \(what)") }

  mutating func run() {
    for _ in 0..<5 {
      guard reopen() else { return }
      disk.faultPerMille = [0, 5, 30, 100][dice.below(4)]
      for _ in 0..<12 {
        append()
        if dice.chance(20) { try? log?.syncNow() }
        if dice.chance(10) { checkReaders() }
      }
      disk.heal()
      if dice.chance(40) { resumeAndCheck() }
      if dice.chance(15) { log?.close() }
      let losesPower = dice.chance(60)
      let soundEnd = log?.withState { $0.isSuspect ? $0.durableEnd : .max } ?? .max
      log = nil
      if losesPower { disk.losePower() } else { disk.kill() }
      // A process that dies between a failed sync and the rewriting takes along what the disk did not take.
      let kept: Durability = losesPower ? .durable : .written
      promised = promised.filter { offset, promise in
        promise.durability == .durable || promise.durability >= kept && offset < soundEnd
      }
    }
    if reopen() { resumeAndCheck() }
  }

  /// Opens the log, at first perhaps with faults; without them it must open.
  private mutating func reopen() -> Bool {
    if dice.chance(20) {
      let failedSyncs = disk.failedSyncs
      disk.faultPerMille = 100
      log = try? EventLog.open(directory: "/log", options: options, fileSystem: disk, isThreaded: false)
      log = nil
      disk.heal()
      disk.kill()
      // The disk itself refused what was only in the page cache.
      if disk.failedSyncs > failedSyncs { promised = promised.filter { $0.value.durability == .durable } }
    }
    do {
      log = try EventLog.open(directory: "/log", options: options, fileSystem: disk, isThreaded: false)
    } catch {
      violated("does not open: \(error)")
      return false
    }
    checkContent()
    return true
  }

  private func payload(_ name: String, _ number: UInt64) -> [UInt8] {
    var dice = Dice(number &* 31 &+ UInt64(name.utf8.first ?? 0))
    return Array("\(name)-\(number)-".utf8)
      + [UInt8](repeating: UInt8(dice.below(255)) + 1, count: dice.below(3000))
  }

  private mutating func append() {
    var sent: [(LogBatch, Durability, [[UInt8]], Recorded<Result<AppendReceipt, LogError>>)] = []
    for _ in 0...dice.below(3) {
      let durability = Durability(rawValue: UInt8([0, 1, 2, 2][dice.below(4)]))!
      let which = dice.below(4)
      let name = which < 3 ? "p\(which)" : ""
      let batch = LogBatch(producer: name)
      var payloads: [[UInt8]] = []
      for step in 0...dice.below(4) {
        let number = which < 3 ? next[which] + UInt64(step) : 0
        token += 1
        payloads.append(which < 3 ? payload(name, number) : payload("u", UInt64(token)))
        try! batch.add(timeNanos: 5, sequence: number, payload: payloads[step])
      }
      let answer = Recorded<Result<AppendReceipt, LogError>>()
      do throws(LogError) {
        try log?.append(batch, durability: durability) { answer.add($0) }
      } catch {
        for payload in payloads { refused.insert(payload) }
        continue
      }
      sent.append((batch, durability, payloads, answer))
    }
    log?.step()
    for (batch, durability, payloads, answer) in sent {
      guard answer.values.count == 1 else {
        violated("\(answer.values.count) answers to a \(durability) append")
        continue
      }
      note(batch, durability, payloads, answer.values[0])
    }
  }

  private mutating func note(
    _ batch: LogBatch, _ durability: Durability, _ payloads: [[UInt8]],
    _ answer: Result<AppendReceipt, LogError>
  ) {
    switch answer {
    case .failure(let error):
      if batch.producer.isEmpty && !error.outcomeIsUnknown { refused.formUnion(payloads) }
    case .success(let receipt):
      for index in payloads.indices where !receipt.duplicates.contains(where: { $0.index == index }) {
        promised[receipt.offset(at: index)!] = (payloads[index], durability)
      }
      if let which = batch.producer.last?.wholeNumberValue { next[which] = receipt.producerSequence + 1 }
    }
  }

  /// Without faults the log must take appends again, unless it said that it never will.
  private mutating func resumeAndCheck() {
    guard let log, !log.withState({ $0.isLost }) else { return }
    do {
      let batch = LogBatch()
      token += 1
      let bytes = payload("u", UInt64(token))
      try batch.add(timeNanos: 5, payload: bytes)
      let receipt = try log.append(batch)
      promised[receipt.firstOffset] = (bytes, .durable)
    } catch {
      violated("does not resume: \(error)")
    }
    checkContent()
  }

  private mutating func checkReaders() {
    guard let log else { return }
    for durability in Durability.allCases {
      let reader = log.reader(from: log.firstOffset, durability: durability)
      var expected = log.firstOffset
      while let batch = try? reader.next() {
        for record in batch {
          if record.offset != expected { violated("reader met \(record.offset) for \(expected)") }
          expected += 1
        }
      }
      let end = log.withState { $0.end(durability) }
      if expected != end {
        violated("reader at \(durability) ended at \(expected) of \(end)")
      }
    }
  }

  private mutating func checkContent() {
    guard let log else { return }
    var sequences: [String: UInt64] = [:]
    var offset = log.firstOffset
    var found: [UInt64: [UInt8]] = [:]
    do {
      for record in try log.all() {
        if record.offset != offset { violated("offset \(record.offset) where \(offset) should be") }
        offset += 1
        found[record.offset] = record.payload
        if record.producer.isEmpty {
          if refused.contains(record.payload) { violated("a refused record is there") }
          continue
        }
        if record.payload != payload(record.producer, record.sequence) {
          violated("record \(record.offset) is not what was sent")
        }
        if record.sequence <= sequences[record.producer] ?? 0 {
          violated("sequence \(record.sequence) of \(record.producer) is there twice")
        }
        sequences[record.producer] = record.sequence
      }
    } catch {
      violated("does not read: \(error)")
    }
    for (offset, promise) in promised where offset >= log.firstOffset && found[offset] != promise.payload {
      violated("\(promise.durability) record \(offset) is \(found[offset] == nil ? "gone" : "another")")
    }
  }
}

@Suite("The log on a failing disk")
struct FaultSearchTests {
  @Test("no sequence of faults, kills and power cuts makes the log lie")
  func search() {
    let count = getenv("COWBIRD_FAULT_SEEDS").flatMap { Int(String(cString: $0)) } ?? 60
    let first = getenv("COWBIRD_FAULT_SEED").flatMap { UInt64(String(cString: $0)) } ?? 0
    var faults = 0
    for seed in first..<first + UInt64(count) {
      var run = FaultRun(seed: seed)
      run.run()
      faults += run.disk.faults
      #expect(run.violations.isEmpty, "\(run.violations.prefix(3))")
    }
    #expect(faults > count || count < 10, "the search met only \(faults) faults")
  }
}
