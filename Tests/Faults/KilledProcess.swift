// A child process that speaks on its standard output and is killed.

import Glibc
import Testing

enum KilledProcess {
  /// Runs a program of this build, kills it some time after its first lines, and returns all of them.
  /// - Parameters:
  ///   - count: lines that are waited for.
  ///   - patience: how long, at most.
  ///   - delay: from then on.
  static func lines(
    _ name: String, _ words: [String], after count: Int = 1, patienceMilliseconds patience: Int32,
    thenMicroseconds delay: UInt32
  ) throws -> [Substring] {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    let program = buildDirectory() + "/" + name
    var child: pid_t = 0
    let arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    try #require(posix_spawn(&child, program, &actions, nil, arguments, environ) == 0, "no \(program)")
    close(ends[1])

    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    func read(until deadline: UInt64, atMost count: Int) {
      var lines = 0
      while lines < count {
        let left = deadline - min(now(), deadline)
        var ready = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, Int32(left / 1_000_000)) > 0 || left >= 1_000_000 else { return }
        guard ready.revents != 0 else { continue }
        let got = Glibc.read(ends[0], &buffer, buffer.count)
        if got <= 0 { return }
        bytes.append(contentsOf: buffer[..<got])
        lines += buffer[..<got].count { $0 == UInt8(ascii: "\n") }
      }
    }
    // From the first lines on, some more time; then no mercy.
    read(until: now() + UInt64(patience) * 1_000_000, atMost: count)
    read(until: now() + UInt64(delay) * 1000, atMost: .max)
    kill(child, SIGKILL)
    while true {
      let got = Glibc.read(ends[0], &buffer, buffer.count)
      if got <= 0 { break }
      bytes.append(contentsOf: buffer[..<got])
    }
    close(ends[0])
    var status: Int32 = 0
    waitpid(child, &status, 0)
    #expect(status & 0x7F == SIGKILL, "the child ended by itself: \(status)")
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Where the test's own program lies, and the child's beside it.
  private static func buildDirectory() -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    let own = String(decoding: path[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
  }

  /// A number of the environment, such as how often to kill.
  static func setting(_ name: String, default number: Int) -> Int {
    getenv(name).flatMap { Int(String(cString: $0)) } ?? number
  }
}

/// A directory of its own, gone when the test ends.
final class TemporaryDirectory {
  let path: String

  /// - Parameter isInMemory: where syncs cost nothing, so that a kill meets more steps in less time. What a kill leaves
  ///   is the same: it takes nothing from the page cache.
  init(isInMemory: Bool = false) throws {
    let parent = isInMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/cowbird-crash-XXXXXX".utf8CString)
    path = try template.withUnsafeMutableBufferPointer {
      String(cString: try #require(mkdtemp($0.baseAddress!)))
    }
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name != ".", name != ".." else { continue }
      if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
    }
    closedir(directory)
    rmdir(path)
  }
}
