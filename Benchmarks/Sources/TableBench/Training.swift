// Learning speed: a factorisation machine with exact AdaGrad on the writer's thread, revisions published at an
// interval, the newest one retained.

import CKernels
import Primitives
import Tables

/// Holds the newest revision for readers. One mutex; readers take it once for each request.
final class Published: @unchecked Sendable {
  private let lock = Lock()
  private var current: PagedTable

  init(_ table: PagedTable) { current = table }

  func set(_ table: PagedTable) {
    let old = lock.locked {
      let old = current
      current = table
      return old
    }
    withExtendedLifetime(old) {}
  }

  func get() -> PagedTable { lock.locked { current } }
}

struct Trainer {
  static let factors = 16
  var table: PagedTable
  let work: Workload
  var position = 0
  private let rows = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>.allocate(capacity: 16)
  private let state = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>.allocate(capacity: 16)
  private let hints = UnsafeMutablePointer<RowHint>.allocate(capacity: 64)
  private let bias = UnsafeMutablePointer<Float>.allocate(capacity: 2)
  /// How many features of each example are prefetched: all, or the two with many values.
  let prefetched: Int

  init(_ work: Workload, rowsPerPage: Int, prefetched: Int) {
    self.work = work
    self.prefetched = prefetched
    table = PagedTable(layout: TableLayout(weights: 17, state: 17, rowsPerPage: rowsPerPage))
    bias[0] = 0
    bias[1] = 0.1
  }

  struct Outcome {
    var examples = 0
    var nanos: UInt64 = 0
    var publishMicros: [Double] = []
    var copiedPages = 0
    var loss = 0.0
  }

  /// One pass over the stream, so that every row is there.
  mutating func fill() { _ = run(examples: work.count, publishEvery: 0, budget: .max, onPublish: { _ in }) }

  @inline(__always)
  static func initialise(
    _ key: UInt64, _ weights: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>?
  ) {
    var bits = key
    weights[0] = 0
    for factor in 1...factors {
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      weights[factor] = Float(Int32(truncatingIfNeeded: bits >> 32)) * (0.02 / 2_147_483_648)
    }
    guard let state else { return }
    for place in 0...factors { state[place] = 0.1 }
  }

  /// Learns in groups of 32 examples, each one writer's scope; publishes between groups.
  mutating func run(
    examples limit: Int, publishEvery interval: UInt64, budget: UInt64, until stop: () -> Bool = { false },
    onPublish: (PagedTable) -> Void
  ) -> Outcome {
    var outcome = Outcome()
    let start = cpuNanos()
    var published = start
    var retained: [PagedTable] = []
    let copiedBefore = table.memory.copiedPages
    while outcome.examples < limit {
      let now = cpuNanos()
      if now &- start > budget || stop() { break }
      if interval > 0 && now &- published >= interval {
        let before = cpuNanos()
        let revision = table.weightsOnly()
        onPublish(revision)
        retained.append(revision)
        if retained.count > 2 { retained.removeFirst() }
        table.withWriter { _ in }
        outcome.publishMicros.append(Double(cpuNanos() &- before) / 1000)
        published = now
      }
      let first = position
      let work = work
      let rows = rows
      let state = state
      let bias = bias
      let prefetched = prefetched
      let hints = hints
      outcome.loss += table.withWriter { writer in
        Self.learn(writer, work, first, 32, prefetched, rows, state, bias, hints)
      }
      position = (position + 32) & (work.count - 1)
      outcome.examples += 32
    }
    outcome.nanos = cpuNanos() &- start
    outcome.copiedPages = table.memory.copiedPages - copiedBefore
    return outcome
  }

  @inline(never)
  private static func learn(
    _ writer: TableWriter, _ work: Workload, _ first: Int, _ count: Int, _ prefetched: Int,
    _ rows: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>,
    _ state: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>, _ bias: UnsafeMutablePointer<Float>,
    _ hints: UnsafeMutablePointer<RowHint>
  ) -> Double {
    let mask = work.count - 1
    for place in 0..<64 { hints[place] = .none }
    var loss = 0.0
    for example in first..<(first + count) {
      let ahead3 = work.keys + ((example &+ 3) & mask) &* 10
      let ahead2 = work.keys + ((example &+ 2) & mask) &* 10
      let hints2 = hints + ((example &+ 2) & 3) &* 16
      let hints1 = hints + ((example &+ 1) & 3) &* 16
      let hints0 = hints + (example & 3) &* 16
      for field in 0..<prefetched { writer.prefetchIndex(ahead3[field]) }
      for field in 0..<prefetched { hints2[field] = writer.hint(ahead2[field]) }
      for field in 0..<prefetched { writer.prefetchRow(hints1[field]) }
      let keys = work.keys + example &* 10
      for field in 0..<10 {
        let key = keys[field]
        let id = writer.findOrInsert(key, hints0[field]) { initialise(key, $0, $1) }.unsafelyUnwrapped
        rows[field] = writer.weights(id)
        state[field] = writer.state(id)
      }
      let label = work.labels[example]
      let score = cowbird_fm_learn_logistic(rows, state, nil, 10, factors, label, 1, bias, 0.05, 1e-8, 0)
      if example & 63 == 0 { loss += cowbird_softplus(Double(label > 0.5 ? -score : score)) }
    }
    return loss
  }
}

