// Notices that a drift detector of the head has fired, and at which event.

/// Detectors look at losses some examples after they were put down (see `DriftLog`), so the offsets of the newest
/// examples are remembered.
struct DriftWatch {
  private var counts: [UInt64]
  private var firings: UInt64
  private var examples: UInt64
  /// By the last bits of the example's number; 0: of before this process.
  private var offsets = [UInt64](repeating: 0, count: DriftLog.blockSize)

  init(_ model: Model) {
    counts = model.drift.signals.map(\.count)
    firings = model.drift.firings
    examples = model.counters.examples
  }

  // hot: once per event.
  /// To be called after each event: `body` is given the signals that are new, and the offsets of their events.
  @inline(__always)
  mutating func look(at model: borrowing Model, offset: UInt64, _ body: (DriftLog.Signal, UInt64) -> Void) {
    while examples < model.counters.examples {
      examples += 1
      offsets[Int(examples % UInt64(DriftLog.blockSize))] = offset
    }
    if model.drift.firings != firings { report(model.drift, offset, body) }
  }

  private mutating func report(_ drift: DriftLog, _ offset: UInt64, _ body: (DriftLog.Signal, UInt64) -> Void)
  {
    firings = drift.firings
    for (index, signal) in drift.signals.enumerated() where signal.count != counts[index] {
      let known = offsets[Int(signal.example % UInt64(DriftLog.blockSize))]
      if signal.count > counts[index] { body(signal, known == 0 ? offset : known) }
      counts[index] = signal.count
    }
  }
}
