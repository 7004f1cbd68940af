// The log's figures, beside plain writes of the same bytes in the same run.
//
//   swift run --package-path Benchmarks -c release LogBench [DIRECTORY]
//
// DIRECTORY (default: a new one in /tmp) decides which disk is measured. Each part is done three times, the log
// and the plain loop by turns; the median counts.

import EventLog
import Glibc

@main
struct LogBench {
  static let batchRecords = 1000
  static let payloadBytes = 100

  static func main() throws {
    let root = CommandLine.arguments.dropFirst().first ?? "/tmp/cowbird-logbench-\(getpid())"
    try PosixFileSystem().makeDirectory(root)
    defer { removeTree(root) }
    try written(root)
    try durable(root, inFlight: 1)
    try durable(root, inFlight: 8)
    try callers(root)
    try replay(root)
    try opening(root)
  }

  static func batch(_ first: UInt64, _ payload: [UInt8]) throws -> LogBatch {
    let batch = LogBatch(producer: "bench", reservingBytes: batchRecords * (payloadBytes + 64))
    try payload.withUnsafeBytes { raw in
      for index in 0..<UInt64(batchRecords) {
        try batch.add(timeNanos: 1, sequence: first + index, payload: raw)
      }
    }
    return batch
  }

  /// Batches of 1,000, answered when written; at most 16 in flight.
  static func written(_ root: String) throws {
    let payload = [UInt8](repeating: 7, count: payloadBytes)
    let batches = 2000
    var rates: [Double] = []
    var raw: [Double] = []
    for round in 0..<3 {
      let path = "\(root)/written-\(round)"
      let log = try EventLog.open(directory: path)
      let room = Semaphore(16)
      let start = now()
      for number in 0..<batches {
        let batch = try batch(UInt64(number * batchRecords + 1), payload)
        room.wait()
        try log.append(batch, durability: .written) { _ in room.signal() }
      }
      for _ in 0..<16 { room.wait() }
      rates.append(Double(batches * batchRecords) / seconds(since: start))
      let bytes = log.status.bytes / batches
      log.close()
      removeTree(path)
      raw.append(
        try plainWrites("\(root)/plain", bytes: bytes, count: batches, syncs: 0) * Double(batchRecords))
    }
    print(
      "append WRITTEN, batches of 1,000 x 100 B:   \(millions(rates)) M events/s; plain write of the same bytes \(millions(raw))"
    )
  }

  /// Batches of 1,000, answered when synced, so many in flight.
  static func durable(_ root: String, inFlight: UInt32) throws {
    let payload = [UInt8](repeating: 7, count: payloadBytes)
    let batches = 300
    var rates: [Double] = []
    var raw: [Double] = []
    var ratios: [Double] = []
    var syncs = 0
    for round in 0..<5 {
      let path = "\(root)/durable-\(round)"
      let log = try EventLog.open(directory: path)
      let room = Semaphore(inFlight)
      let start = now()
      for number in 0..<batches {
        let batch = try batch(UInt64(number * batchRecords + 1), payload)
        room.wait()
        try log.append(batch, durability: .durable) { _ in room.signal() }
      }
      for _ in 0..<inFlight { room.wait() }
      rates.append(Double(batches * batchRecords) / seconds(since: start))
      let status = log.status
      log.close()
      removeTree(path)
      syncs = Int(status.syncs)
      let plain = try plainWrites(
        "\(root)/plain", bytes: status.bytes / batches, count: batches, syncs: syncs)
      raw.append(plain * Double(batchRecords))
      ratios.append(rates[round] / raw[round])
    }
    print(
      "append DURABLE, \(inFlight) batches in flight: \(millions(rates)) M events/s, \(syncs) syncs; "
        + "plain write + fdatasync with as many syncs \(millions(raw)); ratio \(percent(ratios))")
  }

  /// 64 callers that send one event each and wait until it is durable.
  static func callers(_ root: String) throws {
    let path = "\(root)/callers"
    let log = try EventLog.open(directory: path)
    let each = 100
    let start = now()
    let threads = (0..<64).map { caller in
      Caller {
        for number in 0..<each {
          let batch = LogBatch(producer: "caller-\(caller)")
          try! batch.add(
            timeNanos: 1, sequence: UInt64(number + 1), payload: [UInt8](repeating: 7, count: 100))
          _ = try! log.append(batch, durability: .durable)
        }
      }
    }
    for thread in threads { thread.join() }
    let elapsed = seconds(since: start)
    let syncs = log.status.syncs
    log.close()
    removeTree(path)
    let one = try plainWrites("\(root)/plain", bytes: 150, count: 200, syncs: 200)
    print(
      "append DURABLE, 64 callers x 1 event:         \(Int(Double(64 * each) / elapsed)) events/s, \(64 * each / Int(syncs)) events per sync; plain write + fdatasync of one \(Int(one)) events/s"
    )
  }

  static func replay(_ root: String) throws {
    let path = "\(root)/replay"
    let log = try fill(path, batches: 2000, LogOptions())
    var rates: [Double] = []
    for _ in 0..<3 {
      let start = now()
      let reader = log.reader(from: 1, durability: .durable)
      var count = 0
      var sum = 0
      while let batch = try reader.next() {
        for record in batch {
          count += 1
          sum &+= record.payload.count &+ Int(record.kind)
        }
      }
      precondition(count == 2000 * batchRecords && sum == count * payloadBytes)
      rates.append(Double(count) / seconds(since: start))
    }
    log.close()
    removeTree(path)
    print("replay from the page cache, CRC verified:     \(millions(rates)) M records/s")
  }

  static func opening(_ root: String) throws {
    let path = "\(root)/opening"
    var options = LogOptions()
    options.segmentBytes = 256 << 10
    let log = try fill(path, batches: 1800, options)
    let segments = log.status.segments
    log.close()
    var times: [Double] = []
    for _ in 0..<5 {
      let start = now()
      let log = try EventLog.open(directory: path, options: options)
      times.append(seconds(since: start) * 1000)
      log.close()
    }
    print("open a log of \(segments) segments:               \(fixed(times.sorted()[2], 1)) ms")
    removeTree(path)
  }

  static func fill(_ path: String, batches: Int, _ options: LogOptions) throws -> EventLog {
    let log = try EventLog.open(directory: path, options: options)
    let payload = [UInt8](repeating: 7, count: payloadBytes)
    for number in 0..<batches {
      _ = try log.append(try batch(UInt64(number * batchRecords + 1), payload), durability: .written)
    }
    try log.flush()
    return log
  }
}
