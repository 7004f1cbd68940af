// One version on disk: a header, then the model's pages, whole or as changed since the parent's.
//
//   versions/v17.pages   ┌ header: id, parent, full or diff, digest ┬ sections of pages, each checksummed ┐
//
// Written aside, synced, renamed: what has the name is whole.

internal import Features
internal import Glibc
package import Learning
package import Primitives
internal import Tables

/// What a file says of itself.
package struct VersionHeader: Equatable, Sendable, ByteCodable {
  static let format: UInt16 = 1

  package var id: VersionID
  /// The version upon whose pages these are laid; nil: all pages are here.
  package var base: VersionID?
  package var digest: Digest

  package init(id: VersionID, base: VersionID?, digest: Digest) {
    self.id = id
    self.base = base
    self.digest = digest
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(Self.format)
    writer.write(id)
    writer.writeOptional(base) { $0.write($1) }
    writer.write(digest)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let format = try reader.read(UInt16.self)
    guard format <= Self.format else {
      throw .outOfBounds(what: "version format (start the newer build)", value: UInt64(format), at: 0)
    }
    id = try reader.read()
    base = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    digest = try reader.read()
  }
}

/// A failure of the file system or of a file, with what to do.
package struct VersionFileError: Error, Equatable, CustomStringConvertible {
  package var description: String
  package var isDiskFull = false

  init(_ description: String, isDiskFull: Bool = false) {
    self.description = description
    self.isDiskFull = isDiskFull
  }

  /// The last call's failure.
  static func system(_ what: String, _ path: String, _ number: Int32 = errno) -> VersionFileError {
    VersionFileError(
      "\(what) \(path): \(String(cString: strerror(number)))",
      isDiskFull: number == ENOSPC || number == EDQUOT || number == EFBIG)
  }
}

/// A file that is written in large pieces, and counts only when it is finished.
struct AsideFile: ~Copyable {
  private let path: String
  private let aside: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var bytes: UInt64 = 0
  private var isFinished = false

  init(_ path: String) throws {
    self.path = path
    aside = path + ".new"
    descriptor = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw VersionFileError.system("cannot create", aside) }
    buffer.reserveCapacity(1 << 20)
  }

  mutating func write(_ part: UnsafeRawBufferPointer) throws {
    buffer.append(contentsOf: part)
    bytes += UInt64(part.count)
    if buffer.count >= 1 << 20 { try flush() }
  }

  private mutating func flush() throws {
    try buffer.withUnsafeBytes { all in
      var rest = all
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          throw VersionFileError.system("cannot write", aside)
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Syncs, and gives the file its name.
  mutating func finish() throws {
    try flush()
    guard fsync(descriptor) == 0 else { throw VersionFileError.system("cannot sync", aside) }
    guard rename(aside, path) == 0 else { throw VersionFileError.system("cannot rename", aside) }
    isFinished = true
    try Directory.sync(of: path)
  }

  deinit {
    close(descriptor)
    if !isFinished { unlink(aside) }
  }
}

enum Directory {
  /// Makes the name of a file in it survive the loss of power.
  static func sync(of path: String) throws {
    let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw VersionFileError.system("cannot open", parent) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw VersionFileError.system("cannot sync", parent) }
  }

  static func make(_ path: String) throws {
    guard mkdir(path, 0o750) == 0 || errno == EEXIST else {
      throw VersionFileError.system("cannot make", path)
    }
  }

  static func names(in path: String) throws -> [String] {
    guard let directory = opendir(path) else { throw VersionFileError.system("cannot open", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      names.append(name)
    }
    return names.sorted()
  }
}

/// Reads a file in large pieces.
final class PieceReader {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8]
  private var position = 0
  private var end = 0

  /// What is enough for a header, where nothing else is wanted.
  static let headerBytes = 4 << 10

  init(_ path: String, pieceBytes: Int = 1 << 20) throws {
    self.path = path
    buffer = [UInt8](repeating: 0, count: pieceBytes)
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw VersionFileError.system("cannot open", path) }
    if pieceBytes > Self.headerBytes { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
  }

  deinit { close(descriptor) }

  func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    if position == end {
      position = 0
      end = 0
      while true {
        let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw VersionFileError.system("cannot read", path) }
        end = count
        break
      }
    }
    let count = min(target.count, end - position)
    buffer.withUnsafeBytes { bytes in
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
    }
    position += count
    return count
  }
}
