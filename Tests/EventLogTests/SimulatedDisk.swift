// A disk with a page cache, a directory journal and bad days, all from one seed.
//
//   volatile   what the process sees: every write, at once
//   pending    512-byte sectors and metadata changes that no sync covered yet
//   durable    what is left when the power goes, with some of the pending sectors, in any order
//
// A failed sync drops pending sectors for good, may let the process see the old bytes again, and the next sync
// says that all is well: what Linux does.

import Glibc

@testable import EventLog

struct Dice {
  var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

final class SimulatedDisk: FileSystem, @unchecked Sendable {
  static let sector = 512
  static let maxFileBytes = 256 << 10

  final class Inode {
    let bytes = calloc(1, maxFileBytes)!
    var size = 0
    var durable: [UInt8] = []
    var dirty: Set<Int> = []

    deinit { free(bytes) }

    var content: [UInt8] { Array(UnsafeRawBufferPointer(start: bytes, count: size)) }
  }

  enum Fault: CaseIterable {
    case noSpace, ioError, readOnly, tornWrite
  }

  var dice: Dice
  private var names: [String: Inode] = [:]
  private var durableNames: [String: Inode] = [:]
  private var journal: [(String, Inode?)] = []
  private var isLocked = false
  /// Chance in 1,000 that a call begins a fault; its length in calls.
  var faultPerMille = 0
  private var faultCallsLeft = 0
  private var fault = Fault.ioError
  private(set) var calls = 0
  private(set) var faults = 0
  private(set) var failedSyncs = 0

  init(seed: UInt64) { dice = Dice(seed) }

  // The bad days.

  private func trouble() -> Fault? {
    calls += 1
    if faultCallsLeft > 0 {
      faultCallsLeft -= 1
      return fault
    }
    if faultPerMille > 0 && dice.below(1000) < faultPerMille {
      fault = Fault.allCases[dice.below(Fault.allCases.count)]
      faultCallsLeft = dice.chance(60) ? 0 : dice.below(12)
      faults += 1
      return fault
    }
    return nil
  }

  private func check(_ operation: String, _ path: String) throws(FileError) {
    switch trouble() {
    case nil: return
    case .noSpace: throw FileError(operation, path, ENOSPC)
    case .readOnly: throw FileError(operation, path, EROFS)
    case .ioError, .tornWrite: throw FileError(operation, path, EIO)
    }
  }

  func heal() {
    faultPerMille = 0
    faultCallsLeft = 0
  }

  /// The process dies; the page cache stays.
  func kill() { isLocked = false }

  /// The power goes.
  func losePower() {
    isLocked = false
    // A journal is replayed in order, up to some point.
    for (name, inode) in journal.prefix(dice.below(journal.count + 1)) { durableNames[name] = inode }
    journal.removeAll()
    names = durableNames
    var seen: Set<ObjectIdentifier> = []
    for inode in names.sorted(by: { $0.key < $1.key }).map(\.value)
    where seen.insert(ObjectIdentifier(inode)).inserted {
      keepSome(of: inode, percent: [0, 30, 70, 100][dice.below(4)])
    }
    // A new process maps files afresh: old mappings must not change under a reader of the test.
    for (name, inode) in names { names[name] = Self.reborn(inode) }
    durableNames = names
  }

  private static func reborn(_ inode: Inode) -> Inode {
    let fresh = Inode()
    fresh.durable = inode.durable
    fresh.size = inode.durable.count
    fresh.durable.withUnsafeBytes { source in
      if let base = source.baseAddress { fresh.bytes.copyMemory(from: base, byteCount: source.count) }
    }
    return fresh
  }

  /// Writes some dirty sectors back.
  private func keepSome(of inode: Inode, percent: Int) {
    for sector in inode.dirty.sorted() where dice.chance(percent) { writeBack(sector, inode) }
  }

  private func writeBack(_ sector: Int, _ inode: Inode) {
    let range = sector * Self.sector..<min((sector + 1) * Self.sector, inode.size)
    guard !range.isEmpty else { return }
    if inode.durable.count < range.upperBound {
      inode.durable += [UInt8](repeating: 0, count: range.upperBound - inode.durable.count)
    }
    inode.durable.replaceSubrange(
      range, with: UnsafeRawBufferPointer(start: inode.bytes + range.lowerBound, count: range.count))
  }

  /// A disk with the same files.
  func copy(seed: UInt64) -> SimulatedDisk {
    let disk = SimulatedDisk(seed: seed)
    for (name, inode) in names { disk.names[name] = Self.reborn(inode) }
    disk.durableNames = disk.names
    return disk
  }

  var fileNames: [String] { names.keys.sorted() }

  /// Somebody writes a file behind the log's back.
  func tamper(_ name: String, _ change: (inout [UInt8]) -> Void) {
    let inode = Inode()
    inode.durable = names[name]?.content ?? []
    change(&inode.durable)
    inode.durable.removeLast(max(0, inode.durable.count - Self.maxFileBytes))
    names[name] = Self.reborn(inode)
    durableNames[name] = names[name]
  }

  func content(_ name: String) -> [UInt8] { names[name]?.content ?? [] }

  func delete(_ name: String) {
    names[name] = nil
    durableNames[name] = nil
  }

  // FileSystem

  func makeDirectory(_ path: String) throws(FileError) {}

