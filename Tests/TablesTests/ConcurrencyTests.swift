import Glibc
import Primitives
import Synchronization
import Testing

@testable import Tables

/// The newest revision, handed from the writer to readers, under a mutex that the thread sanitizer knows.
private final class Latest: @unchecked Sendable {
  private var current: (revision: Int, table: PagedTable)
  private let lock = Lock()
  let isDone = Atomic<Bool>(false)

  init(_ table: PagedTable) {
    current = (0, table)
  }

  func set(_ revision: Int, _ table: PagedTable) {
    lock.lock()
    let old = current
    current = (revision, table)
    lock.unlock()
    // The old one is dropped outside the lock.
    withExtendedLifetime(old) {}
  }

  func get() -> (revision: Int, table: PagedTable) {
    lock.lock()
    defer { lock.unlock() }
    return current
  }
}

/// A thread of its own: tasks would have to share the few threads of the pool with all other tests.
private final class Worker: @unchecked Sendable {
  private var thread = pthread_t()
  private let run: () -> Int
  private var result = 0

  init(_ run: @escaping () -> Int) {
    self.run = run
    pthread_create(
      &thread, nil,
      { argument in
        let worker = Unmanaged<Worker>.fromOpaque(argument!).takeRetainedValue()
        worker.result = worker.run()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
  }

  func join() -> Int {
    pthread_join(thread, nil)
    return result
  }
}

@Suite("Tables across threads")
struct ConcurrencyTests {
  private static let keys = 600

  /// The keys that revision `revision` has: all but every seventh, which ones depends on the revision.
  private static func has(_ key: Int, _ revision: Int) -> Bool {
    key % 7 != revision % 7 && key < 100 + revision % 500
  }

  private static func write(_ table: inout PagedTable, _ revision: Int) {
    for key in 0..<keys where !has(key, revision) { table.remove(UInt64(key)) }
    table.withWriter { writer in
      for key in 0..<keys where has(key, revision) {
        guard let id = writer.findOrInsert(UInt64(key)) else { continue }
        let row = writer.weights(id)
        for place in 0..<4 { row[place] = Float(revision) }
        writer.state(id)[0] = Float(revision)
      }
    }
  }

  private static func check(_ table: PagedTable, _ revision: Int) -> Int {
    var wrong = 0
    table.forEachRow { _, key, _, weights, _ in
      if !has(Int(key), revision) { wrong += 1 }
      for place in 0..<4 where weights[place] != Float(revision) { wrong += 1 }
    }
    table.withReader { reader in
      for key in 0..<keys {
        let row = reader.find(UInt64(key))
        if (row != nil) != has(key, revision) { wrong += 1 }
        if let row, row[0] != Float(revision) { wrong += 1 }
      }
    }
    return wrong
  }

  @Test("readers see whole revisions while the writer inserts, writes and removes", arguments: [false, true])
  func consistency(withState: Bool) {
    var table = PagedTable(layout: TableLayout(weights: 4, state: 1, rowsPerPage: 4))
    Self.write(&table, 0)
    let latest = Latest(withState ? table : table.weightsOnly())
    let readers = (0..<2).map { _ in
      Worker {
        var wrong = 0
        var last = -1
        var older: [(revision: Int, table: PagedTable)] = []
        while !latest.isDone.load(ordering: .acquiring) {
          let (revision, pinned) = latest.get()
          guard revision != last else {
            sched_yield()
            continue
          }
          last = revision
          wrong += Self.check(pinned, revision)
          // Some are kept and read again when the writer has gone on.
          older.append((revision, pinned))
          if older.count > 3 { older.removeFirst() }
          wrong += Self.check(older[0].table, older[0].revision)
          _ = older[0].table.digest
        }
        return wrong
      }
    }
    for revision in 1...150 {
      Self.write(&table, revision)
      latest.set(revision, withState ? table : table.weightsOnly())
    }
    latest.isDone.store(true, ordering: .releasing)
    for reader in readers { #expect(reader.join() == 0) }
    #expect(Self.check(table, 150) == 0)
  }

  @Test("copies of one table, written on many threads at once, go their own ways")
  func racingWriters() {
    for round in 0..<10 {
      var table = PagedTable(layout: TableLayout(weights: 4, state: 1, rowsPerPage: 4))
      Self.write(&table, round)
      let shared = table
      let workers = (1...3).map { worker in
        Worker {
          var mine = shared
          Self.write(&mine, round + worker)
          let copy = mine
          Self.write(&mine, round + worker + 10)
          return Self.check(copy, round + worker) + Self.check(mine, round + worker + 10)
        }
      }
      for worker in workers { #expect(worker.join() == 0) }
      #expect(Self.check(table, round) == 0)
    }
  }

  @Test("a digest is the same on every thread that asks")
  func digests() {
    var table = PagedTable(layout: TableLayout(weights: 4, state: 1, rowsPerPage: 4))
    Self.write(&table, 3)
    let shared = table
    let digests = (0..<4).map { _ in Worker { Int(truncatingIfNeeded: shared.digest.low) } }.map { $0.join() }
    #expect(Set(digests).count == 1)
    Self.write(&table, 4)
    #expect(Int(truncatingIfNeeded: table.digest.low) != digests[0])
    #expect(Int(truncatingIfNeeded: shared.digest.low) == digests[0])
  }
}
