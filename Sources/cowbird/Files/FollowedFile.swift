// A file that grows, in parts: what has its name now, and after a log rotation what has it then. Each part is read from
// its beginning, header and all, and has a name of its own by what it begins with, so that what was sent of it
// is known again after it was renamed or copied away.

import Formats
import Glibc
import Primitives

struct FollowedFile {
  /// One file, from its beginning to where it was replaced.
  struct Part {
    /// What a reader opens.
    let path: String
    /// Hash of the first record, in base 36.
    let name: String
    /// Whether there is more can be asked of this descriptor; nil: all of it is there.
    let reading: Int32?
  }

  private static let pollMicroseconds: UInt32 = 200_000

  private let file: String
  /// Lines that stand before the first record.
  private let headerLines: Int

  init(_ file: String, _ format: String?) {
    self.file = file
    let format = format.flatMap { EventFormat(rawValue: $0.lowercased()) } ?? EventFormat(path: file)
    headerLines = format == .csv || format == .tsv ? 1 : 0
  }

  /// The file that has the name now, as soon as it has a record; ends when another has taken its name and nothing more
  /// comes of it.
  func part() throws -> Part {
    while true {
      let source = open(file, O_RDONLY | O_CLOEXEC)
      if source < 0, errno != ENOENT { throw Refused("\(file): \(String(cString: strerror(errno)))") }
      if source >= 0 {
        if let name = name(of: source) { return try copied(source, name) }
        close(source)
      }
      usleep(Self.pollMicroseconds)
    }
  }

  /// Files beside it that were rotated away from its name, oldest first, with the part that they were.
  func rotated() -> [Part] {
    let slash = file.lastIndex(of: "/")
    let folder = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
    let base = slash.map { String(file[file.index(after: $0)...]) } ?? file
    let present = name(ofFile: file)
    var found: [(part: Part, time: timespec)] = []
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(base), Self.isRotation(name.dropFirst(base.count)) else { continue }
      let path = "\(folder)/\(name)"
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        let hash = self.name(ofFile: path), hash != present
      else { continue }
      found.append((Part(path: path, name: hash, reading: nil), status.st_mtim))
    }
    found.sort {
      ($0.time.tv_sec, $0.time.tv_nsec, $0.part.path) < ($1.time.tv_sec, $1.time.tv_nsec, $1.part.path)
    }
    return found.map(\.part)
  }

  /// What rotation puts behind a name: a number or a time (`.1`, `-20261121`, `.2026-11-21T03`), or `.old`.
  private static func isRotation(_ suffix: Substring) -> Bool {
    if suffix == ".old" { return true }
    guard let first = suffix.first, ".-_".contains(first) else { return false }
    return suffix.contains(where: \.isNumber) && suffix.allSatisfy { $0.isNumber || ".-_:T".contains($0) }
  }

  private func name(ofFile path: String) -> String? {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { return nil }
    defer { close(source) }
    return name(of: source)
  }

  /// Nil until the first record stands there whole.
  private func name(of source: Int32) -> String? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var lines = 0
    while bytes.count < 1 << 22 {
      let count = pread(source, &buffer, buffer.count, off_t(bytes.count))
      guard count > 0 else { return nil }
      for byte in buffer[..<count] {
        bytes.append(byte)
        guard byte == 0x0A else { continue }
        lines += 1
        if lines > headerLines { return String(bytes.withUnsafeBytes { StableHash.of($0) }, radix: 36) }
      }
    }
    return nil
  }

  private func copied(_ source: Int32, _ name: String) throws -> Part {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Refused("no pipe: \(String(cString: strerror(errno)))") }
    let target = ends[1]
    _ = PlainThread(name: "follow") { [file] in
      Self.copy(file, source, target)
      close(source)
      close(target)
    }
    return Part(path: "/dev/fd/\(ends[0])", name: name, reading: ends[0])
  }

  /// Copies what is there, and what is added, until another file has the name.
  private static func copy(_ file: String, _ source: Int32, _ target: Int32) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var isReplaced = false
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
      // What was written between the last look and the replacement has been read by now.
      if isReplaced { return }
      isReplaced = hasReplacement(source, file)
      usleep(pollMicroseconds)
    }
  }

  /// Another file has the name, or this one was cut and is written anew.
  private static func hasReplacement(_ source: Int32, _ file: String) -> Bool {
    var old = stat()
    var new = stat()
    guard fstat(source, &old) == 0, stat(file, &new) == 0 else { return false }
    if old.st_ino != new.st_ino || old.st_dev != new.st_dev { return true }
    return new.st_size < lseek(source, 0, SEEK_CUR)
  }
}
