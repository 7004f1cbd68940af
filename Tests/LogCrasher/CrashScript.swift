// What child and harness agree on. The harness has a copy by symbolic link.

import EventLog

enum CrashScript {
  static let producers = ["alpha", "beta", "gamma"]

  /// Small segments and checkpoints often, so that a kill meets every step of their making.
  static var options: LogOptions {
    var options = LogOptions()
    options.segmentBytes = 64 << 10
    options.checkpointEveryBytes = 128 << 10
    options.retention.bytes = 8 << 20
    options.syncAfterBytes = 128 << 10
    options.maxQueuedBytes = 256 << 10
    return options
  }

  static func payload(_ producer: Int, _ sequence: UInt64) -> [UInt8] {
    let count = Int((sequence &* 2_654_435_761) % 300)
    return Array("\(producers[producer]):\(sequence):".utf8)
      + [UInt8](repeating: UInt8(sequence % 255) + 1, count: count)
  }
}
