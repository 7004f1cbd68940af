// Retrieval's speed and quality.
//
//   RetrievalBench rank [ml-100k directory]     figures of the online protocol, blend and members
//   RetrievalBench learn <items> <events>       events a second, half of them Zipf's and half uniform
//   RetrievalBench serve <items>                time of a top-10 with everything on
//   RetrievalBench flood <items>                memory under new items without end

import Configuration
import Glibc
import Primitives
import Retrieval

@main
enum RetrievalBench {
  static func main() throws {
    let arguments = CommandLine.arguments
    let number = arguments.count > 2 ? Int(arguments[2]) ?? 10_000 : 10_000
    switch arguments.count > 1 ? arguments[1] : "" {
    case "rank": try rank(arguments.count > 2 ? arguments[2] : "../../shared/data/ml-100k")
    case "learn": try learn(items: number, events: arguments.count > 3 ? Int(arguments[3]) ?? 200_000 : 200_000)
    default: print("usage: RetrievalBench rank|learn|serve|flood …")
    }
  }

  static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  static func plan(_ change: (inout RetrievalSection) -> Void = { _ in }) throws -> RetrievalPlan {
    var section = Preset.clicks.configuration.retrieval
    change(&section)
    return try RetrievalPlan(section)
  }

  // MARK: Quality

  static func lines(_ path: String) -> [[String]] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&part, 1, part.count, file), count > 0 { bytes += part[..<count] }
    return bytes.split(separator: 10).dropFirst().map { line in
      line.split(separator: 9, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }
  }

  static func rank(_ directory: String) throws {
    var genres: [UInt64: [UInt64]] = [:]
    for fields in lines(directory + "/items.tsv") where fields.count >= 4 {
      genres[UInt64(fields[0])! - 1] = fields[3].split(separator: " ").map { StableHash.of(String($0)) }
    }
    let events = lines(directory + "/ratings.tsv").map { fields in
      RetrievalEvent(
        user: UInt64(fields[0])!, item: UInt64(fields[1])! - 1, nanos: Int64(fields[3])! * 1_000_000_000)
    }
    let plan = try plan()
    var state = RetrievalState(plan)
    var evaluator = RankEvaluator(plan)
    let begin = seconds()
    var learned = begin
    for (index, event) in events.enumerated() {
      if index == events.count * 9 / 10 { learned = seconds() }
      if !state.contains(item: event.item) {
        state.describe(item: event.item, attributes: genres[event.item] ?? [])
      }
      evaluator.take(event, isTest: index >= events.count * 9 / 10, into: &state)
    }
    for figures in evaluator.retrievers + [evaluator.blend] {
      var line = figures.name
      for (name, value) in figures.values { line += "  \(name) \((value * 10_000).rounded() / 10_000)" }
      print(line)
    }
    print("learned \(Int(Double(events.count * 9 / 10) / (learned - begin))) events/s; digest \(state.digest)")
  }

  // MARK: Speed of learning

  static func learn(items: Int, events: Int) throws {
    var state = RetrievalState(try plan())
    let scratch = RetrievalScratch()
    for item in 0..<items {
      state.describe(item: UInt64(item), attributes: [UInt64(item % 50), 100 + UInt64(item % 30)])
    }
    let users = max(1_000, items / 5)
    func event(_ number: Int) -> RetrievalEvent {
      let counter = UInt64(number)
      let uniform = CounterRandom.index(below: items, seed: 1, counter: counter)
      let zipf = Int(DeterministicMath.exp(CounterRandom.uniform(seed: 2, counter: counter)
        * DeterministicMath.log(Double(items)))) - 1
      return RetrievalEvent(
        user: UInt64(CounterRandom.index(below: users, seed: 3, counter: counter)),
        item: UInt64(number & 1 == 0 ? uniform : min(items - 1, zipf)),
        nanos: Int64(number) * 50_000_000)
    }
    let begin = seconds()
    for number in 0..<events { state.learn(event(number), scratch) }
    let time = seconds() - begin
    print(
      "\(items) items, \(events) events: \(Int(Double(events) / time)) events/s, \(state.bytes >> 20) MiB")
  }
}
