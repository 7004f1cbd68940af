// Retrieval's speed and quality.
//
//   RetrievalBench rank [ml-100k dir] [eals]    figures of the online protocol, blend and members
//   RetrievalBench learn <items> <events> [n]   events a second, half of them Zipf's and half uniform; a revision
//                                               published after every n
//   RetrievalBench serve <items> [events]       time of a top-10 with everything on, after so many events (two for
//                                               each item)
//   RetrievalBench recall <items>               of a top-10 that the ranking model makes of the best so many by the
//                                               retrievers, against one of all items
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
    case "rank":
      try rank(
        arguments.count > 2 ? arguments[2] : "../../shared/data/ml-100k",
        isElementwise: arguments.count > 3 && arguments[3] == "eals")
    case "learn":
      try learn(
        items: number, events: arguments.count > 3 ? Int(arguments[3]) ?? 200_000 : 200_000,
        publish: arguments.count > 4 ? Int(arguments[4]) ?? 0 : 0)
    case "serve":
      try serve(
        items: number,
        events: arguments.count > 3 ? Int(arguments[3]) ?? 200_000 : max(200_000, 2 * number))
    case "recall": try recall(items: number)
    case "flood": try flood(items: number)
    default: print("usage: RetrievalBench rank|learn|serve|recall|flood …")
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

  static func rank(_ directory: String, isElementwise: Bool) throws {
    var genres: [UInt64: [UInt64]] = [:]
    for fields in lines(directory + "/items.tsv") where fields.count >= 4 {
      genres[UInt64(fields[0])! - 1] = fields[3].split(separator: " ").map { StableHash.of(String($0)) }
    }
    let events = lines(directory + "/ratings.tsv").map { fields in
      RetrievalEvent(
        user: UInt64(fields[0])!, item: UInt64(fields[1])! - 1, nanos: Int64(fields[3])! * 1_000_000_000)
    }
    let plan = try plan { section in
      guard isElementwise else { return }
      for index in section.retrievers.indices where section.retrievers[index].kind == .factors {
        section.retrievers[index].method = .eals
      }
    }
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
    print(
      "learned \(Int(Double(events.count * 9 / 10) / (learned - begin))) events/s; digest \(state.digest)")
  }

  // MARK: Speed of learning

  static func key(_ event: RetrievalEvent) -> ComingInteraction {
    ComingInteraction(user: event.user ?? 0, item: event.item)
  }

  static func learn(items: Int, events: Int, publish: Int) throws {
    var state = RetrievalState(try plan())
    let scratch = RetrievalScratch()
    for item in 0..<items {
      state.describe(item: UInt64(item), attributes: [UInt64(item % 50), 100 + UInt64(item % 30)])
    }
    let users = max(1_000, items / 5)
    func event(_ number: Int) -> RetrievalEvent {
      let counter = UInt64(number)
      let uniform = CounterRandom.index(below: items, seed: 1, counter: counter)
      let zipf =
        Int(
          DeterministicMath.exp(
            CounterRandom.uniform(seed: 2, counter: counter)
              * DeterministicMath.log(Double(items)))) - 1
      return RetrievalEvent(
        user: UInt64(CounterRandom.index(below: users, seed: 3, counter: counter)),
        item: UInt64(number & 1 == 0 ? uniform : min(items - 1, zipf)),
        nanos: Int64(number) * 50_000_000)
    }
    // The learner reads three events ahead, and so does this.
    var coming = (event(0), event(1), event(2), event(3))
    func learnNext(_ number: Int) {
      state.expect(key(coming.1), key(coming.2), key(coming.3))
      state.learn(coming.0, scratch)
      coming = (coming.1, coming.2, coming.3, event(number + 4))
    }
    for number in 0..<events / 4 { learnNext(number) }
    let (begin, cpu) = (seconds(), cpuSeconds())
    var revision: RetrievalState?
    for number in events / 4..<events {
      learnNext(number)
      if publish > 0, number % publish == 0 { revision = state.weightsOnly() }
    }
    precondition(revision == nil || publish > 0)
    let (time, used) = (seconds() - begin, cpuSeconds() - cpu)
    let count = Double(events - events / 4)
    print(
      "\(items) items, \(events) events, published every \(publish): \(Int(count / time)) events/s, by CPU time \(Int(count / used)),"
        + " \(state.bytes >> 20) MiB")
    guard publish > 0 else { return }
    let revisions = max(1, (events - events / 4) / publish)
    let parts = state.copiedBytes.map { "\($0.part) \($0.bytes / 1024 / revisions)" }
    print("copied for each revision, KiB: " + parts.joined(separator: ", "))
  }

  // MARK: Speed of requests

  /// CPU time of this thread: what a request costs, whoever else is running.
  static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  static func serve(items: Int, events: Int) throws {
    let scratch = RetrievalScratch()
    let state = try catalogue(plan(), items: items, events: events, scratch)
    let rounds = max(200, min(2_000, 20_000_000 / items))
    var (walls, cpus): ([Double], [Double]) = ([], [])
    var skipped = 0
    for round in 0..<rounds {
      let user = CounterRandom.index(below: 1_000, seed: 4, counter: UInt64(round))
      let request = TopKRequest(user: UInt64(user), k: 10, nanos: Int64(events) * 50_000_000)
      let (wall, cpu) = (seconds(), cpuSeconds())
      let answer = state.topK(request, scratch)
      cpus.append(cpuSeconds() - cpu)
      walls.append(seconds() - wall)
      skipped += answer.skippedPages
      precondition(answer.items.count == 10)
    }
    func microseconds(_ values: [Double], _ share: Double) -> Int {
      Int(values.sorted()[Int(Double(values.count - 1) * share)] * 1e6)
    }
    print(
      "\(items) items, \(events) events, \(state.bytes >> 20) MiB; top 10, \(rounds) requests: p50 \(microseconds(walls, 0.5)) us,"
        + " p99 \(microseconds(walls, 0.99)) us, CPU p50 \(microseconds(cpus, 0.5)) us,"
        + " best \(microseconds(walls, 0)) us; \(skipped / rounds) of \((items + 31) / 32) pages skipped")
  }

  /// A state that has learned so many events of a thousand users.
  static func catalogue(
    _ plan: RetrievalPlan, items: Int, events: Int, _ scratch: RetrievalScratch
  ) -> RetrievalState {
    var state = RetrievalState(plan)
    for item in 0..<items {
      state.describe(
        item: UInt64(item), attributes: [UInt64(item % 50), 100 + UInt64(item % 30)])
    }
    for number in 0..<events {
      let counter = UInt64(number)
      let item = CounterRandom.index(below: items, seed: 1, counter: counter)
      let user = CounterRandom.index(below: 1_000, seed: 3, counter: counter)
      state.learn(
        RetrievalEvent(user: UInt64(user), item: UInt64(item), nanos: Int64(number) * 50_000_000), scratch)
    }
    return state
  }

  // MARK: Approximations

  /// The one approximation that a configuration can choose: with `retrieval.rank` the ranking model sees the best
  /// `retrieval.candidates` only. It is stood in for by chance, which is the hardest: nothing of it can be foreseen.
  static func recall(items: Int) throws {
    let plan = try plan { section in
      section.rank = true
      section.blend.start = [0.6, 0.25, 0.25, 0.1, 0.1, 0.1, 0.1, 0.3]
    }
    let scratch = RetrievalScratch()
    let events = max(200_000, 2 * items)
    let state = catalogue(plan, items: items, events: events, scratch)
    for candidates in [100, 300, 1_000] {
      var found = 0
      let rounds = 100
      for round in 0..<rounds {
        var request = TopKRequest(user: UInt64(round * 7), k: 10, nanos: Int64(events) * 50_000_000)
        request.rank = { keys, scores in
          for place in 0..<keys.count {
            scores[place] = Float(CounterRandom.gauss(seed: UInt64(round), counter: keys[place]))
          }
        }
        request.candidates = items
        let exact = Set(state.topK(request, scratch).items.map(\.item))
        request.candidates = candidates
        found += state.topK(request, scratch).items.count { exact.contains($0.item) }
      }
      print("\(items) items, top 10 of the best \(candidates): recall \(Double(found) / Double(10 * rounds))")
    }
  }

  // MARK: Bounds

  static func flood(items: Int) throws {
    var bounds = RetrievalBounds()
    bounds.items = 50_000
    bounds.users = 20_000
    bounds.attributeValues = 10_000
    let plan = try RetrievalPlan(Preset.clicks.configuration.retrieval, bounds: bounds)
    var state = RetrievalState(plan)
    let scratch = RetrievalScratch()
    let begin = seconds()
    for number in 0..<items {
      let item = UInt64(number)
      state.describe(item: item, attributes: [item, item % 100])
      state.learn(
        RetrievalEvent(user: item / 3, item: item, nanos: Int64(number) * 1_000_000), scratch)
      if (number + 1) % max(1, items / 10) == 0 {
        print(
          "\(number + 1) new items: \(state.itemCount) kept, \(state.bytes >> 20) MiB of at most"
            + " \(state.bytesBound >> 20), \(Int(Double(number + 1) / (seconds() - begin))) events/s")
        precondition(state.bytes <= state.bytesBound && state.itemCount <= bounds.items)
      }
    }
  }
}
