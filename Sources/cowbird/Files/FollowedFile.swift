// A file that grows, as a pipe that never ends: a thread copies what is there and waits for more. A file that was
// replaced (by log rotation) is read on from the new one's beginning.

import Glibc
import Primitives

struct FollowedFile {
  /// What a reader opens.
  let path: String
  /// Tells whether there is more.
  let reading: Int32

  init(_ file: String) throws {
    let source = open(file, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw Refused("\(file): \(String(cString: strerror(errno)))") }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Refused("no pipe: \(String(cString: strerror(errno)))") }
    reading = ends[0]
    path = "/dev/fd/\(ends[0])"
    let target = ends[1]
    _ = PlainThread(name: "follow") { Self.copy(file, source, target) }
  }

  private static func copy(_ file: String, _ first: Int32, _ target: Int32) {
    var source = first
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(source, &buffer, buffer.count)
      if count > 0 {
        var position = 0
        while position < count {
          let written = buffer.withUnsafeBytes { write(target, $0.baseAddress! + position, count - position) }
          if written < 0, errno != EINTR { return }
          position += max(0, written)
        }
        continue
      }
      if let next = replacement(of: source, at: file) {
        close(source)
        source = next
        continue
      }
      usleep(200_000)
    }
  }

  /// The file that has the name now, where that is another one.
  private static func replacement(of source: Int32, at file: String) -> Int32? {
    var old = stat()
    var new = stat()
    guard fstat(source, &old) == 0, stat(file, &new) == 0 else { return nil }
    if old.st_ino == new.st_ino, old.st_dev == new.st_dev {
      // Cut to nothing and written anew.
      if new.st_size < lseek(source, 0, SEEK_CUR) { lseek(source, 0, SEEK_SET) }
      return nil
    }
    let next = open(file, O_RDONLY | O_CLOEXEC)
    return next >= 0 ? next : nil
  }
}
