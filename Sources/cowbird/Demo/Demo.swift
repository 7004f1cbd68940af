// `cowbird demo`: a shop learns, a bot poisons it, the rollback heals it. Every number is measured while it runs.

import ArgumentParser
import Foundation
import Primitives
import Transport
import Wire

struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a shop that learns, is poisoned by a bot, and is rolled back around the bot's events.")

  @Option(help: "Seed of the simulated shop.")
  var seed: UInt64 = 42

  func run() throws {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("cowbird-demo-\(getpid())").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let daemon = try DemoDaemon(directory: directory)
    defer { daemon.stop() }
    var shop = try DemoShop(seed: seed, client: ShopClient(path: daemon.socket))
    try shop.play()
  }
}

/// The daemon that the demo starts and ends.
private final class DemoDaemon {
  let socket: String
  private let process = Process()

  init(directory: String) throws {
    socket = directory + "/cowbird.sock"
    let configuration = directory + "/cowbird.yaml"
    try """
    preset: clicks
    events:
      click: {label: threshold, threshold: 0.5}
    """.write(toFile: configuration, atomically: true, encoding: .utf8)
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "serve", "--config", configuration, "--socket", socket, "--data", directory + "/data",
    ]
    let messages = directory + "/messages"
    _ = FileManager.default.createFile(atPath: messages, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: messages)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    for _ in 0..<1_000 {
      if (try? Client(path: socket)) != nil { return }
      guard process.isRunning else { break }
      usleep(10_000)
    }
    let text = (try? String(contentsOfFile: messages, encoding: .utf8)) ?? ""
    throw Refused("the daemon did not start:\n\(text)")
  }

  func stop() {
    guard process.isRunning else { return }
    process.terminate()
    process.waitUntilExit()
  }
}

private struct DemoShop {
  private static let learned = 60_000
  private static let poison = 9_000
  private static let after = 12_000
  private static let batch = 1_000

  private let shop: ShopSimulator
  private let client: ShopClient
  private var next = 0
  private var known: Set<String> = []
  private var start = MonotonicClock.nanos()

  init(seed: UInt64, client: ShopClient) {
    shop = ShopSimulator(seed: seed, events: Self.learned + Self.after)
    self.client = client
  }

  mutating func play() throws {
    say(
      "A shop: \(shop.users.count) users, \(shop.items.count) items, some of them new on the way; trends come and go."
    )
    say(
      "Loss: of predictions for visits that the model has not seen (lower is better). No model can beat \"best\"."
    )
    say("")
    say("   events   events/s     loss   best")
    try learn(Self.learned, source: "web", every: 10_000)

    try showRecommendations()

    let version = try client.createVersion(reason: "before the bot", label: "stable")
    let good = try loss().model
    say("")
    say("Kept as \(version), labelled stable.")
    say("")
    say(
      Terminal.styled(
        "A bot reports \(Format.count(Self.poison)) visits, as real users, that never were:", .red))
    try learn(Self.poison, source: "bot-farm", every: 3_000)
    try learn(Self.after / 2, source: "web", every: 3_000)
    let bad = try loss().model
    let fired = try client.drift().filter { $0.count > 0 }.map { "\($0.name) (\($0.count))" }
    say("Drift detectors that have fired: \(fired.isEmpty ? "none" : fired.joined(separator: ", ")).")
    say("")
    say(
      Terminal.styled("Rolling back to stable, without the bot's events but with everybody else's:", .green))
    let begin = MonotonicClock.nanos()
    let healing = try client.rollBack(to: "stable", without: "bot-farm", reason: "bot")
    let seconds = Double(MonotonicClock.nanos() - begin) / 1e9
    let healed = try loss().model
    say(
      "\(Format.count(healing.replayed)) events learned again, \(Format.count(healing.excluded)) left out, "
        + "in \(Format.duration(seconds: seconds)); nobody waited.")
    say("")
    try learn(Self.after / 2, source: "web", every: 3_000)
    say("")
    var table = TextTable(["", "loss"])
    table.add(["before the bot", Format.decimal(good)])
    table.add(["after the bot", Format.decimal(bad)])
    table.add(["after the rollback", Format.decimal(healed)])
    table.add(["now", Format.decimal(try loss().model)])
    table.add(["best possible", Format.decimal(try loss().best)])
    say(table.rendered())
  }

