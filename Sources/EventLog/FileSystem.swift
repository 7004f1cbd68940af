// All that the log asks of a file system, as protocols, so that tests can put a faulty one under it.

/// The calls that name a path. Every path is absolute or relative to the process, as with POSIX.
package protocol FileSystem: Sendable {
  /// Makes the directory and those above it; one that exists is fine.
  func makeDirectory(_ path: String) throws(FileError)
  /// Names in a directory, in no order.
  func list(_ path: String) throws(FileError) -> [String]
  func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any LogFile
  /// Replaces what `to` names, atomically.
  func rename(_ from: String, to: String) throws(FileError)
  func remove(_ path: String) throws(FileError)
  /// Makes creations, renames and removals in a directory durable.
  func syncDirectory(_ path: String) throws(FileError)
  /// Takes the lock that lasts as long as the answer or the process; nil: another holds it.
  func lock(_ path: String) throws(FileError) -> (any FileLock)?
}

package enum OpenMode: Sendable {
  case read
  case readWrite
  /// Read and write; made if absent, emptied if present.
  case create
}

package protocol FileLock: AnyObject, Sendable {}

/// An open file. Calls may come from several threads.
package protocol LogFile: AnyObject, Sendable {
  var path: String { get }
  func size() throws(FileError) -> Int
  /// Bytes read: fewer than asked only at the end of the file.
  func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int
  /// Writes from the front of `buffers`; the number of bytes written, which may be short of all.
  func write(_ buffers: ArraySlice<UnsafeRawBufferPointer>, at position: Int) throws(FileError) -> Int
  /// Gives the file `length` bytes, zeros where nothing was written, reserved on the disk if it can be.
  func allocate(_ length: Int) throws(FileError)
  func truncate(_ length: Int) throws(FileError)
  /// fdatasync.
  func sync() throws(FileError)
  /// The first position at or after `position` that may hold something other than zeros; nil: none.
  func nextData(at position: Int) throws(FileError) -> Int?
  /// True while a name in the file system leads to the file.
  func isLinked() throws(FileError) -> Bool
  /// The first `length` bytes as memory that follows later writes.
  func map(_ length: Int) throws(FileError) -> MappedBytes
}

extension LogFile {
  /// Writes everything, however short the single writes are.
  func writeAll(_ buffers: [UnsafeRawBufferPointer], at start: Int) throws(FileError) {
    var position = start
    var left = buffers[...]
    while let first = left.first {
      if first.isEmpty {
        left.removeFirst()
        continue
      }
      var written = try write(left, at: position)
      position += written
      while written > 0, let head = left.first {
        if written >= head.count {
          written -= head.count
          left.removeFirst()
        } else {
          left[left.startIndex] = UnsafeRawBufferPointer(rebasing: head[written...])
          written = 0
        }
      }
    }
  }

  package func writeAll(_ bytes: [UInt8], at position: Int) throws(FileError) {
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(FileError) in try writeAll([raw], at: position) }
    }
    try result.get()
  }

  /// The whole file.
  func readAll() throws(FileError) -> [UInt8] {
    let count = try size()
    var bytes = [UInt8](repeating: 0, count: count)
    let got = bytes.withUnsafeMutableBytes { raw in
      Result { () throws(FileError) in try read(into: raw, at: 0) }
    }
    bytes.removeLast(count - (try got.get()))
    return bytes
  }
}

/// Memory that shows a file, for as long as someone holds it: a reader's pinned segment.
package final class MappedBytes: @unchecked Sendable {
  package let base: UnsafeRawPointer
  package let count: Int
  private let release: () -> Void

  /// `release` is called once, when the last holder lets go.
  package init(base: UnsafeRawPointer, count: Int, release: @escaping () -> Void) {
    self.base = base
    self.count = count
    self.release = release
  }

  deinit { release() }
}

extension FileSystem {
  /// Writes a small file aside, syncs it, and puts it in place: it is there whole or not at all.
  func replace(_ path: String, with bytes: [UInt8], in directory: String) throws(FileError) {
    let aside = path + ".new"
    let file = try open(aside, .create)
    try file.writeAll(bytes, at: 0)
    try file.sync()
    try rename(aside, to: path)
    try syncDirectory(directory)
  }
}
