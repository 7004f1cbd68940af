// The real file system, of which single calls fail, or all from one on, as they were told to. (The service's tests have
// a copy by symbolic link.)

import EventLog
import Glibc
import Primitives

final class FaultyFiles: FileSystem {
  struct Fault: Sendable {
    /// Number of the call that fails, from 1.
    var call: Int
    var number: Int32
    /// All that come after fail too.
    var lasts = false
    /// A write is short and goes well, instead of failing.
    var isShort = false
    /// Calls of others are not counted; nil: all are.
    var operation: String?
    /// Done right before the call, which does not fail then by itself.
    var meanwhile: (@Sendable () throws -> Void)?
  }

  private struct State: Sendable {
    var fault: Fault?
    var calls = 0
    var met: [String] = []
  }

  private let real = PosixFileSystem()
  private let state = Guarded(State())

  /// Calls from now on are counted from 1.
  func arm(_ fault: Fault?) { state.withLock { $0 = State(fault: fault) } }

  /// The calls that were hit since `arm`.
  var met: [String] { state.withLock { $0.met } }

  /// Counts a call.
  /// - Returns: true for a write that is to be short.
  @discardableResult
  func count(_ operation: String, _ path: String) throws(FileError) -> Bool {
    let fault: Fault? = state.withLock { state in
      if let counted = state.fault?.operation, counted != operation { return nil }
      state.calls += 1
      guard let fault = state.fault, fault.call == state.calls || fault.lasts && fault.call < state.calls
      else { return nil }
      state.met.append(operation)
      return fault
    }
    guard let fault else { return false }
    if let meanwhile = fault.meanwhile {
      do { try meanwhile() } catch { throw FileError("\(error)", path, fault.number) }
      return false
    }
    if fault.isShort { return true }
    throw FileError(operation, path, fault.number)
  }

  func makeDirectory(_ path: String) throws(FileError) {
    try count("mkdir", path)
    try real.makeDirectory(path)
  }

  func list(_ path: String) throws(FileError) -> [String] {
    try count("list", path)
    return try real.list(path)
  }

  func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any LogFile {
    try count(mode == .read ? "open" : "create", path)
    return FaultyFile(try real.open(path, mode), self)
  }

  func rename(_ from: String, to: String) throws(FileError) {
    try count("rename", from)
    try real.rename(from, to: to)
  }

  func remove(_ path: String) throws(FileError) {
    try count("unlink", path)
    try real.remove(path)
  }

  func syncDirectory(_ path: String) throws(FileError) {
    try count("sync directory", path)
    try real.syncDirectory(path)
  }

  func lock(_ path: String) throws(FileError) -> (any FileLock)? { try real.lock(path) }
}

private final class FaultyFile: LogFile {
  private let real: any LogFile
  private let files: FaultyFiles

  init(_ real: any LogFile, _ files: FaultyFiles) {
    self.real = real
    self.files = files
  }

  var path: String { real.path }
  func size() throws(FileError) -> Int { try real.size() }

  func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int {
    try files.count("read", path)
    return try real.read(into: buffer, at: position)
  }

  func write(_ buffers: ArraySlice<UnsafeRawBufferPointer>, at position: Int) throws(FileError) -> Int {
    // A disk that fills up takes a part first.
    let first = buffers.first.map { UnsafeRawBufferPointer(rebasing: $0[..<($0.count / 2)]) }
    do throws(FileError) {
      if try files.count("write", path), let first, !first.isEmpty {
        return try real.write([first], at: position)
      }
    } catch {
      if let first, !first.isEmpty { _ = try real.write([first], at: position) }
      throw error
    }
    return try real.write(buffers, at: position)
  }

  func allocate(_ length: Int) throws(FileError) { try real.allocate(length) }
  func truncate(_ length: Int) throws(FileError) { try real.truncate(length) }

  func sync() throws(FileError) {
    try files.count("sync", path)
    try real.sync()
  }

  func nextData(at position: Int) throws(FileError) -> Int? { try real.nextData(at: position) }
  func isLinked() throws(FileError) -> Bool { try real.isLinked() }

  func map(_ length: Int) throws(FileError) -> MappedBytes {
    try files.count("map", path)
    return try real.map(length)
  }
}
