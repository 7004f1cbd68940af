// What requests feel of switches between versions in memory: those that come right after one, and those that one
// overlaps. Each is measured beside its like without a switch, because a durable command is felt too: its sync, and
// the threads that it wakes, take their turns on the same cores.

import EventLog
import Glibc
import Primitives
import Synchronization
import Transport

struct Switching {
  private let bench: BenchDaemon
  private let versions: [String]
  private let requests: ScoreRequests

  init(_ bench: BenchDaemon, _ versions: [String]) {
    self.bench = bench
    self.versions = versions
    requests = ScoreRequests(users: bench.users, items: bench.items)
  }

  func run() throws {
    print("the first request after a switch, nothing else going on:")
    try afterSwitches()
    print("the same while events are taken, durably, 20,000 a second:")
    let feeder = try Feeder(bench)
    try afterSwitches()
    try feeder.stop()
    print("requests without a pause beside a caller of:")
    try beside()
    try bench.client().switchTo(nil)
  }

  /// One caller: a few requests, a command, the request that is measured. The command is, by turns, a switch, and one that
  /// is logged as durably and switches nothing.
  private func afterSwitches() throws {
    let asker = try bench.client()
    let commander = try bench.client()
    var (usual, after, control, warm) = (Latencies(), Latencies(), Latencies(), Latencies())
    var late = 0
    try warm.measure(asker, requests, seconds: 0.5)
    let end = MonotonicClock.nanos() + 12_000_000_000
    var number = 0
    while MonotonicClock.nanos() < end {
      for _ in 0..<4 {
        try usual.ask(asker, requests[number])
        number += 1
      }
      let id = versions[number % versions.count]
      try commander.switchTo(id)
      try after.ask(asker, requests[number])
      if number & 63 == 0, try asker.version(of: requests[0]) != id { late += 1 }
      number += 1
      for _ in 0..<4 {
        try usual.ask(asker, requests[number])
        number += 1
      }
      try commander.pin(versions[0])
      try control.ask(asker, requests[number])
      number += 1
    }
    let limit = usual.microseconds(0.999)
    print("  usual: \(usual.text)")
    for (what, latencies) in [("after a switch", after), ("after a command that switches nothing", control)] {
      print(
        "  \(what): \(latencies.text); above the usual p99.9: \(fixed(latencies.share(above: limit) * 100, 2))%"
      )
    }
    if late > 0 { print("  \(late) answers of another version than was switched to") }
  }

  private func beside() throws {
    try beside("90 switches a second") { isOver in
      let client = try bench.client()
      var count = 0
      while !isOver() {
        try client.switchTo(versions[count % versions.count])
        count += 1
        usleep(10_000)
      }
    }
    try beside("90 commands a second that switch nothing") { isOver in
      let client = try bench.client()
      while !isOver() {
        try client.pin(versions[0])
        usleep(10_000)
      }
    }
    try beside("90 writes and syncs a second of a file of its own, without the daemon") { isOver in
      let path = bench.directory + "/beside"
      let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
      defer {
        close(file)
        unlink(path)
      }
      let bytes = [UInt8](repeating: 7, count: 200)
      // Room first, as the log has: what is synced is data, not the file's length.
      _ = posix_fallocate(file, 0, 1 << 20)
      var place = 0
      while !isOver() {
        _ = pwrite(file, bytes, bytes.count, place)
        _ = fdatasync(file)
        place += bytes.count
        usleep(10_000)
      }
    }
    try beside("90 wake-ups a second of a thread that does nothing") { isOver in
      while !isOver() { usleep(10_000) }
    }
  }

  private func beside(_ what: String, _ work: @escaping @Sendable (() -> Bool) throws -> Void) throws {
    let latencies = try VersionBench.interleaved(
      try bench.client(), requests, rounds: 6, seconds: 0.8, work)
    VersionBench.report(latencies, what)
  }
}

/// Takes events, durably, for as long as it is there.
private final class Feeder: @unchecked Sendable {
  // Sound because: `thread` is set before anybody else has this.
  private let isOver = Atomic(false)
  private let failure = Guarded<String?>(nil)
  private var thread: PlainThread?

  init(_ bench: BenchDaemon) throws {
    thread = PlainThread(name: "feeder") { [self] in
      var user = 0
      do {
        while !isOver.load(ordering: .relaxed) {
          try bench.append(users: user..<user + 200, durability: .durable)
          user = (user + 200) % (bench.users - 200)
          usleep(10_000)
        }
      } catch {
        failure.withLock { $0 = "\(error)" }
      }
    }
  }

  func stop() throws {
    isOver.store(true, ordering: .relaxed)
    thread?.join()
    if let failure = failure.withLock({ $0 }) { print("the feeder failed: \(failure)") }
  }
}
