// A small file that is whole or not there: bytes and their digest, written aside, synced, renamed.

package import EventLog
internal import Glibc
package import Primitives

package enum ChecksummedFile {
  package struct Damaged: Error {}

  package static func write(
    _ value: some ByteCodable, to path: String, on files: any FileSystem = PosixFileSystem()
  ) throws {
    var writer = ByteWriter()
    writer.write(value)
    writer.write(Digest(of: writer.bytes))
    var file = try AsideFile(path, on: files)
    try writer.bytes.withUnsafeBytes { try file.write($0) }
    try file.finish()
  }

  /// Nil: there is no such file.
  package static func read<Value: ByteCodable>(
    _: Value.Type = Value.self, from path: String, on files: any FileSystem = PosixFileSystem()
  ) throws -> Value? {
    guard access(path, F_OK) == 0 else { return nil }
    let reader = try PieceReader(path, on: files)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try piece.withUnsafeMutableBytes { try reader.read(into: $0) }
      if count == 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    guard bytes.count > 16 else { throw Damaged() }
    var tail = ByteReader(Array(bytes.suffix(16)))
    let body = Array(bytes.dropLast(16))
    guard try tail.read(Digest.self) == Digest(of: body) else { throw Damaged() }
    var source = ByteReader(body)
    return try Value(from: &source)
  }
}
