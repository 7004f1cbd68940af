// `cowbird demo`: a shop learns, a bot poisons it, the rollback heals it. Every number is measured while it runs.

import ArgumentParser
import Foundation
import Primitives
import Transport
import Wire

struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a shop that learns, is poisoned by a bot, and is rolled back around the bot's events.",
    discussion: """
      Example:
        cowbird demo
      """)

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
      skip: {label: negative, interaction: false}
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
  private static let attack = 12_000
  private static let after = 12_000
  private static let batch = 500

  private let shop: ShopSimulator
  private let client: ShopClient
  private var next = 0
  private var botNext = 0
  private var known: Set<String> = []

  init(seed: UInt64, client: ShopClient) {
    shop = ShopSimulator(seed: seed, users: 500, items: 300, events: Self.learned + Self.attack + Self.after)
    self.client = client
  }

  mutating func play() throws {
    say(
      "A shop of \(shop.users.count) users and \(shop.items.count) items, some new on the way; trends come and go."
    )
    say(
      "loss: of the next 1,000 visits, not seen by the model yet. Nobody can beat \"best\"."
    )
    say("")
    say("  visits   events/s     loss    best")
    for count in [500, 500, 1_000, 3_000, 5_000, 10_000, 20_000, 20_000] { try learn(count, bots: 0) }
    try showRecommendations()

    let version = try client.createVersion(reason: "before the bot", label: "before")
    say("")
    say("Kept as \(version), labelled \"before\".")
    say("")
    say(Terminal.styled("A bot joins: of four visits three are lies in the name of real users.", .red))
    for _ in 0..<4 { try learn(Self.attack / 4, bots: 3) }
    let poisoned = try client.createVersion(reason: "for the record", label: "poisoned")
    let fired = try client.drift().filter { $0.count > 0 }.map { "\($0.name) \($0.count) times" }
    say(
      "Drift: \(fired.isEmpty ? "none" : fired.joined(separator: ", ")). Kept as \(poisoned), \"poisoned\"."
    )
    say("")
    say(Terminal.styled("Back to \"before\", and forward again without the bot's events:", .green))
    let begin = MonotonicClock.nanos()
    let healing = try client.rollBack(to: "before", without: "bot-farm", reason: "bot")
    let seconds = Double(MonotonicClock.nanos() - begin) / 1e9
    let healed = try client.createVersion(reason: "after the rollback", label: "healed")
    say(
      "\(Format.count(healing.replayed)) events learned again, \(Format.count(healing.excluded)) left out, "
        + "in \(Format.duration(seconds: seconds)),\nwhile the good version answered. Kept as \(healed), \"healed\"."
    )
    say("")
    try learn(Self.after, bots: 0)
    say("")
    say("The same 1,000 visits, answered by each version:")
    var table = TextTable(["version", "loss"])
    for label in ["before", "poisoned", "healed"] {
      table.add([label, Format.decimal(try loss(label: label).model)])
    }
    let now = try loss()
    table.add(["head", Format.decimal(now.model)])
    table.add(["best possible", Format.decimal(now.best)])
    say(table.rendered())
  }

  /// Streams so many visits, beside each of which come so many of the bot's, and shows the loss.
  private mutating func learn(_ count: Int, bots: Int) throws {
    let begin = MonotonicClock.nanos()
    var sent = 0
    let end = next + count
    while next < end {
      let numbers = next..<min(end, next + Self.batch)
      var visits: [ShopSimulator.Event] = []
      for number in numbers {
        visits.append(shop.event(number))
        for _ in 0..<bots {
          var lie = shop.botEvent(botNext)
          lie.timeNanos = visits[visits.count - 1].timeNanos
          visits.append(lie)
          botNext += 1
        }
      }
      try client.append(newItems(visits) + visits.map(Self.event))
      next = numbers.upperBound
      sent += visits.count
    }
    try client.flush()
    let seconds = Double(MonotonicClock.nanos() - begin) / 1e9
    let loss = try loss()
    let bar = String(repeating: "▇", count: max(0, Int((loss.model - loss.best) * 100)))
    say(
      "\(pad(Format.count(next), 8))  \(pad(Format.count(Int(Double(sent) / seconds)), 9))   "
        + "\(Format.decimal(loss.model))  \(Format.decimal(loss.best))  "
        + Terminal.styled(bar, bots > 0 ? .red : .cyan))
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
        type: visit.clicked ? "click" : "skip", user: visit.user, item: visit.item,
        context: [NamedAttribute("device", .text(visit.device))]))
  }

  /// Logloss over the next 1,000 visits of people, which were not sent yet; and of the truth itself.
  private func loss(label: String? = nil) throws -> (model: Double, best: Double) {
    var (model, best) = (0.0, 0.0)
    let count = 1_000
    for number in next..<next + count {
      let visit = shop.event(number)
      let score = try client.score(
        user: visit.user, item: visit.item, device: visit.device, timeNanos: visit.timeNanos, label: label)
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
        .interaction(type: "click", user: "newcomer", item: item.id))
    }
    try client.append(clicks)
    try client.flush()
    let after = try client.recommend(user: "newcomer", count: 5, timeNanos: now + 11_000_000_000)
    say("")
    say("A newcomer is shown     \(shown(before))")
    say("after \(clicks.count) clicks on games \(shown(after))")
  }

  private func shown(_ items: [String]) -> String {
    items.map { id in
      shop.items.first { $0.id == id }.map { "\(ShopSimulator.categories[$0.category]) \(id.dropFirst(5))" }
        ?? id
    }.joined(separator: ", ")
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private func say(_ line: String) { Terminal.write(line + "\n", to: STDOUT_FILENO) }
}
