// `cowbird bench`: load on a running daemon, and how long its answers take.

import ArgumentParser
import Configuration
import Foundation
import Histogram
import Primitives
import Wire

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts load on a running daemon and measures its answers.",
    discussion: """
      Closed loop: each connection sends its next request when the last is answered. Open loop (--rate): requests are
      due at fixed times, and a request that is sent late is measured from when it was due, so that a stall of the
      daemon counts as what all the requests behind it suffered (no coordinated omission).

      Events and users come from a simulated shop, of the event types that --type and --miss-type name.

      Examples:
        cowbird bench --mix score=1 --candidates 100 --seconds 10
        cowbird bench --mix score=8,recommend=1,ingest=1 --rate 20000 --connections 4 --json
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: ArgumentHelp("Shares of ingest, score and recommend.", valueName: "name=share,..."))
  var mix = "score=1"
  @Option(help: "Requests a second over all connections; 0: as fast as they are answered.") var rate = 0.0
  @Option(help: "Connections, each with a thread.") var connections = 1
  @Option(help: "How long to measure.") var seconds = 10.0
  @Option(help: "How long to warm up before.") var warmup = 1.0
  @Option(help: "Candidates of each Score.") var candidates = 1
  @Option(help: "Length of each Recommend's answer.") var k: UInt32 = 10
  @Option(help: "Events of each Append.") var batch = 100
  @Option(help: "Event type of what a user liked.") var type = "click"
  @Option(help: "Event type of what a user was shown and did not like; the same type: rated 1 instead of 5.")
  var missType = "impression"
  @Option(help: "Users of the shop.") var users = 2_000
  @Option(help: "Items of the shop.") var items = 800
  @Option(help: "Seed of the shop.") var seed: UInt64 = 42
  @Flag(help: "The result as JSON.") var json = false

  func validate() throws {
    _ = try shares()
    guard rate >= 0, rate.isFinite else { throw ValidationError("--rate: at least 0") }
    guard (1...256).contains(connections) else { throw ValidationError("--connections: 1 to 256") }
    guard seconds > 0, seconds <= 86_400 else { throw ValidationError("--seconds: above 0, at most 86400") }
    guard (1...10_000).contains(candidates) else { throw ValidationError("--candidates: 1 to 10000") }
    guard (1...10_000).contains(batch) else { throw ValidationError("--batch: 1 to 10000") }
    guard users > 0, items > 0 else { throw ValidationError("--users and --items: at least 1") }
  }

  private func shares() throws -> [(LoadKind, Double)] {
    let shares = try mix.split(separator: ",").map { part -> (LoadKind, Double) in
      let pair = part.split(separator: "=")
      guard pair.count == 2, let kind = LoadKind(rawValue: String(pair[0])), let share = Double(pair[1]),
        share >= 0
      else { throw ValidationError("--mix: \"\(part)\"; shares of ingest, score and recommend are expected") }
      return (kind, share)
    }
    guard shares.contains(where: { $0.1 > 0 }) else { throw ValidationError("--mix: no share is above 0") }
    return shares
  }

  func run() throws {
    let shop = ShopSimulator(seed: seed, users: users, items: items)
    let plan = LoadPlan(
      shares: try shares(), shop: shop, candidates: candidates, k: k, batch: batch, type: type,
      missType: missType, seed: seed)
    let timeout = try client.connect().timeoutNanos ?? DaemonConnection.usualNanos
    let start = MonotonicClock.nanos()
    let schedule = LoadSchedule(
      beginNanos: start, measureNanos: start + UInt64(max(0, warmup) * 1e9),
      endNanos: start + UInt64((max(0, warmup) + seconds) * 1e9),
      intervalNanos: rate > 0 ? 1e9 * Double(connections) / rate : 0)
    let workers = try (0..<connections).map { number in
      LoadWorker(try client.client(), plan, schedule, number: number, of: connections, timeoutNanos: timeout)
    }
    let threads = workers.map { worker in PlainThread(name: "bench") { worker.run() } }
    for thread in threads { thread.join() }
    let report = LoadReport(workers.map(\.result), seconds: seconds, rate: rate, connections: connections)
    print(json ? report.json.pretty : report.text)
    if let failure = report.failure, report.answered == 0 { throw failure }
  }
}
