// Lookups, publishing as the table grows, and scoring while the writer learns.

import CKernels
import Primitives
import Tables

private func key(_ number: Int) -> UInt64 { CounterRandom.mix(UInt64(number) &+ 12345) }

private func filled(_ count: Int, rowsPerPage: Int, state: Int = 17) -> PagedTable {
  var table = PagedTable(layout: TableLayout(weights: 17, state: state, rowsPerPage: rowsPerPage))
  table.withWriter { writer in
    for number in 0..<count { _ = writer.findOrInsert(key(number)) { weights, _ in weights[0] = 1 } }
  }
  return table
}

func lookupBenchmark(_ options: Options) {
  let queries = 400_000
  let present = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: queries)
  let absent = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: queries)
  let rows = UnsafeMutablePointer<UnsafePointer<Float>?>.allocate(capacity: queries)
  let sizes = options["rows", 0] > 0 ? [options["rows", 0]] : [100_000, 1_000_000, 10_000_000]
  for count in sizes {
    var random = Random(5)
    for place in 0..<queries {
      present[place] = key(Int(random.next() % UInt64(count)))
      absent[place] = CounterRandom.mix(random.next() | 1 << 63)
    }
    let before = cpuNanos()
    let table = filled(count, rowsPerPage: options["rows-per-page", 8], state: 0)
    let insert = Double(cpuNanos() &- before) / Double(count)
    var sink: Float = 0
    func measure(_ body: () -> Void) -> String {
      var times: [Double] = []
      for _ in 0..<options["reps", 9] {
        let start = cpuNanos()
        body()
        times.append(Double(cpuNanos() &- start) / Double(queries))
      }
      return "\(text(times.quantile(0.5)))"
    }
    func one(_ keys: UnsafeMutableBufferPointer<UInt64>) {
      table.withReader { reader in
        for key in keys { if let row = reader.find(key) { sink += row[0] } }
      }
    }
    func many(_ keys: UnsafeMutableBufferPointer<UInt64>) {
      table.withReader { reader in
        for start in stride(from: 0, to: queries, by: 1000) {
          reader.find(UnsafeBufferPointer(start: keys.baseAddress! + start, count: 1000), into: rows)
          for place in 0..<1000 { if let row = rows[place] { sink += row[0] } }
        }
      }
    }
    print(
      "\(count) rows: hit \(measure { one(present) }), in batches of 1000 \(measure { many(present) });",
      "miss \(measure { one(absent) }), in batches \(measure { many(absent) }) ns; insert \(text(insert)) ns")
    if sink == 1.5 { print("") }
  }
}

/// What a publish costs, and the touches after it, as the table grows: `dirty` random rows between publishes.
func publishBenchmark(_ options: Options) {
  let dirty = options["dirty", 2000]
  let sizes = options["rows", 0] > 0 ? [options["rows", 0]] : [1_000_000, 10_000_000]
  for count in sizes {
    var table = filled(count, rowsPerPage: options["rows-per-page", 8])
    var random = Random(77)
    var retained: [PagedTable] = []
    var publish: [Double] = []
    var touch: [Double] = []
    for round in 0..<(options["rounds", 200] + 20) {
      let first = wallNanos()
      retained.append(table.weightsOnly())
      if retained.count > 2 { retained.removeFirst() }
      table.withWriter { _ in }
      let second = wallNanos()
      table.withWriter { writer in
        for _ in 0..<dirty {
          if let id = writer.find(key(Int(random.next() % UInt64(count)))) { writer.weights(id)[0] += 1 }
        }
      }
      guard round >= 20 else { continue }
      publish.append(Double(second - first) / 1000)
      touch.append(Double(wallNanos() - second) / Double(dirty))
    }
    print(
      "\(count) rows, \(dirty) written between publishes: publish p50 \(text(publish.quantile(0.5)))",
      "p99 \(text(publish.quantile(0.99))) us, write \(text(touch.quantile(0.5))) ns a row,",
      "\(table.memory.liveBytes >> 20) MiB")
  }
}

