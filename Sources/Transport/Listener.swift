// The socket that peers connect to: made so that it is never open to those who may not use it, and never in
// place of one that a live server holds.

internal import CSystem
internal import Glibc
package import Wire

/// A listening Unix socket.
package final class Listener: Sendable {
  package let descriptor: Int32
  /// Nil for a socket that somebody else made (socket activation).
  package let path: String?
  private let device: UInt64
  private let inode: UInt64

  /// Makes the socket file at `path`, with `mode` (permission bits) and `group` (nil: the process's own).
  ///
  /// Throws FAILED_PRECONDITION when a live server listens there or the file is no socket, PERMISSION_DENIED
  /// when the directory or the group forbids it, INVALID_ARGUMENT for an impossible path.
  package init(path: String, mode: UInt32 = 0o660, group: UInt32? = nil, backlog: Int32 = 4096) throws(Status)
  {
    guard mode <= 0o777 else {
      throw Status(.invalidArgument, "socket mode \(String(mode, radix: 8)) is no permission mode (0 to 777)")
    }
    let (directory, name) = Self.split(path)
    try Self.check(path: path)
    // Bound under another name in the same directory, made ready there, then renamed.
    let hidden = "\(directory)/.\(String(UInt32(bitPattern: getpid()), radix: 36))-\(name)"
    // Held while another's socket is looked at and replaced, so that two servers cannot both find it dead.
    let lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw Self.failure("open the directory \(directory)", errno) }
    defer { _ = Glibc.close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else { throw Self.failure("lock the directory \(directory)", errno) }
    }
    try Self.checkVacancy(path)

    let descriptor = cowbird_unix_socket(1)
    guard descriptor >= 0 else { throw Self.failure("make a socket", -descriptor) }
    var isDone = false
    defer {
      if !isDone {
        _ = Glibc.close(descriptor)
        _ = unlink(hidden)
      }
    }
    _ = unlink(hidden)
    // The file takes the descriptor's mode: nobody may connect before it is what it shall be.
    guard fchmod(descriptor, 0) == 0 else { throw Self.failure("set the mode of a socket", errno) }
    let bound = cowbird_unix_bind(descriptor, hidden)
    guard bound >= 0 else { throw Self.failure("make the socket \(hidden)", -bound) }
    if let group, chown(hidden, uid_t.max, group) != 0 {
      throw Self.failure("give the socket \(path) to group \(group)", errno)
    }
    guard chmod(hidden, mode) == 0 else { throw Self.failure("set the mode of \(path)", errno) }
    guard listen(descriptor, backlog) == 0 else { throw Self.failure("listen at \(path)", errno) }
    guard rename(hidden, path) == 0 else { throw Self.failure("move the socket to \(path)", errno) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw Self.failure("look at \(path)", errno) }
    isDone = true
    self.descriptor = descriptor
    self.path = path
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// Takes over a listening socket.
  package init(inherited descriptor: Int32) throws(Status) {
    guard cowbird_is_unix_listener(descriptor) == 1 else {
      throw Status(.failedPrecondition, "descriptor \(descriptor) is not a listening Unix stream socket")
    }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    self.descriptor = descriptor
    path = nil
    device = 0
    inode = 0
  }

  /// Removes the socket's file, unless another server's stands there by now: nobody new finds the way here.
  package func remove() {
    guard let path else { return }
    var status = stat()
    if lstat(path, &status) == 0, UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode {
      _ = unlink(path)
    }
  }

  /// Closes the socket. To be called once.
  package func close() { _ = Glibc.close(descriptor) }

  private static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = String(path[..<slash])
    return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
  }

  /// Whether a socket can be called that.
  package static func check(path: String) throws(Status) {
    let (directory, name) = split(path)
    // As long as the name that it has while it is made.
    let hidden = "\(directory)/.\(String(UInt32(bitPattern: getpid()), radix: 36))-\(name)"
    let limit = Int(cowbird_unix_path_limit())
    guard !name.isEmpty, !path.utf8.contains(0), hidden.utf8.count <= limit else {
      throw Status(
        .invalidArgument,
        "socket path \(path) cannot be used: with 10 bytes for a temporary name it must have at most \(limit) bytes"
      )
    }
  }

  /// Nothing is at `path`, or the socket of a server that is dead.
  private static func checkVacancy(_ path: String) throws(Status) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw failure("look at \(path)", errno)
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw Status(.failedPrecondition, "\(path) exists and is no socket; remove it or choose another path")
    }
    let probe = cowbird_unix_socket(1)
    guard probe >= 0 else { throw failure("make a socket", -probe) }
    defer { _ = Glibc.close(probe) }
    let outcome = cowbird_unix_connect(probe, path)
    switch -outcome {
    case ECONNREFUSED, ENOENT: return
    case EACCES, EPERM:
      throw Status(.permissionDenied, "\(path) is a socket of somebody else, which may be alive")
    default:
      // Connected, or the queue of a busy server is full.
      throw Status(.failedPrecondition, "a live server listens at \(path); stop it or choose another path")
    }
  }

  private static func failure(_ action: String, _ number: Int32) -> Status {
    let code: Status.Code =
      switch number {
      case EACCES, EPERM, EROFS: .permissionDenied
      case ENOENT, ENOTDIR: .notFound
      case EMFILE, ENFILE, ENOSPC, ENOMEM: .resourceExhausted
      default: .failedPrecondition
      }
    return Status(code, "cannot \(action): \(errnoText(number))")
  }
}