  func list(_ path: String) throws(FileError) -> [String] {
    names.keys.compactMap { name in
      guard name.hasPrefix(path + "/") else { return nil }
      let rest = name.dropFirst(path.count + 1)
      return rest.contains("/") ? nil : String(rest)
    }
  }

  func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any LogFile {
    if mode == .create {
      try check("open", path)
      let inode = Inode()
      names[path] = inode
      journal.append((path, inode))
    }
    guard let inode = names[path] else { throw FileError("open", path, ENOENT) }
    return File(path: path, inode: inode, disk: self)
  }

  func rename(_ from: String, to: String) throws(FileError) {
    try check("rename", from)
    guard let inode = names[from] else { throw FileError("rename", from, ENOENT) }
    names[from] = nil
    names[to] = inode
    journal.append((to, inode))
    journal.append((from, nil))
  }

  func remove(_ path: String) throws(FileError) {
    try check("unlink", path)
    guard names.removeValue(forKey: path) != nil else { throw FileError("unlink", path, ENOENT) }
    journal.append((path, nil))
  }

  func syncDirectory(_ path: String) throws(FileError) {
    try check("fsync", path)
    durableNames = names
    journal.removeAll()
  }

  func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    if isLocked { return nil }
    isLocked = true
    return Lock(self)
  }

  private final class Lock: FileLock, @unchecked Sendable {
    let disk: SimulatedDisk
    init(_ disk: SimulatedDisk) { self.disk = disk }
    deinit { disk.isLocked = false }
  }

  final class File: LogFile, @unchecked Sendable {
    let path: String
    let inode: Inode
    let disk: SimulatedDisk

    init(path: String, inode: Inode, disk: SimulatedDisk) {
      self.path = path
      self.inode = inode
      self.disk = disk
    }

    func size() throws(FileError) -> Int { inode.size }
    func isLinked() throws(FileError) -> Bool { disk.names.values.contains { $0 === inode } }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int {
      let count = max(0, min(buffer.count, inode.size - position))
      buffer.copyMemory(from: UnsafeRawBufferPointer(start: inode.bytes + position, count: count))
      return count
    }

    func write(_ buffers: ArraySlice<UnsafeRawBufferPointer>, at position: Int) throws(FileError) -> Int {
      var all: [UInt8] = []
      for buffer in buffers { all.append(contentsOf: buffer) }
      switch disk.trouble() {
      case nil:
        // Short writes are no fault: every call may make one.
        let count =
          disk.faultPerMille > 0 && disk.dice.chance(10) ? 1 + disk.dice.below(all.count) : all.count
        put(all.prefix(count), at: position)
        return count
      case .noSpace:
        throw FileError("write", path, ENOSPC)
      case .readOnly:
        throw FileError("write", path, EROFS)
      case .ioError:
        throw FileError("write", path, EIO)
      case .tornWrite:
        put(all.prefix(disk.dice.below(all.count + 1)), at: position)
        throw FileError("write", path, EIO)
      }
    }

    private func put(_ all: ArraySlice<UInt8>, at position: Int) {
      guard !all.isEmpty else { return }
      precondition(position + all.count <= SimulatedDisk.maxFileBytes)
      Array(all).withUnsafeBytes {
        (inode.bytes + position).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
      }
      inode.size = max(inode.size, position + all.count)
      let sector = SimulatedDisk.sector
      inode.dirty.formUnion(position / sector...(position + all.count - 1) / sector)
    }

    func allocate(_ length: Int) throws(FileError) {
      try disk.check("allocate", path)
      inode.size = max(inode.size, length)
    }

    func truncate(_ length: Int) throws(FileError) {
      try disk.check("truncate", path)
      if length < inode.size {
        memset(inode.bytes + length, 0, inode.size - length)
        inode.dirty = inode.dirty.filter { $0 * SimulatedDisk.sector < length }
        // Not synced: the old length comes back with the power.
      }
      inode.size = length
    }

    func sync() throws(FileError) {
      guard let trouble = disk.trouble(), trouble != .noSpace, trouble != .readOnly else {
        inode.durable = inode.content
        inode.dirty.removeAll()
        return
      }
      disk.failedSyncs += 1
      disk.keepSome(of: inode, percent: 50)
      if disk.dice.chance(50) {
        // The pages were dropped: what is on the disk shows again.
        for sector in inode.dirty.sorted() where disk.dice.chance(50) {
          for at in sector * SimulatedDisk.sector..<min((sector + 1) * SimulatedDisk.sector, inode.size) {
            let old = at < inode.durable.count ? inode.durable[at] : 0
            inode.bytes.storeBytes(of: old, toByteOffset: at, as: UInt8.self)
          }
        }
      }
      inode.dirty.removeAll()
      throw FileError("fdatasync", path, EIO)
    }

    func nextData(at position: Int) throws(FileError) -> Int? {
      var at = position
      while at < inode.size {
        if at % 8 == 0 && at + 8 <= inode.size && inode.bytes.load(fromByteOffset: at, as: UInt64.self) == 0 {
          at += 8
        } else if inode.bytes.load(fromByteOffset: at, as: UInt8.self) == 0 {
          at += 1
        } else {
          return at
        }
      }
      return nil
    }

    func map(_ length: Int) throws(FileError) -> MappedBytes {
      let inode = inode
      return MappedBytes(base: inode.bytes, count: min(length, inode.size)) { withExtendedLifetime(inode) {} }
    }
  }
}
