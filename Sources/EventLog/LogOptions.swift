// What can be chosen when a log is opened, and what it answers about itself.

internal import Glibc

package struct LogOptions: Sendable {
  /// Size of a segment's file; a larger batch gets a larger segment. 64 KiB to 16 GiB.
  package var segmentBytes = 64 << 20
  /// Bytes that wait for the writer thread; an append beyond is refused with RESOURCE_EXHAUSTED.
  package var maxQueuedBytes = 64 << 20
  /// Written records wait at most this long for a sync when nobody asked for one.
  package var syncAfterNanos: UInt64 = 1_000_000_000
  /// Written records are synced when so many bytes wait, asked or not.
  package var syncAfterBytes = 8 << 20
  /// Bytes that may wait for a sync before the writer waits for it too.
  package var maxUnsyncedBytes = 128 << 20
  /// How many of the last event ids are known as duplicates; 0: none.
  package var eventIDWindow = 1_000_000
  /// Producers whose sequence is remembered; beyond, the least recently active are forgotten.
  package var maxProducers = 100_000
  /// A start reads at most about this much of the log's end to know producers and ids again.
  package var checkpointEveryBytes = 256 << 20
  /// What is in force when the log is opened.
  package var retention = LogRetention()
  /// Unix time in nanoseconds, for records that bring none and for the age of segments.
  package var clock: @Sendable () -> Int64 = wallClockNanos

  package init() {}

  func check() throws(LogError) {
    func require(_ holds: Bool, _ name: String, _ value: Int, _ bound: String) throws(LogError) {
      if !holds { throw LogError(.invalidArgument, "log option \(name) = \(value): must be \(bound)") }
    }
    try require(
      (64 << 10...16 << 30).contains(segmentBytes), "segmentBytes", segmentBytes, "64 KiB to 16 GiB")
    try require(maxQueuedBytes > 0, "maxQueuedBytes", maxQueuedBytes, "above 0")
    try require(syncAfterBytes > 0, "syncAfterBytes", syncAfterBytes, "above 0")
    try require(
      maxUnsyncedBytes >= syncAfterBytes, "maxUnsyncedBytes", maxUnsyncedBytes, "at least syncAfterBytes")
    try require(
      (0...1 << 28).contains(eventIDWindow), "eventIDWindow", eventIDWindow, "0 to 268,435,456")
    try require(maxProducers > 0, "maxProducers", maxProducers, "above 0")
    try require(
      checkpointEveryBytes > 0, "checkpointEveryBytes", checkpointEveryBytes, "above 0")
    try require(retention.bytes ?? 0 >= 0, "retention.bytes", retention.bytes ?? 0, "at least 0")
  }
}

/// How much of the log is kept, as far as no pin holds it.
package struct LogRetention: Equatable, Sendable {
  /// Old segments go when the log is larger; nil: never.
  package var bytes: Int?
  /// Segments go when they were sealed longer ago; nil: never.
  package var nanos: Int64?

  package init(bytes: Int? = nil, nanos: Int64? = nil) {
    self.bytes = bytes
    self.nanos = nanos
  }
}

/// Unix time in nanoseconds.
@Sendable package func wallClockNanos() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// How safe a record is. Each level includes those before it.
package enum Durability: UInt8, Sendable, Comparable, CaseIterable {
  /// In the process's memory, with its offset; lost with the process.
  case received
  /// In the page cache: survives the process, not the loss of power.
  case written
  /// Synced to the disk.
  case durable

  package static func < (left: Durability, right: Durability) -> Bool { left.rawValue < right.rawValue }
}

/// The log as it is now.
package struct LogStatus: Sendable {
  /// Offset of the oldest record kept.
  package var firstOffset: UInt64
  /// Offset that the next record will get.
  package var endOffset: UInt64
  package var writtenOffset: UInt64
  /// All records before this offset are synced.
  package var durableOffset: UInt64
  package var segments: Int
  /// Bytes of records and headers, not of space reserved ahead.
  package var bytes: Int
  /// Number of syncs since the log was opened.
  package var syncs: UInt64
  package var producers: Int
  package var eventIDs: Int
  package var pins: [String: UInt64]
  /// Why appends are refused; nil: they are not.
  package var failure: LogError?
  /// What went wrong without stopping appends (a checkpoint or an index that could not be written).
  package var warning: LogError?

  /// "ok", or the reason for refusing.
  package var state: String { failure.map(\.description) ?? "ok" }
}