/// Scores from the newest revision on this thread while another one learns.
func scoringBenchmark(_ options: Options) {
  let work = Workload(count: 1 << options["lg", 20])
  var trainer = Trainer(work, rowsPerPage: options["rows-per-page", 8], prefetched: 10)
  trainer.fill()
  let rows = UnsafeMutablePointer<UnsafePointer<Float>?>.allocate(capacity: 1024)
  let sum = UnsafeMutablePointer<Float>.allocate(capacity: 64)
  let scores = UnsafeMutablePointer<Float>.allocate(capacity: 1024)
  let zero = UnsafeMutablePointer<Float>.allocate(capacity: 64)
  zero.update(repeating: 0, count: 64)
  let candidates = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 1 << 16)
  var random = Random(3)
  for place in candidates.indices { candidates[place] = Workload.key(1, work.items.draw(random.uniform())) }
  for milliseconds in [0, 100, 10, 1] {
    let published = Published(trainer.table.weightsOnly())
    let isDone = Flag()
    var learned = Trainer.Outcome()
    let thread =
      milliseconds == 0
      ? nil
      : Thread { [trainer] in
        var trainer = trainer
        learned = trainer.run(
          examples: .max, publishEvery: UInt64(milliseconds) * 1_000_000, budget: .max,
          until: { isDone.isSet },
          onPublish: { published.set($0) })
      }
    var line = milliseconds == 0 ? "no writer:" : "publish every \(milliseconds) ms:"
    for count in [1, 100, 1000] {
      var micros: [Double] = []
      let end = wallNanos() + UInt64(options["ms", 500]) * 1_000_000
      while true {
        let start = wallNanos()
        if start > end { break }
        let example = work.keys + Int(random.next() % UInt64(work.count)) * 10
        let offset = Int(random.next() & 0x7FFF)
        let table = published.get()
        table.withReader { reader in
          if count == 1 {
            reader.find(UnsafeBufferPointer(start: example, count: 10), into: rows)
            for field in 0..<10 where rows[field] == nil { rows[field] = UnsafePointer(zero) }
            scores[0] = cowbird_fm_score(rows, nil, 10, Trainer.factors, 0, nil)
          } else {
            let user = reader.find(example[0])
            reader.find(UnsafeBufferPointer(start: example + 2, count: 8), into: rows)
            rows[8] = user
            for field in 0..<9 where rows[field] == nil { rows[field] = UnsafePointer(zero) }
            let base = cowbird_fm_score(rows, nil, 9, Trainer.factors, 0, sum)
            reader.find(UnsafeBufferPointer(rebasing: candidates[offset..<offset + count]), into: rows)
            cowbird_fm_candidates(rows, count, Trainer.factors, base, sum, scores)
          }
        }
        micros.append(Double(wallNanos() - start) / 1000)
      }
      line += " \(count): p50 \(text(micros.quantile(0.5), 2)) p99 \(text(micros.quantile(0.99), 2)) us;"
    }
    isDone.set()
    thread?.join()
    if milliseconds > 0 {
      line += " writer \(text(Double(learned.examples) / Double(learned.nanos) * 1000, 3)) M examples/s"
    }
    print(line)
  }
}

/// The kernels alone, on rows that are in the cache.
func kernelBenchmark(_ options: Options) {
  let count = 200
  for k in [8, 16, 32] {
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: count * 2 * (k + 1))
    let rows = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>.allocate(capacity: 1010)
    let state = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>.allocate(capacity: 1010)
    let bias = UnsafeMutablePointer<Float>.allocate(capacity: 2)
    var random = Random(1)
    for level: Int32 in 0...2 where cowbird_kernels_set_level(level) == level {
      for place in 0..<(count * 2 * (k + 1)) { memory[place] = 0.01 }
      bias[0] = 0
      bias[1] = 0.1
      for place in 0..<1010 {
        rows[place] = memory + Int(random.next() % UInt64(count)) * 2 * (k + 1)
        state[place] = rows[place]! + k + 1
      }
      var learn: [Double] = []
      var score: [Double] = []
      var candidate: [Double] = []
      var sink: Float = 0
      let readable = UnsafeRawPointer(rows).assumingMemoryBound(to: UnsafePointer<Float>?.self)
      let out = UnsafeMutablePointer<Float>.allocate(capacity: 1000)
      for _ in 0..<options["reps", 9] {
        var start = cpuNanos()
        for round in 0..<10_000 {
          let offset = round % 99 &* 10
          sink += cowbird_fm_learn_logistic(
            rows + offset, state + offset, nil, 10, k, Float(round & 1), 1, bias, 0.05, 1e-8, 0)
        }
        learn.append(Double(cpuNanos() &- start) / 10_000)
        start = cpuNanos()
        for round in 0..<10_000 { sink += cowbird_fm_score(readable + round % 99 &* 10, nil, 10, k, 0, nil) }
        score.append(Double(cpuNanos() &- start) / 10_000)
        start = cpuNanos()
        for _ in 0..<100 { cowbird_fm_candidates(readable, 1000, k, 0, memory, out) }
        candidate.append(Double(cpuNanos() &- start) / 100_000)
      }
      print(
        "k = \(k), level \(level): learn 10 rows \(text(learn.quantile(0.5))) ns, score \(text(score.quantile(0.5))) ns,",
        "candidate \(text(candidate.quantile(0.5), 2)) ns", sink == 1.5 ? " " : "")
    }
    cowbird_kernels_set_level(2)
  }
}