func trainingBenchmark(_ options: Options) {
  let work = Workload(count: 1 << options["lg", 21])
  var trainer = Trainer(work, rowsPerPage: options["rows-per-page", 8], prefetched: options["prefetch", 10])
  trainer.fill()
  print("# \(trainer.table.rowCount) rows, \(trainer.table.memory.liveBytes >> 20) MiB")
  let intervals = [0, 100, 10, 1]
  let budget = UInt64(options["ms", 1000]) * 1_000_000
  var outcomes: [[Trainer.Outcome]] = Array(repeating: [], count: intervals.count)
  for _ in 0..<options["reps", 3] {
    for (place, milliseconds) in intervals.enumerated() {
      outcomes[place].append(
        trainer.run(
          examples: .max, publishEvery: UInt64(milliseconds) * 1_000_000, budget: budget, onPublish: { _ in })
      )
    }
  }
  for (place, milliseconds) in intervals.enumerated() {
    let speeds = outcomes[place].map { Double($0.examples) / Double($0.nanos) * 1000 }
    let micros = outcomes[place].flatMap(\.publishMicros)
    let pages = outcomes[place].reduce(0) { $0 + $1.copiedPages }
    let loss = outcomes[place].reduce(0) { $0 + $1.loss }
    let examples = outcomes[place].reduce(0) { $0 + $1.examples }
    print(
      "publish every \(milliseconds) ms: \(text(speeds.quantile(0.5), 3)) M examples/s",
      "[\(text(speeds.min()!, 3)) to \(text(speeds.max()!, 3))]",
      "publish p50 \(text(micros.quantile(0.5))) p99 \(text(micros.quantile(0.99))) us,",
      "\(pages / max(1, micros.count)) pages copied each, loss \(text(loss * 64 / Double(examples), 4))")
  }
}

/// Rows that arrived in random order: what the stream needs lies scattered among millions that it does not, so
/// that hot rows share no pages. Then learning, a revision every 10 ms.
func arrivalsBenchmark(_ options: Options) {
  let count = options["rows", 5_000_000]
  let work = Workload(count: 1 << options["lg", 20])
  var trainer = Trainer(work, rowsPerPage: options["rows-per-page", 8], prefetched: 10)
  var keys = (0..<(count - 602_000)).map { CounterRandom.mix(UInt64($0) | 1 << 60) }
  for user in 0..<500_000 { keys.append(Workload.key(0, user)) }
  for item in 0..<100_000 { keys.append(Workload.key(1, item)) }
  var random = Random(99)
  for place in stride(from: keys.count - 1, to: 0, by: -1) {
    keys.swapAt(place, Int(random.next() % UInt64(place + 1)))
  }
  var slowest: UInt64 = 0
  let start = cpuNanos()
  for first in stride(from: 0, to: keys.count, by: 1000) {
    let before = cpuNanos()
    trainer.table.withWriter { writer in
      for key in keys[first..<min(first + 1000, keys.count)] {
        _ = writer.findOrInsert(key) { Trainer.initialise(key, $0, $1) }
      }
    }
    slowest = max(slowest, cpuNanos() &- before)
  }
  let insert = Double(cpuNanos() &- start) / Double(keys.count)
  print(
    "\(keys.count) rows arrived: \(text(insert)) ns each, slowest thousand \(text(Double(slowest) / 1000)) us"
  )
  trainer.fill()
  let budget = UInt64(options["ms", 500]) * 1_000_000
  var speeds: [Double] = []
  for _ in 0..<options["reps", 3] {
    let outcome = trainer.run(examples: .max, publishEvery: 10_000_000, budget: budget, onPublish: { _ in })
    speeds.append(Double(outcome.examples) / Double(outcome.nanos) * 1000)
  }
  print(
    "\(trainer.table.rowCount) rows, publish every 10 ms: \(text(speeds.quantile(0.5), 3)) M examples/s,",
    "\(trainer.table.memory.liveBytes >> 20) MiB")
}
