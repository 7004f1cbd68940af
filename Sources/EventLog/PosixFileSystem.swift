// The real file system.

internal import CSystem
internal import Glibc

package struct PosixFileSystem: FileSystem {
  package init() {}

  package func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, 0o750) == 0 { return }
    if errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
      throw FileError("mkdir", path)
    }
    try makeDirectory(String(path[..<slash]))
    if mkdir(path, 0o750) != 0 && errno != EEXIST { throw FileError("mkdir", path) }
  }

  package func list(_ path: String) throws(FileError) -> [String] {
    guard let stream = opendir(path) else { throw FileError("opendir", path) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
          String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any LogFile {
    let flags =
      switch mode {
      case .read: O_RDONLY
      case .readWrite: O_RDWR
      case .create: O_RDWR | O_CREAT | O_TRUNC
      }
    return PosixFile(path: path, descriptor: try descriptor(path, flags))
  }

  package func rename(_ from: String, to: String) throws(FileError) {
    if Glibc.rename(from, to) != 0 { throw FileError("rename", from) }
  }

  package func remove(_ path: String) throws(FileError) {
    if unlink(path) != 0 { throw FileError("unlink", path) }
  }

  package func syncDirectory(_ path: String) throws(FileError) {
    let directory = try descriptor(path, O_RDONLY | O_DIRECTORY)
    defer { close(directory) }
    if fsync(directory) != 0 { throw FileError("fsync", path) }
  }

  package func lock(_ path: String) throws(FileError) -> (any FileLock)? {
    let file = try descriptor(path, O_RDWR | O_CREAT)
    let failure = cowbird_lock_file(file)
    guard failure == 0 else {
      close(file)
      if failure == EWOULDBLOCK { return nil }
      throw FileError("flock", path, failure)
    }
    return PosixLock(file)
  }

  private func descriptor(_ path: String, _ flags: Int32) throws(FileError) -> Int32 {
    while true {
      let file = Glibc.open(path, flags | O_CLOEXEC, 0o640)
      if file >= 0 { return file }
      if errno != EINTR { throw FileError("open", path) }
    }
  }
}

private final class PosixLock: FileLock {
  private let descriptor: Int32
  init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }
}

private final class PosixFile: LogFile {
  let path: String
  private let descriptor: Int32

  init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  private func status() throws(FileError) -> stat {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw FileError("fstat", path) }
    return status
  }

  func size() throws(FileError) -> Int { Int(try status().st_size) }

  func isLinked() throws(FileError) -> Bool { try status().st_nlink > 0 }

  func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let got = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, position + done)
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw FileError("read", path)
      }
      done += got
    }
    return done
  }

  func write(_ buffers: ArraySlice<UnsafeRawBufferPointer>, at position: Int) throws(FileError) -> Int {
    // Linux takes at most IOV_MAX (1,024) pieces in a call.
    let pieces = buffers.prefix(1024).map {
      iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
    }
    while true {
      let written = pwritev(descriptor, pieces, Int32(pieces.count), position)
      if written > 0 { return written }
      if written < 0 && errno == EINTR { continue }
      throw FileError("write", path, written == 0 ? EIO : errno)
    }
  }

  func allocate(_ length: Int) throws(FileError) {
    let failure = cowbird_preallocate(descriptor, Int64(length))
    if failure != 0 { throw FileError("allocate", path, failure) }
  }

  func truncate(_ length: Int) throws(FileError) {
    if ftruncate(descriptor, length) != 0 { throw FileError("truncate", path) }
  }

  func sync() throws(FileError) {
    // Never repeated after a failure, not even after EINTR: a second call may say that all is well about pages
    // that the first one dropped.
    if fdatasync(descriptor) != 0 { throw FileError("fdatasync", path) }
  }

  func nextData(at position: Int) throws(FileError) -> Int? {
    let found = cowbird_next_data(descriptor, Int64(position))
    return found < 0 ? nil : Int(found)
  }

  func map(_ length: Int) throws(FileError) -> MappedBytes {
    guard let base = mmap(nil, max(length, 1), PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED
    else { throw FileError("mmap", path) }
    return MappedBytes(base: base, count: length) { munmap(base, max(length, 1)) }
  }
}
