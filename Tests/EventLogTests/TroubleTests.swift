// A disk that is full, fails, or goes away: what callers are told, and that the log goes on by itself.

import Glibc
import Primitives
import Testing

@testable import EventLog

/// Fails chosen calls of a file system that otherwise works.
final class FailingCalls: FileSystem, @unchecked Sendable {
  private let base: any FileSystem
  private let lock = Lock()
  private var failures: [String: Int32] = [:]

  init(over base: any FileSystem = PosixFileSystem()) { self.base = base }

  /// From now on the operation fails with this errno; nil: it works.
  func fail(_ operation: String, _ number: Int32?) {
    lock.lock()
    failures[operation] = number
    lock.unlock()
  }

  func check(_ operation: String, _ path: String) throws(FileError) {
    lock.lock()
    defer { lock.unlock() }
    if let number = failures[operation] { throw FileError(operation, path, number) }
  }

  func makeDirectory(_ path: String) throws(FileError) { try base.makeDirectory(path) }
  func list(_ path: String) throws(FileError) -> [String] { try base.list(path) }
  func lock(_ path: String) throws(FileError) -> (any FileLock)? { try base.lock(path) }
  func remove(_ path: String) throws(FileError) { try base.remove(path) }

  func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any LogFile {
    if mode == .create { try check("create", path) }
    return File(base: try base.open(path, mode), calls: self)
  }

  func rename(_ from: String, to: String) throws(FileError) {
    try check("rename", from)
    try base.rename(from, to: to)
  }

  func syncDirectory(_ path: String) throws(FileError) {
    try check("syncDirectory", path)
    try base.syncDirectory(path)
  }

  final class File: LogFile, @unchecked Sendable {
    let base: any LogFile
    let calls: FailingCalls

    init(base: any LogFile, calls: FailingCalls) {
      self.base = base
      self.calls = calls
    }

    var path: String { base.path }
    func size() throws(FileError) -> Int { try base.size() }
    func isLinked() throws(FileError) -> Bool { try base.isLinked() }
    func truncate(_ length: Int) throws(FileError) { try base.truncate(length) }
    func nextData(at position: Int) throws(FileError) -> Int? { try base.nextData(at: position) }
    func map(_ length: Int) throws(FileError) -> MappedBytes { try base.map(length) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int {
      try base.read(into: buffer, at: position)
    }

    func write(_ buffers: ArraySlice<UnsafeRawBufferPointer>, at position: Int) throws(FileError) -> Int {
      try calls.check("write", path)
      return try base.write(buffers, at: position)
    }

    func allocate(_ length: Int) throws(FileError) {
      try calls.check("allocate", path)
      try base.allocate(length)
    }

    func sync() throws(FileError) {
      try calls.check("sync", path)
      try base.sync()
    }
  }
}

@Suite("The log in trouble")
struct TroubleTests {
  private func append(_ log: EventLog, _ count: Int, of bytes: Int = 3000) throws {
    for _ in 0..<count { try log.add([String(repeating: "x", count: bytes)]) }
  }

  @Test(
    "a full disk refuses appends with RESOURCE_EXHAUSTED, keeps what it had, and takes appends when there is room"
  )
  func fullDisk() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    let log = try EventLog.open(directory: scratch.path, options: smallSegments(), fileSystem: disk)
    defer { log.close() }
    try append(log, 10)
    disk.fail("allocate", ENOSPC)
    let error = #expect(throws: LogError.self) { try append(log, 20) }
    #expect(error?.code == .resourceExhausted)
    #expect(error?.outcomeIsUnknown == false)
    #expect(log.status.state.contains("No space left"))
    let end = log.endOffset
    #expect(try log.all().count == Int(end) - 1)
    disk.fail("allocate", nil)
    try append(log, 20)
    #expect(log.endOffset == end + 20)
    #expect(log.status.state == "ok")
  }

