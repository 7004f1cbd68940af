// What the log's threads share, guarded by `stateLock`.

struct LogState {
  /// In order; the last is the active one.
  var segments: [Segment]

  // Ends are offsets after the last record: received ≥ written ≥ durable.
  var receivedEnd: UInt64
  var writtenEnd: UInt64
  var durableEnd: UInt64
  /// Bytes of the active segment up to `writtenEnd` and `durableEnd`.
  var writtenPosition: Int
  var durablePosition: Int

  var queue: [Submission] = []
  var queuedBytes = 0
  var commands: [() -> Void] = []

  /// Batches from `durableEnd` on, in order: what a failed sync must not lose.
  var unsynced: [Submission] = []
  var unsyncedBytes = 0
  var oldestUnsyncedNanos: UInt64 = 0
  /// When an append last asked for less than durable.
  var lastWeakAppendNanos: UInt64 = 0
  /// Batches to be answered when `durableEnd` reaches the target.
  var waiters: [(target: UInt64, submission: Submission)] = []

  /// The last write, sync or creation failed with this; nil again when one succeeds.
  var failure: LogError?
  /// What stands in the active segment after `durableEnd` cannot be trusted: it must be replaced before
  /// anything is appended.
  var isSuspect = false
  /// No retry can help: the log must be opened anew.
  var isLost = false
  var warning: LogError?

  var syncs: UInt64 = 0
  var producers = 0
  var eventIDs = 0
  var pins: [String: UInt64]
  var hooks: [(number: Int, durability: Durability, call: @Sendable (UInt64) -> Void)] = []
  var lastHook = 0
  var wakeUps = 0

  var isClosing = false
  var isWriterGone = false
  var isClosed = false

  init(segments: [Segment], endOffset: UInt64, pins: [String: UInt64]) {
    self.segments = segments
    receivedEnd = endOffset
    writtenEnd = endOffset
    durableEnd = endOffset
    writtenPosition = segments[segments.count - 1].index.usedBytes
    durablePosition = writtenPosition
    self.pins = pins
  }

  var active: Segment { segments[segments.count - 1] }

  func end(_ durability: Durability) -> UInt64 {
    switch durability {
    case .received: receivedEnd
    case .written: writtenEnd
    case .durable: durableEnd
    }
  }

  /// Place in `segments` of the one that holds an offset at or after the first.
  func segmentIndex(of offset: UInt64) -> Int {
    var low = 0
    var high = segments.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if segments[middle].firstOffset <= offset { low = middle } else { high = middle }
    }
    return low
  }

  /// The offset after the last record of a segment that is not the active one.
  func endOffset(ofSegment index: Int) -> UInt64 {
    index + 1 < segments.count ? segments[index + 1].firstOffset : receivedEnd
  }
}
