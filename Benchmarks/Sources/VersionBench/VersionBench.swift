// What versions cost: their bytes and memory, switching, and what requests feel of it all. A daemon with a socket
// in this process; times are of the client's side.
//
//   VersionBench [rows] [step ...]
//
// Rows of a factorisation machine, k = 16 (default 1,000,000). Steps: replay, switch, restart, load (default: all);
// what versions weigh is always measured.

import Glibc
import Primitives
import Synchronization
import Transport
import Wire

@main
enum VersionBench {
  static func main() throws {
    let rows = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1_000_000 : 1_000_000
    let chosen = CommandLine.arguments.dropFirst(2)
    func wants(_ step: String) -> Bool { chosen.isEmpty || chosen.contains(step) }
    let bench = try BenchDaemon(rows: rows, inMemory: 12)
    defer { bench.remove() }
    try fill(bench)
    let versions = try createTen(bench)
    if wants("switch") { try Switching(bench, Array(versions.suffix(4))).run() }
    if wants("restart") {
      try restart(bench)
      try loadTen(bench, Array(versions.suffix(10)))
    }
    if wants("load") { try underLoad(bench, Array(versions.prefix(3))) }
    if wants("replay") { try Replaying(bench).run() }
    bench.stop()
  }

  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = MonotonicClock.nanos()
    try body()
    return Double(MonotonicClock.nanos() - begin) / 1e9
  }

  static func residentBytes() -> Int {
    var usage = [CChar](repeating: 0, count: 256)
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    guard fgets(&usage, 256, file) != nil else { return 0 }
    let fields = String(decoding: usage.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  static func mebibytes(_ bytes: some BinaryInteger) -> String { fixed(Double(bytes) / 1048576, 2) + " MiB" }

  // MARK: Steps

  /// An event of each user.
  static func fill(_ bench: BenchDaemon) throws {
    try bench.append(users: 0..<bench.users)
    bench.learned()
    print("model: \(bench.rows) rows, \(mebibytes(bench.modelBytes())) with optimizer, entities and names")
  }

  /// Ten versions, each after one hundredth of the users (and so of every table's pages) was learned anew.
  static func createTen(_ bench: BenchDaemon) throws -> [String] {
    let client = try bench.client()
    // What a replay left goes with the next revisions.
    for user in 0..<20 {
      try bench.append(users: user..<user + 1)
      bench.learned()
    }
    let before = bench.modelBytes()
    let resident = residentBytes()
    var ids: [String] = []
    var bytes: [UInt64] = []
    var times: [Double] = []
    for place in 0...10 {
      if place > 0 {
        try bench.append(users: (place - 1) * bench.users / 100..<place * bench.users / 100)
        bench.learned()
      }
      times.append(
        try seconds {
          let made = try client.create()
          bytes.append(made.bytes)
          ids.append(made.id)
        })
    }
    let after = bench.modelBytes()
    let share = Double(bytes.dropFirst().reduce(0, +)) / 10 / Double(bytes[0])
    print("version of all pages: \(mebibytes(bytes[0])), made in \(fixed(times[0] * 1e3, 1)) ms")
    print(
      "version of 1% of the pages: \(fixed(share * 100, 2))% of these bytes, made in "
        + "\(fixed(times.dropFirst().sorted()[5] * 1e3, 1)) ms")
    print(
      "memory: the model and \(ids.count) versions of it are \(fixed(Double(after) / Double(before), 3)) models, "
        + "\(mebibytes(after)); resident \(mebibytes(resident)) before, \(mebibytes(residentBytes())) after")
    return ids
  }

  /// Versions are made, loaded from the disk, switched to and deleted without a pause, while events are learned.
  static func underLoad(_ bench: BenchDaemon, _ onDisk: [String]) throws {
    let requests = ScoreRequests(users: bench.users, items: bench.items)
    let asker = try bench.client()
    let isOver = Atomic(false)
    let failure = Guarded<String?>(nil)
    let feeder = PlainThread(name: "feeder") {
      var user = 0
      do {
        while !isOver.load(ordering: .relaxed) {
          try bench.append(users: user..<user + 500)
          user = (user + 500) % (bench.users - 500)
          usleep(50_000)
        }
      } catch {
        failure.withLock { $0 = "\(error)" }
      }
    }
    let rounds = Guarded(0)
    let latencies = try interleaved(asker, requests, rounds: 5, seconds: 2.5) { isOver in
      let client = try bench.client()
      while !isOver() {
        let made = try client.create().id
        try client.switchTo(made)
        for id in onDisk { try client.switchTo(id) }
        try client.switchTo(nil)
        try client.delete(made)
        rounds.withLock { $0 += 1 }
      }
    }
    isOver.store(true, ordering: .relaxed)
    feeder.join()
    if let failure = failure.withLock({ $0 }) { print("the feeder failed: \(failure)") }
    let count = rounds.withLock { $0 }
    print("making, loading, switching, deleting: \(count) versions made, \(3 * count) loaded from the disk")
    report(latencies, "the same without a pause")
  }

  /// Waits and works by turns: noise of the machine meets both.
  static func interleaved(
    _ client: Client, _ requests: ScoreRequests, rounds: Int, seconds: Double,
    _ work: @escaping @Sendable (() -> Bool) throws -> Void
  ) throws -> (idle: Latencies, busy: Latencies) {
    var (idle, busy, warm) = (Latencies(), Latencies(), Latencies())
    try warm.measure(client, requests, seconds: 0.5)
    for _ in 0..<rounds {
      try idle.measure(client, requests, seconds: seconds)
      let isOver = Atomic(false)
      let failure = Guarded<String?>(nil)
      let worker = PlainThread(name: "work") {
        do {
          try work { isOver.load(ordering: .relaxed) }
        } catch {
          failure.withLock { $0 = "\(error)" }
        }
      }
      try busy.measure(client, requests, seconds: seconds)
      isOver.store(true, ordering: .relaxed)
      worker.join()
      if let failure = failure.withLock({ $0 }) { print("the work failed: \(failure)") }
    }
    return (idle, busy)
  }

  static func report(_ latencies: (idle: Latencies, busy: Latencies), _ what: String) {
    let (idle, busy) = latencies
    print("  idle: \(idle.text)")
    print("  \(what): \(busy.text)")
    func ratio(_ share: Double) -> String { fixed(busy.microseconds(share) / idle.microseconds(share), 2) }
    print("  ratio: p50 \(ratio(0.5)), p99 \(ratio(0.99)), p99.9 \(ratio(0.999))")
  }

  /// Ten versions, loaded from the disk after a restart in an order that is not theirs, and the head.
  static func loadTen(_ bench: BenchDaemon, _ versions: [String]) throws {
    bench.stop()
    try bench.start(inMemory: 12)
    let client = try bench.client()
    let (head, resident) = (bench.modelBytes(), residentBytes())
    let order = [4, 0, 9, 7, 2, 5, 1, 8, 3, 6]
    let times = try order.map { place in try seconds { try client.switchTo(versions[place]) } }.sorted()
    let loaded = bench.bytes(ofLoaded: versions)
    try client.switchTo(nil)
    print(
      "after a restart: the head and ten versions loaded from the disk are "
        + "\(fixed(Double(head + loaded) / Double(head), 3)) models, \(mebibytes(head + loaded)); resident "
        + "\(mebibytes(resident)) before, \(mebibytes(residentBytes())) after; loaded in "
        + "\(fixed(times[0] * 1e3, 0)) to \(fixed(times[9] * 1e3, 0)) ms each")
  }

  /// Stop, start, first answer, with nothing to replay.
  static func restart(_ bench: BenchDaemon) throws {
    let request = ScoreRequests(users: bench.users, items: bench.items, count: 1)[0]
    _ = try bench.client().create()
    var times: [Double] = []
    for _ in 0..<5 {
      bench.stop()
      times.append(
        try seconds {
          try bench.start(inMemory: 1)
          _ = try bench.client().version(of: request)
        })
    }
    times.sort()
    print(
      "restart to the first prediction: \(fixed(times[2], 3)) s (median of 5; \(fixed(times[0], 3)) to "
        + "\(fixed(times[4], 3)))")
  }
}
