// Reads events on a thread of its own, some batches ahead of whoever takes them: a file is parsed while what was read
// before is learned.

import Primitives

/// Events side by side, in the order of the files.
private struct EventBytes {
  var bytes: [UInt8] = []
  /// Where each event ends, and how many bytes of the files were read by then.
  var events: [(end: Int, read: Int)] = []
}

final class ReadAhead: @unchecked Sendable {
  // Sound because: what both threads touch is touched under the lock only.
  private static let batchBytes = 64 << 10
  private static let batchesAhead = 4

  /// Whoever takes the events has stopped.
  private struct Stopped: Error {}

  private let lock = Lock()
  private let changed = Condition()
  private var batches: [EventBytes] = []
  /// Set once nothing more is read: by an error, or by the files' end.
  private var outcome: Result<Void, any Error>?
  private var isStopped = false

  private init() {}

  /// Hands each event on, as `EventFiles.readAll` does, to a body on this thread.
  static func readAll(
    _ files: EventFiles, _ body: (UnsafeRawBufferPointer, Int) throws -> Void
  ) throws {
    let queue = ReadAhead()
    let reader = PlainThread(name: "read-ahead") { queue.read(files) }
    defer {
      queue.stop()
      reader.join()
    }
    while let batch = try queue.next() {
      var start = 0
      try batch.bytes.withUnsafeBytes { bytes in
        for event in batch.events {
          try body(UnsafeRawBufferPointer(rebasing: bytes[start..<event.end]), event.read)
          start = event.end
        }
      }
    }
  }

  private func read(_ files: EventFiles) {
    var batch = EventBytes()
    let outcome = Result {
      do {
        try files.readAll { event, read in
          batch.bytes.append(contentsOf: event)
          batch.events.append((batch.bytes.count, read))
          if batch.bytes.count >= Self.batchBytes { try put(&batch) }
        }
      } catch let error where !(error is Stopped) {
        // What stands before the fault is taken first.
        try put(&batch)
        throw error
      }
      try put(&batch)
    }
    lock.withLock {
      self.outcome = outcome
      changed.broadcast()
    }
  }

  private func put(_ batch: inout EventBytes) throws {
    try lock.withLock {
      while batches.count >= Self.batchesAhead, !isStopped { changed.wait(lock) }
      guard !isStopped else { throw Stopped() }
      batches.append(batch)
      changed.broadcast()
    }
    batch = EventBytes()
    batch.bytes.reserveCapacity(Self.batchBytes + 4096)
  }

  /// Nil at the end.
  private func next() throws -> EventBytes? {
    try lock.withLock {
      while batches.isEmpty {
        if let outcome {
          try outcome.get()
          return nil
        }
        changed.wait(lock)
      }
      changed.broadcast()
      return batches.removeFirst()
    }
  }

  private func stop() {
    lock.withLock {
      isStopped = true
      changed.broadcast()
    }
  }
}