  /// Streams so many visits and shows the loss now and then.
  private mutating func learn(_ count: Int, source: String, every: Int) throws {
    let isBot = source != "web"
    start = MonotonicClock.nanos()
    var done = 0
    while done < count {
      let numbers = next..<next + min(Self.batch, count - done)
      let visits = numbers.map { isBot ? shop.botEvent($0) : shop.event($0) }
      try client.append(newItems(visits) + visits.map(Self.event))
      // The bot's visits do not use up the people's: they go on where they were.
      if !isBot { next = numbers.upperBound }
      done += numbers.count
      guard done % every == 0 || done == count else { continue }
      try client.flush()
      let seconds = Double(MonotonicClock.nanos() - start) / 1e9
      let loss = try loss()
      let bar = String(repeating: "▇", count: max(0, Int((loss.model - 0.3) * 100)))
      say(
        "\(pad(Format.count(isBot ? done : next), 9))  \(pad(Format.count(Int(Double(done) / seconds)), 9))   "
          + "\(Format.decimal(loss.model))  \(Format.decimal(loss.best))  "
          + Terminal.styled(bar, isBot ? .red : .cyan))
    }
  }

  /// Attributes of items that are met for the first time.
  private mutating func newItems(_ visits: [ShopSimulator.Event]) -> [EventBuilder] {
    visits.compactMap { visit in
      guard known.insert(visit.item).inserted else { return nil }
      return EventBuilder(
        timeNanos: visit.timeNanos,
        .entity(.item, id: visit.item, .set, attributes: [NamedAttribute("category", .text(visit.category))]))
    }
  }

  private static func event(_ visit: ShopSimulator.Event) -> EventBuilder {
    EventBuilder(
      timeNanos: visit.timeNanos, source: visit.source,
      .interaction(
        type: "click", user: visit.user, item: visit.item, value: visit.clicked ? 1 : 0,
        context: [NamedAttribute("device", .text(visit.device))]))
  }

  /// Logloss over the next 1,000 visits of people, which were not sent yet; and of the truth itself.
  private func loss() throws -> (model: Double, best: Double) {
    var (model, best) = (0.0, 0.0)
    let count = 1_000
    for number in next..<next + count {
      let visit = shop.event(number)
      let score = try client.score(
        user: visit.user, item: visit.item, device: visit.device, timeNanos: visit.timeNanos)
      func logloss(_ p: Double) -> Double {
        let bounded = min(max(p, 1e-6), 1 - 1e-6)
        return -(visit.clicked ? log(bounded) : log(1 - bounded)) / Double(count)
      }
      model += logloss(score)
      best += logloss(visit.probability)
    }
    return (model, best)
  }

  /// What a newcomer is shown before and after ten clicks on games.
  private mutating func showRecommendations() throws {
    let now = ShopSimulator.startNanos + Int64(next) * ShopSimulator.stepNanos
    let before = try client.recommend(user: "newcomer", count: 5, timeNanos: now)
    let games = shop.items.filter {
      ShopSimulator.categories[$0.category] == "games" && known.contains($0.id)
    }
    let clicks = games.prefix(10).enumerated().map { place, item in
      EventBuilder(
        timeNanos: now + Int64(place) * 1_000_000_000, source: "web",
        .interaction(type: "click", user: "newcomer", item: item.id, value: 1))
    }
    try client.append(clicks)
    try client.flush()
    let after = try client.recommend(user: "newcomer", count: 5, timeNanos: now + 11_000_000_000)
    say("")
    say("For a newcomer:                 \(shown(before))")
    say("after \(clicks.count) clicks on games:      \(shown(after))")
  }

  private func shown(_ items: [String]) -> String {
    items.map { id in
      shop.items.first { $0.id == id }.map { "\(id) (\(ShopSimulator.categories[$0.category]))" } ?? id
    }.joined(separator: ", ")
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private func say(_ line: String) { Terminal.write(line + "\n", to: STDOUT_FILENO) }
}
