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

/// Five million rows that arrive in random order, a revision every 10 ms.
func arrivalsBenchmark(_ options: Options) {
  let count = options["rows", 5_000_000]
  var random = Random(3)
  var table = PagedTable(
    layout: TableLayout(weights: 17, state: 17, rowsPerPage: options["rows-per-page", 8]))
  let rows = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>.allocate(capacity: 16)
  let state = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>.allocate(capacity: 16)
  let bias = UnsafeMutablePointer<Float>.allocate(capacity: 2)
  bias[0] = 0
  bias[1] = 0.1
  let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: 40)
  func draw(_ slot: Int) {
    for field in 0..<10 { keys[slot * 10 + field] = CounterRandom.mix(random.next() % UInt64(count)) }
  }
  for slot in 0..<4 { draw(slot) }
  var examples = 0
  var retained: [PagedTable] = []
  let start = cpuNanos()
  var published = start
  var slowest: UInt64 = 0
  while examples < count {
    let before = cpuNanos()
    if before &- published > 10_000_000 {
      retained.append(table.weightsOnly())
      if retained.count > 2 { retained.removeFirst() }
      published = before
    }
    table.withWriter { writer in
      for _ in 0..<32 {
        let slot = examples & 3
        for field in 0..<10 { writer.prefetchIndex(keys[((slot + 3) & 3) * 10 + field]) }
        for field in 0..<10 { writer.prefetchRow(keys[((slot + 2) & 3) * 10 + field]) }
        for field in 0..<10 {
          let key = keys[slot * 10 + field]
          let id = writer.findOrInsert(key) { Trainer.initialise(key, $0, $1) }!
          rows[field] = writer.weights(id)
          state[field] = writer.state(id)
        }
        _ = cowbird_fm_learn_logistic(
          rows, state, nil, 10, Trainer.factors, Float(examples & 1), 1, bias, 0.05, 1e-8, 0)
        draw(slot)
        examples += 1
      }
    }
    slowest = max(slowest, cpuNanos() &- before)
  }
  let nanos = Double(cpuNanos() &- start)
  print(
    "\(table.rowCount) rows arrived: \(text(Double(examples) / nanos * 1000, 3)) M examples/s, slowest 32",
    "\(text(Double(slowest) / 1000)) us, \(table.memory.liveBytes >> 20) MiB")
}