  @Test("a write that fails is refused and leaves no trace, also not for duplicates")
  func failedWrite() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    let log = try EventLog.open(directory: scratch.path, fileSystem: disk)
    try log.add(["a"], producer: "p", firstSequence: 1, ids: ["1"])
    disk.fail("write", EROFS)
    let error = #expect(throws: LogError.self) {
      try log.add(["b"], producer: "p", firstSequence: 2, ids: ["2"])
    }
    #expect(error?.code == .unavailable)
    disk.fail("write", nil)
    let receipt = try log.add(["b"], producer: "p", firstSequence: 2, ids: ["2"])
    #expect(receipt.firstOffset == 2)
    #expect(receipt.duplicates.isEmpty)
    log.close()
  }

  @Test("what a producer sent behind records that were refused is refused until they come")
  func sentBehindRefused() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    let log = try EventLog.open(directory: scratch.path, options: smallSegments(), fileSystem: disk)
    defer { log.close() }
    let large = String(repeating: "x", count: 40 << 10)
    try log.add([large], producer: "p", firstSequence: 1)
    // No room in the segment, and none for another; a small record still fits.
    disk.fail("allocate", ENOSPC)
    #expect(throws: LogError.self) { try log.add([large], producer: "p", firstSequence: 2) }
    let error = #expect(throws: LogError.self) { try log.add(["c"], producer: "p", firstSequence: 3) }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.message.contains("sequence 2") == true)
    #expect(try log.add(["other"], producer: "q", firstSequence: 7).accepted == 1)
    disk.fail("allocate", nil)
    let receipt = try log.add([large, "c"], producer: "p", firstSequence: 2)
    #expect(receipt.accepted == 2 && receipt.duplicates.isEmpty)
    #expect(try log.add(["d"], producer: "p", firstSequence: 4).accepted == 1)
  }

  @Test("who follows what is written is told when it was written after all")
  func toldAfterReplacement() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    let log = try EventLog.open(directory: scratch.path, fileSystem: disk)
    defer { log.close() }
    let ends = Guarded<UInt64>(0)
    let told = Signal()
    _ = log.onAdvance(.written) { end in
      ends.withLock { $0 = end }
      told.raise()
    }
    disk.fail("write", EIO)
    try log.add(["a"], durability: .received)
    let seen = told.count
    disk.fail("write", nil)
    while ends.withLock({ $0 }) < 2, told.wait(after: seen, nanos: 10_000_000_000) {}
    #expect(ends.withLock { $0 } == 2)
  }

  @Test("after a failed sync nothing of that segment is called durable until it is written anew")
  func failedSync() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    var log = try EventLog.open(directory: scratch.path, fileSystem: disk)
    try log.add(["a", "b"], producer: "p", firstSequence: 1)
    try log.add(["c"], producer: "p", firstSequence: 3, durability: .written)
    disk.fail("sync", EIO)
    let error = #expect(throws: LogError.self) { try log.add(["d"], producer: "p", firstSequence: 4) }
    #expect(error?.code == .unavailable)
    #expect(error?.outcomeIsUnknown == true)
    #expect(log.durableOffset == 3)
    #expect(throws: LogError.self) { try log.add(["e"], producer: "p", firstSequence: 5) }
    // What was written is read on, from memory.
    #expect(try log.all(.written).map(\.sequence) == [1, 2, 3, 4])
    #expect(try log.all(.durable).map(\.sequence) == [1, 2])
    disk.fail("sync", nil)
    // The log goes on by itself: a repeat is told to be known, and is durable now.
    let receipt = try log.add(["d", "e"], producer: "p", firstSequence: 4)
    #expect(receipt.duplicates.map(\.index) == [0])
    #expect(log.durableOffset == 6)
    #expect(try log.all(.durable).map(\.sequence) == [1, 2, 3, 4, 5])
    #expect(log.status.segments == 2)
    log.close()
    log = try EventLog.open(directory: scratch.path)
    #expect(try log.all().map(\.sequence) == [1, 2, 3, 4, 5])
    log.close()
    #expect(try LogCheck.verify(directory: scratch.path).isSound)
  }

  @Test("a received record that could not be written is kept, read from memory, and written when it can be")
  func heldInMemory() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    let log = try EventLog.open(directory: scratch.path, fileSystem: disk)
    defer { log.close() }
    try log.add(["a"])
    disk.fail("write", EIO)
    try log.add(["b"], durability: .received)
    #expect(throws: LogError.self) { try log.add(["c"], durability: .received) }
    #expect(try log.all(.received).map(\.text) == ["a", "b"])
    #expect(try log.all(.written).count == 1)
    disk.fail("write", nil)
    #expect(try log.add(["c"]).firstOffset == 3)
    #expect(try log.all(.durable).map(\.text) == ["a", "b", "c"])
  }

  @Test("a file system that is read-only refuses with a clear error, at the start and later")
  func readOnly() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    disk.fail("create", EROFS)
    let error = #expect(throws: LogError.self) {
      try EventLog.open(directory: scratch.path, fileSystem: disk)
    }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("Read-only") == true)
    disk.fail("create", nil)
    try EventLog.open(directory: scratch.path, fileSystem: disk).close()
  }

  @Test("a deleted directory is noticed before anything is called durable")
  func deletedDirectory() throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    try log.add(["a"])
    for name in try PosixFileSystem().list(scratch.path) { unlink(scratch.path + "/" + name) }
    rmdir(scratch.path)
    let error = #expect(throws: LogError.self) { try log.add(["b"]) }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("deleted") == true)
    #expect(throws: LogError.self) { try log.add(["c"], durability: .written) }
    // What was durable is still read from the open file.
    #expect(try log.all(.durable).count == 1)
    log.close()
  }

  @Test("a failed publication of a new segment hides nothing that is appended later")
  func failedPublication() throws {
    let scratch = Scratch()
    let disk = FailingCalls()
    var log = try EventLog.open(directory: scratch.path, options: smallSegments(), fileSystem: disk)
    try append(log, 20)
    disk.fail("syncDirectory", EIO)
    #expect(throws: LogError.self) { try append(log, 5) }
    disk.fail("syncDirectory", nil)
    // Small ones would still have room in the old segment.
    try append(log, 30, of: 10)
    try append(log, 30)
    let count = Int(log.endOffset) - 1
    log.close()
    log = try EventLog.open(directory: scratch.path, options: smallSegments())
    #expect(try log.all().count == count)
    log.close()
  }

  @Test("an append beyond the queue's bound is refused at once")
  func fullQueue() throws {
    let scratch = Scratch()
    var options = smallSegments()
    options.maxQueuedBytes = 1000
    let log = try EventLog.open(
      directory: scratch.path, options: options, fileSystem: PosixFileSystem(), isThreaded: false)
    for expected in [true, false] {
      let batch = LogBatch()
      try batch.add(payload: [UInt8](repeating: 1, count: 900))
      let isTaken = (try? log.append(batch, completion: { _ in })) != nil
      #expect(isTaken == expected)
    }
    log.step()
    #expect(log.endOffset == 2)
    log.close()
  }

  @Test("many callers at once get consecutive offsets, and share syncs")
  func manyCallers() async throws {
    let scratch = Scratch()
    let log = try EventLog.open(directory: scratch.path)
    let answers = Recorded<AppendReceipt>()
    for caller in 0..<400 {
      let batch = LogBatch(producer: "c\(caller % 7)")
      try batch.add(sequence: UInt64(caller / 7 + 1), payload: Array("\(caller)".utf8))
      try batch.add(payload: [])
      try log.append(batch) { if case .success(let receipt) = $0 { answers.add(receipt) } }
    }
    // Every answer has been given when the log is closed.
    log.close()
    #expect(answers.values.count == 400)
    let firsts: [UInt64] = answers.values.map(\.firstOffset).sorted()
    let expected: [UInt64] = (0..<400).map { UInt64($0) * 2 + 1 }
    #expect(firsts == expected)
    #expect(log.status.syncs < 200)
  }
}
