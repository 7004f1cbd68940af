// fsck of the versions: reads every byte of their files, follows the chains, and compares both with the registry.

internal import Configuration
package import EventLog
internal import Glibc
internal import Learning
internal import Primitives
internal import Tables

package struct VersionCheck: Sendable {
  package struct Finding: Sendable, CustomStringConvertible {
    package var file: String
    package var reason: String
    /// What repair does about it; nil: nothing, because the next start copes with it.
    package var repair: String?
    /// What the next start does.
    package var start: String
    /// False: nobody misses it.
    package var isDamage = true

    package var description: String {
      "\(file): \(reason); " + (repair.map { "repair \($0)" } ?? "the next start \(start)")
    }
  }

  /// Versions that are listed, their files and the files' bytes.
  package private(set) var versions = 0
  package private(set) var files = 0
  package private(set) var bytes: UInt64 = 0
  package private(set) var findings: [Finding] = []

  /// True: every listed version loads, and the registry is what the log says.
  package var isSound: Bool { !findings.contains(where: \.isDamage) }

  /// Where a registry that cannot be read is set aside.
  package static func asidePath(_ data: String) -> String { data + "/registry.damaged" }

  /// - Parameters:
  ///   - data: the daemon's directory, which no daemon has open.
  ///   - log: open, so it is sound.
  ///   - repairs: sets a damaged registry aside where the log tells of every command.
  package static func verify(data: String, log: EventLog, repairs: Bool = false) -> VersionCheck {
    var check = VersionCheck()
    guard let registry = check.registry(data, log, repairs) else { return check }
    check.versions = registry.entries.count
    check.checkFiles(data + "/versions", registry)
    return check
  }

  private mutating func registry(_ data: String, _ log: EventLog, _ repairs: Bool) -> Registry? {
    do {
      return try ControlPlane(log: log, directory: data).registry
    } catch {
      let isWhole = log.firstOffset == EventLog.firstOffset
      findings.append(
        Finding(
          file: data + "/registry", reason: "\(error)",
          repair: isWhole
            ? "sets it aside as registry.damaged: the log tells of every command"
            : "cannot mend it: put it back from a backup",
          start: "refuses"))
      guard repairs, isWhole, rename(data + "/registry", Self.asidePath(data)) == 0 else { return nil }
      return try? ControlPlane(log: log, directory: data).registry
    }
  }

  private mutating func checkFiles(_ directory: String, _ registry: Registry) {
    let names = ((try? PosixFileSystem().list(directory)) ?? []).sorted()
    var headers: [VersionID: VersionHeader] = [:]
    var damage: [VersionID: String] = [:]
    for name in names where name.hasSuffix(".pages") {
      guard let id = VersionID(name.dropLast(6)) else { continue }
      files += 1
      do {
        headers[id] = try readAll(directory + "/" + name)
      } catch {
        damage[id] = "\(error)"
      }
    }
    var needed: Set<VersionID> = []
    for entry in registry.entries {
      // What was met before has its parents there.
      var link: VersionID? = entry.record.id
      while let id = link, needed.insert(id).inserted { link = headers[id]?.base }
      if let reason = trouble(entry.record, headers, damage) {
        report("\(directory)/\(entry.record.id).pages", reason, entry.record, registry)
      }
    }
    for name in names {
      if name.hasSuffix(".new") {
        leftOver(directory + "/" + name, "was never finished")
      } else if name.hasSuffix(".pages"), let id = VersionID(name.dropLast(6)), !needed.contains(id) {
        leftOver(directory + "/" + name, "no listed version needs it")
      }
    }
  }

  private mutating func leftOver(_ file: String, _ reason: String) {
    findings.append(Finding(file: file, reason: reason, repair: nil, start: "deletes it", isDamage: false))
  }

  private mutating func report(
    _ file: String, _ reason: String, _ record: VersionRecord, _ registry: Registry
  ) {
    let isServed = registry.serving == .version(record.id) || !registry.labels(of: record.id).isEmpty
    findings.append(
      Finding(
        file: file, reason: reason, repair: nil,
        start: (record.isOfHead ? "takes an older version and learns the log after it" : "goes on without it")
          + (isServed ? "; what points at it answers UNAVAILABLE until it points at another" : "")
          + "; `cowbird version delete \(record.id)` takes it off the list"))
  }

  /// What is wrong with a version or with one that it is laid upon; nil: nothing.
  private func trouble(
    _ record: VersionRecord, _ headers: [VersionID: VersionHeader], _ damage: [VersionID: String]
  ) -> String? {
    var seen: Set<VersionID> = []
    var link: VersionID? = record.id
    while let id = link {
      let prefix = id == record.id ? "" : "it is laid upon \(id), which "
      if let reason = damage[id] { return prefix + "is damaged: \(reason)" }
      guard let header = headers[id] else { return prefix + "is not there" }
      guard header.id == id else { return prefix + "is the file of \(header.id)" }
      guard seen.insert(id).inserted else { return "its chain of parents has a loop" }
      link = header.base
    }
    guard let header = headers[record.id], header.digest == record.digest else {
      return
        "holds another model (\(headers[record.id]?.digest.description ?? "")) than the log tells of (\(record.digest))"
    }
    return nil
  }

  /// Reads a file to its end, checksums and all.
  private mutating func readAll(_ path: String) throws -> VersionHeader {
    let file = try PieceReader(path, on: PosixFileSystem())
    var total: UInt64 = 0
    var stream = PageStreamReader { target in
      let count = try file.read(into: target)
      total += UInt64(count)
      return count
    }
    let header = try stream.read(name: "version.header", VersionHeader.self)
    var name = ""
    while name != "model.state" {
      let section = try stream.begin()
      name = section.name
      var page = [UInt8](repeating: 0, count: section.pageBytes)
      while try page.withUnsafeMutableBytes({ try stream.read(into: $0) }) != nil {}
    }
    var rest: UInt8 = 0
    guard try withUnsafeMutableBytes(of: &rest, { try file.read(into: $0) }) == 0 else {
      throw VersionFileError("\(path): bytes after the model's end")
    }
    bytes += total
    return header
  }
}
