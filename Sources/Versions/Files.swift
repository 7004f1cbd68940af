// How versions and the registry's checkpoint use the file system: through the log's protocols, so that tests can put a
// faulty one under them.

internal import EventLog
internal import Glibc

/// A failure of the file system or of a file, with what to do.
package struct VersionFileError: Error, Equatable, CustomStringConvertible {
  package var description: String
  package var isDiskFull = false
  /// The file is not there, or its bytes are not what was written: it will not be better at another time.
  package var isDamage = false

  init(_ description: String, isDamage: Bool = false) {
    (self.description, self.isDamage) = (description, isDamage)
  }

  init(_ error: FileError) {
    description = error.description
    isDamage = error.number == ENOENT
    isDiskFull = error.number == ENOSPC || error.number == EDQUOT || error.number == EFBIG
  }
}

/// A file that is written in large pieces, and counts only when it is finished.
struct AsideFile: ~Copyable {
  private let path: String
  private let files: any FileSystem
  private let file: any LogFile
  private var buffer: [UInt8] = []
  private(set) var bytes: UInt64 = 0
  private var position = 0
  /// The name that it has now.
  private var name: String
  private var isFinished = false

  init(_ path: String, on files: any FileSystem) throws {
    self.path = path
    self.files = files
    name = path + ".new"
    file = try translated { () throws(FileError) in try files.open(path + ".new", .create) }
    buffer.reserveCapacity(1 << 20)
  }

  mutating func write(_ part: UnsafeRawBufferPointer) throws {
    buffer.append(contentsOf: part)
    bytes += UInt64(part.count)
    if buffer.count >= 1 << 20 { try flush() }
  }

  private mutating func flush() throws {
    try translated { () throws(FileError) in try file.writeAll(buffer, at: position) }
    position += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  /// Syncs, and gives the file its name.
  mutating func finish() throws {
    try flush()
    try translated { () throws(FileError) in
      try file.sync()
      try files.rename(name, to: path)
    }
    name = path
    // A name that may go with the power is none.
    try translated { () throws(FileError) in try files.syncDirectory(Directory.of(path)) }
    isFinished = true
  }

  deinit {
    if !isFinished { try? files.remove(name) }
  }
}

enum Directory {
  /// The directory that a file is in.
  static func of(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
}

/// Reads a file in large pieces.
final class PieceReader {
  private let file: any LogFile
  private var buffer: [UInt8]
  /// In the file, behind what is in the buffer.
  private var place = 0
  private var position = 0
  private var end = 0

  /// What is enough for a header, where nothing else is wanted.
  static let headerBytes = 4 << 10

  init(_ path: String, on files: any FileSystem, pieceBytes: Int = 1 << 20) throws {
    file = try translated { () throws(FileError) in try files.open(path, .read) }
    buffer = [UInt8](repeating: 0, count: pieceBytes)
  }

  func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    if position == end {
      position = 0
      end = 0
      let (file, place) = (file, place)
      end = try buffer.withUnsafeMutableBytes { bytes in
        try translated { () throws(FileError) in try file.read(into: bytes, at: place) }
      }
      self.place += end
    }
    let count = min(target.count, end - position)
    buffer.withUnsafeBytes { bytes in
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
    }
    position += count
    return count
  }
}

/// The file system's failures as those of versions.
func translated<Result>(_ body: () throws(FileError) -> Result) throws -> Result {
  do throws(FileError) { return try body() } catch { throw VersionFileError(error) }
}
